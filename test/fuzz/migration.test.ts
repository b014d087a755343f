/** Random modules of fixed seeds, captured anywhere and restored anywhere: see migration.ts. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { migrateCase } from './migration.js';

const CASES = 24;

const folder = mkdtempSync(join(tmpdir(), 'wag-snap-migration-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('random modules go on from any safepoint', { timeout: 240_000 }, async () => {
  for (let seed = 1; seed <= CASES; seed++) {
    const result = await migrateCase(seed, folder, {
      sizes: {
        functions: 4,
        body: seed % 2 ? 60 : 200,
        vectors: seed % 4 > 1,
        atomics: seed % 8 > 4,
        tailCalls: seed > 8,
        exceptions: seed > 8,
      },
      runs: 4,
      arches: ['x64'],
      deterministic: seed % 4 === 0,
      tryTables: seed % 4 > 1,
    });
    expect(result.failures).toEqual([]);
    expect(result.migrated).toBeGreaterThanOrEqual(4);
  }
});

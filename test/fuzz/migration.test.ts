/** Random modules of fixed seeds, captured anywhere and restored anywhere: see migration.ts. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { sized } from '../support/sampling.js';
import { migrateCase } from './migration.js';
import { memoryOf } from './other-memory.js';
import { runnable } from './safepoints.js';

/** In each direction. */
const CASES = sized(2, 24);

const folder = mkdtempSync(join(tmpdir(), 'wag-snap-migration-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const from of runnable) {
  for (const to of runnable) {
    test(`random modules continue from any safepoint, ${from} to ${to}`, async () => {
      const first = 1 + CASES * (runnable.indexOf(from) * 2 + runnable.indexOf(to));
      for (let seed = first; seed < first + CASES; seed++) {
        const result = await migrateCase(seed, folder, {
          sizes: {
            functions: 4,
            body: seed % 2 ? 60 : 200,
            vectors: seed % 4 > 1,
            atomics: seed % 8 > 4,
            tailCalls: seed % 3 > 0,
            exceptions: seed % 3 > 0,
            references: seed % 7 > 2,
            casts: seed % 7 > 4,
          },
          runs: 4,
          from: [from],
          to: [to],
          deterministic: seed % 4 === 0,
          tryTables: seed % 4 > 1,
          wideArithmetic: seed % 2 === 0,
          memory: memoryOf(seed),
        });
        expect(result.failures).toEqual([]);
        expect(result.migrated).toBeGreaterThanOrEqual(4);
      }
    });
  }
}

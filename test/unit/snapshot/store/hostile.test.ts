/**
 * Hostile stores: index, manifest, config and the files themselves with bytes changed, cut off and inserted. Each gives
 * an error that says what is wrong, or changes nothing that matters. 10,000 of them: see support/sampling.ts.
 */

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStore, openStore } from '../../../../src/api/store.js';
import { openSnapshot } from '../../../../src/api/stored-snapshot.js';
import { WagSnapError } from '../../../../src/base/errors.js';
import { random } from '../../../support/random.js';
import { seed, sized } from '../../../support/sampling.js';

const fixtures = join(import.meta.dirname, '../../../../fixtures/snapshots/v3/x64');
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-hostile-store-'));
const pristine = join(folder, 'pristine');
const victim = join(folder, 'victim');
beforeAll(async () => {
  const store = await createStore(pristine);
  await store.import(join(fixtures, 'generations-0.wsnap'), 'job');
  await store.import(join(fixtures, 'generations.wsnap'), 'job');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What somebody might want it to be. */
const WORDS = [
  'sha256:',
  '../../../../etc/passwd',
  '-1',
  '1e999',
  'null',
  '{"a":',
  '[]',
  '\\u0000',
  'job:1',
  '9'.repeat(40),
  '""',
  '__proto__',
];

function mutate(bytes: Buffer, next: () => number): Buffer {
  const at = Math.floor(next() * bytes.length);
  switch (Math.floor(next() * 5)) {
    case 0: {
      const changed = Buffer.from(bytes);
      changed[at] ^= 1 << Math.floor(next() * 8);
      return changed;
    }
    case 1:
      return bytes.subarray(0, at);
    case 2:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from(WORDS[Math.floor(next() * WORDS.length)]),
        bytes.subarray(at),
      ]);
    case 3: // a value of one place at another
      return Buffer.from(
        bytes.toString('latin1').replace(/"[^"]{1,80}"/, `"${WORDS[Math.floor(next() * WORDS.length)]}"`),
        'latin1',
      );
    default: {
      const to = Math.floor(next() * bytes.length);
      return Buffer.concat([
        bytes.subarray(0, at),
        bytes.subarray(Math.min(at, to), Math.max(at, to)),
        bytes.subarray(at),
      ]);
    }
  }
}

const attempt = async (what: () => unknown): Promise<string> => {
  try {
    await what();
    return 'done';
  } catch (error) {
    if (error instanceof WagSnapError && error.code !== 'bug') return error.code;
    throw error;
  }
};

test(`mutated stores, seed ${seed}`, { timeout: 3_600_000 }, async () => {
  const next = random(seed);
  const blobs = readdirSync(join(pristine, 'blobs', 'sha256'))
    .map((name) => join('blobs', 'sha256', name))
    .filter((name) => readFileSync(join(pristine, name)).length < 5000);
  const files = ['index.json', 'index.json', 'oci-layout', ...blobs];
  const refused = new Set<string>();
  for (let i = 0; i < sized(80, 10_000); i++) {
    rmSync(victim, { recursive: true, force: true });
    cpSync(pristine, victim, { recursive: true });
    const file = join(victim, files[Math.floor(next() * files.length)]);
    writeFileSync(file, mutate(readFileSync(file), next));
    const outcomes = [
      await attempt(async () => (await openStore(victim)).list()),
      await attempt(async () => {
        const { path, parents } = (await openStore(victim)).find('job:2');
        openSnapshot(path, { parents });
      }),
      await attempt(async () => (await openStore(victim)).verify()),
      await attempt(async () => (await openStore(victim)).prune()),
      await attempt(async () => (await openStore(victim)).import(join(fixtures, 'generations-0.wsnap'), 'job')),
    ];
    for (const outcome of outcomes) if (outcome !== 'done') refused.add(outcome);
  }
  expect(refused.has('store')).toBe(true);
});

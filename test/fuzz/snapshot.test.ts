/**
 * Forged snapshot files: reading any of 10,000 random mutations of intact ones ends as InputError or as a snapshot that is
 * consistent in itself and can be described. What then restores and runs is restore.test.ts's business.
 *
 * WAGSNAP_SEED repeats a run, WAGSNAP_ROUNDS makes it longer.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { InputError } from '../../src/errors.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { encodeHeader } from '../../src/snapshot/header.js';
import { describeSnapshot } from '../../src/snapshot/inspect.js';
import { random } from '../support/random.js';
import { temporaryFolder } from '../support/workload.js';
import { writeSample } from '../unit/snapshot/sample.js';
import { SnapshotMutator } from './snapshot-mutations.js';

const seed = Number(process.env['WAGSNAP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? 10_000);
const fixtures = resolve(import.meta.dirname, '../../fixtures/snapshots');
const folder = temporaryFolder();

test(`${rounds} mutated files (seed ${seed})`, { timeout: 1_200_000 }, async () => {
  const next = random(seed);
  const sample = join(folder, 'sample.wsnap');
  await writeSample(sample);
  const names = readdirSync(fixtures, { recursive: true, encoding: 'utf8' });
  const stored = names.filter((name) => name.endsWith('.wsnap'));
  const files = [sample, ...stored.map((name) => join(fixtures, name))];
  const mutators = files.map((path) => new SnapshotMutator(readFileSync(path), next));
  const path = join(folder, 'mutated.wsnap');
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    const file = mutators[round % mutators.length].mutate();
    writeFileSync(path, file);
    if (!isAccepted(path, () => keep(file, round))) refused++;
  }
  expect(refused).toBeGreaterThan(rounds / 4);
  expect(rounds - refused).toBeGreaterThan(rounds / 20);
});

function isAccepted(path: string, kept: () => string): boolean {
  try {
    const stored = readSnapshot(path);
    encodeHeader(stored.snapshot);
    describeSnapshot(stored);
    return true;
  } catch (error) {
    if (error instanceof InputError) return false;
    throw new Error(`seed ${seed}: ${kept()}: ${(error as Error).stack}`);
  }
}

function keep(file: Buffer, round: number): string {
  const path = `/tmp/wag-snap-fuzz-${seed}-${round}.wsnap`;
  writeFileSync(path, file);
  return path;
}

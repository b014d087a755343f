/**
 * Forged snapshot files: reading any of thousands of random mutations of intact ones ends as InputError, as LimitError
 * or as a snapshot that is consistent in itself and can be described. What then restores and runs is restore.test.ts's
 * business.
 *
 * WAGSNAP_SEED repeats a run, WAGSNAP_ROUNDS makes it longer.
 */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { describeSnapshot } from '../../bin/show/snapshot.js';
import { InputError, LimitError } from '../../src/base/errors.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { encodeHeader } from '../../src/snapshot/header.js';
import { decodePrologue, encodePrologue, PROLOGUE_SIZE } from '../../src/snapshot/prologue.js';
import { Frames } from '../../src/snapshot/snapshot.js';
import { ValType } from '../../src/wasm/module.js';
import { random } from '../support/random.js';
import { seed, sized } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';
import { writeSample } from '../unit/snapshot/sample.js';
import { SnapshotMutator } from './snapshot-mutations.js';

const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? sized(6000, 100_000));
const fixtures = resolve(import.meta.dirname, '../../fixtures/snapshots');
const folder = temporaryFolder();

test(`${rounds} mutated files (seed ${seed})`, { timeout: 7_200_000 }, async () => {
  const next = random(seed);
  const sample = join(folder, 'sample.wsnap');
  await writeSample(sample);
  const names = readdirSync(fixtures, { recursive: true, encoding: 'utf8' });
  const stored = names.filter((name) => name.endsWith('.wsnap') && !name.startsWith('v4/')); // packed files
  const files = [sample, withNewValues(sample), ...stored.map((name) => join(fixtures, name))];
  const mutators = files.map((path) => new SnapshotMutator(readFileSync(path), next));
  const path = join(folder, 'mutated.wsnap');
  let refused = 0;
  for (let round = 0; round < rounds; round++) {
    const file = mutators[round % mutators.length].mutate();
    writeFileSync(path, file);
    if (!isAccepted(path, () => keep(file, round))) refused++;
    await setImmediate(); // lets the runner hear of this process
  }
  expect(refused).toBeGreaterThan(rounds / 4);
  expect(rounds - refused).toBeGreaterThan(rounds / 20);
});

/** The sample with v128 values, exceptions and references to them wherever values can be. */
function withNewValues(sample: string): string {
  const { snapshot } = readSnapshot(sample);
  const [V128, ExnRef, FuncRef, I32] = [ValType.V128, ValType.ExnRef, ValType.FuncRef, ValType.I32];
  const [instance, ...others] = snapshot.instances;
  const globals = [
    ...instance.globals,
    { type: V128, lo: 1, hi: 2, upper: { lo: 3, hi: 4 } },
    { type: ExnRef, lo: 2, hi: 0 },
  ];
  const tables = [...instance.tables, { type: ExnRef, elements: Uint32Array.of(0, 0, 2, 0, 1, 0), max: 9 }];
  const exceptions = [
    { instance: 0, tag: 0, types: Uint8Array.of(I32, V128), words: Uint32Array.of(7, 0, 1, 2, 3, 4) },
    { instance: 0, tag: 1, types: Uint8Array.of(ExnRef, FuncRef), words: Uint32Array.of(1, 0, 3, 1) },
    { instance: 0, tag: 2, types: new Uint8Array(0), words: new Uint32Array(0) },
  ];
  const [inner, , bottom] = snapshot.frames.sites;
  const sites = [
    { ...inner, locals: Uint8Array.of(V128, I32, V128), operands: Uint8Array.of(ExnRef) },
    { ...bottom, operands: Uint8Array.of(ExnRef, V128) },
  ];
  const words = Uint32Array.of(1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 3, 0, 1, 0, 0, 1, 2, 3);
  const frames = new Frames(sites, Uint32Array.of(0, 1), words);
  const header = encodeHeader({
    ...snapshot,
    instances: [{ ...instance, globals, tables }, ...others],
    exceptions,
    frames,
  });
  const file = readFileSync(sample);
  const { headerOffset } = decodePrologue(file.subarray(0, PROLOGUE_SIZE), file.length, sample);
  const path = join(folder, 'new-values.wsnap');
  const body = file.subarray(PROLOGUE_SIZE, headerOffset);
  writeFileSync(path, Buffer.concat([encodePrologue(headerOffset, header), body, header]));
  return path;
}

function isAccepted(path: string, kept: () => string): boolean {
  try {
    const stored = readSnapshot(path);
    encodeHeader(stored.snapshot);
    describeSnapshot(stored);
    return true;
  } catch (error) {
    if (error instanceof InputError || error instanceof LimitError) return false;
    throw new Error(`seed ${seed}: ${kept()}: ${(error as Error).stack}`);
  }
}

function keep(file: Buffer, round: number): string {
  const path = `/tmp/wag-snap-fuzz-${seed}-${round}.wsnap`;
  writeFileSync(path, file);
  return path;
}

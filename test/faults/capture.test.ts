/** A fault at each step of a capture; see capture-sweep.ts. All of them: see support/sampling.ts. */

import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { random } from '../support/random.js';
import { exhaustive, ownPart, sample, seed } from '../support/sampling.js';
import { build, temporaryFolder } from '../support/workload.js';
import { CaptureSweep } from './capture-sweep.js';
import { Calls, faultsFor } from './command.js';
import { KillSweep } from './kill-sweep.js';
import { BLOCKED, BUSY } from './programs.js';
import { Tally } from './tally.js';

const folder = temporaryFolder();
const tally = new Tally('capture').printAtEnd();
const next = random(seed);
/** Labels that a capture has which lets its process continue. */
const seen = new Set<string>();
/** What says whose file continues, and the command. */
const TOLD = Array.from({ length: 3 }, () => 'writeSync mem');

beforeAll(async () => {
  await build(Buffer.from(BLOCKED), join(folder, 'blocked'));
  await build(Buffer.from(BUSY), join(folder, 'busy'));
});

test(`every step, seed ${seed}`, { timeout: 7_200_000 }, async () => {
  const sweeps = [
    await CaptureSweep.start(folder, join(folder, 'blocked')),
    await CaptureSweep.start(folder, join(folder, 'busy')),
  ];
  const counts = await sweeps[0].trace();
  for (const label of counts.keys()) seen.add(label);
  await sweeps[1].trace();
  const own = ownPart(faultsFor(counts, next));
  const queue = own.values();
  await Promise.all(
    sweeps.map(async (sweep) => {
      for (const fault of queue) await sweep.inject(fault, tally);
      expect(await sweep.finish()).toBeUndefined();
    }),
  );
  expect(tally.failures).toEqual([]);
  expect(tally.injected).toBeGreaterThan(own.length / 2);
});

test(`every step of one that ends the process, seed ${seed}`, { timeout: 7_200_000 }, async () => {
  const sweeps = ['blocked', 'busy'].map((name) => new KillSweep(folder, join(folder, name)));
  const calls = await sweeps[0].calls();
  const labels = calls.map(({ label }) => label);
  expect(endingOf(labels)).toEqual(['fsync out', 'renameSync out', 'fsyncSync out', ...TOLD]);
  await sweeps[1].calls();
  const counts = Calls.of(calls);
  // of the steps that the other kind of capture has too, some: what differs is where the file is, and the end
  const faults = faultsFor(counts, next).filter(({ label }) => !seen.has(label) || / \/out/.test(label) || exhaustive);
  const others = faultsFor(counts, next).filter((fault) => !faults.some(({ label }) => label === fault.label));
  const some = sample(others, 10, ({ label }) => label.split(' ')[0], next);
  const own = ownPart([...faults, ...some]);
  const queue = own.values();
  const before = tally.injected;
  await Promise.all(
    sweeps.map(async (sweep) => {
      for (const fault of queue) await sweep.inject(fault, tally);
      await sweep.calls(); // which removes what those that were killed have left
      sweep.remove();
    }),
  );
  expect(tally.failures).toEqual([]);
  expect(tally.injected - before).toBeGreaterThan(own.length / 2);
});

/** Calls from the first that makes the file durable to the process's end: it is told to end after all of them. */
function endingOf(labels: readonly string[]): string[] {
  const short = labels.map((label) => label.replace(/ .*\/(out|mem)(\/.*)?$/, ' $1'));
  return short.slice(short.indexOf('fsync out')).filter((label) => /^(fsync|rename|write)/.test(label));
}

/**
 * A fault at each step of what writes differences and of what reads chains: the program runs on, an earlier file is
 * whole or the new one complete. Of the steps that other captures have too, some. All of them: see support/sampling.ts.
 */

import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { verify } from '../../src/api/verify.js';
import { nativeArch } from '../support/native-arch.js';
import { random } from '../support/random.js';
import { exhaustive, ownPart, sample, seed } from '../support/sampling.js';
import { build, temporaryFolder } from '../support/workload.js';
import { CaptureSweep, wrongCommand } from './capture-sweep.js';
import { command, describeFault, type Fault, faultsFor, trace } from './command.js';
import { BLOCKED } from './programs.js';
import { Tally } from './tally.js';

const folder = temporaryFolder();
const tally = new Tally('chain').printAtEnd();
const next = random(seed);
const fixtures = join(import.meta.dirname, '../../fixtures/snapshots/v3', nativeArch);

beforeAll(async () => {
  await build(Buffer.from(BLOCKED), join(folder, 'blocked'));
});

/** All that concern the parent's files, and some others. */
function chosen(counts: ReadonlyMap<string, number>, isOwn: RegExp, others: number): readonly Fault[] {
  const all = faultsFor(counts, next);
  if (exhaustive) return ownPart(all);
  const own = all.filter(({ label }) => isOwn.test(label));
  const rest = all.filter(({ label }) => !isOwn.test(label));
  return [...own, ...sample(rest, others, ({ label }) => label.split(' ')[0], next)];
}

test(`every step of a capture of what differs, seed ${seed}`, { timeout: 7_200_000 }, async () => {
  const sweep = await CaptureSweep.ofDifferences(folder, join(folder, 'blocked'));
  const counts = await sweep.trace();
  expect([...counts.keys()].some((label) => /first\.wsnap/.test(label))).toBe(true);
  const faults = chosen(counts, /first\.wsnap|\/out\//, 10);
  for (const fault of faults) await sweep.inject(fault, tally);
  const { output } = sweep;
  const { tracking } = JSON.parse((await sweep.capture()).stdout);
  if (process.env['WAGSNAP_TRACKING'] !== 'none') expect(tracking.since).toBeGreaterThan(0); // the parent is remembered
  const files = await verify(output, { search: [sweep.folder] });
  expect(files.map(({ path }) => path)).toEqual([output, join(sweep.folder, 'first.wsnap')]);
  expect(await sweep.finish()).toBeUndefined();
  expect(tally.failures).toEqual([]);
  expect(tally.injected).toBeGreaterThan(faults.length / 2);
});

test(`every step of compact, seed ${seed}`, { timeout: 7_200_000 }, async () => {
  const own = join(folder, 'compact');
  mkdirSync(join(own, 'out'), { recursive: true });
  for (const name of ['generations', 'generations-0', 'generations-1']) {
    copyFileSync(join(fixtures, `${name}.wsnap`), join(own, `${name}.wsnap`));
  }
  const output = join(own, 'out', 'one.wsnap');
  const args = ['compact', join(own, 'generations.wsnap'), '-o', output];
  const counts = await trace(args, { folder: own });
  const whole = readFileSync(output);
  const before = tally.injected;
  const faults = chosen(counts, /./, 0);
  for (const fault of faults) {
    writeFileSync(output, 'earlier');
    const outcome = await command(args, { folder: own, fault });
    if (!outcome.reached) continue;
    const after = readFileSync(output);
    const isWhole = after.equals(whole) ? outcome.code === 0 || outcome.signal !== null : outcome.code !== 0;
    const left = fault.act === 'SIGKILL' ? [] : readdirSync(join(own, 'out')).filter((name) => /^\.one/.test(name));
    const wrong =
      wrongCommand(outcome, fault) ??
      (isWhole || /is complete/.test(outcome.stderr) ? undefined : `code ${outcome.code} and ${after.length} bytes`) ??
      (after.equals(whole) || after.toString() === 'earlier' ? undefined : 'the output is neither') ??
      (left.length === 0 ? undefined : `left: ${left}`);
    tally.add(`compact, ${describeFault(fault)}`, wrong);
    await command(args, { folder: own }); // removes what a killed one has left
  }
  expect(tally.failures).toEqual([]);
  expect(tally.injected - before).toBeGreaterThan(faults.length / 2);
});

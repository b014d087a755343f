/**
 * A chain of 20 captures, each a difference to the one before. The program that continues from the last one prints what
 * an unbroken run prints: on both CPUs, mapped from all files of the chain and copied into one.
 */

import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { targets } from '../../src/arch/targets.js';
import { locateAncestors } from '../../src/snapshot/chain.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import type { StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { capturePid } from '../support/capture.js';
import { seed } from '../support/sampling.js';
import { build, canRun, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';
import { captureAtEverySite } from './every-site.js';
import { smallPrograms } from './small-programs.js';

const GENERATIONS = 20;
const folder = temporaryFolder();
const program = join(import.meta.dirname, 'generations.wat');
const arches = (Object.keys(targets) as ArchName[]).filter(canRun);
const open = (path: string): Promise<StoredSnapshot> => locateAncestors(readSnapshot(path));

/** Lets a program that waits go on for some rounds; resolves before they are over. */
async function goOn(workload: Workload, rounds: number): Promise<void> {
  const lines = () => workload.stdout.split('\n').length;
  const before = lines();
  workload.stdin.write('.'.repeat(rounds));
  await workload.waitUntil(() => lines() > before, 'another line');
}

/** Captures a chain, ending the program with its last one. @returns what was printed until then */
async function captureChain(image: string, own: string): Promise<{ printed: string; last: string }> {
  const workload = Workload.start(image, { stdin: 'pipe' });
  await workload.waitFor('\n');
  let parent: StoredSnapshot | undefined;
  for (let n = 0; n < GENERATIONS; n++) {
    await goOn(workload, 3);
    const output = join(own, `${n}.wsnap`);
    const kill = n === GENERATIONS - 1;
    await capturePid(workload.pid, { output, kill, timeout: 60_000, ...(parent === undefined ? {} : { parent }) });
    parent = await open(output);
  }
  return { printed: (await workload.ended()).stdout, last: join(own, `${GENERATIONS - 1}.wsnap`) };
}

for (const from of arches) {
  test(`captured on ${from}`, { timeout: 300_000 }, async () => {
    const own = join(folder, from);
    mkdirSync(own);
    const source = await build(program, join(own, 'image'), { arch: from });
    const whole = (await Workload.start(source.path).ended()).stdout;
    const { printed, last } = await captureChain(source.path, own);
    expect(whole.startsWith(printed)).toBe(true);
    const stored = await open(last);
    expect(stored.ancestors?.length).toBeGreaterThan(3);
    for (const to of arches) {
      const target = from === to ? source : await build(program, join(own, `image-${to}`), { arch: to });
      for (const selfContained of [false, true]) {
        const workload = await restoreAndStart(stored, target, join(own, 'rest'), { selfContained });
        const { stdout, stderr, code } = await workload.ended();
        expect({ stdout: printed + stdout, stderr, code }, `${to}, ${selfContained}`).toEqual({
          stdout: whole,
          stderr: '',
          code: 0,
        });
      }
    }
  });
}

test('what is restored from a chain is captured, complete and as a difference to it', {
  timeout: 120_000,
}, async () => {
  const own = join(folder, 'again');
  mkdirSync(own);
  const built = await build(program, join(own, 'image'));
  const whole = (await Workload.start(built.path).ended()).stdout;
  const first = Workload.start(built.path, { stdin: 'pipe' });
  await goOn(first, 5);
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => join(own, `${name}.wsnap`));
  await capturePid(first.pid, { output: a });
  await goOn(first, 5);
  await capturePid(first.pid, { output: b, parent: await open(a), kill: true });
  const second = await restoreAndStart(await open(b), built, join(own, 'second'), { stdin: 'pipe' });
  await goOn(second, 5);
  await capturePid(second.pid, { output: c, parent: await open(b) });
  await capturePid(second.pid, { output: d, kill: true });
  const printed = (await first.ended()).stdout + (await second.ended()).stdout;
  expect((await open(c)).snapshot.parent).toBe((await open(b)).digest);
  expect((await open(c)).ancestors?.map(({ path }) => path)).toContain(a);
  expect((await open(d)).ancestors).toBeUndefined();
  const third = await restoreAndStart(await open(d), built, join(own, 'third'));
  expect(printed + (await third.ended()).stdout).toBe(whole);
  const fromChain = await restoreAndStart(await open(c), built, join(own, 'third'));
  const rest = (await fromChain.ended()).stdout;
  expect(whole.endsWith(rest)).toBe(true);
  expect(rest.length).toBeGreaterThanOrEqual(whole.length - printed.length);
});

test('a file that is replaced between two steps of a restore is noticed', { timeout: 60_000 }, async () => {
  const own = join(folder, 'replaced');
  mkdirSync(own);
  const built = await build(program, join(own, 'image'));
  const workload = Workload.start(built.path, { stdin: 'pipe' });
  await goOn(workload, 5);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(own, `${name}.wsnap`));
  await capturePid(workload.pid, { output: a });
  await capturePid(workload.pid, { output: b, parent: await open(a) });
  await capturePid(workload.pid, { output: c, kill: true });
  await workload.ended();
  const stored = await open(b);
  const restored = await restoreAndStart(stored, built, join(own, 'rest'), {
    beforeStart: () => renameSync(c, a),
  });
  expect(await restored.ended()).toEqual({
    stdout: '',
    stderr: `wag-snap: ${a}: was replaced while it was being restored: try again\n`,
    code: 3,
  });
});

for (const { name, args, source, linked } of smallPrograms) {
  test(`${name} continues from its sites in chains, seed ${seed}`, { timeout: 300_000 }, async () => {
    const own = join(folder, `sites-${name}`);
    mkdirSync(own);
    const built = await build(source, join(own, 'image'), { linked });
    const options = { args, dirs: [{ host: own, guest: '.', readOnly: false }] };
    const { failures, reached } = await captureAtEverySite(built, own, options, { reached: 12, seed, chained: true });
    expect(failures).toEqual([]);
    expect(reached.length).toBeGreaterThan(0);
  });
}

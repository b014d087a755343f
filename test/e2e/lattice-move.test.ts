/**
 * Moves between nodes while the program runs: it continues where it was, its output is whole, and whatever happens to the
 * nodes on the way, it never runs twice.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice, type TestNode } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);
const nodes = new Map<string, TestNode>();
const data = join(folder, 'data');
const granted = [...PATIENT, '--dir', `data=${data}`];

const wagSnap = (...args: string[]) =>
  command(cli, args, { env: { ...process.env, WAGSNAP_NATS: world.url, XDG_CACHE_HOME: join(folder, 'cache') } });

/** The numbers of the lines that a job has printed, and by which holders, in the order of the log. */
async function printed(job: string): Promise<{ numbers: number[]; fences: number[] }> {
  let text = '';
  const fences: number[] = [];
  for await (const { fence, stream, data } of world.lattice.logs(job)) {
    expect(stream).toBe('stdout');
    text += Buffer.from(data).toString('latin1');
    if (fences.at(-1) !== fence) fences.push(fence);
  }
  return { numbers: Array.from(text.matchAll(/line (\d{8})\n/g), ([, number]) => Number(number)), fences };
}

/** Each line once, from the first on, and no holder after its successor. */
async function expectWhole(job: string): Promise<void> {
  const { numbers, fences } = await printed(job);
  expect(numbers).toEqual(numbers.map((_, i) => i));
  expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
}

/** Waits until a job runs at a node, and has printed something there. */
async function runsOn(job: string, node: string): Promise<void> {
  await world.until(async (lattice) => {
    const { node: at, fence, state } = await lattice.job(job);
    return at === node && state === 'running' && (await printed(job)).fences.at(-1) === fence;
  });
}

const movesOf = async (job: string) =>
  (await world.lattice.job(job)).history
    .filter(({ what }) => what === 'moved')
    .map(({ node, note }) => ({ node, note }));

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('a move between nodes', () => {
  beforeAll(async () => {
    mkdirSync(data);
    await world.start();
    for (const name of ['a', 'b']) nodes.set(name, await world.node(name, granted));
    nodes.set('c', await world.node('c', ['--moves', 'none', ...granted]));
    await wagSnap('cordon', 'b');
    await wagSnap('cordon', 'c');
  });
  afterAll(() => world.close());

  test('a job without a snapshot continues where it was', async () => {
    await wagSnap('submit', counter, '--name', 'live');
    await runsOn('live', 'a');
    for (const to of ['b', 'a', 'b', 'a']) {
      await wagSnap('move', 'live', to);
      await runsOn('live', to);
    }
    await expectWhole('live');
    expect(await movesOf('live')).toEqual(['b', 'a', 'b', 'a'].map((node) => ({ node, note: 'while it ran' })));
    expect((await world.lattice.job('live')).snapshot).toBeNull();
    const given = nodes.get('a')!.events.filter(({ event }) => event === 'given-away');
    console.log(`stood still: ${given.map(({ milliseconds }) => milliseconds).join(', ')} ms`);
  });

  test('a job with a directory has it there, by its name, and ends there', async () => {
    const untilStop = join(import.meta.dirname, 'counter.wat');
    await wagSnap('submit', untilStop, '--name', 'files', '--dir', 'data::/d', '--arch', process.arch);
    await runsOn('files', 'a');
    await wagSnap('move', 'files', 'b');
    await runsOn('files', 'b');
    writeFileSync(join(data, 'stop'), '');
    await world.until(async (lattice) => (await lattice.job('files')).state === 'done');
    await expectWhole('files');
    expect((await wagSnap('logs', 'files')).stdout).toMatch(/\nend\n$/);
    expect(await movesOf('files')).toEqual([{ node: 'b', note: 'while it ran' }]);
  });

  test('a drain takes it along', async () => {
    await wagSnap('cordon', 'b', '--off');
    await wagSnap('drain', 'a');
    await runsOn('live', 'b');
    await expectWhole('live');
    expect((await movesOf('live')).at(-1)).toEqual({ node: 'b', note: 'while it ran' });
    await wagSnap('cordon', 'a', '--off');
  });

  test('a machine that is reclaimed gives its jobs away by a signal', async () => {
    const node = await world.node('spot', [...PATIENT, '--drain-on', 'SIGTERM']);
    await wagSnap('move', 'live', 'spot');
    await runsOn('live', 'spot');
    const { fence } = await world.lattice.job('live');
    node.child.kill('SIGTERM');
    expect(await node.exited).toBe(0);
    await world.until(async () => ((await printed('live')).fences.at(-1) ?? 0) > fence);
    await expectWhole('live');
    expect((await movesOf('live')).at(-1)?.note).toBe('while it ran');
    expect((await world.lattice.nodes()).find(({ name }) => name === 'spot')?.state).toBe('gone');
  });

  test('a node that takes none directly gets a snapshot, and the history says why', async () => {
    await wagSnap('move', 'live', 'c');
    await runsOn('live', 'c');
    await expectWhole('live');
    expect((await movesOf('live')).at(-1)).toEqual({
      ...{ node: 'c', note: 'by a snapshot: c takes none directly (--moves)' },
    });
    await wagSnap('move', 'live', 'a');
    await runsOn('live', 'a');
    expect((await movesOf('live')).at(-1)).toEqual({
      ...{ node: 'a', note: 'by a snapshot: this node sends none directly (--moves)' },
    });
    await expectWhole('live');
  });

  test('a node that does not answer: the job goes on here, or elsewhere', async () => {
    const silent = await world.node('silent');
    silent.child.kill('SIGSTOP');
    await wagSnap('move', 'live', 'silent'); // refused, if it has gone by now
    await world.fenced('silent');
    silent.child.kill('SIGCONT');
    await world.until(async (lattice) => {
      const { to, state } = await lattice.job('live');
      return to === null && state === 'running';
    });
    const { numbers } = await printed('live');
    await world.until(async () => (await printed('live')).numbers.length > numbers.length + 5);
    await expectWhole('live');
  });

  test('a node that is killed while it gives one away, or takes one', async () => {
    await wagSnap('stop', 'live');
    const pair = ['--label', 'pair=yes'];
    for (const name of ['e', 'f']) nodes.set(name, await world.node(name, pair));
    await wagSnap('submit', counter, '--name', 'killed', '--snapshot-every', '200ms', ...pair);
    for (const victim of ['e', 'f']) {
      const { node } = await world.until(async (lattice) => {
        const job = await lattice.job('killed');
        return job.state === 'running' && job.snapshot !== null && job;
      });
      await wagSnap('move', 'killed', node === 'e' ? 'f' : 'e');
      const { child, exited } = nodes.get(victim)!;
      child.kill('SIGKILL');
      await exited;
      const { fence } = await world.lattice.job('killed');
      nodes.set(victim, await world.node(victim, pair));
      await world.until(async (lattice) => {
        const job = await lattice.job('killed');
        const { fences } = await printed('killed');
        return job.state === 'running' && fences.at(-1)! >= fence && job.fence === fences.at(-1);
      });
    }
    const { numbers, fences } = await printed('killed');
    expect(fences).toEqual([...new Set(fences)].sort((a, b) => a - b));
    const known = new Set(numbers);
    expect(known.size).toBe(Math.max(...numbers) + 1); // some lines twice, none left out
  });
});

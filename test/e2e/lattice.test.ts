/**
 * The lattice with real processes: a counter goes on, whatever happens to its nodes and to the NATS server, and never two
 * of it at once.
 */

import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, TestLattice, type TestNode } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);
const nodes = new Map<string, TestNode>();

const wagSnap = (...args: string[]) =>
  command(cli, args, { env: { ...process.env, WAGSNAP_NATS: world.url, XDG_CACHE_HOME: join(folder, 'cache') } });

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

/** What `counter` has printed: the numbers of its lines, by fence, in the order of the log. */
async function printed(): Promise<{ fence: number; numbers: number[] }[]> {
  const runs: { fence: number; text: string }[] = [];
  for await (const { fence, data } of world.lattice.logs('counter')) {
    const text = Buffer.from(data).toString('latin1');
    if (runs.at(-1)?.fence === fence) runs.at(-1)!.text += text;
    else runs.push({ fence, text });
  }
  return runs.map(({ fence, text }) => ({
    fence,
    numbers: Array.from(text.matchAll(/line (\d{8})\n/g), ([, number]) => Number(number)),
  }));
}

/** Waits until another holder of the job runs it. @returns who it is */
async function goesOn(after: number): Promise<{ node: string; fence: number }> {
  const { node, fence } = await world.running('counter', after);
  return { node, fence };
}

describe.skipIf(!hasNats)('a lattice', () => {
  beforeAll(async () => {
    await world.start();
  });
  afterAll(() => world.close());

  test('a job goes on from its last snapshot, wherever its node ends', async () => {
    const { relay, url } = await world.relay();
    nodes.set('a', await world.node('a', ['--label', 'zone=east'], url));
    const { stdout } = await wagSnap('submit', counter, '--name', 'counter', '--snapshot-every', '300ms');
    expect(stdout).toBe('counter\n');
    let { node, fence } = await goesOn(0);
    expect(node).toBe('a');
    await nodes.get('a')!.until('captured');
    nodes.set('b', await world.node('b'));

    // the node is cut off: its program is parked, and ended when it comes back
    relay.cut();
    ({ node, fence } = await goesOn(fence));
    expect(node).toBe('b');
    const before = nodes.get('a')!.events.length;
    relay.mend();
    await nodes.get('a')!.until('joined', before);
    await nodes.get('b')!.until('captured');

    // the node stands still
    const seen = nodes.get('b')!.events.length;
    nodes.get('b')!.child.kill('SIGSTOP');
    ({ node, fence } = await goesOn(fence));
    expect(node).toBe('a');
    nodes.get('b')!.child.kill('SIGCONT');
    await nodes.get('b')!.until('joined', seen);
    expect(
      nodes
        .get('b')!
        .events.slice(seen)
        .map(({ event }) => event),
    ).toContain('lost');

    // the NATS server is killed, and starts again
    await nodes.get('a')!.until('captured', nodes.get('a')!.events.length);
    await world.stopServer('SIGKILL');
    await world.startServer();
    const lines = (await world.until(async () => (await printed()).at(-1)))!.numbers.at(-1)!;
    await world.until(async () => (await printed()).at(-1)!.numbers.at(-1)! > lines + 5);

    // the node is killed
    ({ node, fence } = await world.until((lattice) =>
      lattice.job('counter').then((job) => job as { node: string; fence: number }),
    ));
    const start = performance.now();
    const victim = nodes.get(node!)!;
    victim.child.kill('SIGKILL');
    await victim.exited;
    const next = await goesOn(fence);
    expect(next.node).not.toBe(node);
    console.log(
      `from a node's kill to the job's next line: ${Math.round(performance.now() - start)} ms, lease 1,000 ms`,
    );
    nodes.set(node!, await world.node(node!));
  });

  test('moves, drains and stops', async () => {
    let { node, fence } = (await world.lattice.job('counter')) as { node: string; fence: number };
    const other = node === 'a' ? 'b' : 'a';
    expect((await wagSnap('move', 'counter', other)).stdout).toBe(`counter shall move to ${other}\n`);
    ({ node, fence } = await goesOn(fence));
    expect(node).toBe(other);
    await wagSnap('drain', other);
    ({ node, fence } = await goesOn(fence));
    expect(node).not.toBe(other);
    expect((await wagSnap('nodes')).stdout).toMatch(new RegExp(`^${other} +draining`, 'm'));
    await wagSnap('cordon', other, '--off');
    const runs = await printed();
    expect((await wagSnap('stop', 'counter')).stdout).toBe('counter\n');
    await world.until(async (lattice) => (await lattice.job('counter')).state === 'stopped');
    const history = JSON.parse((await wagSnap('history', 'counter', '--json')).stdout) as { what: string }[];
    expect(history.map(({ what }) => what)).toEqual(expect.arrayContaining(['submitted', 'taken', 'moved', 'stopped']));
    expect(runs.length).toBeGreaterThan(5);
  });

  test('never two at once: who has lost the job prints nothing any more, and nothing is left out', async () => {
    const runs = await printed();
    const fences = runs.map(({ fence }) => fence);
    expect(fences).toEqual([...fences].sort((a, b) => a - b));
    expect(new Set(fences).size).toBe(fences.length);
    let end = -1;
    for (const { numbers } of runs) {
      expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
      expect(numbers[0]!).toBeLessThanOrEqual(end + 1);
      end = numbers.at(-1)!;
    }
    const { stdout } = await wagSnap('logs', 'counter');
    expect(stdout.split('\n').length - 1).toBe(runs.reduce((sum, { numbers }) => sum + numbers.length, 0));
  });

  test('a job that no node can run says why, node by node', async () => {
    await wagSnap('submit', counter, '--name', 'picky', '--label', 'zone=west', '--memory', '900G');
    const { stdout, stderr } = await wagSnap('jobs');
    expect(stdout).toMatch(/^picky +waiting +- +0 +- +no node can run it$/m);
    expect(stderr).toMatch(/^picky: a: it has no label zone=west$/m);
    expect(stderr).toMatch(/^picky: b: it has \d+ bytes of memory left, 966367641600 are needed$/m);
    expect((await wagSnap('move', 'picky', 'a')).status).toBe(3);
    await wagSnap('stop', 'picky');
    await world.until(async (lattice) => (await lattice.job('picky')).state === 'stopped');
  });

  test('a job that fails says how', async () => {
    await wagSnap('submit', resolve('fixtures/programs/nothing-of-this-name.wasm')).then(({ status, stderr }) => {
      expect(status, stderr).toBe(3);
    });
    await wagSnap('submit', '-', '--name', 'broken').then(({ status }) => expect(status).toBe(3));
    expect((await wagSnap('logs', 'nobody')).stderr).toBe(
      'wag-snap: there is no job "nobody": wag-snap jobs lists those that there are\n',
    );
  });

  test('tls:// never speaks without TLS', async () => {
    const { status, stderr } = await wagSnap('jobs', '--nats', world.url.replace('nats://', 'tls://'));
    expect(status).toBe(1);
    expect(stderr).toContain('that NATS server has no TLS');
  });

  test('a node that leaves gives back what it has', async () => {
    const node = nodes.get('b')!;
    node.child.kill('SIGTERM');
    expect(await node.exited).toBe(0);
    expect((await world.lattice.nodes()).find(({ name }) => name === 'b')?.state).toBe('gone');
  });
});

test('a node without a NATS server says what to do', async () => {
  const { WAGSNAP_NATS: _, ...env } = process.env;
  const none = await command(cli, ['node'], { env });
  expect(none.status).toBe(2);
  expect(none.stderr).toContain('nats-server --jetstream --store_dir');
  const wrong = await command(cli, ['jobs', '--nats', 'nats://127.0.0.1:1'], { env });
  expect(wrong.status).toBe(1);
  expect(wrong.stderr).toContain('no NATS server answers there');
});

/**
 * The lattice with real processes: a counter goes on, whatever happens to its nodes and to the NATS server, and never two
 * of it at once.
 */

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

/** Waits for another snapshot. */
async function captured(): Promise<void> {
  const { snapshot } = await world.until((lattice) => lattice.job('counter'));
  await world.until(async (lattice) => (await lattice.job('counter')).snapshot !== snapshot);
}

/** How many events a node had told when its present life began. */
const lifeOf = (node: string) => nodes.get(node)!.events.findLastIndex(({ event }) => event === 'joined') + 1;

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
    let fence = await world.runningAt('a', 'counter', 0);
    await nodes.get('a')!.until('captured');
    nodes.set('b', await world.node('b'));

    // the node is cut off: its program is parked, and ended when it comes back
    const cutOff = lifeOf('a');
    relay.cut();
    fence = await world.runningAt('b', 'counter', fence);
    await world.fenced('a');
    relay.mend();
    await nodes.get('a')!.until('joined', cutOff);
    await captured();

    // the node stands still
    const still = lifeOf('b');
    nodes.get('b')!.child.kill('SIGSTOP');
    fence = await world.runningAt('a', 'counter', fence);
    await world.fenced('b');
    nodes.get('b')!.child.kill('SIGCONT');
    await nodes.get('b')!.until('joined', still);
    await nodes.get('b')!.until('lost', still);

    // the NATS server is killed, and starts again
    await captured();
    await world.stopServer('SIGKILL');
    await world.startServer();
    const lines = (await world.until(async () => (await printed()).at(-1)))!.numbers.at(-1)!;
    await world.until(async () => (await printed()).at(-1)!.numbers.at(-1)! > lines + 5);

    // the node is killed
    const { node, fence: last } = await world.until(async (lattice) => {
      const job = await lattice.job('counter');
      return job.node !== null && { node: job.node, fence: job.fence };
    });
    const start = performance.now();
    const victim = nodes.get(node)!;
    victim.child.kill('SIGKILL');
    await victim.exited;
    await world.running('counter', last);
    console.log(
      `from a node's kill to the job's next line: ${Math.round(performance.now() - start)} ms, lease 1,000 ms`,
    );
    nodes.set(node, await world.node(node));
  });

  test('moves, drains and stops', async () => {
    for (const name of ['c', 'd']) nodes.set(name, await world.node(name, PATIENT));
    let fence = 0;
    await world.until(async (lattice) => {
      const job = await lattice.job('counter');
      fence = job.fence;
      if (job.node !== 'c' && job.to !== 'c') await lattice.move('counter', 'c');
      return job.node === 'c' && job.state === 'running';
    });
    await world.runningAt('c', 'counter', fence - 1);
    expect((await wagSnap('move', 'counter', 'd')).stdout).toBe('counter shall move to d\n');
    fence = await world.runningAt('d', 'counter', fence);
    await Promise.all(['a', 'b'].map((name) => world.lattice.cordon(name)));
    await wagSnap('drain', 'd');
    await world.runningAt('c', 'counter', fence);
    expect((await wagSnap('nodes')).stdout).toMatch(/^d +draining/m);
    await wagSnap('cordon', 'd', '--off');
    expect((await wagSnap('stop', 'counter')).stdout).toBe('counter\n');
    await world.until(async (lattice) => (await lattice.job('counter')).state === 'stopped');
    const history = JSON.parse((await wagSnap('history', 'counter', '--json')).stdout) as { what: string }[];
    expect(history.map(({ what }) => what)).toEqual(expect.arrayContaining(['submitted', 'taken', 'moved', 'stopped']));
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
    expect(stderr).toMatch(/^picky: c: it has no label zone=west$/m);
    expect(stderr).toMatch(/^picky: d: it has [\d.]+ [GMT]iB of memory left, 900 GiB are needed$/m);
    expect((await wagSnap('move', 'picky', 'c')).status).toBe(3);
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
    const node = nodes.get('d')!;
    node.child.kill('SIGTERM');
    expect(await node.exited).toBe(0);
    expect((await world.lattice.nodes()).find(({ name }) => name === 'd')?.state).toBe('gone');
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

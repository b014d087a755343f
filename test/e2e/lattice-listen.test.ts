/** Jobs that accept connections: at an address of their node, which is theirs alone, wherever they are. */

import { connect } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { freePort } from '../support/free-port.js';
import { hasNats, NO_NATS, PATIENT, TestLattice } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const server = join(import.meta.dirname, 'lattice-server.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);
const ports = new Map<string, number>();

const wagSnap = (...args: string[]) =>
  command(cli, args, { env: { ...process.env, WAGSNAP_NATS: world.url, XDG_CACHE_HOME: join(folder, 'cache') } });

/** What somebody who connects is told; undefined: nobody answers, or not with all of it. */
function ask(port: number): Promise<number | undefined> {
  return new Promise((done) => {
    let said = '';
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    socket.on('data', (text) => (said += text));
    socket.on('error', () => {});
    socket.on('close', () => {
      const [, number] = /^line (\d{8})\n$/.exec(said) ?? [];
      done(number === undefined ? undefined : Number(number));
    });
  });
}

/** Waits until somebody answers at a node's address. */
async function answer(node: string): Promise<number> {
  for (;;) {
    const said = await ask(ports.get(node)!);
    if (said !== undefined) return said;
    await sleep(20);
  }
}

async function node(name: string, args: readonly string[]) {
  ports.set(name, await freePort());
  return world.node(name, ['--listen', `web=127.0.0.1:${ports.get(name)}`, ...args]);
}

/** Waits until a job runs. @returns the name of its node */
const runs = (job: string) =>
  world.until(async (lattice) => {
    const { state, node } = await lattice.job(job);
    return state === 'running' && node !== null && node;
  });

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('jobs that accept connections', () => {
  beforeAll(async () => {
    await world.start();
    for (const name of ['a', 'b']) await node(name, PATIENT);
    await world.node('c', PATIENT);
  });
  afterAll(() => world.close());

  test('each has an address of its node for itself; who gets none says why, node by node', async () => {
    await wagSnap('submit', server, '--name', 'first', '--listen', 'web');
    const first = await runs('first');
    expect(await answer(first)).toBe(0);
    expect((await world.lattice.job('first')).listen).toEqual([
      { name: 'web', address: `127.0.0.1:${ports.get(first)}` },
    ]);
    await wagSnap('submit', server, '--name', 'second', '--listen', 'web');
    const second = await runs('second');
    expect([first, second].sort()).toEqual(['a', 'b']);
    expect(await answer(second)).toBe(0);
    await wagSnap('submit', server, '--name', 'third', '--listen', 'web');
    const { stdout, stderr } = await wagSnap('jobs');
    expect(stdout).toContain(`listens at 127.0.0.1:${ports.get(first)}`);
    expect(stdout).toMatch(/^third +waiting .*no node can run it$/m);
    expect(stderr).toContain(`third: ${first}: its address "web" is taken by the job first\n`);
    expect(stderr).toContain(`third: ${second}: its address "web" is taken by the job second\n`);
    expect(stderr).toContain('third: c: it grants no address "web"\n');
    const moved = await wagSnap('move', 'first', second);
    expect([moved.status, moved.stderr]).toEqual([3, expect.stringContaining('is taken by the job second')]);
    await wagSnap('stop', 'second');
    expect(await runs('third')).toBe(second);
    expect(await answer(second)).toBe(0);
    await wagSnap('stop', 'third');
    await world.until(async (lattice) => (await lattice.job('third')).state === 'stopped');
  });

  test('it answers at the other node after a move, and a drain', async () => {
    let from = await runs('first');
    let last = await answer(from);
    for (const how of ['move', 'drain']) {
      const to = from === 'a' ? 'b' : 'a';
      await (how === 'move' ? wagSnap('move', 'first', to) : wagSnap('drain', from));
      const said = await answer(to);
      expect(said).toBeGreaterThan(last);
      while ((await ask(ports.get(from)!)) !== undefined) await sleep(20);
      const { history, listen } = await world.lattice.job('first');
      expect(history.at(-1)).toMatchObject({ what: 'moved', node: to, note: 'while it ran' });
      expect(listen[0]?.address).toBe(`127.0.0.1:${ports.get(to)}`);
      await wagSnap('cordon', from, '--off');
      [from, last] = [to, said];
    }
    await wagSnap('stop', 'first');
    await world.until(async (lattice) => (await lattice.job('first')).state === 'stopped');
  });

  test('it answers elsewhere when its node is killed', async () => {
    const pair = ['--label', 'pair=yes'];
    const nodes = new Map([['e', await node('e', pair)]]);
    await wagSnap('submit', server, '--name', 'lost', '--listen', 'web', '--snapshot-every', '200ms', ...pair);
    await answer('e');
    const { snapshot } = await world.lattice.job('lost');
    await world.until(async (lattice) => {
      const now = (await lattice.job('lost')).snapshot;
      return now !== null && now !== snapshot;
    });
    nodes.set('f', await node('f', pair));
    nodes.get('e')!.child.kill('SIGKILL');
    await answer('f');
  });

  test('an address that others cannot find, or that has two names, is refused', async () => {
    for (const [listen, why] of [
      [['web=127.0.0.1:0'], 'expected NAME=HOST:PORT, where others find it'],
      [['web=unix:/tmp/socket'], 'expected NAME=HOST:PORT, where others find it'],
      [['web=127.0.0.1:1', 'web=127.0.0.1:2'], 'there is another address of this name'],
      [['web=127.0.0.1:1', 'two=127.0.0.1:1'], 'it has another name already'],
      [['127.0.0.1:1'], 'expected NAME=HOST:PORT'],
    ] as const) {
      const { status, stderr } = await wagSnap('node', '--name', 'x', ...listen.flatMap((one) => ['--listen', one]));
      expect([status, stderr]).toEqual([2, expect.stringContaining(why)]);
    }
    const named = await wagSnap('submit', server, '--listen', '127.0.0.1:80');
    expect([named.status, named.stderr]).toEqual([2, expect.stringContaining('a NAME that nodes grant')]);
  });
});

/** A lattice in which no node is alive any more, and what is refused as a whole. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);

const wagSnap = (...args: string[]) =>
  command(cli, args, { env: { ...process.env, WAGSNAP_NATS: world.url, XDG_CACHE_HOME: join(folder, 'cache') } });

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

describe.skipIf(!hasNats)('a lattice without a node', () => {
  beforeAll(() => world.start());
  afterAll(() => world.close());

  test('a submission of which one job cannot be is none at all', async () => {
    await wagSnap('submit', counter, '--name', 'many-3');
    const { status, stderr } = await wagSnap('submit', counter, '--name', 'many', '--replicas', '4');
    expect(status).toBe(3);
    expect(stderr).toContain('there is a job "many-3" already');
    expect((await world.lattice.jobs()).map(({ name }) => name)).toEqual(['many-3']);
    await wagSnap('stop', 'many-3');
    expect(await world.lattice.submit(counter, { name: 'many' })).toEqual(['many']);
    await wagSnap('stop', 'many');
  });

  test('a directory that is not there, or is a file, is not granted', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const [path, why] of [
      [join(folder, 'nothing'), 'there is no such folder'],
      [file, 'it is no folder'],
    ] as const) {
      const { status, stderr } = await wagSnap('node', '--name', 'x', '--dir', `data=${path}`);
      expect({ status, stderr }).toEqual({ status: 3, stderr: `wag-snap: --dir data=${path}: ${why}\n` });
    }
  });

  test('what no record could hold is refused, and nothing of it is there', async () => {
    const long = `k=${'x'.repeat(5000)}`;
    for (const args of [
      ['submit', counter, '--name', 'long'],
      ['node', '--name', 'long'],
    ]) {
      const { status, stderr } = await wagSnap(...args, '--label', long);
      expect({ status, stderr }).toEqual({ status: 2, stderr: 'wag-snap: --label: more than 4096 characters\n' });
    }
    expect((await wagSnap('history', 'long')).stderr).toContain('there is no job "long"');
    expect((await wagSnap('nodes', '--all')).stdout).not.toContain('long');
  });

  test('when all nodes are dead, nodes and jobs say so after the lease', async () => {
    const node = await world.node('only');
    await wagSnap('submit', counter, '--name', 'orphan');
    await node.until('running');
    await world.until(async () => /^orphan +running +only/m.test((await wagSnap('jobs')).stdout));
    node.child.kill('SIGKILL');
    await node.exited;
    await world.gone('only');
    expect((await wagSnap('nodes')).stdout).toMatch(/^only +gone/m);
    expect((await wagSnap('nodes', '--all')).stdout).toMatch(/^only +gone/m);
    const { stdout, stderr } = await wagSnap('jobs');
    expect(stdout).toMatch(/^orphan +lost +only/m);
    expect(stderr).toContain('orphan: only: it has left, or was lost');
    expect((await wagSnap('move', 'orphan', 'only')).stderr).toContain('it has left, or was lost');
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('%s ends a node that has not joined', async (signal) => {
    const first = await world.node('taken', PATIENT);
    const second = spawn(cli, ['node', '--nats', world.url, '--name', 'taken', '--lease', '60s'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    second.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    while (!said.includes('"event":"started"')) await sleep(20);
    expect(said).toContain('"event":"waiting"');
    expect(said).not.toContain('"event":"joined"');
    const exited = once(second, 'exit');
    second.kill(signal);
    expect(await exited).toEqual([0, null]);
    first.child.kill('SIGTERM');
    expect(await first.exited).toBe(0);
  });

  test('a node that has gone is forgotten, and one of its name begins after it', async () => {
    const first = await world.node('gone');
    const { incarnation } = (await first.until('joined')) as unknown as { incarnation: number };
    await wagSnap('stop', 'orphan');
    await world.until(async (lattice) => (await lattice.job('orphan')).state === 'stopped');
    const alive = await wagSnap('nodes', '--forget', 'gone');
    expect([alive.status, alive.stderr]).toEqual([3, expect.stringContaining('the node "gone" has not gone')]);
    first.child.kill('SIGTERM');
    await first.exited;
    await world.until((lattice) => lattice.forget('gone').then(() => true));
    expect((await wagSnap('nodes', '--all')).stdout).not.toMatch(/^gone /m);
    expect((await wagSnap('nodes', '--forget', 'gone')).stderr).toContain('there is no node "gone"');
    const second = await world.node('gone');
    const again = (await second.until('joined')) as unknown as { incarnation: number };
    expect(again.incarnation).toBeGreaterThan(incarnation);
    second.child.kill('SIGTERM');
    await second.exited;
  });
});

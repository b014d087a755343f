/** No program outlives its node, also when the node and its guard are killed together. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findEmulator } from '../../src/api/launch.js';
import { processStatus } from '../../src/capture/process.js';
import { command } from '../support/command.js';
import { hasNats, NO_NATS, PATIENT, TestLattice, type TestNode } from '../support/lattice.js';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(import.meta.dirname, '../../bin/wag-snap');
const counter = join(import.meta.dirname, 'lattice-counter.wat');
const folder = temporaryFolder();
const world = new TestLattice(folder);
const other = process.arch === 'arm64' ? 'x64' : 'arm64';

const submit = (name: string, ...args: string[]) =>
  command(cli, ['submit', counter, '--name', name, ...args], { env: { ...process.env, WAGSNAP_NATS: world.url } });

if (!hasNats) console.log(`skipped: ${NO_NATS}`);

function guardOf({ child }: TestNode): number {
  const tasks = readdirSync(`/proc/${child.pid}/task`);
  const children = tasks.flatMap((task) =>
    readFileSync(`/proc/${child.pid}/task/${task}/children`, 'utf8').trim().split(' '),
  );
  return Number(children.find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('guard-process')));
}

/** Neither can do anything before it is gone. */
function killWithGuard(node: TestNode): void {
  const pids = [guardOf(node), node.child.pid!];
  for (const pid of pids) process.kill(pid, 'SIGSTOP');
  for (const pid of pids) process.kill(pid, 'SIGKILL');
}

const isThere = (pid: number) => !['Z', undefined].includes(processStatus(pid)?.state);

async function pidOf(node: TestNode, job: string): Promise<number> {
  for (;;) {
    const found = node.events.findLast((one) => one.event === 'running' && one['job'] === job);
    if (found !== undefined) return Number(found['pid']);
    await sleep(20);
  }
}

describe.skipIf(!hasNats)('a node that is killed together with its guard', () => {
  beforeAll(() => world.start());
  afterAll(() => world.close());

  test('takes its programs with it: begun there, moved there, of another CPU', async () => {
    const first = await world.node('first', PATIENT);
    await submit('moved');
    const before = await pidOf(first, 'moved');
    const second = await world.node('second', PATIENT);
    await world.until((lattice) => lattice.move('moved', 'second').then(() => true));
    const pids = [await pidOf(second, 'moved')];
    expect((await second.until('running'))['from']).toBe('another node');
    while (isThere(before)) await sleep(20);
    await world.lattice.cordon('first');
    await submit('begun');
    pids.push(await pidOf(second, 'begun'));
    if (findEmulator(other) !== undefined) {
      await submit('emulated', '--arch', other);
      pids.push(await pidOf(second, 'emulated'));
    }
    expect(pids.filter(isThere)).toEqual(pids);
    killWithGuard(second);
    await second.exited;
    while (pids.some(isThere)) await sleep(20);
  });
});

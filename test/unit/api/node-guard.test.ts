/** The guard of a node with many programs: each is answered for, and who has lost the guard is told. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { NodeGuard } from '../../../src/api/node-guard.js';
import { bootClock } from '../../../src/lattice/clock.js';

const children: ChildProcess[] = [];
const warnings: Error[] = [];
const onWarning = (warning: Error) => void warnings.push(warning);

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function sleeper(): ChildProcess {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  children.push(child);
  return child;
}

test('many programs at the same time are all answered for, without a listener for each', async () => {
  process.on('warning', onWarning);
  const guard = new NodeGuard(() => {});
  guard.lease(1, bootClock()() + 60_000);
  const programs = Array.from({ length: 30 }, sleeper);
  await Promise.all(programs.map(({ pid }) => guard.add(pid!, 1)));
  await new Promise((resolve) => setImmediate(resolve)); // warnings come later
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
  const ended = programs.map((child) => once(child, 'exit'));
  guard.close();
  for (const [, signal] of await Promise.all(ended)) expect(signal).toBe('SIGKILL');
});

test('whoever waits for a guard that has ended is told, and no program is taken any more', async () => {
  let tell = () => {};
  const lost = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const guard = new NodeGuard(() => tell());
  const child = sleeper();
  const { pid } = (guard as unknown as { child: ChildProcess }).child;
  process.kill(pid!, 'SIGSTOP');
  const added = expect(guard.add(child.pid!, 1)).rejects.toThrow('the guard of this node has ended');
  process.kill(pid!, 'SIGKILL');
  await added;
  await lost;
  await expect(guard.add(child.pid!, 1)).rejects.toThrow('the guard of this node has ended');
});

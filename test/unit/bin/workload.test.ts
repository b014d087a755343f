/**
 * How `run` ends when its program dies of a signal, and what happens to signals that come before the program has
 * started.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { build, programPath, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
const root = resolve(import.meta.dirname, '../../..');
const cli = join(root, 'bin/wag-snap');

/** Starts `run -v` of a program that sleeps, and resolves with both. */
async function sleeping(): Promise<{ child: ChildProcess; pid: number }> {
  const child = spawn(process.execPath, [cli, 'run', '-v', programPath('sleeper'), '60000'], {
    cwd: folder,
    env: { ...process.env, WAGSNAP_NO_EXEC: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  const pid = await new Promise<number>((done, fail) => {
    child.stderr!.on('data', (data) => {
      stderr += data;
      const found = /^pid (\d+)$/m.exec(stderr);
      if (found) done(Number(found[1]));
    });
    child.once('exit', () => fail(new Error(stderr)));
  });
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) process.kill(pid, 'SIGKILL');
  });
  return { child, pid };
}

test.each(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
  'run dies of %s when its program does',
  async (signal) => {
    const { child, pid } = await sleeping();
    process.kill(pid, signal);
    expect(await once(child, 'close')).toEqual([null, signal]);
  },
);

test.each(['SIGQUIT', 'SIGABRT', 'SIGALRM', 'SIGUSR1', 'SIGXCPU'] as const)(
  "run's exit code is 128 and the number when its program dies of %s",
  async (signal) => {
    const { child, pid } = await sleeping();
    process.kill(pid, signal);
    expect(await once(child, 'close')).toEqual([128 + constants.signals[signal], null]);
  },
);

// The image is open for writing, and so cannot be started, until the signal has come.
const script = `
import { closeSync, openSync } from 'node:fs';
const [workload, image, signal] = process.argv.slice(1);
const { runWorkload } = await import(workload);
const busy = openSync(image, 'r+');
process.once(signal, () => {
  console.log('signal');
  closeSync(busy);
});
const ending = runWorkload(image, { env: {}, argv0: 'program', args: ['60000'] }, () => console.log('start'));
process.kill(process.pid, signal);
await ending;
`;

test.each([
  ['SIGTERM', [null, 'SIGTERM']],
  ['SIGUSR1', [138, null]],
] as const)('%s before the program has started reaches it', async (signal, ending) => {
  const { path } = await build(programPath('sleeper'), join(folder, `sleeper-${signal}`));
  const workload = join(root, 'dist/bin/programs/workload.js');
  const args = ['--input-type=module', '-e', script, '--', workload, path, signal];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const ended = await once(child, 'close');
  expect(output).toMatch(/^signal\n/);
  expect(output).toContain('start\n');
  expect(ended).toEqual(ending);
});

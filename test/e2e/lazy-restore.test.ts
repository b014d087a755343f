/** Restores of snapshots in several files that begin before their memory is read. */

import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { restore, UsageError } from '../../src/api/index.js';
import { findEmulator } from '../../src/api/launch.js';
import { openSnapshot } from '../../src/api/stored-snapshot.js';
import { capturePid } from '../support/capture.js';
import { MovingCounters } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { walkerProgram } from '../support/walker-program.js';
import { build, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const other = process.arch === 'arm64' ? 'x64' : 'arm64';
const files = ['first', 'second', 'third'].map((name) => join(folder, `${name}.wsnap`));
const last = files[2]!;
const before = process.env['XDG_CACHE_HOME'];

beforeAll(async () => {
  process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
  mkdirSync(folder, { recursive: true });
  const { path } = await build(walkerProgram({ pages: 128, last: 1 }), join(folder, 'walker'));
  const child = spawn(path, [], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  await new Output(child).has('ready');
  for (const [i, output] of files.entries()) {
    const parent = i === 0 ? undefined : await openSnapshot(files[i - 1]!);
    await capturePid(child.pid!, { output, parent, kill: output === last });
  }
});
afterAll(() => {
  if (before === undefined) delete process.env['XDG_CACHE_HOME'];
  else process.env['XDG_CACHE_HOME'] = before;
});

test.each([process.arch, other])('the program finds its pages, for %s', async (arch) => {
  if (arch === other && findEmulator('arm64') === undefined && process.arch !== 'arm64') return;
  const { status, stdout, stderr } = await counters.wagSnap('restore', last, '--lazy', '--arch', arch, '-v');
  expect([status, stdout]).toEqual([0, 'end\n']);
  expect(stderr).toMatch(/^pid \d+$/m);
  expect(stderr).not.toMatch(/warning|lost/);
});

test('the same by the library, and of one file, which is mapped', async () => {
  for (const snapshot of [last, files[0]!]) {
    const workload = await restore(snapshot, { lazy: true });
    expect(await text(workload.stdout!)).toBe('end\n');
    expect(await workload.exited).toMatchObject({ code: 0 });
  }
});

test('what cannot be together is refused', async () => {
  for (const [args, why] of [
    [['-o', join(folder, 'image')], '--lazy is for running'],
    [['--count', '2'], '--lazy and --count exclude each other'],
  ] as const) {
    const { status, stderr } = await counters.wagSnap('restore', last, '--lazy', ...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(why)]);
  }
  await expect(restore(last, { lazy: true, count: 2 })).rejects.toThrow(UsageError);
});

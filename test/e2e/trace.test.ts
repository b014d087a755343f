/**
 * WAGSNAP_TRACE: what each area prints, where it goes, and that nothing is printed without it. Needs a built wag-snap.
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { TRACE_AREAS } from '../../src/base/trace.js';
import { Output } from '../support/waiting.js';
import { programPath, temporaryFolder } from '../support/workload.js';

const cli = resolve(process.env['WAGSNAP_CLI'] ?? 'bin/wag-snap');
const folder = temporaryFolder();

function wagSnap(areas: string | undefined, cache: string, ...args: string[]) {
  const env: NodeJS.ProcessEnv = { ...process.env, XDG_CACHE_HOME: join(folder, cache) };
  if (areas === undefined) delete env['WAGSNAP_TRACE'];
  else env['WAGSNAP_TRACE'] = areas;
  return spawnSync(process.execPath, [cli, ...args], { cwd: folder, env, encoding: 'utf8' });
}

/** The areas that lines begin with. */
function areasIn(stderr: string): string[] {
  const names = stderr.split('\n').flatMap((line) => /^(\w+) [\d.]+ ms: /.exec(line)?.[1] ?? []);
  return [...new Set(names)].sort();
}

const hello = programPath('hello');

test('only what was asked for is said, on standard error', () => {
  const { status, stdout, stderr } = wagSnap('cache,start', 'only', 'run', hello);
  expect(status).toBe(0);
  expect(areasIn(stderr)).toEqual(['cache', 'start']);
  expect(stdout).toBe(wagSnap(undefined, 'only', 'run', hello).stdout);
});

test('nothing is said by default', () => {
  expect(wagSnap(undefined, 'none', 'run', hello).stderr).toBe('');
  expect(wagSnap('', 'none', 'run', hello).stderr).toBe('');
});

test('the cache says what it has', () => {
  expect(wagSnap('cache', 'cached', 'run', hello).stderr).toMatch(
    / is not in .*\n.* ms: stored [0-9a-f-]+, \d+ bytes\n/,
  );
  expect(wagSnap('cache', 'cached', 'run', hello).stderr).toMatch(/^cache [\d.]+ ms: found [0-9a-f-]+\n$/);
});

test('an area that there is not is wrong usage', () => {
  const { status, stderr } = wagSnap('cache,linker', 'wrong', 'run', hello);
  expect(status).toBe(2);
  expect(stderr).toBe(`wag-snap: WAGSNAP_TRACE=cache,linker: expected all, or some of ${TRACE_AREAS.join(',')}\n`);
});

test('foreign text is escaped', () => {
  const { stderr } = wagSnap('start', 'escaped', 'run', hello, '\x1b[31mred');
  expect(stderr).toContain('[31mred');
  expect(stderr).not.toContain('\x1b');
});

test('a capture and a restore go through every area', { timeout: 120_000 }, async () => {
  const env: NodeJS.ProcessEnv = { ...process.env, XDG_CACHE_HOME: join(folder, 'every') };
  delete env['WAGSNAP_TRACE'];
  const child = spawn(process.execPath, [cli, 'run', '-v', programPath('readline')], {
    cwd: folder,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const output = new Output(child);
  try {
    const [, pid] = /^pid (\d+)$/m.exec(await output.says(/^pid \d+$/m))!;
    const captured = wagSnap('all', 'every', 'capture', pid!, '-o', 'job.wsnap');
    expect(captured.status).toBe(0);
    expect(areasIn(captured.stderr)).toEqual(['capture', 'lift', 'stop']);
    expect(captured.stderr).toMatch(
      /^lift [\d.]+ ms: #0 instance 0 function \d+ \S+ body\+0x[0-9a-f]+ \(\w+\): locals /m,
    );
    const restored = wagSnap('all', 'other', 'restore', 'job.wsnap', '-o', 'job');
    expect(restored.status).toBe(0);
    expect(areasIn(restored.stderr)).toEqual(['cache', 'compile', 'lower', 'restore']);
    expect(existsSync(join(folder, 'job'))).toBe(true);
  } finally {
    child.stdin!.end();
    if (child.exitCode === null) await once(child, 'exit');
  }
});

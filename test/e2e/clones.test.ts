/**
 * `restore --count` and `fork` as commands: what clones print to and end with, what they cannot share, and what there is
 * one of only. Needs a built wag-snap (npm run build).
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryFolder } from '../support/workload.js';

const cli = resolve(process.env['WAGSNAP_CLI'] ?? 'bin/wag-snap');
const folder = temporaryFolder();
mkdirSync(join(folder, 'tmp'));
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), TMPDIR: join(folder, 'tmp') };
const READY = 'ready\n';

/**
 * Opens "data" below 3 for reading and writing, says that it is ready, and reads; then it ends with the number of its
 * clone, after a line on each stream. Clone 2 traps.
 */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wag_snap" "clone" (func $clone (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\06\\00\\00\\00\\80\\00\\00\\00\\01\\00\\00\\00\\50\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 64) "ready\\ndata")
  (data (i32.const 80) "clone\\n")
  (func (export "_start")
    (drop (call $open (i32.const 3) (i32.const 1) (i32.const 70) (i32.const 4) (i32.const 1) (i64.const 0x66)
      (i64.const -1) (i32.const 0) (i32.const 48)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 40)))
    (drop (call $read (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 40)))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 40)))
    (drop (call $write (i32.const 2) (i32.const 16) (i32.const 1) (i32.const 40)))
    (if (i32.eq (call $clone) (i32.const 2)) (then (unreachable)))
    (call $exit (call $clone))))`;

let program: ChildProcess;
let pid: string;

function wagSnap(...args: string[]) {
  const settings = { cwd: folder, env, encoding: 'utf8', input: 'unread' } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...args], settings);
  return { stdout, stderr, status };
}

beforeAll(async () => {
  mkdirSync(join(folder, 'files'));
  writeFileSync(join(folder, 'x.wat'), PROGRAM);
  const args = [cli, 'run', '-v', '--name', 'job', '--dir', 'files::/d', 'x.wat'];
  program = spawn(process.execPath, args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  await new Promise<void>((done, fail) => {
    for (const stream of [program.stdout, program.stderr]) {
      stream?.on('data', (text) => {
        output += text;
        if (/^pid \d+$/m.test(output) && output.includes(READY)) done();
      });
    }
    program.once('exit', () => fail(new Error(output)));
  });
  pid = /^pid (\d+)$/m.exec(output)?.[1] ?? '';
  expect(wagSnap('capture', pid, '-o', 'x.wsnap')).toMatchObject({ status: 0, stderr: '' });
});

afterAll(async () => {
  program.stdin?.end();
  await once(program, 'exit');
  expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
});

test('what several cannot share is refused, with what to do', () => {
  const refused = wagSnap('restore', 'x.wsnap', '--same-dirs', '--count', '2');
  expect(refused).toMatchObject({ status: 3, stdout: '' });
  expect(refused.stderr).toContain(
    'descriptor 4, file "data": several clones would write over what the others write [--fd 4=ignore|close|PATH, or reopen if they may]',
  );
  expect(wagSnap('restore', 'x.wsnap', '--same-dirs', '--count', '1')).toMatchObject({ status: 0, stdout: 'clone\n' });
});

test('each prints to a file of its own, and is known by its number', () => {
  const options = ['--same-dirs', '--fd', '4=reopen', '--output-dir', 'out', '-v'];
  const { status, stdout, stderr } = wagSnap('restore', 'x.wsnap', '--count', '3', ...options);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(/^clone 0: pid \d+\nclone 1: pid \d+\nclone 2: pid \d+$/m);
  expect(stderr).toContain('wag-snap: clone 1 ended with exit code 1\nwag-snap: clone 2 ended with exit code 134\n');
  const files = readdirSync(join(folder, 'out')).sort();
  expect(files).toEqual(['job-0.err', 'job-0.out', 'job-1.err', 'job-1.out', 'job-2.err', 'job-2.out']);
  for (const file of files) expect(readFileSync(join(folder, 'out', file), 'utf8')).toMatch(/^clone\n/);
  expect(readFileSync(join(folder, 'out/job-2.err'), 'utf8')).toContain('wasm trap: unreachable');

  const again = wagSnap('restore', 'x.wsnap', '--count', '3', ...options);
  expect(again).toMatchObject({ status: 1, stdout: '' });
  expect(again.stderr).toContain('job-0.out: cannot be made: there is one already');
  expect(readdirSync(join(folder, 'out')).sort()).toEqual(files);
});

test('a running program is forked, and continues', () => {
  const forked = wagSnap('fork', 'job', '--count', '2', '--fd', '4=close');
  expect(forked).toMatchObject({ status: 3, stdout: '' });
  expect(forked.stderr).toMatch(/pid \d+: cannot be restored here; nothing was run or written/);
  const hint = /^with what it had: wag-snap (.*)$/m.exec(forked.stderr)?.[1] ?? '';
  expect(hint).toBe(`fork job --count 2 --fd 4=close --dir ${join(folder, 'files')}::/d`);
  expect(wagSnap(...hint.split(' '))).toMatchObject({ status: 1, stdout: 'clone\nclone\n' });
  expect(program.exitCode).toBeNull();
});

test('an executable is told its number when it is started', () => {
  const written = wagSnap('restore', 'x.wsnap', '--same-dirs', '--fd', '4=close', '-o', 'alone');
  expect(written).toMatchObject({ status: 0, stderr: '' });
  const start = (variables: Record<string, string>) =>
    spawnSync(join(folder, 'alone'), { cwd: folder, env: variables, encoding: 'utf8', input: '' });
  expect(start({ WAGSNAP_CLONE: '7' })).toMatchObject({ status: 7, stdout: 'clone\n' });
  expect(start({ WAGSNAP_CLONE: '0' }).status).toBe(0);
  for (const wrong of ['', '-1', 'x', '2147483648', '99999999999999999999']) {
    const { status, stderr, stdout } = start({ WAGSNAP_CLONE: wrong });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(`wag-snap: WAGSNAP_CLONE: "${wrong}": expected a number from 0 to 2147483647\n`);
  }
});

test('all are killed when their time is over', () => {
  writeFileSync(join(folder, 'spin.wat'), '(module (func (export "_start") (loop $again (br $again))))');
  const spinning = spawn(process.execPath, [cli, 'run', '-v', 'spin.wat'], { cwd: folder, env, stdio: 'pipe' });
  return new Promise<void>((done, fail) => {
    let text = '';
    spinning.once('exit', done);
    spinning.stderr.on('data', (data) => {
      text += data;
      const found = /^pid (\d+)$/m.exec(text)?.[1];
      if (found === undefined) return;
      try {
        const { status, stderr } = wagSnap('fork', found, '--count', '3', '--timeout', '200ms', '-v');
        expect(status).toBe(4);
        expect(stderr).toContain('the clones were ended after 0.2 s: --timeout');
        const pids = Array.from(stderr.matchAll(/^clone \d: pid (\d+)$/gm), ([, clone]) => Number(clone));
        expect(pids.length).toBe(3);
        for (const clone of pids) expect(() => process.kill(clone, 0)).toThrow('ESRCH');
      } catch (error) {
        fail(error as Error);
      }
      spinning.kill('SIGTERM'); // which run passes on to its program
    });
  });
});

test.each([
  [['--count', '0'], '--count "0": expected a number from 1 to'],
  [['--output-dir', 'o'], '--output-dir is for clones: it needs --count'],
  [['--count', '2', '-o', 'y'], '--output and --count exclude each other'],
  [['--count', '2', '--coredump', 'y'], '--coredump and --count exclude each other'],
])('restore %j is wrong usage', (options, message) => {
  const { status, stderr } = wagSnap('restore', 'x.wsnap', ...options);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

test('a name that has no room for a number is refused, and nothing is started', () => {
  const options = ['--same-dirs', '--fd', '4=close', '--count', '11', '--output-dir', 'long'];
  const { status, stdout, stderr } = wagSnap('restore', 'x.wsnap', ...options, '--name', 'a'.repeat(61));
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain('it is too long to have the number of a clone after it');
});

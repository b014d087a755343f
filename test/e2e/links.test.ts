/** --link: modules that import one another, from the command line; compile, run, capture and restore. */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Output } from '../support/waiting.js';
import { canRun } from '../support/workload.js';

const tool = resolve(import.meta.dirname, '../../bin/wag-snap');
let folder = '';

const COUNTER = `(module (global $n (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $n (i32.const 47)))
  (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))`;
/** Prints a digit of the counter for each byte that it reads. */
const APP = `(module
  (import "counter" "next" (func $next (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
  (func (export "both") (result i32 i32) (call $next) (call $next))
  (func (export "_start")
    (loop $again
      (i32.store8 (i32.const 16) (call $next))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $again (i32.load (i32.const 8))))))`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-links-'));
  writeFileSync(join(folder, 'counter.wat'), COUNTER);
  writeFileSync(join(folder, 'app.wat'), APP);
});
afterAll(() => rmSync(folder, { recursive: true }));

function wagSnap(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd: folder, encoding: 'utf8', input: '' });
  return { status, stdout, stderr };
}

test('an image is made of all, and each is run', () => {
  expect(wagSnap('compile', 'app.wat', '--link', 'counter=counter.wat', '-o', 'app').stderr).toBe('');
  expect(wagSnap('run', 'app')).toEqual({ status: 0, stdout: '0', stderr: '' });
  expect(wagSnap('run', '--link', 'counter=counter.wat', 'app.wat')).toEqual({ status: 0, stdout: '0', stderr: '' });
  const { modules } = JSON.parse(wagSnap('inspect', '--json', 'app').stdout);
  expect(modules.map(({ name }: { name: string }) => name)).toEqual(['counter', '']);
});

test('a call finds what is linked initialized', () => {
  const args = ['--link', 'counter=counter.wat', '--invoke', 'both', 'app.wat'];
  expect(wagSnap('run', ...args)).toEqual({ status: 0, stdout: '48\n49\n', stderr: '' });
});

test.each(['x64', 'arm64'] as const)('captured and restored on %s', async (arch) => {
  if (!canRun(arch)) return;
  const child = spawn(tool, ['run', '--link', 'counter=counter.wat', 'app.wat'], { cwd: folder });
  const output = new Output(child);
  await output.has('0');
  const captured = wagSnap('capture', String(child.pid), '--kill', '-o', 'app.wsnap', '--without-module');
  expect(captured.status).toBe(0);
  const restore = ['restore', '--arch', arch, 'app.wsnap'];
  expect(wagSnap(...restore, '--module', 'app.wat')).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('counter'),
  });
  const modules = ['--module', 'counter.wat', '--module', 'app.wat'];
  expect(wagSnap(...restore, ...modules)).toEqual({ status: 0, stdout: '', stderr: '' });
  const resumed = spawnSync(tool, [...restore, ...modules], { cwd: folder, encoding: 'utf8', input: '..' });
  expect(resumed.stdout).toBe('12');
});

test('what cannot be linked is said, and nothing is written', () => {
  const wrong = (...args: string[]) => wagSnap('compile', 'app.wat', '-o', 'none', ...args);
  for (const text of ['counter', '=counter.wat', 'counter=']) {
    expect(wrong('--link', text)).toMatchObject({
      status: 2,
      stderr: `wag-snap: --link ${text}: expected NAME=MODULE\n`,
    });
  }
  const twice = ['--link', 'counter=counter.wat', '--link', 'counter=app.wat'];
  expect(wrong(...twice)).toMatchObject({ status: 2, stderr: 'wag-snap: --link: counter was given more than once\n' });
  expect(wrong('--link', 'counter=none.wat')).toMatchObject({
    status: 3,
    stderr: 'wag-snap: none.wat: no such file\n',
  });
  expect(wrong('--link', 'other=counter.wat')).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('counter.next'),
  });
  const image = wagSnap('run', '--link', 'counter=counter.wat', 'app');
  expect(image).toMatchObject({ status: 2, stderr: expect.stringContaining('--link is for modules') });
  const before = readFileSync(join(folder, 'counter.wat'), 'utf8');
  expect(wagSnap('compile', 'app.wat', '--link', 'counter=counter.wat', '-o', 'counter.wat').status).toBe(2);
  expect(readFileSync(join(folder, 'counter.wat'), 'utf8')).toBe(before);
});

test("a listing is of the main module's function", () => {
  const dump = wagSnap('compile', 'app.wat', '--link', 'counter=counter.wat', '--dump', 'asm', '--function', 'both');
  expect(dump.status).toBe(0);
  expect(dump.stdout.match(/call 0/g)).toHaveLength(2);
});

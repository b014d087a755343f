/** `wag-snap run --begin-at-once`: the command as users start it. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Output } from '../support/waiting.js';

const root = join(import.meta.dirname, '../..');
const tool = join(root, 'bin/wag-snap');
const readline = join(root, 'fixtures/programs/readline.wasm');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-growing-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A cache of its own, which is empty. */
function emptyCache(name: string): NodeJS.ProcessEnv {
  const cache = join(folder, name);
  mkdirSync(cache);
  return { ...process.env, XDG_CACHE_HOME: cache };
}

function cached(env: NodeJS.ProcessEnv): Buffer[] {
  const cache = join(env['XDG_CACHE_HOME']!, 'wag-snap');
  return readdirSync(cache).map((name) => readFileSync(join(cache, name)));
}

function wagSnap(env: NodeJS.ProcessEnv, args: readonly string[], input = '') {
  const { stdout, stderr, status } = spawnSync(process.execPath, [tool, ...args], { env, input, encoding: 'utf8' });
  return { stdout, stderr, status };
}

function start(env: NodeJS.ProcessEnv, args: readonly string[]): { child: ChildProcess; output: Output } {
  const child = spawn(process.execPath, [tool, 'run', ...args], { env, stdio: 'pipe' });
  return { child, output: new Output(child) };
}

test('prints the same, and leaves the image that compiling first leaves', () => {
  const [first, atOnce] = [emptyCache('first'), emptyCache('at-once')];
  const expected = wagSnap(first, ['run', readline], 'one\ntwo\n');
  expect(expected).toMatchObject({ stderr: '', status: 0 });
  expect(wagSnap(atOnce, ['run', '--begin-at-once', readline], 'one\ntwo\n')).toEqual(expected);
  const [image, ...more] = cached(atOnce);
  expect(more).toEqual([]);
  expect(image.equals(cached(first)[0])).toBe(true);
  // and from the cache
  expect(wagSnap(atOnce, ['run', '--begin-at-once', readline], 'one\ntwo\n')).toEqual(expected);
});

test('is captured by its name while it is compiled, and continues', async () => {
  const env = emptyCache('captured');
  const name = `growing-${process.pid}`;
  const { child, output } = start(env, ['--begin-at-once', '--name', name, readline]);
  try {
    const before = await output.has('ready\n');
    const file = join(folder, 'it.wsnap');
    expect(wagSnap(env, ['capture', name, '-o', file])).toMatchObject({ stderr: '', status: 0 });
    const ended = once(child, 'exit');
    child.stdin!.end('more\n');
    expect((await ended)[0]).toBe(0);
    const rest = output.stdout.slice(before.length);
    expect(wagSnap(env, ['restore', file], 'more\n')).toEqual({ stdout: rest, stderr: '', status: 0 });
  } finally {
    child.kill();
  }
});

/** A module whose last function is invalid, when `valid` is not set. It prints "hi" and then waits for its input. */
function lastFunction(isValid: boolean): string {
  return `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\10\\00\\00\\00\\03\\00\\00\\00hi\\n-----hi\\n")
    (data (i32.const 32) "\\40\\00\\00\\00\\01\\00\\00\\00")
    (func (export "_start")
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)))
      (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 24))))
    (func (result i32) (i32.const 1) ${isValid ? '' : '(drop (i32.const 1)) (drop)'}))`;
}

/** The binary: text that is invalid is refused as such. */
async function binary(name: string, text: string): Promise<string> {
  const { default: wabt } = await import('wabt');
  const module = (await wabt()).parseWat(name, text);
  const path = join(folder, name);
  writeFileSync(path, module.toBinary({ write_debug_names: false }).buffer);
  module.destroy();
  return path;
}

test('a module that is invalid in its last function ends the program with the error of the compiler', async () => {
  const module = await binary('invalid.wasm', lastFunction(false));
  const expected = wagSnap(emptyCache('invalid-first'), ['run', module]);
  expect(expected.status).toBe(3);
  // the program waits for its input, which does not end
  const env = emptyCache('invalid');
  const { child, output } = start(env, ['--begin-at-once', module]);
  const [status] = await once(child, 'close');
  expect({ stderr: output.stderr, status }).toEqual({ stderr: expected.stderr, status: 3 });
  // it has ended before
  const after = wagSnap(emptyCache('invalid-after'), ['run', '--begin-at-once', module]);
  expect({ ...after, stdout: '' }).toEqual(expected);
});

test('a module that cannot be linked is never started', async () => {
  const module = await binary('unlinkable.wasm', '(module (import "no" "such" (func)) (func (export "_start")))');
  const expected = wagSnap(emptyCache('unlinkable-first'), ['run', module]);
  expect(expected.status).toBe(3);
  expect(wagSnap(emptyCache('unlinkable'), ['run', '--begin-at-once', module])).toEqual(expected);
});

test('leaves no files but the image', async () => {
  const env = emptyCache('files');
  const module = await binary('valid.wasm', lastFunction(true));
  expect(wagSnap(env, ['run', '--begin-at-once', module])).toEqual({ stdout: 'hi\n', stderr: '', status: 0 });
  expect(readdirSync(join(env['XDG_CACHE_HOME']!, 'wag-snap'))).toHaveLength(1);
});

test('the options that it excludes', () => {
  const env = emptyCache('usage');
  const { stderr, status } = wagSnap(env, ['run', '--begin-at-once', '--invoke', 'f', readline]);
  expect({ stderr, status }).toEqual({
    stderr: 'wag-snap: --begin-at-once is not for --invoke, which calls one function of a module that is compiled\n',
    status: 2,
  });
});

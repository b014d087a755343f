/** Modules that are no commands: reactors, default exports, and those that have nothing to run. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-reactor-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a module in the text format; also as an image. */
function run(text: string, args: readonly string[] = []) {
  writeFileSync(join(folder, 'it.wat'), text);
  const tool = join(root, 'bin/wag-snap');
  const direct = spawnSync(tool, ['run', ...args, 'it.wat'], { cwd: folder, encoding: 'utf8' });
  expect(spawnSync(tool, ['compile', 'it.wat', '-o', 'it'], { cwd: folder }).status).toBe(0);
  const image = spawnSync(tool, ['run', ...args, 'it'], { cwd: folder, encoding: 'utf8' });
  expect([image.status, image.stdout]).toEqual([direct.status, direct.stdout]);
  expect(image.stderr).toBe(direct.stderr.replace('it.wat', 'it'));
  return { status: direct.status, stdout: direct.stdout, stderr: direct.stderr };
}

const INITIALIZE = '(func (export "_initialize") (global.set $g (i32.add (global.get $g) (i32.const 42))))';
const GET = '(func (export "get") (result i32) (global.get $g))';
const GLOBAL = '(global $g (mut i32) (i32.const 0))';

test('--invoke runs _initialize first, once', () => {
  const reactor = `(module ${GLOBAL} ${INITIALIZE} ${GET})`;
  expect(run(reactor, ['--invoke', 'get'])).toEqual({ status: 0, stdout: '42\n', stderr: '' });
  expect(run(reactor, ['--invoke', '_initialize'])).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('a trap in _initialize is the result', () => {
  const reactor = `(module (func (export "_initialize") unreachable) (func (export "get") (result i32) (i32.const 1)))`;
  expect(run(reactor, ['--invoke', 'get'])).toEqual({
    status: 134,
    stdout: '',
    stderr: 'wag-snap: trap: unreachable\n',
  });
});

test('a command is not initialized', () => {
  const command = `(module ${GLOBAL} (func (export "_start")) ${INITIALIZE} ${GET})`;
  expect(run(command, ['--invoke', 'get'])).toEqual({ status: 0, stdout: '0\n', stderr: '' });
});

test('an _initialize of another type is an ordinary function', () => {
  const module = `(module ${GLOBAL} (func (export "_initialize") (param i32) (global.set $g (i32.const 1))) ${GET})`;
  expect(run(module, ['--invoke', 'get'])).toEqual({ status: 0, stdout: '0\n', stderr: '' });
});

const EXIT = '(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))';

test('the default export of a module without _start is run, and can be named', () => {
  const module = `(module ${EXIT} (func (export "") (call $exit (i32.const 7))))`;
  expect(run(module)).toEqual({ status: 7, stdout: '', stderr: '' });
  expect(run(module, ['--invoke', '']).status).toBe(7);
  const both = `(module ${EXIT} (func (export "") (call $exit (i32.const 7))) (func (export "_start") (call $exit (i32.const 8))))`;
  expect(run(both).status).toBe(8);
  expect(run(both, ['--invoke', '']).status).toBe(7);
});

test('a module with nothing to run says so', () => {
  expect(run('(module (func (export "add")) (func (export "get")))')).toEqual({
    status: 2,
    stdout: '',
    stderr:
      'wag-snap: it.wat has no _start, so there is nothing to run: call one of its functions with --invoke: "add", "get"\n',
  });
  expect(run('(module)').stderr).toContain('it exports no function');
  expect(run('(module (func (export "_start") (param i32)))').status).toBe(2);
  expect(run('(module (func $begin) (start $begin))').status).toBe(0);
  expect(run(`(module ${GLOBAL} ${INITIALIZE})`).status).toBe(0);
});

test('what --invoke cannot find is listed against what there is', () => {
  expect(run('(module (func (export "")))', ['--invoke', 'x']).stderr).toBe(
    'wag-snap: there is no exported function x; there are: ""\n',
  );
});

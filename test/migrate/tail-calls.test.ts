/**
 * Tail calls: the stack does not grow, backtraces show the functions that are on it, other instances are called, and a
 * stack on which functions have replaced one another is captured and restored.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../src/wasm/assemble.js';
import { seed } from '../support/sampling.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';
import { captureAtEverySite, sitesIn } from './every-site.js';

interface V8Instance {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer }; _start(): void };
}
declare const WebAssembly: {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ readonly instance: V8Instance }>;
};

const folder = temporaryFolder();
const arches = (['x64', 'arm64'] as const).filter(canRun);
const source = readFileSync(join(import.meta.dirname, 'tail-calls.wat'), 'latin1');

/** The program of tail-calls.wat, going round so many times. */
function program(rounds: number): Buffer {
  const few = '(return_call $main (i32.const 9)';
  expect(source).toContain(few);
  return Buffer.from(source.replace(few, `(return_call $main (i32.const ${rounds})`));
}

/** What a program prints in V8, and its exit code. */
async function inV8(text: Buffer): Promise<{ stdout: string; code: number }> {
  let stdout = '';
  let code = -1;
  const wasi = {
    fd_write: () => {
      stdout += Buffer.from(instance.exports.memory.buffer, 16, 18).toString('latin1');
      return 0;
    },
    sched_yield: () => 0,
    proc_exit: (status: number) => {
      code = status;
      throw new Error('exit');
    },
  };
  const { instance } = await WebAssembly.instantiate(await assemble(text, 'program'), { wasi_snapshot_preview1: wasi });
  expect(() => instance.exports._start()).toThrow('exit');
  return { stdout, code };
}

// Each round is three or four tail calls, of frames of more than 200 bytes: a stack of 64 MiB would not do.
const ROUNDS = { x64: 3_000_000, arm64: 200_000 };

test.each(arches)('the stack does not grow, %s', async (arch) => {
  const text = program(ROUNDS[arch]);
  const { path } = await build(text, join(folder, `long-${arch}`), { arch });
  const { stdout, code } = await Workload.start(path).ended();
  expect({ stdout, code }).toEqual(await inV8(text));
  expect(code).toBe(42);
});

const CALLBACKS = `(module
  (type $sum (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (memory 1)
  (global $calls (mut i64) (i64.const 0))
  (data (i32.const 8) "\\05")
  (func $sum (export "sum") (type $sum)
    (global.set $calls (i64.add (global.get $calls) (i64.const 1)))
    (i64.sub (local.get 0) (local.get 9))
    (i64.add (global.get $calls) (i64.load (i32.const 8))))
  (func (export "again") (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64)
    (return_call $sum (local.get 10) (local.get 9) (local.get 8) (local.get 7) (local.get 6) (local.get 5) (local.get 4)
      (local.get 3) (local.get 2) (local.get 0)))
  (table (export "table") 2 funcref)
  (elem (i32.const 0) $sum))`;

// The second instance's memory has other contents at 8: whoever returns without its own instance reads a wrong sum.
const MAIN = `(module
  (import "callbacks" "sum" (func $sum (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "callbacks" "again"
    (func $again (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (import "callbacks" "table" (table $table 2 funcref))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (type $sum (func (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\\64")
  (elem (table $table) (i32.const 1) func $own)
  (func $own (type $sum) (i64.load (i32.const 8)) (local.get 9))
  (func $direct (param $n i64) (result i64 i64)
    (return_call $sum (local.get $n) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
      (i64.const 7) (i64.const 8) (local.get $n)))
  (func $through (param $i i32) (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64 i64)
    (local $kept i64)
    (local.set $kept (i64.const 77))
    (i64.const 9)
    (return_call_indirect $table (type $sum) (local.get 10) (local.get 9) (local.get 8) (local.get 7) (local.get 6)
      (local.get 5) (local.get 4) (local.get 3) (local.get 2) (i64.add (local.get $kept) (local.get 1)) (local.get $i)))
  (func $check (param $a i64) (param $b i64) (param $wanted i64)
    (if (i64.ne (i64.add (i64.mul (local.get $a) (i64.const 1000)) (local.get $b)) (local.get $wanted))
      (then (call $proc_exit (i32.wrap_i64 (local.get $wanted)))))
    (if (i64.ne (i64.load (i32.const 8)) (i64.const 0x64)) (then (call $proc_exit (i32.const 9)))))
  (func (export "_start")
    (call $direct (i64.const 40)) (call $check (i64.const 6))
    (call $through (i32.const 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
      (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 100) (i64.const 0))
    (call $check (i64.const 22007))
    (call $through (i32.const 1) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
      (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 0) (i64.const 0))
    (call $check (i64.const 100078))
    (call $again (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7)
      (i64.const 8) (i64.const 9) (i64.const 10) (i64.const 31))
    (call $check (i64.const 30008))
    (call $proc_exit (i32.const 42))))`;

describe('another instance', () => {
  test.each(arches)('is called and returns, %s', async (arch) => {
    const { path } = await build(Buffer.from(MAIN), join(folder, `linked-${arch}`), {
      arch,
      linked: { callbacks: CALLBACKS },
    });
    expect(await Workload.start(path).ended()).toEqual({ stdout: '', stderr: '', code: 42 });
  });

  test.runIf(arches.length === 2)(`may be captured in, and continue on the other CPU, seed ${seed}`, async () => {
    const linked = { callbacks: CALLBACKS };
    const x64 = await build(Buffer.from(MAIN), join(folder, 'there'), { linked });
    const arm64 = await build(Buffer.from(MAIN), join(folder, 'back'), { linked, arch: 'arm64' });
    const there = await captureAtEverySite(x64, folder, {}, { reached: 16, seed }, arm64);
    expect(there.failures).toEqual([]);
    const reached = sitesIn(arm64, x64, there.reached);
    const back = await captureAtEverySite(arm64, folder, {}, 1000, x64, reached);
    expect(back.failures).toEqual([]);
    expect(back.reached).toEqual(reached);
    expect(reached.length).toBeGreaterThan(15);
  });
});

test.each(arches)('a backtrace shows the function that is there, %s', async (arch) => {
  const text = `(module
    (func $deepest (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (unreachable))
    (func $replaced (param i64)
      (return_call $deepest (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)
        (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)))
    (func $outer (call $replaced (i64.const 1)))
    (func $start (export "_start") (call $outer)))`;
  const { path } = await build(Buffer.from(text), join(folder, `trap-${arch}`), { arch });
  const { code, stderr } = await Workload.start(path).ended();
  expect(code).toBe(134);
  expect([...stderr.matchAll(/#\d+ (\S+)/g)].map(([, name]) => name)).toEqual(['deepest', 'outer', 'start']);
});

/**
 * A module whose host is JavaScript, on its own: it imports its memory, its table, globals and functions, all of which
 * are missing. What is made for it goes into snapshots like everything else of the instance.
 */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { build, canRun, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

const SOURCE = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "env" "memory" (memory 2 5))
  (import "env" "__indirect_function_table" (table 4 funcref))
  (import "env" "__memory_base" (global $base i32))
  (import "env" "__stack_pointer" (global $sp (mut i32)))
  (import "GOT.func" "f" (global $got (mut i64)))
  (import "env" "_emscripten_throw_longjmp" (func $gone (param i32)))
  (global $own (mut i32) (i32.const 5))
  (data (global.get $base) "xxxxABC")
  (elem (offset (global.get $base)) func $print $grow)
  (export "memory" (memory 0))
  (func $print (param $at i32)
    (i32.store (i32.const 16) (local.get $at)) (i32.store (i32.const 20) (i32.const 1))
    (if (call $fd_write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)) (then (unreachable))))
  (func $grow (param i32) (drop (memory.grow (local.get 0))))
  (func $check (param i32 i32) (if (i32.ne (local.get 0) (local.get 1)) (then (unreachable))))
  (func (export "_start")
    (call $check (i32.const 2) (memory.size))
    (call $check (i32.const 4) (table.size 0))
    (call $check (i32.const 0) (i32.or (global.get $sp) (i32.wrap_i64 (global.get $got))))
    (global.set $sp (i32.const 70000)) (global.set $got (i64.const -3))
    (i32.store (global.get $sp) (i32.const 1234))
    (call_indirect (param i32) (i32.const 1) (i32.const 1))
    (table.set (i32.const 3) (table.get (i32.const 0)))
    (call_indirect (param i32) (i32.const 4) (i32.const 3)) ;; A
    (i32.store (i32.const 16) (i32.const 32)) (i32.store (i32.const 20) (i32.const 1))
    (drop (call $fd_read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24))) ;; captured here
    (call $check (i32.const 3) (memory.size))
    (call $check (i32.const 1234) (i32.load (global.get $sp)))
    (call $check (i32.const -3) (i32.wrap_i64 (global.get $got)))
    (call $check (i32.const 5) (global.get $own))
    (call_indirect (param i32) (i32.const 5) (i32.const 3)) ;; B
    (call $gone (i32.const 1))))`;

const folder = temporaryFolder();

const routes: readonly ArchName[][] = [
  ['x64', 'arm64'],
  ['arm64', 'x64'],
];

test.runIf(canRun('x64') && canRun('arm64')).each(routes)(
  'a module without its host goes from %s to %s',
  async (from, to) => {
    const options = (arch: ArchName) => ({ arch, allowMissingImports: true });
    const first = await build(Buffer.from(SOURCE), join(folder, 'first'), options(from));
    const second = await build(Buffer.from(SOURCE), join(folder, 'second'), options(to));
    const workload = Workload.start(first.path, { stdin: 'pipe' });
    await workload.waitFor('A');
    const snapshot = join(folder, 'at-read.wsnap');
    await captureAndEnd(workload, snapshot);
    const rest = await restoreAndStart(snapshot, second, join(folder, 'rest'), { stdin: 'pipe' });
    rest.stdin.write('\n');
    const { code, stdout, stderr } = await rest.ended();
    expect({ code, stdout }).toEqual({ code: 134, stdout: 'B' });
    expect(stderr).toContain('wasm trap: call of a missing import');
    expect(stderr).toContain('env._emscripten_throw_longjmp');
  },
);

/** Images that run: entry, thunks, trampolines, linked instances, over the mini host. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { x64 } from '../../../../src/arch/x64/target.js';
import { compileImage } from '../../../../src/compile/link/compile.js';
import { writeImage } from '../../../../src/compile/link/write-file.js';
import type { Module } from '../../../../src/wasm/module.js';
import { miniHost, moduleOf } from './mini-host.js';

const native = process.arch === 'x64' && process.platform === 'linux';

describe.runIf(native)('images', () => {
  let folder: string;
  let hostLayer: Module;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wagsnap-image-'));
    hostLayer = await miniHost();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Compiles modules (the last is the main one) and returns the exit code. */
  async function run(sources: { name?: string; wat: string }[], allowMissingImports = false): Promise<number | null> {
    const modules = [];
    for (const { name, wat } of sources) modules.push({ name, module: await moduleOf(wat), file: name ?? 'main' });
    const image = compileImage(modules, { target: x64, hostLayer, allowMissingImports });
    const file = join(folder, 'image');
    writeImage(image, file);
    const { status, signal, stderr } = spawnSync(file, { timeout: 300_000 });
    expect(signal, String(stderr)).toBe(null);
    return status;
  }

  const main = (body: string, imports = '') =>
    run([
      {
        wat: `(module
          (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) ${imports}
          (func (export "_start") ${body}))`,
      },
    ]);

  it('returns from the entry to the host', async () => {
    expect(await main('')).toBe(7);
  });

  it('calls the host', async () => {
    expect(await main('(call $exit (i32.const 42))')).toBe(42);
  });

  it('passes stack arguments to the host', async () => {
    const imports =
      '(import "wasi_unstable" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))';
    const call = `(call $open (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1) (i64.const 0)
      (i64.const 0) (i32.const 2) (i32.const 3))`;
    expect(await main(`(call $exit ${call})`, imports)).toBe(123);
  });

  it('calls a host function again that has undone itself', async () => {
    const imports = '(import "wasi_unstable" "random_get" (func $random (param i32 i32) (result i32)))';
    expect(await main('(call $exit (call $random (i32.const 50) (i32.const 8)))', imports)).toBe(42);
  });

  it('enters the kernel only when no stop is wanted', async () => {
    const imports = `(import "wasi_unstable" "sched_yield" (func $yield (result i32)))
      (import "wasi_unstable" "fd_close" (func $close (param i32) (result i32)))`;
    const body = '(call $exit (i32.sub (call $yield) (i32.mul (call $close (i32.const 0)) (i32.const 5))))';
    expect(await main(body, imports)).toBe(20);
  });

  it('unwinds to the host', async () => {
    const imports = '(import "wasi_unstable" "fd_sync" (func $sync (param i32) (result i32)))';
    expect(await main('(call $exit (call $sync (i32.const 0)))', imports)).toBe(7);
  });

  it('traps in a missing import', async () => {
    const wat = '(module (import "env" "gone" (func $gone)) (func (export "_start") (call $gone)))';
    expect(await run([{ wat }], true)).toBe(111);
    await expect(run([{ wat }])).rejects.toThrow(/unknown import: env.gone/);
  });

  it('links instances: functions, globals, re-exports', async () => {
    const a = `(module
      (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
      (global $count (export "count") (mut i32) (i32.const 40))
      (global (export "two") i32 (i32.const 2))
      (export "quit" (func $exit))
      (func (export "many") (param i32 i64 i32 i32 i32 i32 f64 i32) (result i32)
        (global.set $count (i32.add (global.get $count) (local.get 7)))
        (local.get 5)))`;
    const b = `(module
      (import "a" "quit" (func $quit (param i32)))
      (import "a" "many" (func $many (param i32 i64 i32 i32 i32 i32 f64 i32) (result i32)))
      (import "a" "count" (global $count (mut i32)))
      (import "a" "two" (global $two i32))
      (global $own i32 (global.get $two))
      (func (export "_start")
        (local $result i32)
        (local.set $result (call $many (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 3) (f64.const 0) (i32.const 10)))
        (call $quit (i32.add (local.get $result) (i32.add (global.get $count) (global.get $own))))))`;
    expect(await run([{ name: 'a', wat: a }, { wat: b }])).toBe(55);
  });
});

/** Import binding: unknown imports, mismatched types, limits (core spec 4.5.2). */

import { beforeAll, describe, expect, it } from 'vitest';
import { x64 } from '../../../../src/arch/x64/target.js';
import { compileImage } from '../../../../src/compile/compile.js';
import type { Module } from '../../../../src/compile/wasm/module.js';
import { miniHost, moduleOf } from './mini-host.js';

const PROVIDER = `(module
  (func (export "f") (param i32) (result i64) (i64.const 0))
  (memory (export "m") 2 5)
  (table (export "t") 10 20 funcref)
  (table (export "unlimited") 10 externref)
  (global (export "c") i32 (i32.const 1))
  (global (export "v") (mut i64) (i64.const 1)))`;

describe('imports', () => {
  let hostLayer: Module;
  let provider: Module;
  beforeAll(async () => {
    hostLayer = await miniHost();
    provider = await moduleOf(PROVIDER);
  });

  async function link(field: string): Promise<void> {
    const module = await moduleOf(`(module ${field})`);
    const modules = [
      { name: 'p', module: provider, file: 'p' },
      { module, file: 'main.wasm' },
    ];
    compileImage(modules, { target: x64, hostLayer });
  }

  it.each([
    '(import "p" "f" (func (param i32) (result i64)))',
    '(import "p" "m" (memory 1))',
    '(import "p" "m" (memory 2 5))',
    '(import "p" "m" (memory 0 9))',
    '(import "p" "t" (table 5 funcref))',
    '(import "p" "t" (table 10 20 funcref))',
    '(import "p" "unlimited" (table 0 externref))',
    '(import "p" "c" (global i32))',
    '(import "p" "v" (global (mut i64)))',
    '(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))',
  ])('accepts %s', async (field) => {
    await link(field);
  });

  it.each([
    '(import "p" "f" (func (param i32)))',
    '(import "p" "f" (func (param i64) (result i64)))',
    '(import "p" "f" (global i32))',
    '(import "p" "m" (memory 3))',
    '(import "p" "m" (memory 2 4))',
    '(import "p" "t" (table 11 funcref))',
    '(import "p" "t" (table 10 19 funcref))',
    '(import "p" "t" (table 10 20 externref))',
    '(import "p" "unlimited" (table 10 20 externref))',
    '(import "p" "c" (global (mut i32)))',
    '(import "p" "v" (global i64))',
    '(import "p" "v" (global (mut i32)))',
    '(import "wasi_snapshot_preview1" "proc_exit" (func (param i64)))',
  ])('refuses the type of %s', async (field) => {
    await expect(link(field)).rejects.toThrow(/^main.wasm: incompatible import type: /);
  });

  it.each([
    '(import "p" "gone" (func))',
    '(import "q" "f" (func))',
    '(import "q" "m" (memory 1))',
    '(import "wasi_snapshot_preview1" "boot" (func (param i64)))',
    '(import "host" "boot" (func (param i64)))',
  ])('does not know %s', async (field) => {
    await expect(link(field)).rejects.toThrow(/: unknown import: /);
  });
});

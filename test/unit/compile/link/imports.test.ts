/** Import binding: unknown imports, mismatched types, limits (core spec 4.5.2). */

import { beforeAll, describe, expect, it } from 'vitest';
import { x64 } from '../../../../src/arch/x64/target.js';
import { compileImage } from '../../../../src/compile/link/compile.js';
import type { Module } from '../../../../src/wasm/module.js';
import { readModule } from '../../../../src/wasm/wat.js';
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

  async function link(field: string, allowMissingImports = false): Promise<void> {
    const module = await moduleOf(`(module ${field})`);
    const modules = [
      { name: 'p', module: provider, file: 'p' },
      { module, file: 'main.wasm' },
    ];
    compileImage(modules, { target: x64, hostLayer, allowMissingImports });
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

  it.each([
    [
      '(import "q" "f" (func))',
      'makes calls of it trap, compile --host-imports leaves it to the program that starts the process; ' +
        'in the library: allowMissingImports, hostImports, or imports of run',
    ],
    [
      '(import "wasi_snapshot_preview1" "fd_tell" (func (param i32 i64) (result i32)))',
      'makes calls of it trap, compile --host-imports leaves it to the program that starts the process; ' +
        'in the library: allowMissingImports, hostImports, or imports of run',
    ],
    ['(import "q" "m" (memory 1))', 'makes an empty one; in the library: allowMissingImports'],
    ['(import "q" "t" (table 1 funcref))', 'makes an empty one; in the library: allowMissingImports'],
    ['(import "q" "g" (global i32))', 'makes one that is zero; in the library: allowMissingImports'],
    ['(import "q" "e" (tag))', 'makes one; in the library: allowMissingImports'],
  ])('says how %s can be left out, and lets it', async (field, hint) => {
    await expect(link(field)).rejects.toThrow(`(--allow-missing-imports ${hint})`);
    await link(field, true);
  });

  it('makes what is missing after what is provided, not before it', async () => {
    const provided = '(import "p" "c" (global i32))';
    const missing = '(import "q" "c" (global i32))';
    await link(`${provided} ${missing} (func (result i32) (i32.add (global.get 0) (global.get 1)))`, true);
    await expect(link(`${missing} ${provided}`, true)).rejects.toThrow(
      'import p.c comes after one of its kind that is missing',
    );
    await expect(link('(import "p" "m" (memory 3))', true)).rejects.toThrow('incompatible import type');
  });

  it('says that threads cannot be started', async () => {
    const threads = `(import "env" "memory" (memory 1 4 shared))
      (import "wasi" "thread-spawn" (func (param i32) (result i32)))`;
    await expect(link(threads)).rejects.toThrow(
      'unknown import: wasi.thread-spawn (function (i32) i32) (starting threads is not supported yet;',
    );
    await link(threads, true);
  });
});

describe('imports of what text of before had no words for', () => {
  const provider = `(module
    (memory (export "shared") 1 4 shared) (memory (export "plain") 1 4) (memory (export "wide") i64 1 4)
    (table (export "table") 1 funcref) (table (export "wide-table") i64 1 funcref)
    (tag (export "tag") (param i32)))`;
  /** Imports a part of `provider`, and exports it: it has asked for less. */
  const between = `(module (import "p" "plain" (memory 0)) (import "p" "table" (table 0 funcref))
    (export "plain" (memory 0)) (export "table" (table 0)))`;

  async function link(field: string, ...more: [name: string, text: string][]): Promise<void> {
    const modules = [];
    for (const [name, text] of [['p', provider] as const, ['between', between] as const, ...more]) {
      modules.push({ name, module: await readModule(Buffer.from(text)), file: name });
    }
    modules.push({ module: await readModule(Buffer.from(`(module ${field})`)), file: 'main.wasm' });
    compileImage(modules, { target: x64, hostLayer: await miniHost() });
  }

  it.each([
    '(import "p" "shared" (memory 1 4 shared))',
    '(import "p" "wide" (memory i64 1 4))',
    '(import "p" "wide-table" (table i64 1 funcref))',
    '(import "p" "tag" (tag (param i32)))',
    '(import "between" "plain" (memory 1 4))',
    '(import "between" "table" (table 1 funcref))',
  ])('accepts %s', async (field) => {
    await link(field);
  });

  it.each([
    '(import "p" "shared" (memory 1 4))',
    '(import "p" "plain" (memory 1 4 shared))',
    '(import "p" "wide" (memory 1 4))',
    '(import "p" "plain" (memory i64 1 4))',
    '(import "p" "table" (table i64 1 funcref))',
    '(import "p" "tag" (tag (param i64)))',
    '(import "p" "tag" (tag))',
    '(import "between" "plain" (memory 2 4))',
  ])('refuses the type of %s', async (field) => {
    await expect(link(field)).rejects.toThrow(/^main.wasm: incompatible import type: /);
  });

  /** Which grow `plain` and `table` of p. */
  const growers: [string, string][] = [
    [
      'g',
      `(module (import "p" "plain" (memory 1)) (import "p" "table" (table 1 funcref)) (memory $other 7)
        (func (local funcref) (drop (memory.grow (i32.const 1))) (drop (table.grow (ref.null func) (i32.const 1)))))`,
    ],
  ];

  it.each([
    '(import "p" "plain" (memory 2 4))',
    '(import "p" "plain" (memory 4))',
    '(import "between" "plain" (memory 3))',
    '(import "p" "table" (table 1000 funcref))',
  ])('accepts %s, which earlier modules may have grown so far', async (field) => {
    await link(field, ...growers);
    await expect(link(field), 'when none grows it').rejects.toThrow(/^main.wasm: incompatible import type: /);
  });

  it.each([
    '(import "p" "plain" (memory 5))',
    '(import "p" "shared" (memory 2 4 shared))',
    '(import "p" "wide" (memory i64 2 4))',
    '(import "p" "wide-table" (table i64 2 funcref))',
    '(import "p" "table" (table 2 externref))',
    '(import "p" "table" (table 2 3 funcref))',
  ])('refuses %s, which they cannot have grown', async (field) => {
    await expect(link(field, ...growers)).rejects.toThrow(/^main.wasm: incompatible import type: /);
  });

  it.each([
    '(table $other 0 funcref) (func (drop (table.grow $other (ref.null func) (i32.const 1))))',
    '(func (drop (table.size 0)))',
    '(memory $other 0) (func (drop (memory.grow $other (i32.const 1))))',
    '(func (drop (i32.const 64)))',
  ])('does not take %s for what grows them', async (code) => {
    const other: [string, string] = [
      'g',
      `(module (import "p" "table" (table 1 funcref)) (import "p" "plain" (memory 1)) ${code})`,
    ];
    await expect(link('(import "p" "plain" (memory 2))', other)).rejects.toThrow('incompatible import type');
    await expect(link('(import "p" "table" (table 2 funcref))', other)).rejects.toThrow('incompatible import type');
  });

  it('validates what may have grown it before it is looked through', async () => {
    const invalid: [string, string] = ['g', '(module (import "p" "plain" (memory 1)) (func i32.add drop))'];
    await expect(link('(import "p" "plain" (memory 2))', invalid)).rejects.toThrow(/^g: .*type mismatch/);
  });

  it('takes the last module of a name', async () => {
    const last: [string, string] = ['p', '(module (func (export "last")))'];
    await link('(import "p" "last" (func))', last);
    await expect(link('(import "p" "plain" (memory 1))', last)).rejects.toThrow(/unknown import: p.plain/);
  });

  it('does not take a linked module of a short name for a host', async () => {
    const message = async (field: string, ...more: [name: string, text: string][]) => {
      const error = await link(field, ...more).then(
        () => undefined,
        (error: Error) => error,
      );
      return error!.message;
    };
    const linked: [string, string] = ['a', '(module (func (export "b")))'];
    expect(await message('(import "a" "b" (func))')).toContain('minified as Emscripten does');
    for (const field of ['(import "a" "b" (func (param i32)))', '(import "a" "c" (func))']) {
      expect(await message(field, linked)).not.toContain('Emscripten');
    }
  });
});

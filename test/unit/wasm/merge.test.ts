/** Merged modules do what their instances did: all programs again, with every index moved by another instance. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeModule } from '../../../src/wasm/decode.js';
import { merge } from '../../../src/wasm/merge/merge.js';
import type { Binding, MergedInstance } from '../../../src/wasm/merge/merge-plan.js';
import { ExternKind, type Module } from '../../../src/wasm/module.js';
import { readModule } from '../../../src/wasm/wat.js';
import { smallPrograms } from '../../migrate/small-programs.js';
import { command } from '../../support/command.js';
import { build, temporaryFolder, Workload } from '../../support/workload.js';

const folder = temporaryFolder();

/** Something of each index space, so that nothing of the next instance has the index that it had. */
const FILLER = `(module $filler
  (type (func (param i64 i64 i64) (result f32)))
  (func $a) (func $b) (func $c)
  (table 2 funcref) (table 3 externref)
  (memory 1) (memory 2)
  (global (mut i32) (i32.const 1)) (global f64 (f64.const 2))
  (tag (param f32))
  (elem (i32.const 0) func $a $b) (elem func $c)
  (data (i32.const 0) "x") (data "y"))`;

async function filler(): Promise<MergedInstance> {
  return { module: await readModule(Buffer.from(FILLER), 'filler'), file: 'filler', bindings: [] };
}

const stays = ({ imports }: Module): Binding[] => imports.map(() => ({ kind: 'import' }));

/** A module after the filler; what is started is a made function, which runs its start function first. */
async function moved(module: Module): Promise<Uint8Array> {
  const begin = [module.start, module.exports.find(({ name }) => name === '_start')?.index];
  const none = new Uint8Array(0);
  return merge({
    name: 'moved',
    instances: [await filler(), { module, file: 'module', bindings: stays(module) }],
    functions: [
      {
        name: '_start',
        type: { params: none, results: none },
        locals: [],
        write: (to, maps) => {
          for (const index of begin) {
            if (index === undefined) continue;
            to.byte(0x10);
            to.unsigned(maps[1].funcs[index]);
          }
          to.byte(0x0b);
        },
      },
    ],
    globals: 0,
    firstMemory: undefined,
    exports: [
      { name: '_start', kind: ExternKind.Func, of: 0 },
      ...module.exports
        .filter(({ name }) => name === 'memory')
        .map(({ name, kind, index }) => ({ name, kind, of: { instance: 1, index } })),
    ],
  });
}

/** Those that name types in references are not merged. */
const programs = smallPrograms.filter(({ linked, name }) => linked === undefined && name !== 'everything');

test.each(programs)('$name', async ({ name, source, args }) => {
  const module = await readModule(source);
  const bytes = await moved(module);
  const options = { args, dirs: [{ host: folder, guest: '.', readOnly: false }] };
  const one = await build(module.bytes, join(folder, `${name}-one`));
  const other = await build(bytes, join(folder, `${name}-moved`));
  expect(decodeModule(bytes).memories.length).toBe(module.memories.length + 2);
  const expected = await Workload.start(one.path, options).ended();
  const { stdout, code } = await Workload.start(other.path, options).ended();
  expect([stdout, code]).toEqual([expected.stdout, expected.code]);
});

test('instances share what they import of each other, also what they have only passed on', async () => {
  const texts = [
    `(module
      (memory (export "m") 1) (global (export "g") (mut i32) (i32.const 7))
      (table (export "t") 4 funcref)
      (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 100)))
      (data (i32.const 8) "\\2a"))`,
    `(module
      (import "a" "m" (memory 1)) (import "a" "g" (global $g (mut i32))) (import "a" "f" (func $f (param i32) (result i32)))
      (export "m" (memory 0)) (export "g" (global $g)) (export "f" (func $f)))`,
    `(module
      (import "b" "m" (memory $m 1)) (import "b" "g" (global $g (mut i32))) (import "b" "f" (func $f (param i32) (result i32)))
      (import "a" "t" (table $t 4 funcref))
      (memory $own 1) (data (memory $own) (i32.const 8) "\\01")
      (type $i (func (param i32) (result i32)))
      (elem (table $t) (i32.const 2) func $f)
      (func (export "run") (param i32) (result i32)
        (global.set $g (i32.add (global.get $g) (local.get 0)))
        (call_indirect $t (type $i)
          (i32.add (global.get $g) (i32.add (i32.load8_u $m (i32.const 8)) (i32.load8_u $own (i32.const 8))))
          (i32.const 2))))`,
  ];
  const modules = await Promise.all(texts.map((text) => readModule(Buffer.from(text))));
  const names = new Map([
    ['a', 0],
    ['b', 1],
  ]);
  const instances = modules.map((module) => ({
    module,
    file: 'm',
    bindings: module.imports.map((entry): Binding => {
      const instance = names.get(entry.module)!;
      const found = modules[instance].exports.find(({ name }) => name === entry.name)!;
      return { kind: 'instance', instance, index: found.index };
    }),
  }));
  const { index } = modules[2].exports[0];
  const bytes = merge({
    name: 'three',
    instances,
    functions: [],
    globals: 0,
    firstMemory: { instance: 2, index: 1 },
    exports: [{ name: 'run', kind: ExternKind.Func, of: { instance: 2, index } }],
  });
  const path = join(folder, 'three.wasm');
  writeFileSync(path, bytes);
  const tool = join(import.meta.dirname, '../../../bin/wag-snap');
  const run = async (value: string) => (await command(tool, ['run', '--invoke', 'run', path, value])).stdout;
  expect(await run('0')).toBe('150\n');
  expect(await run('5')).toBe('155\n');
  expect(decodeModule(bytes).names?.module).toBe('three');
});

test('what does not fit is refused', async () => {
  const provider = await readModule(Buffer.from('(module (memory (export "m") 1) (func (export "f")))'));
  const verdict = async (wanted: string, index: number) => {
    const module = await readModule(Buffer.from(`(module (import "a" "x" ${wanted}))`));
    const bindings: Binding[] = [{ kind: 'instance', instance: 0, index }];
    const instances = [
      { module: provider, file: 'p', bindings: [] },
      { module, file: 'it', bindings },
    ];
    return () => merge({ name: '', instances, functions: [], globals: 0, firstMemory: undefined, exports: [] });
  };
  expect(await verdict('(func)', 0)).not.toThrow();
  expect(await verdict('(func (param i32))', 0)).toThrow(
    'it: incompatible import type: a.x (function (i32)), expected ()',
  );
  expect(await verdict('(memory 1)', 0)).not.toThrow();
  expect(await verdict('(memory 2)', 0)).toThrow('it: incompatible import type: a.x');
  expect(await verdict('(memory 1 5)', 0)).toThrow('it: incompatible import type: a.x');
});

test('a malformed body is refused with its place in its own module', async () => {
  const module = await readModule(
    Buffer.from('(module (func (i32.store (i32.const 1) (i32.const 2)) (nop)) (memory 1))'),
  );
  const bytes = module.bytes.slice();
  const nop = module.bodyEnd[0] - 2;
  bytes[nop] = 0x27;
  await expect(moved(decodeModule(bytes))).rejects.toThrow(`module: offset 0x${nop.toString(16)}: illegal opcode 0x27`);
});

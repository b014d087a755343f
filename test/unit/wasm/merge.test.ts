/** Merged modules do what their instances did: all programs again, with every index moved by another instance. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeModule } from '../../../src/wasm/decode.js';
import { merge } from '../../../src/wasm/merge/merge.js';
import type { Binding, MergedInstance } from '../../../src/wasm/merge/merge-plan.js';
import { ExternKind, type Module } from '../../../src/wasm/module.js';
import { readModule } from '../../../src/wasm/wat.js';
import { castsProgram } from '../../migrate/casts.js';
import { LEAVE, referencesProgram } from '../../migrate/references-program.js';
import { smallPrograms } from '../../migrate/small-programs.js';
import { subtypesProgram } from '../../migrate/subtypes.js';
import { assembleByBinaryen } from '../../support/binaryen.js';
import { command } from '../../support/command.js';
import { STANDARD } from '../../support/function-references.js';
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

/** Only its export declares the function for ref.func. */
const EXPORTED = `(module
  (table 1 funcref)
  (func $f (export "f"))
  (func (export "_start") (table.set (i32.const 0) (ref.func $f)) (call_indirect (i32.const 0))))`;

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

const programs = [
  ...smallPrograms.filter(({ linked }) => linked === undefined),
  { name: 'subtypes', source: assembleByBinaryen(subtypesProgram('(call $proc_exit (i32.const 42))')), args: [] },
  { name: 'casts', source: assembleByBinaryen(castsProgram()), args: [] },
  { name: 'exported', source: Buffer.from(EXPORTED), args: [] },
  { name: 'references', source: referencesProgram(STANDARD, LEAVE), args: [] },
];

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

test('types are the same in all instances, and subtypes fit', async () => {
  const TYPES = `(rec (type $a (sub (func (result i32)))) (type $b (sub $a (func (result i32)))))
    (type $c (sub final $b (func (result i32)))) (type $user (func (param (ref null $b)) (result (ref $a))))`;
  const texts = [
    `(module ${TYPES}
      (func $b (export "b") (type $b) (i32.const 2)) (func $c (export "c") (type $c) (i32.const 3))
      (func (export "id") (type $user) (ref.as_non_null (local.get 0)))
      (global (export "g") (ref $c) (ref.func $c))
      (table (export "t") 3 (ref null $b)) (elem (table 0) (i32.const 0) (ref null $b) (ref.func $b) (ref.null $b)))`,
    `(module (type $other (func (param f32))) ${TYPES}
      (import "p" "b" (func $b (type $a))) (import "p" "c" (func $c (type $b))) (import "p" "id" (func $id (type $user)))
      (import "p" "g" (global $g (ref $a))) (import "p" "t" (table $t 3 (ref null $b)))
      (elem declare func $b $c)
      (table $own 2 (ref $a) (ref.func $b))
      (global $null (ref null $c) (ref.null $c))
      (func (export "run") (param i32) (result i32)
        (table.set $t (i32.const 2) (ref.cast (ref $c) (ref.func $c)))
        (i32.add
          (i32.mul (i32.const 100) (call_ref $a (call $id (table.get $t (local.get 0)))))
          (i32.add
            (i32.mul (i32.const 10) (ref.test (ref $c) (table.get $t (local.get 0))))
            (i32.add (ref.test (ref $b) (global.get $g)) (ref.is_null (global.get $null)))))))`,
  ];
  const modules = await Promise.all(texts.map((text) => readModule(Buffer.from(text))));
  const [provider, user] = modules;
  const found = (name: string) => provider.exports.find((entry) => entry.name === name)!.index;
  const bindings = user.imports.map(({ name }): Binding => ({ kind: 'instance', instance: 0, index: found(name) }));
  const bytes = merge({
    name: 'types',
    instances: [
      { module: provider, file: 'p', bindings: [] },
      { module: user, file: 'u', bindings },
    ],
    functions: [],
    globals: 0,
    firstMemory: undefined,
    exports: [{ name: 'run', kind: ExternKind.Func, of: { instance: 1, index: user.exports[0].index } }],
  });
  expect(decodeModule(bytes).types.length).toBe(5 + 1); // each once, and that of run
  const path = join(folder, 'types.wasm');
  writeFileSync(path, bytes);
  const tool = join(import.meta.dirname, '../../../bin/wag-snap');
  const run = async (value: string) => (await command(tool, ['run', '--invoke', 'run', path, value])).stdout;
  expect([await run('0'), await run('2')]).toEqual(['202\n', '312\n']);
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

/** Types of components: those of WASI 0.2 are what its WIT says, and what does not fit is refused with its place. */

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import { beforeAll, describe, expect, test } from 'vitest';
import { loadInterfaces } from '../../../../src/api/interfaces.js';
import { ModuleError } from '../../../../src/base/errors.js';
import { checkTypes } from '../../../../src/wasm/component/check-types.js';
import { CoreFunctions } from '../../../../src/wasm/component/core-functions.js';
import { decodeComponent } from '../../../../src/wasm/component/decode.js';
import { Sort } from '../../../../src/wasm/component/definitions.js';
import { Flattener } from '../../../../src/wasm/component/flatten.js';
import { type Graph, instantiate } from '../../../../src/wasm/component/instantiate.js';
import { interfaceFunctionName } from '../../../../src/wasm/component/interface-functions.js';
import { type ResolvedType, Types } from '../../../../src/wasm/component/type-space.js';
import { TypeText } from '../../../../src/wasm/component/type-text.js';
import { FUNCTIONS } from '../../../../src/wasm/component/wasi-types.js';
import { formatFuncType } from '../../../../src/wasm/text.js';
import { ComponentWriter } from '../../../support/component-writer.js';

const fixtures = resolve(import.meta.dirname, '../../../../fixtures/components');

/** Checks a component. @returns what is wrong, '' for nothing */
function check(bytes: Uint8Array): string {
  try {
    const component = decodeComponent(bytes, 'it');
    const graph = instantiate(component);
    checkTypes(graph, new CoreFunctions(component, graph));
  } catch (error) {
    return error instanceof ModuleError ? `${error.code}: ${error.headline}` : String(error);
  }
  return '';
}

describe('the interfaces of WASI 0.2', () => {
  let graph: Graph;
  let problem: string;
  const found = new Map<string, ResolvedType & { kind: 'type' }>();

  beforeAll(() => {
    const bytes = readFileSync(resolve(fixtures, 'wasi.wasm'));
    problem = check(bytes);
    graph = instantiate(decodeComponent(bytes, 'it'));
    const types = new Types(graph);
    for (const { name } of graph.imports) {
      const [, interfaceName] = /^wasi:(.*)@0\.2\.12$/.exec(name)!;
      for (const [func, type] of types.ofImport(name)!.functions) {
        expect(type.kind).toBe('type');
        found.set(`${interfaceName} ${func}`, type as ResolvedType & { kind: 'type' });
      }
    }
  });

  test('are those of the WIT', () => {
    expect(problem).toBe('');
    const text = new TypeText('it');
    for (const [name, expected] of FUNCTIONS) expect([name, text.of(found.get(name)!)]).toEqual([name, expected]);
  });

  test('are those that there are, with the same core types', () => {
    const { exports, types, funcTypes } = loadInterfaces();
    const core = new Map(exports.map(({ name, index }) => [name, formatFuncType(types[funcTypes[index]])]));
    const flattener = new Flattener('it');
    const flat = [...FUNCTIONS.keys()].map((name) => {
      const [interfaceName, func] = name.split(' ');
      const signature = flattener.signature(found.get(name)!, 'lower');
      return [interfaceFunctionName(interfaceName, func), formatFuncType(signature.type)] as const;
    });
    expect(new Map(flat)).toEqual(new Map([...core].filter(([name]) => !/^(resource_drop_|memory$)/.test(name))));
  });

  test('are what real components import', () => {
    for (const name of ['native', 'fileio', 'sums']) {
      expect(check(readFileSync(resolve(fixtures, `${name}.wasm`)))).toBe('');
    }
  });
});

describe('an import of another type', () => {
  const errors = '(type $error (sub resource))';
  test.each([
    ['wasi:cli/exit', 'exit', '(param "status" u32)', '(u32), expected (result)'],
    ['wasi:cli/exit', 'exit', '', '(), expected (result)'],
    ['wasi:clocks/wall-clock', 'now', '(result u64)', '() -> u64, expected () -> datetime'],
    [
      'wasi:random/random',
      'get-random-bytes',
      '(param "len" u64) (result (list s8))',
      '(u64) -> list<s8>, expected (u64) -> list<u8>',
    ],
    [
      'wasi:cli/environment',
      'initial-cwd',
      '(result (option u32))',
      '() -> option<u32>, expected () -> option<string>',
    ],
    [
      'wasi:io/error',
      '[method]error.to-debug-string',
      '(param "self" (borrow $error)) (result u32)',
      '(borrow<error>) -> u32, expected (borrow<error>) -> string',
      `(export "error" ${errors})`,
    ],
    [
      'wasi:filesystem/types',
      'filesystem-error-code',
      '(param "err" (borrow $error)) (result u32)',
      '(borrow<wasi:filesystem/types@0.2.3 error>) -> u32, expected (borrow<error>) -> option<error-code>',
      `(export "error" ${errors})`,
    ],
  ])('%s %s %s', async (name, func, type, says, before = '') => {
    const text = `(component
      (import "wasi:cli/stdin@0.2.3" (instance))
      (import "${name}@0.2.3" (instance ${before} (export "${func}" (func ${type})))))`;
    const problem = check(await parse(text));
    expect(problem).toBe(`unlinkable: it: incompatible import type: ${name}@0.2.3 ${func} is ${says}`);
  });

  test('names of parameters, other versions, other interfaces and functions that nothing knows', async () => {
    const text = (name: string, func: string, type: string) =>
      parse(`(component (import "${name}" (instance (export "${func}" (func ${type})))))`);
    expect(
      check(await text('wasi:random/random@0.2.99', 'get-random-bytes', '(param "n" u64) (result (list u8))')),
    ).toBe('');
    expect(check(await text('wasi:cli/exit@0.2.3', 'leave', '(param "status" u32)'))).toBe('');
    expect(check(await text('other:cli/exit@0.2.3', 'exit', '(param "status" u32)'))).toBe('');
  });
});

/** A component that lifts a core function. */
const lifting = (type: string, core: string, options = '', types = '') => `(component ${types}
  (core module $m
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
    (func (export "f") ${core} unreachable)
    (func (export "g") (param i32)))
  (core instance $i (instantiate $m))
  (func (export "f") ${type} (canon lift (core func $i "f") ${options})))`;

const MEMORY = '(memory (core memory $i "memory"))';
const REALLOC = '(realloc (core func $i "realloc"))';
const many = (count: number, type: string) =>
  Array.from({ length: count }, (_, i) => `(param "p${i}" ${type})`).join(' ');
const core = (count: number, type: string) => `(param ${new Array(count).fill(type).join(' ')})`;

describe('a lifted function', () => {
  test.each([
    ['nothing', '', ''],
    ['numbers', many(3, 'u8'), core(3, 'i32')],
    [
      'more numbers',
      '(param "a" u64) (param "b" f32) (param "c" f64) (param "d" char) (param "e" bool)',
      '(param i64 f32 f64 i32 i32)',
    ],
    ['a tuple', '(param "a" (tuple u8 s64 f32))', '(param i32 i64 f32)'],
    ['an option', '(param "a" (option f64))', '(param i32 f64)'],
    ['a result whose cases share a place', '(param "a" (result f32 (error s32)))', '(param i32 i32)'],
    ['a result whose cases share a place, the other way', '(param "a" (result s32 (error f32)))', '(param i32 i32)'],
    ['a result whose cases share a larger place', '(param "a" (result f32 (error s64)))', '(param i32 i64)'],
    ['a result of two floats', '(param "a" (result f64 (error f32)))', '(param i32 i64)'],
    ['16 parameters', many(16, 'u64'), core(16, 'i64')],
    ['one result', '(result u64)', '(result i64)'],
    ['a string', '(param "a" string)', '(param i32 i32)', `${MEMORY} ${REALLOC}`],
    ['17 parameters', many(17, 'u64'), '(param i32)', `${MEMORY} ${REALLOC}`],
    ['a list', '(result (list u8))', '(result i32)', MEMORY],
    ['a result that is two', '(result (tuple u8 u8))', '(result i32)', `${MEMORY} (post-return (core func $i "g"))`],
  ])('of %s', async (_name, type, core, options = '') => {
    expect(check(await written(type, core, options))).toBe('');
  });

  test.each([
    [
      'a parameter less',
      many(2, 'u8'),
      core(1, 'i32'),
      '',
      'lifted function: core function (i32, i32) expected, (i32) given',
    ],
    ['another type', many(1, 'u64'), core(1, 'i32'), '', 'core function (i64) expected, (i32) given'],
    ['no result', '(result u32)', '', '', 'core function () i32 expected, () given'],
    ['the larger place', '(param "a" (result f32 (error s64)))', '(param i32 f32)', '', '(i32, i64) expected'],
    ['16 parameters, 17 given', many(16, 'u8'), core(17, 'i32'), '', 'given'],
    ['17 parameters', many(17, 'u8'), core(17, 'i32'), `${MEMORY} ${REALLOC}`, 'core function (i32) expected'],
    ['a string without a memory', '(param "a" string)', '(param i32 i32)', '', 'needs the canonical option memory'],
    [
      'a string without a realloc',
      '(param "a" string)',
      '(param i32 i32)',
      MEMORY,
      'needs the canonical option realloc',
    ],
    ['two results without a memory', '(result (tuple u8 u8))', '(result i32)', '', 'needs the canonical option memory'],
    [
      'another post-return',
      '(result u64)',
      '(result i64)',
      '(post-return (core func $i "g"))',
      'post-return: core function (i64) expected, (i32) given',
    ],
    [
      'another realloc',
      '',
      '',
      `${MEMORY} (realloc (core func $i "g"))`,
      'realloc: core function (i32, i32, i32, i32) i32 expected, (i32) given',
    ],
  ])('%s', async (_name, type, core, options, says) => {
    const problem = check(await written(type, core, options));
    expect(problem).toMatch(/^invalid: it: offset 0x[1-9a-f]/);
    expect(problem).toContain(says);
  });

  function written(type: string, core: string, options: string): Promise<Uint8Array> {
    return parse(lifting(type, core, options));
  }
});

test('a lowered function needs what it copies with', async () => {
  const lowering = (options: string) => `(component
    (import "wasi:random/random@0.2.0" (instance $r (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
    (core module $m (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
    (core instance $i (instantiate $m))
    (core func (canon lower (func $r "get-random-bytes") ${options})))`;
  const checking = async (options: string) => check(await parse(lowering(options)));
  expect(await checking(`${MEMORY} ${REALLOC}`)).toBe('');
  expect(await checking('')).toContain('wasi:random/random@0.2.0 get-random-bytes needs the canonical option memory');
  expect(await checking(MEMORY)).toContain('needs the canonical option realloc');
});

describe('hostile types', () => {
  const deep = (count: number, type: (inner: number) => string) =>
    `(type $t0 u8) ${Array.from({ length: count }, (_, i) => `(type $t${i + 1} ${type(i)})`).join('\n')}`;

  test('types in one another', async () => {
    const type = (count: number) =>
      lifting(
        `(param "a" $t${count})`,
        '(param i32 i32)',
        `${MEMORY} ${REALLOC}`,
        deep(count, (i) => `(list $t${i})`),
      );
    expect(check(await parse(type(90)))).toBe('');
    expect(
      check(
        await parse(
          lifting(
            `(param "a" $t400)`,
            '(param i32)',
            '',
            deep(400, (i) => `(option $t${i})`),
          ),
        ),
      ),
    ).toContain('(componentDepth)');
  });

  test('a type that refers to itself, or to a later one', async () => {
    for (const index of [0, 1, 9]) {
      const lifted = new ComponentWriter();
      lifted.type(0x70, index); // list
      const module = lifted.coreModule(await parse('(module (func (export "f") (param i32 i32)))'));
      const func = lifted.coreAlias(Sort.CoreFunc, lifted.coreInstance(module), 'f');
      lifted.lift(func, lifted.type(0x40, 1, 1, 0x61, 0, 1, 0)); // func(a: 0)
      lifted.type(0x7d);
      expect(check(lifted.bytes)).toBe(`invalid: it: offset 0xb: unknown type ${index}`);

      const imported = new ComponentWriter();
      const exit = [4, 0, 4, 0x65, 0x78, 0x69, 0x74, 1, 1];
      const type = imported.type(0x42, 3, 1, 0x70, index, 1, 0x40, 1, 1, 0x61, 0, 1, 0, ...exit);
      imported.import('wasi:cli/exit@0.2.0', Sort.Instance, 5, type);
      expect(check(imported.bytes)).toMatch(/^invalid: it: offset 0x[0-9a-f]+: unknown type [019]$/);
    }
  });

  test('a type that is there very often in another one', async () => {
    const twice = deep(60, (i) => `(tuple $t${i} $t${i})`);
    const start = performance.now();
    expect(check(await parse(lifting('(param "a" $t60)', '(param i32)', `${MEMORY} ${REALLOC}`, twice)))).toBe('');
    const text = `(component (import "wasi:cli/exit@0.2.0" (instance ${twice} (export "exit" (func (param "status" $t60))))))`;
    expect(check(await parse(text))).toContain('wasi:cli/exit@0.2.0 exit is (tuple<tuple<');
    expect(performance.now() - start).toBeLessThan(60_000);
  });

  test('a list of length 0, and a very long one', async () => {
    const list = new ComponentWriter();
    list.type(0x67, 0x7d, 0);
    expect(check(list.bytes)).toBe('malformed: it: offset 0xd: a list of length 0');

    const long = '(type $list (list u8 4294967295))';
    expect(check(await parse(lifting('(param "a" $list)', '(param i32)', `${MEMORY} ${REALLOC}`, long)))).toBe('');
  });

  test('an instance with very many instances in it', async () => {
    const two = (i: number) => `(instance (alias outer 1 $t${i} (type $t))
      (export "a" (instance (type $t))) (export "b" (instance (type $t))))`;
    const types = deep(40, two).replace('u8', '(instance)');
    const text = `(component ${types} (import "wasi:cli/exit@0.2.0" (instance (type $t40))))`;
    expect(check(await parse(text))).toContain('(componentDefinitions)');
  });

  test('a type whose text is very long', async () => {
    const fields = (count: number, type: string) =>
      Array.from({ length: count }, (_, i) => `(field "f${i}" ${type})`).join(' ');
    const text = `(component (import "wasi:random/random@0.2.0" (instance
      (type $i0 (record ${fields(700, 'u64')})) (export "i" (type $i (eq $i0)))
      (type $o0 (record ${fields(10_000, '$i')})) (export "o" (type $o (eq $o0)))
      (export "get-random-u64" (func (param "x" $o) (result u64))))))`;
    const problem = check(await parse(text));
    expect(problem).toContain('get-random-u64 is (record {f0: record {f0: u64, ');
    expect(problem).toMatch(/\.\.\., expected \(\) -> u64$/);
    expect(problem.length).toBeLessThan(3000);
  });
});

test('a memory with 64-bit addresses as a canonical option', async () => {
  const bytes = await parse(`(component
    (core module $m (memory (export "memory") i64 1) (func (export "f") (result i32) unreachable))
    (core instance $i (instantiate $m))
    (func (export "f") (result (list u8)) (canon lift (core func $i "f") ${MEMORY})))`);
  const problem = check(bytes);
  expect(problem).toMatch(/^unsupported: it: offset 0x[0-9a-f]+: not supported yet: a memory with 64-bit addresses/);
  expect(problem).toContain('(a lifted function)');
});

test('core modules that are instantiated very often', async () => {
  const writer = new ComponentWriter();
  const module = writer.coreModule(await parse('(module)'));
  for (let i = 0; i <= 10_000; i++) writer.coreInstance(module);
  expect(check(writer.bytes)).toContain('10001 exceeds the limit of 10000 (coreInstances)');
});

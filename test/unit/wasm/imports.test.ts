/** The import section: the compact forms mean the same as single imports. */

import { describe, expect, test } from 'vitest';
import { ModuleError } from '../../../src/base/errors.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import type { Module } from '../../../src/wasm/module.js';

const section = (id: number, ...content: number[]) => [id, content.length, ...content];
const name = (text: string) => [text.length, ...Buffer.from(text)];
/** Types 0 and 1: () -> i32, (i64) -> (). */
const TYPES = section(1, 2, 0x60, 0, 1, 0x7f, 0x60, 1, 0x7e, 0);

const decode = (...imports: number[]): Module =>
  decodeModule(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...TYPES, ...section(2, ...imports)]));

const FUNC = [0, 1];
const TABLE = [1, 0x70, 1, 2, 9];
const MEMORY = [2, 0, 1];
const GLOBAL = [3, 0x7e, 1];
const TAG = [4, 0, 1];
const ITEMS = 0x7f;
const NAMES = 0x7e;

function spaces({ imports, funcTypes, tables, memories, globals, tags, ...module }: Module) {
  const { importedFuncCount, importedTableCount, importedMemoryCount, importedGlobalCount, importedTagCount } = module;
  const counts = [importedFuncCount, importedTableCount, importedMemoryCount, importedGlobalCount, importedTagCount];
  return { imports, funcTypes, tables, memories, globals, tags, counts };
}

describe('compact imports', () => {
  test('of one module: the same as single ones', () => {
    const kinds = { f: FUNC, t: TABLE, m: MEMORY, g: GLOBAL, e: TAG, '': FUNC };
    const items = Object.entries(kinds).map(([item, type]) => [...name(item), ...type]);
    const single = decode(6, ...items.flatMap((item) => [...name('env'), ...item]));
    const compact = decode(1, ...name('env'), 0, ITEMS, 6, ...items.flat());
    expect(spaces(compact)).toEqual(spaces(single));
    expect(compact.imports.map((entry) => entry.name)).toEqual(['f', 't', 'm', 'g', 'e', '']);
  });

  test.each(Object.entries({ FUNC, TABLE, MEMORY, GLOBAL, TAG }))('of one module and type: %s', (_, type) => {
    const names = ['a', '', 'c'];
    const single = decode(3, ...names.flatMap((item) => [...name('env'), ...name(item), ...type]));
    const compact = decode(1, ...name('env'), 0, NAMES, ...type, 3, ...names.flatMap(name));
    expect(spaces(compact)).toEqual(spaces(single));
    expect(compact.imports).toHaveLength(3);
  });

  test('groups and single imports one after the other, groups of none among them', () => {
    const { imports, funcTypes } = decode(
      5,
      ...[...name('x'), ...name('one'), 0, 0],
      ...[...name('x'), 0, ITEMS, 0],
      ...[...name('y'), 0, NAMES, 0, 1, 2, ...name('two'), ...name('three')],
      ...[...name('z'), 0, NAMES, 0, 1, 0],
      ...[...name(''), ...name(''), 0, 0],
    );
    expect(imports.map((entry) => `${entry.module}.${entry.name}`)).toEqual(['x.one', 'y.two', 'y.three', '.']);
    expect([...funcTypes]).toEqual([0, 1, 1, 0]);
  });

  test('an empty name may be written in several bytes', () => {
    const { imports } = decode(1, ...name('env'), 0x80, 0x80, 0, ITEMS, 1, ...name('f'), ...FUNC);
    expect(imports.map((entry) => entry.name)).toEqual(['f']);
  });

  test.each([
    ['after a name', [1, ...name('a'), ...name('b'), ITEMS, 1, ...name('c'), ...FUNC], 'malformed import kind 0x7f'],
    ['after a name', [1, ...name('a'), ...name('b'), NAMES, ...FUNC, 1, ...name('c')], 'malformed import kind 0x7e'],
    ['in a group', [1, ...name('a'), 0, ITEMS, 1, 0, ITEMS, 0], 'malformed import kind 0x7f'],
    ['in a group', [1, ...name('a'), 0, NAMES, ITEMS, 0], 'malformed import kind 0x7f'],
    ['as a number of two bytes', [1, ...name('a'), 0, 0xff, 0x80, 0], 'malformed import kind 0xff'],
    ['more items than bytes', [1, ...name('a'), 0, ITEMS, 200, 1], 'unexpected end of section: 200 entries announced'],
    ['more names than bytes', [1, ...name('a'), 0, NAMES, ...FUNC, 9], 'unexpected end of section'],
    ['nothing', [1, ...name('a'), 0], 'unexpected end of section'],
    ['a type that is not there', [1, ...name('a'), 0, NAMES, 0, 2, 1, ...name('f')], 'unknown type 2'],
  ])('are malformed or invalid: %s', (_, imports, detail) => {
    expect(() => decode(...imports)).toThrow(ModuleError);
    expect(() => decode(...imports)).toThrow(detail);
  });
});

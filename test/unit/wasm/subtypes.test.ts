/** Groups of recursive types and subtypes of function types (core spec 3.0, 3.1.4 and 3.1.5): which are equal, which fit. */

import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { ModuleError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { isFuncSubtype, keyOf } from '../../../src/wasm/ref-types.js';
import { validateBodies } from '../../../src/wasm/validate.js';

const section = (id: number, ...content: number[]) => [id, content.length, ...content];
const [I32, I64, REF, REF_NULL, FUNC] = [0x7f, 0x7e, 0x64, 0x63, 0x70];

type Bytes = readonly number[];
const func = (params: readonly Bytes[] = [], results: readonly Bytes[] = []): number[] => [
  ...[0x60, params.length, ...params.flat()],
  ...[results.length, ...results.flat()],
];
const sub = (supertypes: Bytes, type: Bytes) => [0x50, supertypes.length, ...supertypes, ...type];
const final = (supertypes: Bytes, type: Bytes) => [0x4f, supertypes.length, ...supertypes, ...type];
const rec = (...types: Bytes[]) => [0x4e, types.length, ...types.flat()];

const decode = (types: readonly Bytes[], ...sections: Bytes[]) =>
  decodeModule(
    Uint8Array.from([
      0,
      0x61,
      0x73,
      0x6d,
      1,
      0,
      0,
      0,
      ...section(1, types.length, ...types.flat()),
      ...sections.flat(),
    ]),
  );

function verdict(types: readonly Bytes[], ...sections: Bytes[]): string {
  try {
    validateBodies(decode(types, ...sections));
    return 'valid';
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    return `${error.code}: ${error.detail}`;
  }
}

/** Whether each two types of a module, or of two, are equal. */
const equal = (types: readonly Bytes[], a: number, b: number, others = types) =>
  keyOf(decode(types).types[a]) === keyOf(decode(others).types[b]);

describe('equality', () => {
  test('a type alone is final, and a group of its own', () => {
    const types = [func(), rec(func()), final([], func()), sub([], func())];
    expect([1, 2, 3].map((i) => equal(types, 0, i))).toEqual([true, true, false]);
    expect(equal([sub([], func())], 0, 0)).toBe(true);
  });

  test('a member of a larger group is another type, at each place', () => {
    const types = [func(), rec(func(), func()), rec(func(), func()), rec(func(), func(), func())];
    expect(equal(types, 0, 1)).toBe(false);
    expect(equal(types, 1, 2)).toBe(false);
    expect(equal(types, 1, 3)).toBe(true);
    expect(equal(types, 2, 4)).toBe(true);
    expect(equal(types, 1, 5)).toBe(false);
  });

  test('names within a group are relative to it', () => {
    const pair = (base: number) => rec(func([[REF, base + 1]]), func([], [[REF_NULL, base]]));
    const types = [pair(0), func([[I32]]), pair(3), rec(func([[REF, 6]]), func([], [[REF_NULL, 6]]))];
    expect([equal(types, 0, 3), equal(types, 1, 4), equal(types, 0, 4)]).toEqual([true, true, false]);
    expect(equal(types, 0, 5)).toBe(false);
    expect(equal(types, 0, 1, [func([[I32]]), pair(1)])).toBe(true); // in another module, too
  });

  test('a type that names itself', () => {
    const self = (index: number) => func([[REF_NULL, index]]);
    expect(equal([self(0), self(1)], 0, 1)).toBe(true);
    expect(equal([self(0), func([[REF_NULL, 0]])], 0, 1)).toBe(false); // it names the other one
    expect(equal([self(0)], 0, 0, [sub([], self(0))])).toBe(false);
  });

  test('supertypes and finality count', () => {
    const types = [sub([], func()), sub([0], func()), final([0], func()), sub([0], func()), sub([1], func())];
    expect([1, 2, 3, 4].map((i) => equal(types, 1, i))).toEqual([true, false, true, false]);
    expect(equal([sub([], func()), sub([], func([[I32]])), sub([0], func()), sub([1], func([[I32]]))], 2, 3)).toBe(
      false,
    );
  });
});

describe('a subtype', () => {
  const base = [sub([], func([[REF, 0]], [[FUNC]])), sub([0], func([[REF_NULL, 0]], [[REF, 0]]))];
  test.each<[string, Bytes[]]>([
    ['takes more and gives less', base],
    ['of a subtype', [...base, final([1], func([[FUNC]], [[REF, 1]]))]],
    ['within a group', [rec(sub([], func()), sub([0], func()))]],
    [
      'that names what comes later in its group',
      [rec(sub([], func([], [[FUNC]])), sub([0], func([], [[REF, 2]])), func())],
    ],
  ])('%s', (_, types) => {
    expect(verdict(types)).toBe('valid');
  });

  test.each<[string, Bytes[], RegExp]>([
    ['of a final type', [func(), sub([0], func())], /sub type 1 does not match super type 0, which is final/],
    ['of one that is said to be final', [final([], func()), final([0], func())], /which is final/],
    ['that takes less', [sub([], func([[FUNC]])), sub([0], func([[REF, 0]]))], /does not match super type 0$/],
    ['that gives more', [sub([], func([], [[REF, 0]])), sub([0], func([], [[FUNC]]))], /does not match/],
    ['of another number', [sub([], func([], [[I32]])), sub([0], func([], [[I64]]))], /does not match/],
    ['with a parameter more', [sub([], func()), sub([0], func([[I32]]))], /does not match/],
    ['with a result more', [sub([], func()), sub([0], func([], [[I32]]))], /does not match/],
    ['of itself', [sub([0], func())], /unknown type 0/],
    ['of a later one of its group', [rec(sub([1], func()), sub([], func()))], /unknown type 1/],
    ['of two', [sub([], func()), sub([], func([[I32]])), sub([0, 1], func())], /has 2 super types/],
    ['that names a type after its group', [rec(func([[REF, 2]]), func()), func()], /unknown type 2/],
  ])('is invalid: %s', (_, types, detail) => {
    expect(verdict(types)).toMatch(/^invalid/);
    expect(verdict(types)).toMatch(detail);
  });

  test('may stand for its supertype, and not the other way', () => {
    const types = [sub([], func()), sub([0], func()), func([], [[REF_NULL, 0]]), func([], [[REF_NULL, 1]])];
    // function 0 is of type 1; function 1 gives a reference to it, of type 2 or 3
    const gives = (of: number, result: number) =>
      verdict(
        types,
        section(3, 2, of, result),
        section(7, 1, 1, 0x66, 0, 0),
        section(10, 2, 2, 0, 0x0b, 4, 0, 0xd2, 0, 0x0b),
      );
    expect(gives(1, 3)).toBe('valid');
    expect(gives(1, 2)).toBe('valid');
    expect(gives(0, 2)).toBe('valid');
    expect(gives(0, 3)).toMatch(/^invalid: type mismatch/);
  });

  test('is one over two modules', () => {
    const [a, b] = [decode([sub([], func()), sub([0], func()), sub([1], func())]), decode([sub([], func()), func()])];
    expect([0, 1, 2].map((i) => isFuncSubtype(a.types[i], a.types, b.types[0]))).toEqual([true, true, true]);
    expect([0, 1, 2].map((i) => isFuncSubtype(a.types[i], a.types, b.types[1]))).toEqual([false, false, false]);
    expect(isFuncSubtype(b.types[0], b.types, a.types[1])).toBe(false);
  });
});

test.each<[string, Bytes]>([
  ['a group that ends early', [0x4e, 2, ...func()]],
  ['a subtype of nothing known', [0x50, 0, 0x42]],
  ['a group in a group', rec(rec(func()))],
  ['a count without bytes', [0x4e, 0xff, 0xff, 0x03]],
])('is malformed: %s', (_, type) => {
  expect(verdict([type])).toMatch(/^malformed/);
});

test('an import takes a function of a subtype, and no other', () => {
  const types = [sub([], func()), sub([0], func()), sub([0], func([])), func()];
  const link = (own: number, wanted: number) => {
    const body = section(10, 1, 2, 0, 0x0b);
    const provider = decode(types, section(3, 1, own), section(7, 1, 1, 0x66, 0, 0), body);
    const module = decode(types, section(2, 1, 1, 0x70, 1, 0x66, 0, wanted));
    const modules = [
      { name: 'p', module: provider, file: 'p' },
      { module, file: 'main' },
    ];
    compileImage(modules, { target: x64 });
  };
  for (const [own, wanted] of [
    [0, 0],
    [1, 0],
    [2, 1], // of equal structure
    [3, 3],
  ]) {
    expect(() => link(own, wanted)).not.toThrow();
  }
  for (const [own, wanted] of [
    [0, 1],
    [0, 3],
    [3, 0],
    [1, 3],
  ]) {
    expect(() => link(own, wanted)).toThrow(
      'incompatible import type: p.f (function ()), expected another type of this form',
    );
  }
});

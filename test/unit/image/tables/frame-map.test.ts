/** Frame maps: where each value is at each kind of site, in every form of the tables, and what is refused. */

import { describe, expect, test } from 'vitest';
import { BugError, InputError, LimitError } from '../../../../src/base/errors.js';
import {
  NO_LOCAL_REG,
  SHAPE_LOCALS,
  SITE_CALL,
  SITE_ENTRY,
  SITE_LOOP,
} from '../../../../src/image/contract/site-tables.js';
import {
  constant,
  firstInPlace,
  frameMap,
  type LocalHome,
  type Location,
  localsAtTrap,
  located,
  Place,
  type StoredMap,
  unknownLocals,
} from '../../../../src/image/tables/frame-map.js';
import { FrameMapDecoder } from '../../../../src/image/tables/frame-map-decoder.js';
import { AT_HOME, FrameMapEncoder } from '../../../../src/image/tables/frame-map-encoder.js';
import { ValType } from '../../../../src/wasm/module.js';

const [I32, I64, F64, V128, FuncRef] = [ValType.I32, ValType.I64, ValType.F64, ValType.V128, ValType.FuncRef] as const;

const homes: readonly LocalHome[] = [
  { type: I32, reg: 3, slot: 4 },
  { type: V128, reg: NO_LOCAL_REG, slot: 6 },
  { type: F64, reg: 40, slot: 8 },
];
const own: readonly Location[] = [
  located(I32, Place.Register, 9),
  constant(V128, [1, 2, 3, 4]),
  located(F64, Place.Dead),
];
const slot = (type: ValType, at: number) => located(type, Place.Slot, at);
const register = (type: ValType, at: number) => located(type, Place.Register, at);
const copyOf = (type: ValType, local: number) => located(type, Place.Local, local);

function map(kind: number, stored: Partial<StoredMap>) {
  return frameMap(kind, homes, { locals: undefined, operands: [], results: [], ...stored });
}

const bytesOf = (...words: number[]) => new Uint8Array(Uint32Array.from(words).buffer);

const text = ({ place, at }: Location) => `${['slot', 'reg', 'const', 'dead', 'unknown'][place]} ${at}`;

describe('a map', () => {
  test('at a loop has locals in their registers, at a call in their slots', () => {
    expect(map(SITE_LOOP, {}).locals.map(text)).toEqual(['reg 3', 'slot 6', 'reg 40']);
    expect(map(SITE_CALL, {}).locals.map(text)).toEqual(['slot 4', 'slot 6', 'slot 8']);
    expect(map(SITE_CALL, {}).placesLocals).toBe(false);
  });

  test('at an entry has the parameters where the caller has put them, and nothing else', () => {
    const { locals, operands, results } = map(SITE_ENTRY, { operands: [register(I32, 0), slot(V128, 1)] });
    expect([locals.map(text), operands, results]).toEqual([['reg 0', 'slot 1'], [], []]);
  });

  test('may place each local by itself: in any register, as a constant, nowhere', () => {
    const { placesLocals, locals, operands } = map(SITE_LOOP, {
      locals: own,
      operands: [copyOf(V128, 1), copyOf(I32, 0), located(I64, Place.Dead), register(I64, 2)],
    });
    expect(placesLocals).toBe(true);
    expect(locals).toEqual(own);
    expect(operands.map(text)).toEqual(['const 0', 'reg 9', 'dead 0', 'reg 2']);
    expect(operands.map(({ local }) => local)).toEqual([1, 0, -1, -1]);
    expect(operands[0].words).toEqual([1, 2, 3, 4]);
  });

  test('has results after its operands, in registers too', () => {
    const { operands, results } = map(SITE_CALL, { operands: [slot(I32, 9)], results: [register(FuncRef, 0)] });
    expect([operands.map(text), results.map(text)]).toEqual([['slot 9'], ['reg 0']]);
  });

  test.each<[string, number, Partial<StoredMap>, RegExp]>([
    ['a local in a register across a call', SITE_CALL, { locals: own }, /in a register across a call/],
    [
      'an operand in a register across a call',
      SITE_CALL,
      { operands: [register(I32, 0)] },
      /in a register across a call/,
    ],
    ['results at a loop', SITE_LOOP, { results: [slot(I32, 0)] }, /results where there is no call/],
    ['a result that is nowhere', SITE_CALL, { results: [located(I32, Place.Dead)] }, /where no call puts it/],
    ['a constant result', SITE_CALL, { results: [constant(I32, [1, 0])] }, /where no call puts it/],
    ['a parameter that is a local', SITE_ENTRY, { operands: [copyOf(I32, 0)] }, /where no caller puts it/],
    ['a constant parameter', SITE_ENTRY, { operands: [constant(I32, [1, 0])] }, /where no caller puts it/],
    ['fewer locals than there are', SITE_LOOP, { locals: own.slice(1) }, /not those of its function/],
    ['more locals than there are', SITE_LOOP, { locals: [...own, slot(I32, 1)] }, /not those of its function/],
    ['locals of other types', SITE_LOOP, { locals: [slot(I64, 1), ...own.slice(1)] }, /not those of its function/],
    ['a local that is another one', SITE_LOOP, { locals: [copyOf(I32, 0), ...own.slice(1)] }, /said to be another one/],
    ['a copy of a local that there is not', SITE_LOOP, { operands: [copyOf(I32, 3)] }, /local 3 of 3/],
    ['a copy of another type', SITE_LOOP, { operands: [copyOf(I64, 0)] }, /which has another type/],
  ])('is refused with %s', (_, kind, stored, message) => {
    expect(() => map(kind, stored)).toThrow(InputError);
    expect(() => map(kind, stored)).toThrow(message);
  });
});

test('at a trap locals are where the pins of the site say, and unknown where nobody says it', () => {
  expect(localsAtTrap(homes, { registers: 1, lost: 2 }).map(text)).toEqual(['reg 3', 'slot 6', 'unknown 0']);
  expect(localsAtTrap(homes, { registers: 0, lost: 0 }).map(text)).toEqual(['slot 4', 'slot 6', 'slot 8']);
  expect(localsAtTrap(homes, undefined).map(text)).toEqual(['unknown 0', 'slot 6', 'unknown 0']);
  expect(unknownLocals(homes).map(text)).toEqual(['unknown 0', 'unknown 0', 'unknown 0']);
});

describe('values in one place', () => {
  test('are those of the first one there', () => {
    const values = [slot(I32, 1), register(I32, 1), slot(I32, 1), slot(V128, 4), slot(V128, 4), register(I32, 1)];
    expect([...firstInPlace(values)]).toEqual([0, 1, 0, 3, 3, 1]);
  });

  test('are none of those that have no place', () => {
    const values = [constant(I32, [1, 0]), constant(I32, [1, 0]), located(I32, Place.Dead), located(I32, Place.Dead)];
    expect([...firstInPlace(values)]).toEqual([0, 1, 2, 3]);
  });

  test.each([
    ['half a vector', [slot(V128, 4), slot(I64, 5)]],
    ['half a vector, the other way round', [slot(I64, 5), slot(V128, 4)]],
    ['a vector and its lower half', [slot(I64, 4), slot(V128, 4)]],
    ['two vectors by half', [slot(V128, 4), slot(V128, 5)]],
    ['two vectors by half, downwards', [slot(V128, 5), slot(V128, 4)]],
    ['two types', [slot(I32, 4), slot(I64, 4)]],
  ])('are damage when they are %s', (_, values) => {
    expect(() => firstInPlace(values)).toThrow(/two values overlap/);
  });
});

describe('tables of version 2', () => {
  const tables = new FrameMapEncoder(1000, 1000);
  const decoder = (column = tables.column) => new FrameMapDecoder(2, new Uint8Array(), column.bytes());

  test('have all forms', () => {
    tables.begin(3, 0);
    tables.register(I32, 63);
    tables.constant(V128, 1, -2, 3, -4);
    tables.dead(F64);
    const locals = tables.endLocals();
    tables.begin(5, 1, locals);
    tables.slot(I64, (1 << 25) - 1);
    tables.copy(V128, 1);
    tables.constant(I64, 5, -6);
    tables.register(FuncRef, 0);
    tables.dead(V128);
    tables.slot(I32, 7);
    const index = tables.end();
    const shape = decoder().shape(index, 3);
    expect(shape.locals).toEqual([
      register(I32, 63),
      constant(V128, [1, 0xfffffffe, 3, 0xfffffffc]),
      located(F64, Place.Dead),
    ]);
    expect(shape.operands).toEqual([
      slot(I64, (1 << 25) - 1),
      copyOf(V128, 1),
      constant(I64, [5, 0xfffffffa]),
      register(FuncRef, 0),
      located(V128, Place.Dead),
    ]);
    expect(shape.results).toEqual([slot(I32, 7)]);
  });

  test('are not written with what would not fit', () => {
    tables.begin(1, 0);
    expect(() => tables.slot(I32, 1 << 25)).toThrow(BugError);
    expect(() => tables.copy(I32, -1)).toThrow(BugError);
  });

  test('are no larger, and no more work, than a module may make them', () => {
    const many = (limit: number, effort: number, equal: boolean) => () => {
      const encoder = new FrameMapEncoder(limit, effort);
      for (let n = 0; n < 2000; n++) {
        encoder.begin(1, 0);
        encoder.slot(I32, equal ? 0 : n);
        encoder.end();
      }
    };
    expect(many(1100, Infinity, true)).not.toThrow();
    expect(many(1100, Infinity, false)).toThrow(LimitError);
    expect(many(Infinity, 7000, true)).toThrow(LimitError);
    expect(many(Infinity, 9000, true)).not.toThrow();
  });

  test('share equal shapes, and the locals of sites that place them alike', () => {
    const shared = new FrameMapEncoder(100_000, 100_000);
    const expected: [index: number, locals: number, height: number][] = [];
    for (let n = 0; n < 300; n++) {
      const placed = n % 3;
      shared.begin(20, 0);
      for (let i = 0; i < 20; i++) shared.slot(I64, i === 19 ? placed : i + 30);
      const locals = shared.endLocals();
      const height = n % 50;
      shared.begin(height, 0, n % 2 === 0 ? locals : AT_HOME);
      for (let i = 0; i < height; i++) shared.constant(V128, i, 1, 2, 3);
      expected.push([shared.end(), n % 2 === 0 ? placed : -1, height]);
    }
    for (const [index, placed, height] of expected) {
      const { locals, operands } = decoder(shared.column).shape(index, 20);
      expect(locals?.map(({ at }) => at)).toEqual(
        placed < 0 ? undefined : Array.from({ length: 20 }, (_, i) => (i === 19 ? placed : i + 30)),
      );
      expect(operands).toEqual(Array.from({ length: height }, (_, i) => constant(V128, [i, 1, 2, 3])));
    }
    const different = new Set(expected.map(([index]) => index)).size;
    expect(different).toBe(100); // of 50 heights: 25 are even, with 3 placements, and 25 odd ones at home
    expect(shared.column.length).toBeLessThan(different * 5 + 50 * 10 * 5 + 3 * 22);
  });

  const [i32, v128] = [1, 5].map((type) => type << 28);
  const form = (kind: number, payload = 0) => (i32 | (kind << 25) | payload) >>> 0;
  const refused = (words: readonly number[], at = 0, localCount = 1) => {
    const bytes = bytesOf(...words);
    return () => new FrameMapDecoder(2, new Uint8Array(), bytes).shape(at, localCount);
  };

  test.each<[string, readonly number[], RegExp]>([
    ['a form that there is not', [1, 0, form(5)], /unknown form/],
    ['another', [1, 0, form(7)], /unknown form/],
    ['a dead value that says more', [1, 0, form(4, 1)], /unknown form/],
    ['a constant that says more', [1, 0, form(1, 1), 1, 2], /unknown form/],
    ['a register that there is not', [1, 0, form(3, 64)], /unknown register/],
    ['three words of a vector', [1, 0, (v128 | (1 << 25)) >>> 0, 1, 2, 3], /cut off/],
    ['a type that there is not', [1, 0, 9 << 28], /no type/],
    ['locals of no shape', [0, SHAPE_LOCALS], /cut off/],
    ['locals of its own shape', [0, SHAPE_LOCALS, 0], /refers to no other/],
    ['locals of a shape after it', [0, SHAPE_LOCALS, 3, 1, 0, form(4)], /refers to no other/],
    ['more results than there are words', [0, 9, form(3)], /cut off/],
  ])('are refused with %s', (_, words, message) => {
    expect(refused(words)).toThrow(InputError);
    expect(refused(words)).toThrow(message);
  });

  test.each<[string, readonly number[], RegExp]>([
    ['results', [1, 1, form(4), form(3)], /more than locals/],
    ['locals of its own', [1, SHAPE_LOCALS, 0, form(4)], /more than locals/],
    ['more than there are', [2, 0, form(4), form(4)], /not those of its function/],
    ['far more than there are', [0x7fffffff, 0], /not those of its function/],
    ['none', [0, 0], /not those of its function/],
  ])('are refused where the shape of locals has %s', (_, locals, message) => {
    const words = [...locals, 0, SHAPE_LOCALS, 0];
    expect(refused(words, locals.length)).toThrow(InputError);
    expect(refused(words, locals.length)).toThrow(message);
  });
});

describe('tables without a version', () => {
  const [i32, i64, v128] = [1, 2, 5].map((type) => type << 28);
  const decode = (...shapes: number[]) => new FrameMapDecoder(1, new Uint8Array(), bytesOf(...shapes)).shape(0, 0);

  test('have slots, constants, copies of locals and registers', () => {
    const { locals, operands, results } = decode(
      4,
      1,
      i32 | 7,
      i64 | (1 << 26),
      5,
      6,
      v128 | (2 << 26) | 1,
      i32 | (3 << 26) | 63,
      v128 | 9,
    );
    expect(locals).toBeUndefined();
    expect(operands).toEqual([slot(I32, 7), constant(I64, [5, 6]), copyOf(V128, 1), register(I32, 63)]);
    expect(results).toEqual([slot(V128, 9)]);
  });

  test.each([
    ['a register that there is not', [1, 0, i32 | (3 << 26) | 64], /unknown register/],
    ['a vector as a constant', [1, 0, v128 | (1 << 26), 1, 2], /v128 is a constant/],
    ['half a constant', [1, 0, i32 | (1 << 26), 1], /cut off/],
    ['a result of no type', [0, 1, 5], /no type/],
    ['a type that there is not', [1, 0, 9 << 28], /no type/],
    ['an operand less', [2, 0, i32], /cut off/],
    ['locals of a site', [0, SHAPE_LOCALS, 0], /cut off/],
  ])('are refused with %s', (_, shapes, message) => {
    expect(() => decode(...shapes)).toThrow(InputError);
    expect(() => decode(...shapes)).toThrow(message);
  });

  test('have locals of types that there are', () => {
    const decoder = (word: number) => new FrameMapDecoder(1, bytesOf(word), new Uint8Array());
    expect(decoder(v128 | (40 << 20) | 7).homes(0, 1)).toEqual([{ type: V128, reg: 40, slot: 7 }]);
    expect(() => decoder(9 << 28).homes(0, 1)).toThrow(/a local has no type/);
  });
});

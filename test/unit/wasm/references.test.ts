/**
 * Typed function references: what is valid, against V8; against a written list where V8 is older than the rules.
 */

import { describe, expect, test } from 'vitest';
import { ModuleError } from '../../../src/base/errors.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { keyOf, matchesAcross, RefCode } from '../../../src/wasm/ref-types.js';
import { validateBodies } from '../../../src/wasm/validate.js';
import {
  type Bytes,
  type Encoding,
  EXTERN,
  FUNC,
  I32,
  moduleOf,
  OF_V8,
  type Parts,
  STANDARD,
} from '../../support/function-references.js';
import { v8Accepts } from './v8.js';

function refusal(bytes: Uint8Array): string | undefined {
  try {
    validateBodies(decodeModule(bytes));
    return undefined;
  } catch (error) {
    if (error instanceof ModuleError) return error.message;
    throw error;
  }
}

const END = 0x0b;
const [UNREACHABLE, BLOCK, LOOP, IF, ELSE, BR, RETURN, CALL_REF, RETURN_CALL_REF, DROP, SELECT_T] = [
  0x00, 0x02, 0x03, 0x04, 0x05, 0x0c, 0x0f, 0x14, 0x15, 0x1a, 0x1c,
];
const [GET, SET, TEE, TABLE_GET, TABLE_SET, REF_NULL, IS_NULL, REF_FUNC] = [
  0x20, 0x21, 0x22, 0x25, 0x26, 0xd0, 0xd1, 0xd2,
];
const EMPTY = 0x40;

/**
 * Type 0: () -> (), 1: i32 -> i32, 2: (ref null 1) -> (), 3: (ref 1) -> (), 4: () -> (ref null 1), 5: () -> (ref 1), 6:
 * i32 -> i32 again, 7: (ref func) -> funcref, 8: (ref extern) -> externref, 9: i32 -> (ref 1), 10: (ref null 0) -> ().
 * Function 0 is of type 1, the one under test has index 1.
 */
function withBody(
  e: Encoding,
  type: number,
  code: Bytes,
  locals: readonly (readonly [number, Bytes])[] = [],
): Uint8Array {
  return moduleOf({
    types: [
      [[], []],
      [[[I32]], [[I32]]],
      [[[e.refNull, 1]], []],
      [[[e.ref, 1]], []],
      [[], [[e.refNull, 1]]],
      [[], [[e.ref, 1]]],
      [[[I32]], [[I32]]],
      [[[e.ref, FUNC]], [[FUNC]]],
      [[[e.ref, EXTERN]], [[EXTERN]]],
      [[[I32]], [[e.ref, 1]]],
      [[[e.refNull, 0]], []],
    ],
    functions: [
      { type: 1, code: [GET, 0] },
      { type, code, locals },
    ],
    exports: { f: 0, g: 1 },
    tables: [
      [FUNC, 0, 1],
      [e.refNull, 1, 0, 1],
    ],
  });
}

type Case = [
  name: string,
  type: number,
  code: (e: Encoding) => Bytes,
  locals?: (e: Encoding) => readonly (readonly [number, Bytes])[],
];

const CASES: readonly Case[] = [
  ['call_ref of a nullable reference', 2, () => [0x41, 7, GET, 0, CALL_REF, 1, DROP]],
  ['call_ref of a reference', 3, () => [0x41, 7, GET, 0, CALL_REF, 1, DROP]],
  ['call_ref of an equal type', 3, () => [0x41, 7, GET, 0, CALL_REF, 6, DROP]],
  ['call_ref of another type', 3, () => [GET, 0, CALL_REF, 0]],
  ['call_ref of a funcref', 0, () => [0x41, 7, REF_NULL, FUNC, CALL_REF, 1, DROP]],
  ['call_ref of null', 0, () => [0x41, 7, REF_NULL, 1, CALL_REF, 1, DROP]],
  ['call_ref of an unknown type', 3, () => [GET, 0, CALL_REF, 40]],
  ['call_ref without its argument', 2, () => [GET, 0, CALL_REF, 1, DROP]],
  ['call_ref in unreachable code', 0, () => [UNREACHABLE, CALL_REF, 1, DROP]],
  ['return_call_ref', 1, () => [GET, 0, REF_FUNC, 0, RETURN_CALL_REF, 1]],
  ['return_call_ref with other results', 0, () => [0x41, 7, REF_FUNC, 0, RETURN_CALL_REF, 1]],
  ['ref.func is of its type', 5, () => [REF_FUNC, 0]],
  ['ref.func is a funcref', 0, () => [0x41, 0, REF_FUNC, 0, TABLE_SET, 0]],
  ['ref.func is nullable where wanted', 4, () => [REF_FUNC, 0]],
  ['null is no reference', 5, () => [REF_NULL, 1]],
  ['null of a type', 4, () => [REF_NULL, 6]],
  ['funcref is no typed reference', 4, () => [REF_NULL, FUNC]],
  ['ref.as_non_null', 5, (e) => [REF_NULL, 1, e.asNonNull]],
  ['ref.as_non_null of a number', 0, (e) => [0x41, 0, e.asNonNull, DROP]],
  ['ref.as_non_null of an externref', 0, (e) => [REF_NULL, EXTERN, e.asNonNull, DROP]],
  ['ref.as_non_null in unreachable code', 5, (e) => [UNREACHABLE, e.asNonNull]],
  ['ref.is_null', 2, () => [GET, 0, IS_NULL, DROP]],
  ['br_on_null', 2, (e) => [GET, 0, e.brOnNull, 0, DROP]],
  [
    'br_on_null leaves what is not null',
    5,
    (e) => [BLOCK, EMPTY, REF_NULL, 1, e.brOnNull, 0, RETURN, END, REF_FUNC, 0],
  ],
  ['br_on_null takes values along', 1, (e) => [0x41, 9, REF_NULL, 1, e.brOnNull, 0, DROP]],
  ['br_on_null without the value', 1, (e) => [REF_NULL, 1, e.brOnNull, 0, DROP, 0x41, 1]],
  ['br_on_null to nowhere', 2, (e) => [GET, 0, e.brOnNull, 3, DROP]],
  ['br_on_non_null', 5, (e) => [REF_NULL, 1, e.brOnNonNull, 0, REF_FUNC, 0]],
  ['br_on_non_null to a nullable label', 4, (e) => [REF_NULL, 1, e.brOnNonNull, 0, REF_NULL, 1]],
  ['br_on_non_null to a label without a reference', 0, (e) => [REF_NULL, 1, e.brOnNonNull, 0]],
  ['br_on_non_null to a label of a number', 1, (e) => [REF_NULL, 1, e.brOnNonNull, 0, 0x41, 0]],
  ['br_on_non_null of another type', 5, (e) => [REF_NULL, 0, e.brOnNonNull, 0, REF_FUNC, 0]],
  ['(ref func) is a funcref', 7, () => [GET, 0]],
  ['(ref extern) is an externref', 8, () => [GET, 0]],
  ['a block of a reference', 5, (e) => [BLOCK, e.ref, 1, REF_FUNC, 0, END]],
  ['a block of a reference, given null', 5, (e) => [BLOCK, e.ref, 1, REF_NULL, 1, END]],
  ['an if of a reference', 5, (e) => [0x41, 0, IF, e.ref, 1, REF_FUNC, 0, ELSE, REF_FUNC, 0, END]],
  ['a loop with a reference', 2, () => [GET, 0, LOOP, 2, DROP, END]],
  ['a branch with a more special value', 4, () => [REF_FUNC, 0, BR, 0]],
  ['a select of references', 4, (e) => [REF_FUNC, 0, REF_NULL, 1, 0x41, 0, SELECT_T, 1, e.refNull, 1]],
  ['a select of references that gives too much', 5, (e) => [REF_FUNC, 0, REF_NULL, 1, 0x41, 0, SELECT_T, 1, e.ref, 1]],
  ['a typed table', 4, () => [0x41, 0, TABLE_GET, 1]],
  ['a typed table takes no funcref', 0, () => [0x41, 0, REF_NULL, FUNC, TABLE_SET, 1]],
  ['a call through a typed table', 1, () => [GET, 0, 0x41, 0, 0x11, 1, 1]],
  ['a copy from a typed table', 0, () => [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0e, 0, 1]],
  ['a copy into a typed table', 0, () => [0x41, 0, 0x41, 0, 0x41, 0, 0xfc, 0x0e, 1, 0]],
  ['a nullable local', 4, () => [GET, 0], (e) => [[1, [e.refNull, 1]]]],
  ['a local without a value', 5, () => [GET, 0], (e) => [[1, [e.ref, 1]]]],
  ['a local that is never read', 0, () => [], (e) => [[1, [e.ref, 1]]]],
  ['a local that was set', 5, () => [REF_FUNC, 0, SET, 0, GET, 0], (e) => [[1, [e.ref, 1]]]],
  ['a local that was teed', 5, () => [REF_FUNC, 0, TEE, 0, DROP, GET, 0], (e) => [[1, [e.ref, 1]]]],
  [
    'a local that was set before the block',
    5,
    () => [REF_FUNC, 0, SET, 0, BLOCK, EMPTY, GET, 0, DROP, END, GET, 0],
    (e) => [[1, [e.ref, 1]]],
  ],
  [
    'a local that was set in a block that has ended',
    5,
    () => [BLOCK, EMPTY, REF_FUNC, 0, SET, 0, END, GET, 0],
    (e) => [[1, [e.ref, 1]]],
  ],
  [
    'a local that was set in the other arm',
    5,
    () => [0x41, 0, IF, EMPTY, REF_FUNC, 0, SET, 0, ELSE, GET, 0, DROP, END, REF_FUNC, 0],
    (e) => [[1, [e.ref, 1]]],
  ],
  ['a local that is a parameter', 3, () => [GET, 0, DROP]],
  ['a local read in unreachable code', 5, () => [UNREACHABLE, GET, 0], (e) => [[1, [e.ref, 1]]]],
];

/** Where the V8 of Node.js 20 is not yet at the rules: what they say. */
const RULES = new Map([
  ['return_call_ref with other results', false],
  ['br_on_non_null to a label without a reference', false],
  ['an initialised table', true],
  ['an initialised table of funcref', true],
]);

describe('bodies', () => {
  test.each(CASES)('%s', (...[name, type, code, locals = () => []]: Case) => {
    const error = refusal(withBody(STANDARD, type, code(STANDARD), locals(STANDARD)));
    const accepted = RULES.get(name) ?? v8Accepts(withBody(OF_V8, type, code(OF_V8), locals(OF_V8)));
    expect(error === undefined, `${name}: ${error}`).toBe(accepted);
  });
});

/** Modules that differ outside of code. Type 0: i32 -> i32, type 1: () -> (). Function 0 is of type 0, 1 of type 1. */
const MODULES: readonly (readonly [string, (e: Encoding) => Partial<Parts>])[] = [
  ['a global', (e) => ({ globals: [[e.refNull, 0, 0, REF_NULL, 0, END]] })],
  ['a global that cannot be null', (e) => ({ globals: [[e.ref, 0, 0, REF_FUNC, 0, END]] })],
  ['a global that cannot be null, and is', (e) => ({ globals: [[e.ref, 0, 0, REF_NULL, 0, END]] })],
  ['a global of another type of function', (e) => ({ globals: [[e.ref, 0, 0, REF_FUNC, 1, END]] })],
  ['a global of any function', (e) => ({ globals: [[e.ref, FUNC, 0, REF_FUNC, 1, END]] })],
  ['a global of an unknown type', (e) => ({ globals: [[e.refNull, 9, 0, REF_NULL, 9, END]] })],
  ['a table', (e) => ({ tables: [[e.refNull, 0, 0, 1]] })],
  ['a table that cannot be null', (e) => ({ tables: [[e.ref, 0, 0, 1]] })],
  ['an initialised table', (e) => ({ tables: [[0x40, 0, e.ref, 0, 0, 1, REF_FUNC, 0, END]] })],
  ['an initialised table of another type', (e) => ({ tables: [[0x40, 0, e.ref, 0, 0, 1, REF_FUNC, 1, END]] })],
  ['an initialised table of funcref', () => ({ tables: [[0x40, 0, FUNC, 0, 1, REF_FUNC, 1, END]] })],
  [
    'elements of a type',
    (e) => ({ tables: [[e.refNull, 0, 0, 1]], elements: [[6, 0, 0x41, 0, END, e.ref, 0, 1, REF_FUNC, 0, END]] }),
  ],
  [
    'elements of another type',
    (e) => ({ tables: [[e.refNull, 0, 0, 1]], elements: [[6, 0, 0x41, 0, END, e.ref, 1, 1, REF_FUNC, 1, END]] }),
  ],
  ['null among elements that cannot be', (e) => ({ elements: [[5, e.ref, 0, 1, REF_NULL, 0, END]] })],
  [
    'an imported function as an element',
    () => ({ imports: [['m', 'f', 0]], tables: [[FUNC, 0, 1]], elements: [[0, 0x41, 0, END, 1, 0]] }),
  ],
];

test.each(MODULES)('modules: %s', (name, parts) => {
  const build = (e: Encoding) =>
    moduleOf({
      types: [
        [[[I32]], [[I32]]],
        [[], []],
      ],
      functions: [
        { type: 0, code: [GET, 0] },
        { type: 1, code: [] },
      ],
      ...parts(e),
    });
  const error = refusal(build(STANDARD));
  expect(error === undefined, `${name}: ${error}`).toBe(RULES.get(name) ?? v8Accepts(build(OF_V8)));
});

describe('types', () => {
  const decode = (types: Parts['types']) => decodeModule(moduleOf({ types }));
  const { ref, refNull } = STANDARD;

  test('of the same structure are equal, in a module and between modules', () => {
    const a = decode([
      [[[I32]], []],
      [[[I32]], []],
      [[[ref, 0]], [[refNull, 1]]],
      [[[ref, 1]], [[refNull, 0]]],
      [[[refNull, 0]], [[refNull, 1]]],
    ]);
    const keys = a.types.map(keyOf);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).toBe(keys[3]);
    expect(a.types[2].exact).toEqual(a.types[3].exact);
    expect([...a.types[2].params, ...a.types[2].results]).toEqual([FUNC, FUNC]);
    expect(keys[4]).not.toBe(keys[2]);
    const b = decode([
      [[], []],
      [[[FUNC]], []],
      [[[I32]], []],
      [[[ref, 2]], [[refNull, 2]]],
    ]);
    expect(keyOf(b.types[3])).toBe(keys[2]);
    const [typed] = a.types[2].exact!.params;
    const [other] = b.types[3].exact!.params;
    expect(matchesAcross(a.refTypes, typed, b.refTypes, other)).toBe(true);
    expect(matchesAcross(a.refTypes, typed, b.refTypes, RefCode.Func)).toBe(true);
    expect(matchesAcross(a.refTypes, a.types[2].exact!.results[0], b.refTypes, other)).toBe(false);
  });

  test('may name themselves', () => {
    const { types } = decode([
      [[[refNull, 0]], []],
      [[[refNull, 1]], []],
      [[[ref, 2]], []],
      [[[refNull, 0]], []],
    ]);
    expect(keyOf(types[0])).toBe(keyOf(types[1]));
    expect(types[1].exact).toEqual(types[0].exact);
    expect(keyOf(types[2])).not.toBe(keyOf(types[0]));
    // Names the first type, not itself: another structure.
    expect(keyOf(types[3])).not.toBe(keyOf(types[0]));
  });

  test('are named backwards only', () => {
    expect(() =>
      decode([
        [[[ref, 1]], []],
        [[], []],
      ]),
    ).toThrow(/unknown type 1/);
    expect(() => decode([[[[ref, 0x67]], []]])).toThrow(/malformed reference type 0x67/);
    expect(() => decode([[[[ref, 0x68]], []]])).toThrow(/not supported yet: stack switching/);
  });

  test('are as many as a module likes', () => {
    const count = 20_000;
    const chain = Array.from({ length: count }, (_, i): Parts['types'][number] => [
      i === 0 ? [] : [[ref, ((i - 1) & 0x7f) | 0x80, (((i - 1) >> 7) & 0x7f) | 0x80, (i - 1) >> 14]],
      [],
    ]);
    const { types, refTypes } = decode(chain);
    expect(new Set(types.map(keyOf)).size).toBe(count);
    const last = types[count - 1].exact!.params[0];
    expect(refTypes.typeIndex(last)).toBe(count - 2);
    expect(refTypes.matches(last, refTypes.ofFunction(count - 2))).toBe(true);
    expect(refTypes.matches(last, refTypes.ofFunction(count - 3))).toBe(false);
  });
});

test('functions of any number of types may be referred to by who names none', () => {
  const count = 63;
  const types = Array.from({ length: count }, (_, i): Parts['types'][number] => [
    Array.from({ length: i }, () => [I32]),
    [],
  ]);
  const functions = types.map((_, type) => ({ type, code: [] as Bytes }));
  const code = functions.flatMap((_, i) => [0x41, 0, REF_FUNC, i, TABLE_SET, 0]);
  const bytes = moduleOf({
    types,
    functions: [...functions, { type: 0, code }],
    tables: [[FUNC, 0, 1]],
    elements: [[3, 0, count, ...functions.keys()]],
  });
  expect(refusal(bytes)).toBe(undefined);
});

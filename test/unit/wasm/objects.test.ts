/**
 * Garbage-collected objects, which are not supported, one by one in every position: what is valid is refused by name, at
 * the offset where it stands; what is invalid or malformed is said to be that.
 */

import { describe, expect, test } from 'vitest';
import { ModuleError } from '../../../src/base/errors.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { validateBodies } from '../../../src/wasm/validate.js';

const [I32, I64, FUNC, EXTERN, ANY, I31] = [0x7f, 0x7e, 0x70, 0x6f, 0x6e, 0x6c];
const [STRUCT, ARRAY, SUB, REC] = [0x5f, 0x5e, 0x50, 0x4e];
const [END, DROP, REF_NULL, UNREACHABLE, MARK] = [0x0b, 0x1a, 0xd0, 0x00, -1];
const I32_CONST = [0x41, 0];
const I64_CONST = [0x42, 0];

/** Sections' bytes, of which MARK is none: it says where the fault is. */
const section = (id: number, ...content: number[]) => [id, content.filter((byte) => byte !== MARK).length, ...content];
const TYPES = section(1, 1, 0x60, 0, 0);

/** What is said of a module, and whether it is said of the marked place. */
function verdict(...sections: number[][]): string {
  const marked = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()];
  const at = marked.indexOf(MARK);
  try {
    validateBodies(decodeModule(Uint8Array.from(marked.filter((byte) => byte !== MARK))));
    return 'valid';
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    const where = at < 0 || error.offset === at ? '' : ` (at ${error.offset}, not ${at})`;
    return `${error.code}: ${error.detail}${where}`;
  }
}

/** In a function without parameters and results. */
function body(...code: number[]): string {
  const bytes = [0, ...code, END];
  const size = bytes.filter((byte) => byte !== MARK).length;
  return verdict(TYPES, section(3, 1, 0), section(10, 1, size, ...bytes));
}

const uses = (name: string) => `unsupported: uses garbage-collected objects (${name}), which is not supported yet`;

describe('in the type section', () => {
  test.each<[string, number[], string]>([
    ['a struct without fields', [MARK, STRUCT, 0], uses('struct')],
    ['a struct', [MARK, STRUCT, 3, I32, 0, 0x78, 1, 0x64, 0, 1], uses('struct')],
    ['a struct that may have subtypes', [SUB, 0, MARK, STRUCT, 0], uses('struct')],
    ['one of a group', [REC, 1, SUB, 0, MARK, STRUCT, 1, 0x63, 0, 1], uses('struct')],
    ['an array', [MARK, ARRAY, I32, 0], uses('array')],
    ['an array of bytes', [MARK, ARRAY, 0x78, 1], uses('array')],
    ['an array of half words', [MARK, ARRAY, 0x77, 1], uses('array')],
    ['a field of no type', [STRUCT, 1, MARK, 0x20, 0], 'malformed: malformed value type 0x20'],
    ['a field of an unknown type', [STRUCT, 1, 0x64, MARK, 9, 0], 'invalid: unknown type 9'],
    ['a field of unknown mutability', [STRUCT, 1, I32, MARK, 2], 'malformed: malformed mutability'],
    ['a later field', [STRUCT, 2, I32, 0, I64, MARK, 3], 'malformed: malformed mutability'],
    ['an array of unknown mutability', [ARRAY, 0x77, MARK, 4], 'malformed: malformed mutability'],
    ['a section that ends', [STRUCT, 1, I32, MARK], 'malformed: unexpected end of section or function'],
    ['two supertypes', [MARK, SUB, 2, 0, 0, STRUCT, 0], 'invalid: sub type 0 has 2 super types, one is allowed'],
    [
      'a supertype after it',
      [MARK, SUB, 1, 0, STRUCT, 0],
      'invalid: unknown type 0: sub type 0 comes before its super type',
    ],
  ])('%s', (_, types, expected) => {
    expect(verdict(section(1, 1, ...types))).toBe(expected);
  });
});

/** Instructions that name the type of an object: sub-opcode, and the indexes that follow the type's. */
const NAMING: readonly (readonly [name: string, sub: number, more: number])[] = [
  ['struct.new', 0x00, 0],
  ['struct.new_default', 0x01, 0],
  ['struct.get', 0x02, 1],
  ['struct.get_s', 0x03, 1],
  ['struct.get_u', 0x04, 1],
  ['struct.set', 0x05, 1],
  ['array.new', 0x06, 0],
  ['array.new_default', 0x07, 0],
  ['array.new_fixed', 0x08, 1],
  ['array.new_data', 0x09, 1],
  ['array.new_elem', 0x0a, 1],
  ['array.get', 0x0b, 0],
  ['array.get_s', 0x0c, 0],
  ['array.get_u', 0x0d, 0],
  ['array.set', 0x0e, 0],
  ['array.fill', 0x10, 0],
  ['array.copy', 0x11, 1],
  ['array.init_data', 0x12, 1],
  ['array.init_elem', 0x13, 1],
];

describe.each(NAMING)('%s', (name, sub, more) => {
  const indexes = Array.from({ length: more }, () => 0);
  const needs = `type mismatch: type 0 is of functions, ${name} needs one of ${name.slice(0, name.indexOf('.'))}s`;

  test('in a body: types that are left are of functions', () => {
    expect(body(MARK, 0xfb, sub, 0, ...indexes)).toBe(`invalid: ${needs}`);
    expect(body(UNREACHABLE, MARK, 0xfb, sub, 0, ...indexes)).toBe(`invalid: ${needs}`);
    for (const none of [1, 5]) expect(body(MARK, 0xfb, sub, none, ...indexes)).toBe(`invalid: unknown type ${none}`);
    // The last byte would be `end`.
    expect(verdict(TYPES, section(3, 1, 0), section(10, 1, 4 + more, 0, 0xfb, sub, ...indexes, 0x80))).toMatch(
      /^malformed/,
    );
  });

  test('in a constant expression', () => {
    const isConstant = /new($|_default|_fixed)/.test(name);
    const says = isConstant ? needs : `constant expression required, found ${name}`;
    for (const [place, ...sections] of constantPlaces(MARK, 0xfb, sub, 0, ...indexes)) {
      expect([place, verdict(...sections)]).toEqual([place, `invalid: ${says}`]);
    }
  });
});

/** Everywhere that a constant expression can be: an anyref, or an i32 where it is an offset. */
function constantPlaces(...code: number[]): [string, ...number[][]][] {
  const table = section(4, 1, FUNC, 0, 1);
  return [
    ['a global', TYPES, section(6, 1, ANY, 0, ...code, END)],
    ['a table', TYPES, section(4, 1, 0x40, 0, ANY, 0, 1, ...code, END)],
    ['an item', TYPES, section(9, 1, 5, ANY, 1, ...code, END)],
    ["a segment's offset", TYPES, table, section(9, 1, 0, ...code, END, 0)],
    ["data's offset", TYPES, section(5, 1, 0, 0), section(11, 1, 0, ...code, END, 0)],
  ];
}

/** Instructions that name no type: sub-opcode, a value that they take, and one that they do not. */
const OTHERS: readonly (readonly [name: string, sub: number, operand: number[], wrong: number[], constant: boolean])[] =
  [
    ['array.len', 0x0f, [REF_NULL, 0x6a], [REF_NULL, I31], false],
    ['any.convert_extern', 0x1a, [REF_NULL, EXTERN], [REF_NULL, ANY], true],
    ['extern.convert_any', 0x1b, [REF_NULL, 0x71], [REF_NULL, EXTERN], true],
    ['ref.i31', 0x1c, I32_CONST, I64_CONST, true],
    ['i31.get_s', 0x1d, [REF_NULL, I31], [REF_NULL, ANY], false],
    ['i31.get_u', 0x1e, [REF_NULL, 0x71], [REF_NULL, FUNC], false],
  ];

describe.each(OTHERS)('%s', (name, sub, operand, wrong, constant) => {
  test('in a body', () => {
    expect(body(...operand, MARK, 0xfb, sub, DROP)).toBe(uses(name));
    expect(body(UNREACHABLE, MARK, 0xfb, sub, DROP)).toBe(uses(name));
    expect(body(...wrong, MARK, 0xfb, sub, DROP)).toMatch(/^invalid: type mismatch: expected .*, found [^(]*$/);
    expect(body(MARK, 0xfb, sub, DROP)).toMatch(/^invalid: type mismatch: expected .*, found nothing$/);
  });

  test('in a constant expression', () => {
    for (const [place, ...sections] of constantPlaces(...operand, MARK, 0xfb, sub)) {
      const says = constant ? uses(name) : `invalid: constant expression required, found ${name}`;
      expect([place, verdict(...sections)]).toEqual([place, says]);
    }
    if (!constant) return;
    for (const [place, ...sections] of constantPlaces(...wrong, MARK, 0xfb, sub)) {
      expect([place, verdict(...sections)]).toEqual([
        place,
        expect.stringMatching(/^invalid: type mismatch: expected/),
      ]);
    }
    const nothing = constantPlaces(MARK, 0xfb, sub).map(([, ...sections]) => verdict(...sections));
    for (const says of nothing) expect(says).toMatch(/^invalid: type mismatch: expected .*, found nothing$/);
  });
});

describe('types of objects without objects are supported', () => {
  const casts = [
    ['ref.test', [0xfb, 0x14]],
    ['ref.test, nullable', [0xfb, 0x15]],
    ['ref.cast', [0xfb, 0x16]],
    ['ref.cast, nullable', [0xfb, 0x17]],
  ] as const;
  const heaps = [ANY, 0x6d, I31, 0x6b, 0x6a, 0x71];

  test.each(casts)('%s', (_, code) => {
    for (const heap of heaps) expect(body(REF_NULL, ANY, ...code, heap, DROP)).toBe('valid');
  });

  test('what cannot be null may stand where it can', () => {
    for (const heap of heaps) {
      expect(body(0x02, heap, REF_NULL, ANY, 0xfb, 0x16, heap, END, DROP)).toBe('valid');
    }
  });

  test.each([
    ['br_on_cast', 0x18],
    ['br_on_cast_fail', 0x19],
  ])('%s', (_, sub) => {
    for (const heap of heaps) {
      // The label takes what is of the type, or the rest of anyref.
      const label = sub === 0x18 ? heap : ANY;
      const code = [0x02, label, REF_NULL, ANY, 0xfb, sub, 3, 0, ANY, heap, UNREACHABLE, END, DROP];
      expect([heap, body(...code)]).toEqual([heap, 'valid']);
    }
    expect(body(0x02, I31, REF_NULL, ANY, MARK, 0xfb, sub, 3, 0, I31, ANY, UNREACHABLE, END, DROP)).toMatch(
      /^invalid: type mismatch: anyref is no subtype of i31ref$/,
    );
  });
});

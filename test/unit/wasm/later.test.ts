/** Bottom types, references in code that cannot be reached, and what later versions of the specification have. */

import { describe, expect, test } from 'vitest';
import { ModuleError } from '../../../src/base/errors.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { validateBodies } from '../../../src/wasm/validate.js';

const FUNC = 0x70;
const NULL_TYPES = [0x73, 0x72, 0x74]; // nofunc, noextern, noexn
const SUPER = [0x70, 0x6f, 0x69]; // func, extern, exn
const I32 = 0x7f;
const UNREACHABLE = 0x00;
const DROP = 0x1a;
const END = 0x0b;
const AS_NON_NULL = 0xd4;
const REF_NULL_OF = 0xd0;

const section = (id: number, ...content: number[]) => [id, content.length, ...content];
const head = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function verdict(...sections: number[][]): string {
  try {
    validateBodies(decodeModule(Uint8Array.from([...head, ...sections.flat()])));
    return 'valid';
  } catch (error) {
    if (!(error instanceof ModuleError)) throw error;
    return `${error.code}: ${error.detail}`;
  }
}

/** Of a function () -> results with this body. */
function body(results: number[], code: number[], locals: number[] = [0]): string {
  const count = results.filter((byte) => byte !== 0x64).length; // of types: one is written in two bytes
  const type = section(1, 1, 0x60, 0, count, ...results);
  const bytes = [...locals, ...code, END];
  return verdict(type, section(3, 1, 0), section(10, 1, bytes.length, ...bytes));
}

describe('in code that cannot be reached', () => {
  const references = [
    ['ref.as_non_null', [AS_NON_NULL]],
    ['br_on_null', [0xd5, 0]],
  ] as const;

  test.each(references)('%s leaves a reference, of any type, and no number', (_, code) => {
    const inBlock = code.length === 1 ? code : [0xd5, 1];
    for (const type of [FUNC, 0x6f, ...NULL_TYPES]) {
      expect(body([], [0x02, type, UNREACHABLE, ...inBlock, END, DROP])).toBe('valid');
    }
    for (const type of [I32, 0x7e, 0x7d, 0x7c, 0x7b]) {
      expect(body([], [0x02, type, UNREACHABLE, ...inBlock, END, DROP])).toMatch(
        /^invalid: type mismatch: .*a reference/,
      );
    }
    expect(body([], [UNREACHABLE, ...code, DROP])).toBe('valid');
    expect(body([], [UNREACHABLE, ...code, 0xd1, DROP])).toBe('valid'); // ref.is_null
    expect(body([], [UNREACHABLE, ...code, AS_NON_NULL, DROP])).toBe('valid');
    expect(body([], [UNREACHABLE, ...code, 0x45, DROP])).toMatch(/^invalid/); // i32.eqz
    expect(body([], [UNREACHABLE, ...code, 0x41, 0, 0x1b, DROP])).toMatch(/^invalid: .*select of references/);
  });

  test('the case that was accepted', () => {
    expect(body([], [0x02, I32, UNREACHABLE, AS_NON_NULL, END, DROP])).toMatch(/expected i32, found a reference/);
  });
});

describe('bottom types', () => {
  test.each([0, 1, 2])('type %i is a subtype of its hierarchy alone', (i) => {
    const type = NULL_TYPES[i];
    expect(body([type], [REF_NULL_OF, type])).toBe('valid');
    for (const [j, other] of SUPER.entries()) {
      const expected = i === j ? 'valid' : expect.stringMatching(/^invalid: type mismatch/);
      expect(body([other], [REF_NULL_OF, type])).toEqual(expected);
      expect(body([type], [REF_NULL_OF, other])).toMatch(/^invalid: type mismatch/);
    }
    expect(body([], [0x20, 0, DROP], [1, 1, type])).toBe('valid'); // a local, which has a value
    expect(body([], [0x20, 0, DROP], [1, 1, 0x64, type])).toMatch(/^invalid: uninitialized local/);
    expect(body([0x64, type], [REF_NULL_OF, type, AS_NON_NULL])).toBe('valid');
    expect(body([0x64, type], [REF_NULL_OF, type])).toMatch(/^invalid: type mismatch/);
    expect(body([SUPER[i]], [0x02, type, REF_NULL_OF, type, END])).toBe('valid');
  });

  test('a null function fits any type of function', () => {
    const type = section(1, 2, 0x60, 0, 0, 0x60, 0, 1, 0x63, 0);
    const code = [0, REF_NULL_OF, 0x73, END];
    expect(verdict(type, section(3, 1, 1), section(10, 1, code.length, ...code))).toBe('valid');
  });

  test('in globals and tables', () => {
    expect(verdict(section(6, 1, 0x74, 0, REF_NULL_OF, 0x74, END))).toBe('valid');
    expect(verdict(section(6, 1, 0x69, 0, REF_NULL_OF, 0x74, END))).toBe('valid');
    expect(verdict(section(4, 1, 0x73, 0, 1))).toBe('valid');
  });
});

describe('types of objects, of which there is only null', () => {
  const [any, eq, i31, struct, array, none] = [0x6e, 0x6d, 0x6c, 0x6b, 0x6a, 0x71];
  /** Of each: what it is a subtype of. */
  const ABOVE = new Map([
    [any, [any]],
    [eq, [any, eq]],
    [i31, [any, eq, i31]],
    [struct, [any, eq, struct]],
    [array, [any, eq, array]],
    [none, [any, eq, i31, struct, array, none]],
  ]);

  test.each([...ABOVE])('type 0x%s', (type, above) => {
    for (const other of [...ABOVE.keys(), ...SUPER, ...NULL_TYPES]) {
      const expected = above.includes(other) ? 'valid' : expect.stringMatching(/^invalid: type mismatch/);
      expect(body([other], [REF_NULL_OF, type])).toEqual(expected);
      expect(body([0x64, other], [0x20, 0], [1, 1, 0x64, type])).toMatch(/^invalid: uninitialized local/);
    }
    expect(body([0x64, type], [REF_NULL_OF, type, AS_NON_NULL])).toBe('valid');
    expect(body([0x64, type], [REF_NULL_OF, type])).toMatch(/^invalid: type mismatch/);
    const isEq = above.includes(eq);
    expect(body([I32], [REF_NULL_OF, type, REF_NULL_OF, none, 0xd3]) === 'valid').toBe(isEq); // ref.eq
  });
});

test('a group of no types', () => {
  expect(verdict(section(1, 1, 0x4e, 0))).toBe('valid');
});

test.each([
  ['memory', 5, [1, 0, 0x80, 0x80, 0x80, 0x80, 0x10], /^invalid: memory size must be at most 65536 pages/],
  ['table', 4, [1, 0x70, 1, 0, 0x80, 0x80, 0x80, 0x80, 0x10], /^invalid: table size must be at most 4294967295/],
])('a %s with 32-bit indexes and a limit beyond them', (_, id, content, expected) => {
  expect(verdict(section(id, ...content))).toMatch(expected);
});

test('alignments that no access has are invalid, and flags beyond them malformed', () => {
  const access = (flags: number[]) => {
    const code = [0, 0x41, 0, 0x28, ...flags, 0, DROP, END];
    return verdict(
      section(1, 1, 0x60, 0, 0),
      section(3, 1, 0),
      section(5, 1, 0, 1),
      section(10, 1, code.length, ...code),
    );
  };
  expect(access([2])).toBe('valid');
  for (const flags of [3, 0x1f, 0x20, 0x3f]) expect(access([flags])).toMatch(/^invalid: alignment must not be larger/);
  expect(access([0x80, 1])).toMatch(/^malformed: malformed memop flags 0x80/);
});

test('the offset of an access is a number of 64 bits, which a memory with 32-bit addresses may not have', () => {
  const access = (offset: number[], address = 0) => {
    const code = [0, ...(address === 0 ? [0x41, 0] : [0x42, 0]), 0x2d, 0, ...offset, DROP, END];
    return verdict(
      section(1, 1, 0x60, 0, 0),
      section(3, 1, 0),
      section(5, 1, address, 1),
      section(10, 1, code.length, ...code),
    );
  };
  const FULL = [0x80, 0x80, 0x80, 0x80];
  for (const zeros of [[], [0x80], [...FULL, 0x80], [...FULL, ...FULL, 0x80]])
    expect(access([...zeros, 0])).toBe('valid');
  expect(access([0xff, 0xff, 0xff, 0xff, 0x0f])).toBe('valid');
  expect(access([...FULL, 0x10])).toBe('invalid: offset out of range: 4294967296');
  expect(access([...FULL, ...FULL, 0x80, 1])).toMatch(/^invalid: offset out of range/);
  expect(access([...FULL, 0x10], 4)).toBe('valid');
  expect(access([...FULL, ...FULL, 0x80, 2])).toBe('malformed: integer too large');
  expect(access([...FULL, ...FULL, 0x80, 0x80, 0])).toBe('malformed: integer representation too long');
});

describe('casts', () => {
  const [TEST, CAST_NULL, BR_ON_CAST, BR_ON_CAST_FAIL] = [0x14, 0x17, 0x18, 0x19];

  test.each([
    ['a test of its kind', [I32], [REF_NULL_OF, 0x73, 0xfb, TEST, FUNC], true],
    ['a test of another kind', [I32], [REF_NULL_OF, 0x72, 0xfb, TEST, FUNC], false],
    ['a test of a number', [I32], [0x41, 0, 0xfb, TEST, FUNC], false],
    ['a test of a type that is not there', [I32], [REF_NULL_OF, FUNC, 0xfb, TEST, 1], false],
    ['a cast to what is null', [0x73], [REF_NULL_OF, FUNC, 0xfb, CAST_NULL, 0x73], true],
    ['a cast up', [FUNC], [REF_NULL_OF, FUNC, 0xfb, CAST_NULL, 0x73], true],
    ['a cast does not make it a number', [I32], [REF_NULL_OF, FUNC, 0xfb, CAST_NULL, 0x73], false],
    [
      'a branch with what it is',
      [0x64, FUNC],
      [REF_NULL_OF, FUNC, 0xfb, BR_ON_CAST, 1, 0, FUNC, FUNC, UNREACHABLE],
      true,
    ],
    ['what stays may be null', [0x64, FUNC], [REF_NULL_OF, FUNC, 0xfb, BR_ON_CAST, 1, 0, FUNC, FUNC], false],
    [
      'what stays is not null',
      [0x64, FUNC],
      [REF_NULL_OF, FUNC, 0xfb, BR_ON_CAST_FAIL, 3, 0, FUNC, 0x73, UNREACHABLE],
      true,
    ],
    ['what is left is', [0x64, FUNC], [REF_NULL_OF, FUNC, 0xfb, BR_ON_CAST, 1, 0, FUNC, 0x73, UNREACHABLE], true],
    ['a target above the source', [FUNC], [REF_NULL_OF, 0x73, 0xfb, BR_ON_CAST, 3, 0, 0x73, FUNC], false],
    ['a label that takes nothing', [], [REF_NULL_OF, FUNC, 0xfb, BR_ON_CAST, 3, 0, FUNC, FUNC, DROP], false],
  ])('%s', (_, results, code, isValid) => {
    const found = body(results, code);
    expect(found).toEqual(isValid ? 'valid' : expect.stringMatching(/^invalid: (type mismatch|unknown type)/));
  });

  test('flags that there are not', () => {
    expect(body([FUNC], [REF_NULL_OF, FUNC, 0xfb, BR_ON_CAST, 4, 0, FUNC, FUNC])).toMatch(/^malformed: .*flags 0x4/);
  });
});

describe('is not supported yet, with what it is', () => {
  const types = (...entry: number[]) => verdict(section(1, 1, ...entry));
  test.each([
    ['objects \\(struct\\)', () => types(0x5f, 0)],
    ['objects \\(array\\)', () => types(0x5e, 0x7f, 0)],
    ['objects \\(struct\\)', () => types(0x4e, 1, 0x50, 0, 0x5f, 0)],
    ['continuation types', () => types(0x5d, 0)],
    ['stack switching', () => body([], [0xe0, 0])],
  ])('%s', (what, get) => {
    expect(get()).toMatch(new RegExp(`^unsupported: .*${what}`));
  });

  test('components are no modules', () => {
    expect(() => decodeModule(Uint8Array.from([...head.slice(0, 4), 0x0d, 0, 1, 0]))).toThrow(
      'offset 0x4: it is a component, not a module',
    );
  });

  test('what nothing knows is malformed', () => {
    expect(types(0x40)).toMatch(/^malformed/);
    expect(body([], [0x27])).toMatch(/^malformed: illegal opcode 0x27/);
    expect(body([], [0xfc, 0x12])).toMatch(/^malformed/);
    expect(body([], [0xfc, 0x17])).toMatch(/^malformed/);
    expect(body([], [0xfc, 0x40])).toMatch(/^malformed/);
    expect(body([0x67], [UNREACHABLE])).toMatch(/^malformed/);
    expect(verdict(section(5, 1, 16, 0, 0))).toMatch(/^malformed/);
  });
});

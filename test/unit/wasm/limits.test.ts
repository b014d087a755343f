/** Modules at each limit are accepted; one more is refused, and the error names the limit. */

import { describe, expect, test } from 'vitest';
import { LimitError } from '../../../src/base/errors.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { type LimitName, limits } from '../../../src/wasm/limits.js';
import { validateBodies } from '../../../src/wasm/validate.js';
import { WasmWriter } from '../../fuzz/wasm-writer.js';

type Section = (to: WasmWriter) => void;

/** A module of sections by their numbers, in order. */
function moduleOf(sections: Readonly<Record<number, Section>>, order = Object.keys(sections).map(Number)): Uint8Array {
  const writer = new WasmWriter();
  writer.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  for (const id of order) {
    writer.byte(id);
    writer.sized(sections[id]);
  }
  return writer.bytes;
}

/** A vector whose entries are written by `one`. */
const vector =
  (count: number, one: (to: WasmWriter, index: number) => void): Section =>
  (to) => {
    to.u32(count);
    for (let i = 0; i < count; i++) one(to, i);
  };
const times = (count: number, ...entry: number[]) => vector(count, (to) => to.byte(...entry));
const [TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, ELEMENT, CODE, DATA, TAG] = [
  1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 13,
];
const [FUNC, I32, I64, END, NOP, DROP] = [0x60, 0x7f, 0x7e, 0x0b, 0x01, 0x1a];
const UNARY = times(1, FUNC, 0, 0);

const body = (write: (to: WasmWriter) => void): Section =>
  vector(1, (to) =>
    to.sized((inner) => {
      inner.u32(0);
      write(inner);
      inner.byte(END);
    }),
  );
const withBody = (write: (to: WasmWriter) => void) =>
  moduleOf({ [TYPE]: UNARY, [FUNCTION]: times(1, 0), [CODE]: body(write) });
const exported = (name: string) =>
  moduleOf({
    [MEMORY]: times(1, 0, 0),
    [EXPORT]: vector(1, (to) => {
      to.name(name);
      to.byte(2, 0);
    }),
  });

const AT_BOTH: readonly (readonly [LimitName, (count: number) => Uint8Array])[] = [
  ['types', (n) => moduleOf({ [TYPE]: times(n, FUNC, 0, 0) })],
  ['imports', (n) => moduleOf({ [TYPE]: UNARY, [IMPORT]: times(n, 0, 0, 0, 0) })],
  // a type, and a group of all others
  [
    'types',
    (n) =>
      moduleOf({
        [TYPE]: (to) => {
          to.byte(2, FUNC, 0, 0, 0x4e);
          times(n - 1, FUNC, 0, 0)(to);
        },
      }),
  ],
  [
    'subtypingDepth',
    (n) =>
      moduleOf({
        [TYPE]: vector(n + 1, (to, i) => {
          if (i === 0) to.byte(0x50, 0);
          else {
            to.byte(0x50, 1);
            to.u32(i - 1);
          }
          to.byte(FUNC, 0, 0);
        }),
      }),
  ],
  // compact: a group of each form, which the section counts as two
  [
    'imports',
    (n) =>
      moduleOf({
        [TYPE]: UNARY,
        [IMPORT]: (to) => {
          to.byte(2, 0, 0, 0x7f);
          times(n - 10, 0, 0, 0)(to);
          to.byte(0, 0, 0x7e, 0, 0);
          times(10, 0)(to);
        },
      }),
  ],
  ['functions', (n) => moduleOf({ [TYPE]: UNARY, [FUNCTION]: times(n, 0), [CODE]: times(n, 2, 0, END) })],
  [
    'functions',
    (n) =>
      moduleOf({
        [TYPE]: UNARY,
        [IMPORT]: times(1, 0, 0, 0, 0),
        [FUNCTION]: times(n - 1, 0),
        [CODE]: times(n - 1, 2, 0, END),
      }),
  ],
  ['tables', (n) => moduleOf({ [TABLE]: times(n, 0x70, 0, 0) })],
  ['tables', (n) => moduleOf({ [IMPORT]: times(1, 0, 0, 1, 0x70, 0, 0), [TABLE]: times(n - 1, 0x70, 0, 0) })],
  [
    'tableElements',
    (n) =>
      moduleOf({
        [TABLE]: vector(1, (to) => {
          to.byte(0x70, 0);
          to.u32(n);
        }),
      }),
  ],
  ['memories', (n) => moduleOf({ [IMPORT]: times(1, 0, 0, 2, 0, 0), [MEMORY]: times(n - 1, 0, 0) })],
  [
    'memoryPages',
    (n) =>
      moduleOf({
        [MEMORY]: vector(1, (to) => {
          to.byte(4);
          to.u32(n);
        }),
      }),
  ],
  ['globals', (n) => moduleOf({ [GLOBAL]: times(n, I32, 0, 0x41, 0, END) })],
  ['globals', (n) => moduleOf({ [IMPORT]: times(1, 0, 0, 3, I32, 0), [GLOBAL]: times(n - 1, I32, 0, 0x41, 0, END) })],
  ['tags', (n) => moduleOf({ [TYPE]: UNARY, [TAG]: times(n, 0, 0) })],
  [
    'exports',
    (n) =>
      moduleOf({
        [MEMORY]: times(1, 0, 0),
        [EXPORT]: vector(n, (to, i) => {
          to.byte(3, 0x20 + (i % 90), 0x20 + (Math.floor(i / 90) % 90), 1 + Math.floor(i / 8100), 2, 0);
        }),
      }),
  ],
  ['dataSegments', (n) => moduleOf({ [DATA]: times(n, 1, 0) })],
  [
    'functionParams',
    (n) =>
      moduleOf({
        [TYPE]: vector(1, (to) => {
          to.byte(FUNC);
          times(n, I32)(to);
          to.byte(0);
        }),
      }),
  ],
  [
    'functionResults',
    (n) =>
      moduleOf({
        [TYPE]: vector(1, (to) => {
          to.byte(FUNC, 0);
          times(n, I64)(to);
        }),
      }),
  ],
  [
    'functionBytes', // few instructions that are long
    (n) =>
      withBody((to) => {
        const constant = Uint8Array.of(0xfd, 0x0c, ...new Array(16).fill(0), DROP);
        for (let left = Math.floor((n - 2) / constant.length); left > 0; left--) to.append(constant);
        to.append(new Uint8Array((n - 2) % constant.length).fill(NOP));
      }),
  ],
  ['nameBytes', (n) => exported('x'.repeat(n))],
  ['nameBytes', (n) => exported(`ä${'x'.repeat(n - 2)}`)],
  [
    'constantInstructions',
    // one at the limit leaves two values, which is not its fault
    (n) =>
      moduleOf({
        [GLOBAL]: vector(1, (to) => {
          to.byte(I32, 0);
          const steps = n % 2 === 0 ? n - 1 : n;
          to.byte(0x41, 0);
          for (let step = 1; step < steps; step += 2) to.byte(0x41, 0, 0x6a);
          to.byte(END);
        }),
      }),
  ],
];

/** A module at the limit would take gigabytes here: only what is above. */
const ABOVE: readonly (readonly [LimitName, (count: number) => Uint8Array])[] = [
  [
    'elementSegments',
    (n) =>
      moduleOf({
        [ELEMENT]: (to) => {
          to.u32(n);
          to.append(new Uint8Array(n));
        },
      }),
  ],
  [
    'elementSegmentItems',
    (n) =>
      moduleOf({
        [ELEMENT]: vector(1, (to) => {
          to.byte(1, 0);
          to.u32(n);
          to.append(new Uint8Array(n));
        }),
      }),
  ],
];

const verdict = (bytes: Uint8Array): Error | 'accepted' => {
  try {
    validateBodies(decodeModule(bytes));
    return 'accepted';
  } catch (error) {
    return error as Error;
  }
};

describe('at a limit a module is accepted, one above it is not', () => {
  test.each(AT_BOTH)('%s', (name, build) => {
    expect(verdict(build(limits[name]))).toBe('accepted');
  });

  test.each([...AT_BOTH, ...ABOVE])('above: %s', (name, build) => {
    const error = verdict(build(limits[name] + 1));
    expect(error).toBeInstanceOf(LimitError);
    expect((error as Error).message).toContain(`${limits[name] + 1} exceeds the limit of ${limits[name]} (${name})`);
  });
});

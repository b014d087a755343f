/**
 * Modules that are short but would be long as code or tables: the result is in proportion to their size, or a limit
 * refuses them.
 */

import { beforeEach, describe, expect, test } from 'vitest';
import { arm64 } from '../../../src/arch/arm64/target.js';
import { x64 } from '../../../src/arch/x64/target.js';
import { LimitError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { readImage } from '../../../src/image/reader.js';
import { Place } from '../../../src/image/tables/frame-map.js';
import { decodeModule } from '../../../src/wasm/decode.js';

/** Bytes of image for each byte of module, and bytes that any image may have. */
const FACTOR = 200;
const BASE = 40 << 20;

const leb = (n: number): number[] => (n < 128 ? [n] : [(n & 127) | 128, ...leb(Math.floor(n / 128))]);
const vector = (items: readonly (readonly number[])[]) => [...leb(items.length), ...items.flat()];
const section = (id: number, content: readonly number[]) => [id, ...leb(content.length), ...content];
const repeat = (count: number, ...code: number[]) => Array.from({ length: count }, () => code).flat();
const alternate = (count: number, code: (i: number) => number[]) =>
  Array.from({ length: count }, (_, i) => code(i)).flat();

const [I32, I64, EMPTY, END, DROP, LOOP, BLOCK, CALL, GET, CONST, UNREACHABLE] = [
  0x7f, 0x7e, 0x40, 0x0b, 0x1a, 0x03, 0x02, 0x10, 0x20, 0x41, 0x00,
];

/** Functions of type () -> (), given by local declarations and code. */
function moduleOf(
  bodies: readonly (readonly [locals: number[], code: number[]])[],
  types: number[][] = [],
): Uint8Array {
  const code = bodies.map(([locals, instructions]) => {
    const body = [...locals, ...instructions, END];
    return [...leb(body.length), ...body];
  });
  const parts = [
    section(1, vector([[0x60, 0, 0], ...types])),
    section(3, vector(bodies.map(() => [0]))),
    section(7, vector([[6, ...Buffer.from('_start'), 0, 0]])),
    section(10, vector(code)),
  ];
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...parts.flat()]);
}

const manyLocals = (count: number, type: number) => vector([[...leb(count), type]]);
const NONE = [0];

const families: readonly (readonly [string, () => Uint8Array])[] = [
  [
    'an operand more before each loop',
    () => moduleOf([[NONE, [...repeat(4000, CONST, 1, LOOP, EMPTY, END), UNREACHABLE]]]),
  ],
  [
    'an operand less before each loop',
    () => moduleOf([[NONE, [...repeat(4000, CONST, 1), ...repeat(3999, DROP, LOOP, EMPTY, END), DROP]]]),
  ],
  [
    'a deep stack whose top differs at each loop',
    () =>
      moduleOf([
        [
          NONE,
          [
            ...repeat(1500, CONST, 1),
            ...alternate(1500, (i) => [CONST, ...leb(i % 64), LOOP, EMPTY, END, DROP]),
            ...repeat(1500, DROP),
          ],
        ],
      ]),
  ],
  [
    'a deep stack at many equal loops',
    () => moduleOf([[NONE, [...repeat(4000, CONST, 1), ...repeat(4000, LOOP, EMPTY, END), ...repeat(4000, DROP)]]]),
  ],
  [
    'aliases of locals at each call',
    () => moduleOf([[manyLocals(1, I32), alternate(3000, () => [GET, 0, CALL, 0]).concat(UNREACHABLE)]]),
  ],
  ['many locals in many equal functions', () => moduleOf(repeatOf(200, [manyLocals(50_000, I32), []]))],
  [
    'many locals of alternating types in many functions',
    () =>
      moduleOf(
        Array.from(
          { length: 300 },
          (_, i) =>
            [
              vector([
                [...leb(25_000 + i), I32],
                [...leb(25_000 - i), I64],
              ]),
              [],
            ] as [number[], number[]],
        ),
      ),
  ],
  ['many vectors as locals', () => moduleOf(repeatOf(60, [manyLocals(50_000, 0x7b), []]))],
  [
    'a branch table whose targets pass many values',
    () => {
      const results = repeat(1000, I32);
      const type = [0x60, 0, ...leb(1000), ...results];
      const code = [
        BLOCK,
        1,
        ...repeat(1000, CONST, 1),
        CONST,
        0,
        0x0e,
        ...leb(20_000),
        ...repeat(20_001, 0),
        END,
        ...repeat(1000, DROP),
      ];
      return moduleOf([[NONE, code]], [type]);
    },
  ],
  [
    'calls with a thousand results',
    () => {
      const type = [0x60, 0, ...leb(1000), ...repeat(1000, I32)];
      const parts = [
        section(1, vector([[0x60, 0, 0], type])),
        section(3, vector([[0], [1]])),
        section(7, vector([[6, ...Buffer.from('_start'), 0, 0]])),
        section(10, vector([bodyOf([...alternate(100, () => [CALL, 1]), UNREACHABLE]), bodyOf([UNREACHABLE])])),
      ];
      return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...parts.flat()]);
    },
  ],
  ['nested blocks', () => moduleOf([[NONE, [...repeat(9000, BLOCK, EMPTY), ...repeat(9000, END)]]])],
  ['nested loops', () => moduleOf([[NONE, [...repeat(9000, LOOP, EMPTY), ...repeat(9000, END)]]])],
  ['many small functions', () => moduleOf(repeatOf(20_000, [NONE, []]))],
  ['many types', () => moduleOf([[NONE, []]], repeatOf(50_000, [0x60, 0, 0]))],
  [
    'many types of many parameters',
    () =>
      moduleOf(
        [[NONE, []]],
        Array.from({ length: 500 }, (_, i) => [0x60, ...leb(900), ...repeat(899, I32), i % 2 ? I32 : I64, 0]),
      ),
  ],
];

function repeatOf<T>(count: number, item: T): T[] {
  return new Array<T>(count).fill(item);
}

function bodyOf(code: readonly number[]): number[] {
  return [...leb(code.length + 2), 0, ...code, END];
}

/** The runner hears nothing of a worker that computes; between two of these it does. */
beforeEach(() => new Promise((done) => setImmediate(done)));

describe.each([
  ['x64', x64],
  ['arm64', arm64],
] as const)('%s', (_, target) => {
  test.each(families)('%s', (_name, make) => {
    const bytes = make();
    const module = decodeModule(bytes);
    try {
      const { size } = compileImage([{ module, file: 'it.wasm' }], { target });
      expect(size).toBeLessThan(FACTOR * bytes.length + BASE);
    } catch (error) {
      expect(error).toBeInstanceOf(LimitError);
      expect((error as Error).message).toMatch(/^it\.wasm: /);
    }
  });
});

test('shapes that begin alike are read as they were described', () => {
  const bytes = families[0][1]();
  const image = readImage(compileImage([{ module: decodeModule(bytes), file: 'it' }], { target: x64 }).bytes);
  const row = image.sites.functionRow(1, 0);
  const { first, end } = image.sites.sitesOf(row);
  expect(end - first).toBe(4001); // its entry, and the loops
  for (const i of [1, 2, 9, 10, 100, 4000]) {
    const { operands, results } = image.sites.frameMap(row, image.sites.site(first + i));
    expect(operands.length).toBe(i);
    expect(results).toEqual([]);
    for (const { place, words } of operands) expect([place, words]).toEqual([Place.Constant, [1, 0]]);
  }
  image.close();
});

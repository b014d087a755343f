/** Globals and tables of typed function references: what a snapshot may put there. */

import { expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { InputError } from '../../../src/base/errors.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import type { DataPatch } from '../../../src/image/data-patch.js';
import { readImage } from '../../../src/image/reader.js';
import { putInstances } from '../../../src/restore/instance-data.js';
import { References } from '../../../src/restore/placed-references.js';
import type { Snapshot } from '../../../src/snapshot/snapshot.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { ValType } from '../../../src/wasm/module.js';
import { I32, moduleOf, STANDARD } from '../../support/function-references.js';

const { ref, refNull } = STANDARD;
const [REF_FUNC, REF_NULL, END] = [0xd2, 0xd0, 0x0b];

// Functions 0 and 1 are i32 -> i32, 2 is () -> (). Globals: nullable, not nullable. A table of the nullable type.
const module = decodeModule(
  moduleOf({
    types: [
      [[[I32]], [[I32]]],
      [[], []],
    ],
    functions: [
      { type: 0, code: [0x20, 0] },
      { type: 0, code: [0x41, 0] },
      { type: 1, code: [] },
    ],
    tables: [[refNull, 0, 0, 1]],
    globals: [
      [refNull, 0, 1, REF_NULL, 0, END],
      [ref, 0, 1, REF_FUNC, 0, END],
    ],
    exports: { a: 0, b: 1, _start: 2 },
  }),
);
const image = readImage(compileImage([{ module, file: 'test' }], { target: x64 }).bytes);

/** Function indices, or -1 for null. */
function put(nullable: number, other: number, element: number) {
  const words = (func: number) => (func < 0 ? [0, 0] : [func, 1]);
  const global = (func: number) => ({ type: ValType.FuncRef, lo: words(func)[0], hi: words(func)[1] });
  const patched: number[] = [];
  const data = {
    bits: () => {},
    u64: (at: number) => patched.push(at),
    pointer: (at: number) => patched.push(at),
    word: () => 0,
  } as unknown as DataPatch;
  const instance = {
    module: 0,
    globals: [global(nullable), global(other)],
    tables: [{ type: ValType.FuncRef, elements: Uint32Array.from(words(element)), max: 1 }],
    memories: [],
    droppedData: new Uint8Array(0),
    droppedElements: new Uint8Array(0),
  };
  const planned = putInstances(
    { instances: [instance], phase: { kind: 'entry', instance: 0 } } as unknown as Snapshot,
    [module],
    new References(image.identity),
    data,
  );
  return { planned, patched };
}

test('references of the type are put in their places', () => {
  const { planned, patched } = put(1, 0, 1);
  expect(patched.length).toBe(2);
  expect(planned.tables[0].elements[0]).not.toBe(0);
  expect(() => put(-1, 1, -1)).not.toThrow();
});

test.each([
  ['a function of another type in a global', [2, 0, 0], /global 0: refers to a function of another type/],
  ['a function of another type in a global that is not null', [0, 2, 0], /global 1: refers to a function of another/],
  ['null where it cannot be', [0, -1, 0], /global 1: is null, which it cannot be/],
  ['a function of another type in a table', [0, 0, 2], /table 0, element 0: refers to a function of another type/],
] as const)('refuses %s', (_, [nullable, other, element], message) => {
  expect(() => put(nullable, other, element)).toThrow(InputError);
  expect(() => put(nullable, other, element)).toThrow(message);
});

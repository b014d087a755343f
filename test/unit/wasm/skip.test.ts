/** Every instruction is skipped as a whole, also when its numbers are encoded in more bytes than they need. */

import { expect, test } from 'vitest';
import { type Immediates, Op, opcodes } from '../../../src/wasm/opcodes.js';
import { skipInstruction } from '../../../src/wasm/skip.js';

/** The number in a LEB128 of `size` bytes, or of as many as it needs. */
function leb(value: number, size: number): number[] {
  const bytes: number[] = [];
  do {
    bytes.push(value & 0x7f);
    value >>>= 7;
  } while (value > 0);
  while (bytes.length < size) bytes.push(0);
  return bytes.map((byte, i) => (i < bytes.length - 1 ? byte | 0x80 : byte));
}

/** Immediates of each kind (core spec 5.4), numbers of `size` bytes at least; all that may be is an `end`. */
function encodings(size: number): Readonly<Record<Immediates, readonly (readonly number[])[]>> {
  const n = leb(Op.End, size);
  const ends = (count: number) => new Array<number>(count).fill(Op.End);
  const block = [[0x40], [0x7b], [0x64, 0x70], [0x63, ...n], n];
  const clauses = [[], [0, ...n, ...n], [1, ...n, ...n, 2, ...n], [3, ...n, 0, ...n, ...n, 2, ...n]];
  const memarg = [
    [...leb(2, size), ...n],
    [...leb(2 | 0x40, size), ...n, ...n],
  ];
  const clauseCounts = [0, 1, 2, 3];
  return {
    none: [[]],
    block,
    'block catches': block.flatMap((type) =>
      clauses.map((list, i) => [...type, ...leb(clauseCounts[i], size), ...list]),
    ),
    tag: [n],
    label: [n],
    labels: [0, 1, 200].map((count) => [...leb(count, size), ...new Array(count + 1).fill(n).flat()]),
    func: [n],
    type: [n],
    'type table': [[...n, ...n]],
    types: [
      [...leb(1, size), 0x7f],
      [...leb(1, size), 0x64, ...n],
      [...leb(2, size), 0x63, 0x70, 0x7b],
    ],
    reftype: [[0x70], n],
    cast: [[1, ...n, 0x70, ...n]],
    local: [n],
    global: [n],
    table: [n],
    'table table': [[...n, ...n]],
    elem: [n],
    'elem table': [[...n, ...n]],
    data: [n],
    'data memory': [[...n, ...n]],
    memory: [n],
    'memory memory': [[...n, ...n]],
    memarg,
    zero: [[0]],
    i32: [n],
    i64: [n, leb(Op.End, 10)],
    f32: [ends(4)],
    f64: [ends(8)],
    v128: [ends(16)],
    lanes: [ends(16)],
    lane: [ends(1)],
    'memarg lane': memarg.map((access) => [...access, Op.End]),
  };
}

/** The opcode's bytes; the number after a prefix of `size` bytes at least. */
function opcodeBytes(code: number, size: number): number[] {
  if (code >= 0xfd000) return [0xfd, ...leb(code - 0xfd000, size)];
  return code >= 0xfb00 ? [code >> 8, ...leb(code & 0xff, size)] : [code];
}

test.each([1, 2, 3, 5])('numbers of %i bytes', (size) => {
  const kinds = encodings(size);
  const wrong: string[] = [];
  for (const { code, name, immediates } of opcodes) {
    for (const encoding of kinds[immediates]) {
      const instruction = [...opcodeBytes(code, size), ...encoding];
      const bytes = Uint8Array.from([Op.Nop, ...instruction, Op.End, Op.End]);
      const length = skipInstruction(bytes, 1) - 1;
      if (length !== instruction.length) wrong.push(`${name}: ${length} of ${instruction.length} bytes`);
    }
  }
  expect(wrong).toEqual([]);
});

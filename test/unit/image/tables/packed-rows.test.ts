/** Rows of three u32, packed and unpacked; and those of older images. */

import { describe, expect, test } from 'vitest';
import { InputError } from '../../../../src/base/errors.js';
import { PK_BLOCK, PK_ENTRY, PK_HEAD } from '../../../../src/image/contract/site-tables.js';
import { RowPacker, unpackRows } from '../../../../src/image/tables/packed-rows.js';
import { rowsOfPins, rowsOfSites, rowsOfTraps } from '../../../../src/image/tables/site-rows-v2.js';
import { random } from '../../../support/random.js';

const U32 = 0xffffffff;

function pack(words: readonly number[]): Uint8Array {
  const packer = new RowPacker(words.length / 3);
  for (let at = 0; at < words.length; at += 3) packer.add(words[at], words[at + 1], words[at + 2]);
  return packer.finish();
}
const unpack = (section: Uint8Array) => [...unpackRows(section, 'table')];

describe('packed rows', () => {
  test.each([0, 1, 2, PK_BLOCK - 1, PK_BLOCK, PK_BLOCK + 1, 3 * PK_BLOCK, 1000])('%i of them', (count) => {
    const next = random(count);
    const below = (n: number) => Math.floor(next() * n);
    const words: number[] = [];
    for (let row = 0, text = 0; row < count; row++) {
      text += 1 + below(row % 7 === 0 ? 100_000 : 100);
      words.push(text, below(row % 5 === 0 ? U32 : 300), row % 3 === 0 ? below(40) : 7);
    }
    const section = pack(words);
    expect(unpack(section)).toEqual(words);
    if (count === 1000) expect(section.length).toBeLessThan(words.length * 4);
  });

  test('of the greatest numbers and differences', () => {
    const words = [0, U32, U32, 1, 0, 0, 2, U32, 0, U32 - 1, 0, U32, U32, U32, 0];
    expect(unpack(pack(words))).toEqual(words);
  });

  test('that are like each other take two bytes each', () => {
    const words = Array.from({ length: 100 }, (_, row) => [row * 50, row * 10, 3]).flat();
    const index = PK_HEAD + 2 * PK_ENTRY;
    // the first of a block has its text offset in the index, and its third column in a byte of its own; the second
    // block begins with body offset 640, which takes two bytes
    expect(pack(words).length).toBe(index + 100 * 2 + 1);
  });

  test('are refused when they are cut off anywhere, or longer', () => {
    const section = pack(Array.from({ length: 200 }, (_, row) => [row * 500, row * row, row % 4]).flat());
    for (let length = 1; length < section.length; length++)
      expect(() => unpack(section.subarray(0, length)), String(length)).toThrow(InputError);
    expect(() => unpack(Uint8Array.of(...section, 0))).toThrow('damaged image: table has more than its rows');
  });

  test('are refused when they are damaged', () => {
    const section = pack(Array.from({ length: 70 }, (_, row) => [row, 5, 1]).flat());
    const changed = (at: number, ...bytes: number[]) => {
      const copy = section.slice();
      copy.set(bytes, at);
      return () => unpack(copy);
    };
    expect(changed(0, 71)).toThrow('table');
    expect(changed(0, 255, 255, 255, 255)).toThrow('table is cut off');
    expect(changed(PK_HEAD + 4, 1)).toThrow('table out of order');
    expect(changed(PK_HEAD + PK_ENTRY + 4, 0)).toThrow('table out of order');
    const stream = PK_HEAD + 2 * PK_ENTRY;
    expect(changed(stream, 2)).toThrow('table out of range'); // zigzag of -1
    expect(changed(stream, 0x80, 0x80, 0x80, 0x80, 0x80)).toThrow('table is cut off'); // more than 35 bits
    expect(changed(stream + 1, 1)).toThrow('table out of range'); // the third column
  });

  test('are refused when a text offset, the second or the third number has more than 32 bits', () => {
    const number = (value: number) => {
      const bytes: number[] = [];
      for (let rest = value; ; rest = Math.floor(rest / 128)) {
        bytes.push((rest % 128) + (rest < 128 ? 0 : 128));
        if (rest < 128) return bytes;
      }
    };
    const table = (text: number, second: number, third: number) =>
      Uint8Array.from([
        ...[2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], // two rows, the first at 1
        ...[0, ...number(text), ...number(4 * second + 1), ...number(2 * third)],
      ]);
    expect(unpack(table(U32 - 1, U32, U32))).toEqual([1, 0, 0, U32, U32, U32]);
    expect(() => unpack(table(U32, U32, U32))).toThrow('table out of range');
    expect(() => unpack(table(U32 - 1, U32 + 1, U32))).toThrow('table out of range');
    expect(() => unpack(table(U32 - 1, U32, U32 + 1))).toThrow('table out of range');
  });
});

describe('rows of older images', () => {
  const bytesOf = (...words: number[]) => new Uint8Array(new Uint32Array(words).buffer);

  test('become those of today', () => {
    const kind = 0x80000000; // 2, in the highest bits
    expect([...rowsOfSites(bytesOf(8, 9, kind + 5, 10, 11, 0x3fffffff), 'x')]).toEqual([8, 9, 22, 10, 11, 0xfffffffc]);
    expect([...rowsOfTraps(bytesOf(8, 31 * 2 ** 27 + 0x7ffffff, 9, 5), 'x')]).toEqual([8, 0x7ffffff, 31, 9, 5, 0]);
    expect([...rowsOfPins(bytesOf(8, 9, 10), 'x')]).toEqual([8, 9, 10]);
  });

  test('are not changed themselves', () => {
    const section = bytesOf(8, 9, 0x80000005);
    rowsOfSites(section, 'x');
    expect(section).toEqual(bytesOf(8, 9, 0x80000005));
  });

  test('of odd size are refused', () => {
    for (const [rows, words] of [
      [rowsOfSites, 4],
      [rowsOfTraps, 3],
      [rowsOfPins, 5],
    ] as const)
      expect(() => rows(bytesOf(...Array(words).keys()), 'table')).toThrow('table of odd size');
  });
});

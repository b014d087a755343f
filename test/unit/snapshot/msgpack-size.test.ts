/** What a msgpack document announces, against what the decoder finds; documents that would fill all memory. */

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { expect, test } from 'vitest';
import { InputError } from '../../../src/errors.js';
import { decodeHeader, encodeHeader } from '../../../src/snapshot/header.js';
import { announcedItems } from '../../../src/snapshot/msgpack-size.js';
import { random } from '../../support/random.js';
import { sampleSnapshot } from './sample.js';

const packr = new Packr({ useRecords: false, variableMapSize: true });

function itemsOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, item) => sum + 1 + itemsOf(item), 0);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0;
  return Object.values(value).reduce((sum: number, item) => sum + 2 + itemsOf(item), 0);
}

function someValue(next: () => number, depth: number): unknown {
  const size = [3, 20, 300, 70_000][Math.floor(next() ** 3 * 4)];
  const count = Math.floor(next() * Math.min(size, depth === 0 ? 70_000 : 40));
  switch (Math.floor(next() * (depth > 3 ? 6 : 8))) {
    case 0:
      return [null, true, false, -1, -129, -40_000, 127, 200, 70_000, 2 ** 40, 1.5, 2n ** 63n][Math.floor(next() * 12)];
    case 1:
      return 'x'.repeat(Math.floor(next() * size));
    case 2:
    case 3:
      return Buffer.alloc(Math.floor(next() * size), 0xdd);
    case 4:
    case 5:
      return Math.floor(next() * 2 ** 33) - 2 ** 32;
    case 6:
      return Array.from({ length: count }, () => (count > 50 ? 0x91 : someValue(next, depth + 1)));
    default:
      return Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`k${i}`, count > 50 ? 0xde : someValue(next, depth + 1)]),
      );
  }
}

test('counts what the decoder makes', () => {
  const next = random(5);
  for (let i = 0; i < 300; i++) {
    const bytes = packr.pack(someValue(next, 0));
    const value = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(bytes);
    expect(announcedItems(bytes)).toBe(itemsOf(value));
  }
});

test('a cut off length is more than any limit', () => {
  expect(announcedItems(Uint8Array.of(0xdd, 0, 0))).toBe(Infinity);
});

test.each([
  ['arrays of millions in arrays of millions', Buffer.from('dd01f00000'.repeat(100), 'hex')],
  ['many empty maps', Buffer.concat([Buffer.from('dd01000000', 'hex'), Buffer.alloc(1 << 24, 0x80)])],
])('%s are refused before they are made', (_, bytes) => {
  expect(() => decodeHeader(bytes, 1 << 20, 'file')).toThrow(InputError);
  expect(() => decodeHeader(bytes, 1 << 20, 'file')).toThrow(/header: has more than \d+ items/);
});

test('a header is far from the limit', () => {
  expect(announcedItems(encodeHeader(sampleSnapshot([], undefined)))).toBeLessThan(1000);
});

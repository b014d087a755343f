/** What a msgpack document announces, against what the decoder finds; documents that would fill all memory. */

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { expect, test } from 'vitest';
import { InputError } from '../../../../src/base/errors.js';
import { msgpackEntries, msgpackMap, msgpackProblem } from '../../../../src/image/tables/msgpack-check.js';
import { decodeHeader, encodeHeader } from '../../../../src/snapshot/header.js';
import { random } from '../../../support/random.js';
import { sampleSnapshot } from '../../snapshot/sample.js';

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
    const items = itemsOf(value);
    expect(msgpackProblem(bytes, { items })).toBeUndefined();
    if (items > 0) expect(msgpackProblem(bytes, { items: items - 1 })).toBe(`has more than ${items - 1} items`);
    for (const cut of [1, bytes.length >> 1, bytes.length - 1].filter((length) => length < bytes.length)) {
      expect(msgpackProblem(bytes.subarray(0, cut), { items })).toBe('is cut off');
    }
  }
});

test.each([
  ['is cut off', 'dd0000'],
  ['is cut off', ''],
  ['is cut off', '93c0'],
  ['has an extension', 'c70465' + '92a141a142'], // an error
  ['has an extension', 'd47241'], // a record
  ['has an extension', 'c1'],
  ['has an extension', '91d6ff00000000'], // a date
  ['has more than 16 arrays and maps within one another', '91'.repeat(1000)],
])('%s: %s', (problem, hex) => {
  expect(msgpackProblem(Buffer.from(hex, 'hex'), { items: 10_000 })).toBe(problem);
});

test('undefined is no extension', () => {
  expect(msgpackProblem(packr.pack([undefined, { a: undefined }]), { items: 4 })).toBeUndefined();
});

test('entries of a map, and a map of them', () => {
  const value = { a: 1, list: [1, { b: [2] }], text: 'x'.repeat(300), ['k'.repeat(100)]: 2 };
  const entries = msgpackEntries(packr.pack(value), { items: 100 });
  if (typeof entries === 'string') throw new Error(entries);
  expect(entries.map(({ key }) => key)).toEqual(['a', 'list', 'text', '']);
  const some = msgpackMap(entries.filter(({ key }) => key === 'text' || key === 'list'));
  expect(new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(some)).toEqual({
    list: value.list,
    text: value.text,
  });
  expect(msgpackEntries(packr.pack([1]), { items: 100 })).toBe('is not a map');
  expect(msgpackEntries(new Uint8Array(0), { items: 100 })).toBe('is not a map');
  expect(msgpackEntries(packr.pack(value).subarray(0, 40), { items: 100 })).toBe('is cut off');
  expect(msgpackEntries(packr.pack(value), { items: 3 })).toBe('has more than 3 items');
});

test.each([
  ['arrays of millions in arrays of millions', Buffer.from('dd01f00000'.repeat(100), 'hex')],
  ['many empty maps', Buffer.concat([Buffer.from('dd01000000', 'hex'), Buffer.alloc(1 << 24, 0x80)])],
])('%s are refused before they are made', (_, bytes) => {
  expect(() => decodeHeader(bytes, 1 << 20, 'file')).toThrow(InputError);
  expect(() => decodeHeader(bytes, 1 << 20, 'file')).toThrow(/header: has more than \d+ items/);
});

test('a header is far from the limit', () => {
  expect(msgpackProblem(encodeHeader(sampleSnapshot([], undefined)), { items: 1000 })).toBeUndefined();
});

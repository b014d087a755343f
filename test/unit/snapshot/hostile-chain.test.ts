/** The checks of a header of format 3: just what is allowed is accepted, one more is refused. */

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { bytesOf } from '../../../src/snapshot/frames-codec.js';
import { decodeHeader, encodeHeader, formatNeeded } from '../../../src/snapshot/header.js';
import type { Snapshot } from '../../../src/snapshot/snapshot.js';
import { sampleSnapshot } from './sample.js';

const PAGE = 65536;
const BLOCK = 4096;
const LIMIT = 4 * PAGE;
const digest = 'ab'.repeat(32);
const u32 = (...words: number[]) => bytesOf(Uint32Array.from(words));

// Blocks 0 to 2 are in the parent, 3 in the own file at block 16, 15 to 17 in the parent's parent.
const plain = sampleSnapshot(
  [
    {
      pages: 2,
      maxPages: 4,
      extents: [
        { offset: 0, fileOffset: PAGE, bytes: 3 * BLOCK, file: 1 },
        { offset: 3 * BLOCK, fileOffset: PAGE, bytes: BLOCK },
        { offset: 15 * BLOCK, fileOffset: PAGE, bytes: 3 * BLOCK, file: 2 },
      ],
      blocks: Uint16Array.of(0x800d, 0x3),
    },
  ],
  2 * PAGE,
);
const sample: Snapshot = {
  ...plain,
  parent: digest,
  ancestors: [
    { digest, name: 'a.wsnap' },
    { digest: 'cd'.repeat(32), name: '' },
  ],
  modules: [{ ...plain.modules[0], file: 1 }],
};

// biome-ignore lint/suspicious/noExplicitAny: a hostile header is anything
type Change = (raw: any) => void;

function changed(change: Change): () => Snapshot {
  const raw = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(encodeHeader(sample));
  change(raw);
  const packed = new Packr({ useRecords: false, variableMapSize: true }).pack(raw);
  return () => decodeHeader(packed, LIMIT, 'x.wsnap');
}
const memory =
  (part: object): Change =>
  (raw) =>
    Object.assign(raw.instances[0].memories[0], part);
const extents = (blocks: Uint16Array, ...words: number[]) =>
  memory({ extents: u32(...words), blocks: bytesOf(blocks) });
const ancestors =
  (...names: string[]): Change =>
  (raw) => {
    raw.ancestors = names.map((name) => ({ digest, name }));
  };
const many = (count: number) => ancestors(...Array.from({ length: count }, () => 'x'));

test('comes back as it was, in format 3', () => {
  const { parent, ancestors, modules, instances } = changed(() => {})();
  expect({ parent, ancestors, modules }).toEqual({
    parent: sample.parent,
    ancestors: sample.ancestors,
    modules: sample.modules,
  });
  expect(instances[0].memories).toEqual(sample.instances[0].memories);
  expect(formatNeeded(sample)).toBe(3);
  expect(formatNeeded({ ...sample, ancestors: [] })).toBe(3);
});

test.each<[string, Change]>([
  ['64 ancestors', many(64)],
  ['a name of 255 letters', ancestors('x'.repeat(255), '...')],
  ['the last block of the memory', extents(Uint16Array.of(0x8000), 31, 1, 0, 16)],
  ['the last block before the header', extents(Uint16Array.of(1), 0, 1, 0, 63)],
  ['the same place of two files', extents(Uint16Array.of(3), 0, 1, 1, 70, 1, 1, 2, 70)],
  ['an extent without anything in it', extents(Uint16Array.of(0), 0, 1, 1, 70)],
])('%s is allowed', (_, change) => {
  expect(changed(change)).not.toThrow();
});

test.each<[string, Change, RegExp]>([
  ['65 ancestors', many(65), /header\.ancestors/],
  ['10,000 ancestors', many(10_000), /header\.ancestors/],
  ['ancestors without a parent', (raw) => Object.assign(raw, { parent: null }), /ancestors: but there is no parent/],
  ['a digest that is none', (raw) => Object.assign(raw.ancestors[0], { digest: digest.slice(1) }), /sha256 in hex/],
  ['a name with a folder', ancestors('a/b', ''), /is no name of a file/],
  ['a name that is a folder', ancestors('..', ''), /is no name of a file/],
  ['a name that is this folder', ancestors('.', ''), /is no name of a file/],
  ['a name with a NUL', ancestors('a\0', ''), /is no name of a file/],
  ['a name of 256 letters', ancestors('x'.repeat(256), ''), /header\.ancestors/],
  ['a module in the file after the last', (raw) => Object.assign(raw.modules[0], { file: 3 }), /in file 3 of 3/],
  ['pages in the file after the last', extents(Uint16Array.of(1), 0, 1, 3, 16), /is in file 3 of 3/],
  ['triples', extents(Uint16Array.of(1), 0, 1, 16), /quadruples/],
  ['an empty extent', extents(Uint16Array.of(), 0, 0, 1, 16), /is empty/],
  ['extents that overlap', extents(Uint16Array.of(7), 0, 2, 1, 16, 1, 2, 2, 16), /overlaps the one before/],
  ['a block beyond the memory', extents(Uint16Array.of(0x8000, 1), 31, 2, 0, 16), /goes beyond the memory's 2 pages/],
  ['blocks in the header', extents(Uint16Array.of(3), 0, 2, 0, 63), /beyond the file's data/],
  ['two extents at one place', extents(Uint16Array.of(3), 0, 1, 1, 70, 1, 1, 1, 70), /offset 286720\) is taken/],
  ['a bit of no extent', extents(Uint16Array.of(3), 0, 1, 1, 16), /blocks of page 0 that no extent has/],
  ['too few bits', extents(Uint16Array.of(1), 15, 2, 1, 16), /has 2 bytes for 2 pages/],
  ['a second map for a page', extents(Uint16Array.of(1, 4), 0, 1, 1, 16, 2, 1, 1, 18), /has 4 bytes for 1 pages/],
  ['a file of a module in a complete snapshot', (raw) => delete raw.ancestors, /in file 1 of 1/],
])('%s is refused', (_, change, message) => {
  expect(changed(change)).toThrow(message);
  expect(changed(change)).toThrow(InputError);
});

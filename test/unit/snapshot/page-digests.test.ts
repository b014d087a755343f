/** Digests of pages: of each span of blocks with something in them, in the snapshot's own file. */

import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { checkPages, digestPages, pageDigests, spanCount } from '../../../src/snapshot/page-digests.js';
import type { SnapshotInstance, SnapshotMemory } from '../../../src/snapshot/snapshot.js';
import { sampleSnapshot } from './sample.js';

const PAGE = 65536;
const BLOCK = 4096;
const file = Buffer.alloc(64 * PAGE);
for (let block = 0; block < 64 * 16; block++) file.fill(1 + (block % 251), block * BLOCK, (block + 1) * BLOCK);
const source = {
  path: 'x.wsnap',
  read: (offset: number, length: number, target: Buffer, at: number) => {
    file.copy(target, at, offset, offset + length);
    return undefined;
  },
};
const sha = (...ranges: [number, number][]) => {
  const hash = createHash('sha256');
  for (const [from, to] of ranges) hash.update(file.subarray(from * BLOCK, to * BLOCK));
  return hash.digest('hex');
};
const instances = (...memories: Omit<SnapshotMemory, 'pages' | 'maxPages'>[]): SnapshotInstance[] => {
  const [instance] = sampleSnapshot([], undefined).instances;
  return [{ ...instance, memories: memories.map((memory) => ({ pages: 100, maxPages: 100, ...memory })) }];
};
const split = (digests: Uint8Array) =>
  Array.from({ length: digests.length / 32 }, (_, i) => Buffer.from(digests).toString('hex', i * 32, i * 32 + 32));

test('a digest for each MiB of an extent, of its used blocks', async () => {
  // 17 pages from slot 1 on: a span of 256 blocks and one of 16; then one page with 2 blocks.
  const blocks = new Uint16Array(18).fill(0xffff);
  blocks[0] = 0b101;
  blocks[17] = 0b110;
  const all = instances({
    extents: [
      { offset: 0, fileOffset: PAGE, bytes: 17 * PAGE },
      { offset: 40 * PAGE, fileOffset: 20 * PAGE, bytes: PAGE },
    ],
    blocks,
  });
  expect(spanCount(all)).toBe(3);
  const digests = await digestPages(source, all);
  expect(split(digests)).toEqual([
    sha([16, 17], [18, 19], [32, 16 + 256]),
    sha([16 + 256, 16 + 272]),
    sha([320 + 1, 320 + 3]),
  ]);
});

test('extents in other files have none, and extents may share a page', async () => {
  const all = instances({
    extents: [
      { offset: 0, fileOffset: 3 * BLOCK, bytes: BLOCK },
      { offset: BLOCK, fileOffset: 9 * BLOCK, bytes: 2 * BLOCK, file: 1 },
      { offset: 3 * BLOCK, fileOffset: 4 * BLOCK, bytes: 2 * BLOCK },
      { offset: PAGE - BLOCK, fileOffset: 6 * BLOCK, bytes: 2 * BLOCK },
    ],
    blocks: Uint16Array.of(0x801f, 1),
  });
  expect(spanCount(all)).toBe(3);
  expect(split(await digestPages(source, all))).toEqual([sha([3, 4]), sha([4, 6]), sha([6, 8])]);
});

test('a changed byte is found, and where', async () => {
  const all = instances({
    extents: [{ offset: PAGE, fileOffset: 0, bytes: 32 * PAGE }],
    blocks: new Uint16Array(32).fill(0xffff),
  });
  const digests = await digestPages(source, all);
  await checkPages(source, all, digests);
  file[20 * PAGE + 5] ^= 1;
  await expect(checkPages(source, all, digests)).rejects.toThrow(
    'x.wsnap: damaged: the hash of the memory at 0x110000 to 0x210000 (instance 0, memory 0) differs',
  );
  file[20 * PAGE + 5] ^= 1;
});

test('a snapshot without pages needs none', () => {
  const empty = sampleSnapshot([], undefined);
  expect(pageDigests(empty)).toHaveLength(0);
  const [full] = instances({ extents: [{ offset: 0, fileOffset: PAGE, bytes: PAGE }], blocks: Uint16Array.of(1) });
  expect(pageDigests({ ...empty, instances: [full] })).toBeUndefined();
});

import { describe, expect, test } from 'vitest';
import { touchedRuns } from '../../../src/capture/live-memory.js';
import { addFileMappings, kernelPageSize, markPresent, touchedBlocks } from '../../../src/capture/pagemap.js';
import { parseMaps } from '../../../src/capture/proc-maps.js';
import { usedBlocks } from '../../../src/snapshot/page-blocks.js';
import { chunksOf } from '../../../src/snapshot/page-stream.js';

const MAPS = `55d0a0000000-55d0a0001000 r--p 00000000 fd:01 1234                       /usr/bin/a program (deleted)
55d0a0001000-55d0a0005000 r-xp 00001000 fd:01 1234                       /usr/bin/a program (deleted)
7f0000000000-7f0000010000 rw-p 00000000 00:00 0
7f0000020000-7f0000030000 rw-p 00010000 fd:01 99                         /tmp/x.wsnap
7f0000031000-7f0000032000 rw-p 00030000 fd:01 99                         /tmp/x.wsnap
7f0000040000-7f0200000000 ---p 00000000 00:00 0
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
`;

describe('maps', () => {
  test('are ranges with their files', () => {
    const maps = parseMaps(MAPS);
    expect(maps).toHaveLength(7);
    expect(maps[0]).toEqual({
      start: 0x55d0a0000000,
      end: 0x55d0a0001000,
      readable: true,
      offset: 0,
      device: 0xfd01,
      inode: 1234,
      path: '/usr/bin/a program (deleted)',
    });
    expect(maps[2]).toMatchObject({ inode: 0, path: '' });
    expect(maps[3]).toMatchObject({ offset: 0x10000, inode: 99, path: '/tmp/x.wsnap' });
    expect(maps[5].readable).toBe(false);
  });

  test('make what is mapped from a file count as touched', () => {
    const blocks = new Uint16Array(5);
    addFileMappings(0x7f0000000000, blocks, parseMaps(MAPS));
    expect([...blocks]).toEqual([0, 0, 0xffff, 0xffff, 0]);
    blocks.fill(0);
    addFileMappings(0x7f0000028000 - 0x18000, blocks.subarray(0, 2), parseMaps(MAPS));
    expect([...blocks]).toEqual([0, 0xffff, 0, 0, 0]);
  });
});

describe('pagemap', () => {
  test('entries of pages of any size mark blocks of 4 KiB', () => {
    const present = 0x80000000;
    const swapped = 0x40000000;
    const soft = 0x00800000;
    const small = new Uint16Array(2);
    markPresent(Uint32Array.of(1, present, 0, 0, 0, swapped, 5, soft), 15, 4, 4096, small);
    expect([...small]).toEqual([0x8000, 0b10]);
    const middle = new Uint16Array(1);
    markPresent(Uint32Array.of(0, 0, 0, present), 1, 2, 16384, middle);
    expect([...middle]).toEqual([0xf00]);
    const large = new Uint16Array(2);
    markPresent(Uint32Array.of(0, 0, 0, present), 0, 2, 65536, large);
    expect([...large]).toEqual([0, 0xffff]);
  });

  test('of this very process tells touched pages from untouched ones', async () => {
    expect([4096, 16384, 65536]).toContain(kernelPageSize());
    const maps = parseMaps(MAPS); // nothing of ours is in there
    // The vDSO-free truth: a fresh, large buffer is anonymous zero memory until it is written to.
    const size = 64 << 20;
    const buffer = new ArrayBuffer(size);
    new Uint8Array(buffer).fill(1, 1 << 20, 2 << 20);
    const address = findBuffer(size);
    if (address === undefined) return; // the allocator put it elsewhere
    const blocks = await touchedBlocks('/proc/self/pagemap', address, 512, maps, async () => {});
    const touched = blocks.reduce((sum, mask) => sum + mask.toString(2).replaceAll('0', '').length, 0) * 4096;
    expect(touched).toBeGreaterThanOrEqual((1 << 20) - 65536);
    expect(touched).toBeLessThan(8 << 20);
  });

  test('that cannot be read makes everything count', async () => {
    expect([...(await touchedBlocks('/proc/self/none', 0x10000, 2, [], async () => {}))]).toEqual([0xffff, 0xffff]);
  });
});

test('used blocks are those with anything in them, among the candidates', () => {
  const bytes = Buffer.from(new ArrayBuffer(3 * 65536));
  const words = new Int32Array(bytes.buffer);
  const at = 65536;
  expect(usedBlocks(bytes, words, at, 0xffff)).toBe(0);
  bytes[at - 1] = 1; // the page before and the one after
  bytes[at + 65536] = 1;
  expect(usedBlocks(bytes, words, at, 0xffff)).toBe(0);
  for (const [offset, block] of [
    [0, 0],
    [4095, 0],
    [4096 + 1234, 1],
    [2 * 4096 - 1, 1],
    [65535, 15],
  ]) {
    bytes[at + offset] = 1;
    expect(usedBlocks(bytes, words, at, 0xffff)).toBe(1 << block);
    expect(usedBlocks(bytes, words, at, 0xffff & ~(1 << block))).toBe(0);
    bytes[at + offset] = 0;
  }
});

test('chunks are runs of touched pages, of 1 MiB at most', () => {
  const touched = new Uint16Array(60);
  touched.fill(1, 3, 5);
  touched.fill(0xffff, 20, 60);
  const ends = [...chunksOf(touchedRuns(touched))].map(({ first, blocks }) => [first, first + blocks.length]);
  expect(ends).toEqual([
    [3, 5],
    [20, 36],
    [36, 52],
    [52, 60],
  ]);
  expect([...touchedRuns(new Uint16Array(9))]).toEqual([]);
});

/** A 64 KiB aligned address inside of our largest anonymous mapping of at least `size` bytes. */
function findBuffer(size: number): number | undefined {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const own = parseMaps(readFileSync('/proc/self/maps', 'utf8'));
  const candidates = own.filter(
    ({ start, end, inode }) => inode === 0 && end - start >= size && end - start < size * 1.1,
  );
  const [found] = candidates;
  return candidates.length === 1 ? Math.ceil(found.start / 65536) * 65536 : undefined;
}

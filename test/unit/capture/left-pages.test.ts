/** Pages that a lazy move leaves in the process: their places, their order, and what is sent of them. */

import { expect, test } from 'vitest';
import { type LeftMemory, LeftPages, takeHot } from '../../../src/capture/left-pages.js';
import type { ProcessMemory } from '../../../src/capture/process-memory.js';
import { ChangingMemory } from '../../../src/snapshot/changing-memory.js';

const PAGE = 65536;

/** A file with room from page 10 on. */
function room() {
  let end = 10;
  return {
    reserve(pages: number) {
      end += pages;
      return (end - pages) * PAGE;
    },
    write: async () => {},
  };
}

/** A memory of some pages: blocks that are left, and when they were written. */
function memory(address: number, rest: number[], ages: number[], file = room()): LeftMemory {
  return {
    native: { address, pages: rest.length, maxPages: rest.length } as LeftMemory['native'],
    rest: Uint16Array.from(rest),
    ages: Uint16Array.from(ages),
    pages: new ChangingMemory(file),
  };
}

/** Each block of the process has its own number. */
const process = {
  read(address: number, length: number, target: Buffer) {
    for (let at = 0; at < length; at += 4096) target.writeUInt32LE((address + at) / 4096, at);
  },
} as unknown as ProcessMemory;

test('all have places; what was written last is sent first, then in order of address', () => {
  const file = room();
  const memories = [
    memory(0x100000, [0xffff, 0, 1, 0x8001], [1, 3, 2, 1], file),
    memory(0x800000, [2, 2], [0, 3], file),
  ];
  const left = new LeftPages(process, memories);
  expect(memories[0]!.pages.placed()).toEqual({
    extents: [
      { offset: 0, fileOffset: 10 * PAGE, bytes: PAGE },
      { offset: 2 * PAGE, fileOffset: 11 * PAGE, bytes: 2 * PAGE },
    ],
    blocks: Uint16Array.of(0xffff, 1, 0x8001),
  });
  expect([...left.order]).toEqual([14, 11, 10, 12, 13]);
  expect([...left.units(15 * PAGE)]).toEqual([0, 0b1111100]);
  expect([...left.units(17 * PAGE)]).toEqual([0, 0b1111100, 0]);
});

test('of a unit only the blocks that hold something are sent, one piece for neighbours', () => {
  const left = new LeftPages(process, [memory(0x100000, [0x8006, 0xffff], [])]);
  const sent = left.read(10).map(({ offset, data }) => [offset, data.length, Buffer.from(data).readUInt32LE()]);
  expect(sent).toEqual([
    [10 * PAGE + 4096, 8192, 0x101],
    [10 * PAGE + 15 * 4096, 4096, 0x10f],
  ]);
  const [whole] = left.read(11);
  expect([whole!.offset, whole!.data.length, Buffer.from(whole!.data).readUInt32LE()]).toEqual([
    11 * PAGE,
    PAGE,
    0x110,
  ]);
  expect(left.read(12)).toEqual([]);
});

test('a page that has a place keeps it, and all of its blocks', () => {
  const pages = new ChangingMemory(room());
  pages.add(1, 7 * PAGE, Uint16Array.of(1));
  pages.leave(Uint16Array.of(1, 2, 4, 0));
  expect(pages.placed()).toEqual({
    extents: [
      { offset: 0, fileOffset: 10 * PAGE, bytes: PAGE },
      { offset: PAGE, fileOffset: 7 * PAGE, bytes: PAGE },
      { offset: 2 * PAGE, fileOffset: 11 * PAGE, bytes: PAGE },
    ],
    blocks: Uint16Array.of(1, 3, 4),
  });
});

test('the hot pages are those that were written last, as many as may be sent', () => {
  const memories = () => [memory(0, [1, 2, 0, 4], [5, 4, 5, 3]), memory(0, [8], [5, 5])];
  const take = (since: number, bytes: number) => {
    const all = memories();
    const hot = takeHot(all, since, bytes);
    return [hot.map((blocks) => [...blocks]), all.map(({ rest }) => [...rest])];
  };
  expect(take(5, Infinity)).toEqual([
    [[1, 0, 0, 0], [8]],
    [[0, 2, 0, 4], [0]],
  ]);
  expect(take(4, 3 * PAGE)).toEqual([
    [[1, 2, 0, 0], [8]],
    [[0, 0, 0, 4], [0]],
  ]);
  expect(take(3, 2 * PAGE + 1)).toEqual([
    [[1, 0, 0, 0], [8]],
    [[0, 2, 0, 4], [0]],
  ]);
  expect(take(1, PAGE - 1)).toEqual([
    [[0, 0, 0, 0], [0]],
    [[1, 2, 0, 4], [8]],
  ]);
});

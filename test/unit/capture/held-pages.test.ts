/** Blocks held in a buffer: which are copied, and that reading them gives the same bytes. */

import { expect, test } from 'vitest';
import { HeldPages } from '../../../src/capture/held-pages.js';
import { BLOCK } from '../../../src/snapshot/page-blocks.js';
import { readBlocks } from '../../../src/snapshot/page-stream.js';
import { random } from '../../support/random.js';
import { seed } from '../../support/sampling.js';

const WASM_PAGE = 65536;
const PAGES = 60;
const MIB = 1 << 20;

/** A memory in which each block begins with its number. */
const memory = Buffer.alloc(PAGES * WASM_PAGE);
for (let block = 0; block < PAGES * 16; block++) memory.writeUInt32LE(block + 1, block * BLOCK);

/** Every run of pages, read as a sink does: block numbers, 0 for what is not there. */
async function numbersIn(held: HeldPages): Promise<number[]> {
  const numbers = new Array<number>(PAGES * 16).fill(0);
  for (const run of held.runs()) {
    const bytes = Buffer.alloc(run.blocks.length * WASM_PAGE);
    await readBlocks(held, run, bytes);
    for (let n = 0; n < run.blocks.length * 16; n++) numbers[run.first * 16 + n] = bytes.readUInt32LE(n * BLOCK);
  }
  return numbers;
}

function copied(blocks: Uint16Array, bytes: Buffer): { held: HeldPages; lengths: number[] } {
  const lengths: number[] = [];
  const held = HeldPages.copy(
    blocks,
    (offset, length, target, at) => {
      lengths.push(length);
      memory.copy(target, at, offset, offset + length);
    },
    bytes,
  );
  return { held, lengths };
}

const wanted = (blocks: Uint16Array) =>
  Array.from({ length: PAGES * 16 }, (_, n) => ((blocks[n >> 4] >> (n & 15)) & 1 ? n + 1 : 0));

test.each([
  ['none', () => 0],
  ['all', () => 0xffff],
  ['the first of each page', () => 1],
  ['the last of each page', () => 0x8000],
  ['some pages', (page: number) => (page % 3 === 0 ? 0xffff : 0)],
  ['blocks on both sides of a border', (page: number) => (page % 2 === 0 ? 0xff00 : 0x00ff)],
])('%s', async (_, mask) => {
  const blocks = Uint16Array.from({ length: PAGES }, (_, page) => mask(page));
  const { held } = copied(blocks, Buffer.alloc(PAGES * WASM_PAGE, 0xee));
  expect(await numbersIn(held)).toEqual(wanted(blocks));
  expect(held.size).toBe(wanted(blocks).filter((number) => number !== 0).length * BLOCK);
});

test(`any blocks, seed ${seed}`, async () => {
  const next = random(seed);
  for (let n = 0; n < 20; n++) {
    const blocks = Uint16Array.from({ length: PAGES }, () => (next() < 0.3 ? 0 : Math.floor(next() * 0x10000)));
    const room = Buffer.alloc(PAGES * WASM_PAGE + BLOCK, 0xee);
    const { held } = copied(blocks, room.subarray(BLOCK));
    expect(await numbersIn(held)).toEqual(wanted(blocks));
    expect(room.subarray(0, BLOCK).every((byte) => byte === 0xee)).toBe(true);
    expect(room.subarray(BLOCK + held.size).every((byte) => byte === 0xee)).toBe(true);
  }
});

test('what lies together is read together, in pieces of 1 MiB at most', () => {
  const blocks = new Uint16Array(PAGES).fill(0xffff, 1, 40);
  expect(copied(blocks, Buffer.alloc(PAGES * WASM_PAGE)).lengths).toEqual([MIB, MIB, 39 * WASM_PAGE - 2 * MIB]);
});

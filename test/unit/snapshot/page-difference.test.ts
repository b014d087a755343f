/** Differences of memories: what is written, where the table finds each block, and that nothing is lost. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { locateAncestors } from '../../../src/snapshot/chain.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import { pageTable } from '../../../src/snapshot/page-table.js';
import type { ChangingPages, PageSource } from '../../../src/snapshot/pages.js';
import { random } from '../../support/random.js';
import { readMemory, writeGeneration } from './chain-sample.js';
import { inFolder } from './sample.js';

const PAGE = 65536;
const BLOCK = 4096;

const open = (path: string) => locateAncestors(readSnapshot(path));

test('each of 12 generations is what the memory was, with growth, zeros and scattered writes', () =>
  inFolder(async (folder) => {
    for (let seed = 1; seed <= 6; seed++) {
      const next = random(seed);
      const below = (limit: number) => Math.floor(next() * limit);
      let memory = Buffer.alloc(PAGE * below(40));
      const states: Buffer[] = [];
      const path = (n: number) => join(folder, `${seed}-${n}.wsnap`);
      for (let n = 0; n < 12; n++) {
        mutate();
        states.push(Buffer.from(memory));
        await writeGeneration(path(n), memory, n === 0 ? undefined : await open(path(n - 1)));
      }
      for (const [n, state] of states.entries()) {
        const stored = await open(path(n));
        expect((await readMemory(stored)).equals(state), `seed ${seed}, generation ${n}`).toBe(true);
        expect(stored.snapshot.ancestors?.length ?? 0).toBeLessThanOrEqual(n);
      }

      function mutate() {
        if (below(3) === 0) memory = Buffer.concat([memory, Buffer.alloc(PAGE * below(3))]);
        const blocks = memory.length / BLOCK;
        for (let i = 0; i < below(60) && blocks > 0; i++) {
          const at = below(blocks);
          const to = Math.min(blocks, at + 1 + below(below(4) === 0 ? 100 : 2));
          if (below(4) === 0) memory.fill(0, at * BLOCK, to * BLOCK);
          else for (let block = at; block < to; block++) memory[block * BLOCK + below(BLOCK)] ^= below(256);
        }
      }
    }
  }));

test('writes as much as has changed, and blocks one after the other', () =>
  inFolder(async (folder) => {
    const memory = Buffer.alloc(256 * PAGE, 0x55);
    const [first, second] = ['first', 'second'].map((name) => join(folder, `${name}.wsnap`));
    await writeGeneration(first, memory);
    for (let page = 0; page < 256; page++) memory[page * PAGE + 5 * BLOCK + page] = 1;
    await writeGeneration(second, memory, await open(first));
    const written = 256 * BLOCK;
    expect(statSync(second).size / written).toBeLessThan(1.2);
    const stored = await open(second);
    const own = stored.snapshot.instances[0].memories[0].extents.filter(({ file }) => file === undefined);
    expect(own).toHaveLength(256);
    expect(own.every(({ fileOffset }, i) => fileOffset === own[0].fileOffset + i * BLOCK)).toBe(true);
    expect((await readMemory(stored)).equals(memory)).toBe(true);
  }));

test('nothing changed: nothing is written, and the parent is all that is needed', () =>
  inFolder(async (folder) => {
    const memory = Buffer.alloc(20 * PAGE, 0x55);
    const [first, second, third] = ['first', 'second', 'third'].map((name) => join(folder, `${name}.wsnap`));
    await writeGeneration(first, memory);
    await writeGeneration(second, memory, await open(first));
    await writeGeneration(third, memory, await open(second));
    const { snapshot, ancestors } = await open(third);
    expect(snapshot.parent).toBe(readSnapshot(second).digest);
    expect(snapshot.ancestors).toEqual([{ digest: readSnapshot(first).digest, name: 'first.wsnap' }]);
    expect(ancestors?.map(({ path }) => path)).toEqual([first]);
    expect(snapshot.instances[0].memories[0].extents).toHaveLength(1);
  }));

test('blocks that were zeros and still are do not cut an extent; those that became zeros do', async () => {
  // Blocks 0 to 5 of a page: the parent has 0, 1, 3, 4, 5 in one extent.
  const inherited = [{ offset: 0, fileOffset: PAGE, bytes: PAGE }];
  const none = { masks: new Uint16Array(1), placeOf: () => 0 };
  const whole = pageTable(none, Uint16Array.of(0b111011), Uint16Array.of(0b111011), inherited);
  expect(whole).toEqual({
    extents: [{ offset: 0, fileOffset: PAGE, bytes: 6 * BLOCK, file: 1 }],
    blocks: Uint16Array.of(0b111011),
  });
  const cut = pageTable(none, Uint16Array.of(0b101011), Uint16Array.of(0b111011), inherited);
  expect(cut.extents).toEqual([
    { offset: 0, fileOffset: PAGE, bytes: 4 * BLOCK, file: 1 },
    { offset: 5 * BLOCK, fileOffset: PAGE + 5 * BLOCK, bytes: BLOCK, file: 1 },
  ]);
  const apart = [inherited[0], { offset: PAGE, fileOffset: 5 * PAGE, bytes: PAGE }];
  const both = { masks: new Uint16Array(2), placeOf: () => 0 };
  const all = Uint16Array.of(0xffff, 0xffff);
  expect(pageTable(both, all, all, apart).extents).toEqual(apart.map((extent) => ({ ...extent, file: 1 })));
  const changed = pageTable(
    { masks: Uint16Array.of(0b000010), placeOf: () => 7 * PAGE },
    Uint16Array.of(0b111001),
    Uint16Array.of(0b111011),
    inherited,
  );
  expect(changed.extents).toEqual([
    { offset: 0, fileOffset: PAGE, bytes: BLOCK, file: 1 },
    { offset: BLOCK, fileOffset: 7 * PAGE, bytes: BLOCK },
    { offset: 3 * BLOCK, fileOffset: PAGE + 3 * BLOCK, bytes: 3 * BLOCK, file: 1 },
  ]);
});

test("blocks that are taken again are written where they were; those that are as before again are the parent's", () =>
  inFolder(async (folder) => {
    const memory = Buffer.alloc(4 * PAGE, 0x55);
    const first = join(folder, 'first.wsnap');
    await writeGeneration(first, memory);
    const second = join(folder, 'second.wsnap');
    const parent = await open(first);
    await writeGeneration(second, memory, parent, async (take) => {
      memory.fill(1, 0, 3 * BLOCK);
      await take([0x7, 0, 0, 0]); // blocks 0 to 2 are new
      memory.fill(2, BLOCK, 2 * BLOCK);
      memory.fill(0x55, 2 * BLOCK, 3 * BLOCK);
      memory.fill(0, 3 * PAGE, 3 * PAGE + BLOCK);
      await take([0x6, 0, 0, 0x1]); // 1 is another, 2 is as before, the first of page 3 is zeros
    });
    const stored = await open(second);
    expect((await readMemory(stored)).equals(memory)).toBe(true);
    expect(stored.snapshot.instances[0].memories[0].extents).toEqual([
      { offset: 0, fileOffset: 4096, bytes: 2 * BLOCK },
      { offset: 2 * BLOCK, fileOffset: PAGE + 2 * BLOCK, bytes: 3 * PAGE - 2 * BLOCK, file: 1 },
      { offset: 3 * PAGE + BLOCK, fileOffset: 4 * PAGE + BLOCK, bytes: 15 * BLOCK, file: 1 },
    ]);
  }));

describe('of what is not taken', () => {
  const pages = 4;
  const before = Buffer.alloc(pages * PAGE, 0x55);
  const changed = Buffer.from(before);
  changed.fill(1, PAGE, PAGE + BLOCK);
  changed.fill(0, 2 * PAGE, 2 * PAGE + BLOCK);
  /** Only the blocks that have changed are taken. */
  const takeChanged = (taken: ChangingPages, source: PageSource) =>
    taken.take({
      isExact: false,
      read: source.read.bind(source),
      runs: () => [{ first: 1, blocks: Uint16Array.of(1, 1) }],
    });

  test('all that was inherited is what the parent has', () =>
    inFolder(async (folder) => {
      const [first, second] = ['first', 'second'].map((name) => join(folder, `${name}.wsnap`));
      await writeGeneration(first, before);
      await writeGeneration(
        second,
        changed,
        await open(first),
        async () => {},
        async (taken, source) => {
          taken.inherit(pages);
          await takeChanged(taken, source);
        },
      );
      const stored = await open(second);
      expect((await readMemory(stored)).equals(changed)).toBe(true);
      const own = stored.snapshot.instances[0].memories[0].extents.filter(({ file }) => file === undefined);
      expect(own.map(({ offset, bytes }) => ({ offset, bytes }))).toEqual([{ offset: PAGE, bytes: BLOCK }]);
    }));

  test('no more is inherited than the memory has, and the rest is zeros', () =>
    inFolder(async (folder) => {
      const [first, second, third] = ['first', 'second', 'third'].map((name) => join(folder, `${name}.wsnap`));
      await writeGeneration(first, before);
      await writeGeneration(
        second,
        changed,
        await open(first),
        async () => {},
        async (taken, source) => {
          taken.inherit(pages - 1);
          await takeChanged(taken, source);
        },
      );
      const expected = Buffer.from(changed).fill(0, 3 * PAGE);
      expect((await readMemory(await open(second))).equals(expected)).toBe(true);
      await writeGeneration(
        third,
        changed,
        await open(first),
        async () => {},
        async (taken, source) => {
          taken.inherit(pages);
          await takeChanged(taken, source);
          taken.inherit(0);
          await takeChanged(taken, source);
        },
      );
      expect((await readMemory(await open(third))).equals(Buffer.alloc(pages * PAGE).fill(1, PAGE, PAGE + BLOCK))).toBe(
        true,
      );
    }));

  test('a memory without a parent has nothing to inherit', () =>
    inFolder(async (folder) => {
      const begin = async (taken: ChangingPages) => taken.inherit(1);
      const written = writeGeneration(join(folder, 'it.wsnap'), before, undefined, async () => {}, begin);
      await expect(written).rejects.toThrow('inherits nothing');
    }));
});

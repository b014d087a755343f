/** The allocator checker itself: it accepts what the compiler makes and finds what was broken on purpose. */

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { targets } from '../../src/arch/targets.js';
import { ownPackage } from '../../src/base/package.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { readImage } from '../../src/image/reader.js';
import { SECTION } from '../../src/image/tables/sections.js';
import { readModule } from '../../src/wasm/wat.js';
import { checkAllocation } from './allocation.js';

const file = resolve(ownPackage().folder, 'fixtures/programs/interp.wasm');

/** The problems of an image of which every word of a section has gone through `change`. */
async function problemsWith(section: string, change: (word: number, index: number) => number): Promise<string[]> {
  const { bytes } = compileImage([{ module: await readModule(file), file }], { target: targets.x64 });
  const { fileOffset, size } = readImage(bytes).section(section)!;
  const view = new DataView(bytes.buffer, bytes.byteOffset + fileOffset, size);
  for (let at = 0; at < size; at += 4) view.setUint32(at, change(view.getUint32(at, true), at / 4) >>> 0, true);
  return checkAllocation(readImage(bytes), targets.x64.plan);
}

test('nothing is wrong with an image as it is', async () => {
  expect(await problemsWith(SECTION.locals, (word) => word)).toEqual([]);
});

test('two locals in one slot', async () => {
  const all = await problemsWith(SECTION.locals, (word) => word & ~0xfffff);
  expect(all.join()).toMatch(/local \d+ and local \d+ share slot 0/);
});

test('two locals in one register, or in one that is not for pins', async () => {
  const pin = targets.x64.plan.pinnedInts[0];
  const one = await problemsWith(SECTION.locals, (word) => (word & ~(255 << 20)) | (pin << 20));
  expect(one.join()).toMatch(/local \d+ and local \d+ share register/);
  const scratch = await problemsWith(SECTION.locals, (word) => (word & ~(255 << 20)) | (1 << 20));
  expect(scratch.join()).toMatch(/is pinned to register 1, not one for pins/);
});

test('a frame that is too small for its slots', async () => {
  const all = await problemsWith(SECTION.functions, (word, index) => (index % 8 === 4 ? Math.min(word, 8) : word));
  expect(all.join()).toMatch(/lies outside of the frame|share slot/);
});

/** The memories of a process's guests, and how much of them is in use. */

import { WASM_PAGE } from '../image/contract/sizes.js';
import { FIRST_GUEST } from '../snapshot/snapshot.js';
import { type NativeMemory, readMemories } from './instance-state.js';
import { touchedBlocks } from './pagemap.js';
import type { ImageProcess } from './process.js';

/** Of all guests, in order, as they are now. */
export function memoriesOf({ memory, base, image }: ImageProcess): NativeMemory[] {
  const guests = image.identity.instances.slice(FIRST_GUEST);
  return guests.flatMap((identity) => readMemories(memory, base + identity.start, identity));
}

/** Bytes in pages of 64 KiB that were ever touched. */
export async function usedMemory(process: ImageProcess): Promise<number> {
  const maps = process.maps();
  let used = 0;
  for (const { address, pages } of memoriesOf(process)) {
    const touched = await touchedBlocks(process.folder.path('pagemap'), address, pages, maps, async () => {});
    for (const blocks of touched) if (blocks !== 0) used += WASM_PAGE;
  }
  return used;
}

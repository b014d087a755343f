/**
 * Pages of a restored process that nobody has used yet: they are in the file that its memory is mapped from.
 *
 * A page that is not there cannot be protected (userfault.ts), and would count as written once it was copied: all of them
 * would be copied twice. Reading brings them.
 */

import { WASM_PAGE } from '../image/contract/sizes.js';
import type { NativeMemory } from './instance-state.js';
import { touchedRuns } from './live-memory.js';
import { absentBlocks } from './pagemap.js';
import type { ImageProcess } from './process.js';

/** Bytes that are read at once. */
const READ_BYTES = 1 << 20;

/** @param settle lets pending events in now and then; may throw */
export async function bringAbsent(
  process: ImageProcess,
  { address, pages }: NativeMemory,
  settle: () => Promise<void>,
): Promise<void> {
  const absent = await absentBlocks(process.folder.path('pagemap'), address, pages, process.maps(), settle);
  const room = Buffer.allocUnsafe(READ_BYTES);
  for (const { first, blocks } of touchedRuns(absent)) {
    const end = (first + blocks.length) * WASM_PAGE;
    for (let at = first * WASM_PAGE; at < end; at += READ_BYTES) {
      process.memory.read(address + at, Math.min(READ_BYTES, end - at), room);
      await settle();
    }
  }
}

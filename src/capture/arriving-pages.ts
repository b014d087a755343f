/**
 * A process that runs before all of its memory is there (image/contract/lazy-pages.ts): how much is missing, and waiting
 * for it. What is missing reads as nothing that the program has ever had, so nobody captures it.
 */

import { InputError, ToolError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import { LAZY_MAGIC, LAZY_UNIT, LZ_BITS, LZ_MAGIC, LZ_UNITS, RT_LAZY } from '../image/contract/lazy-pages.js';
import { sleep } from './pauses.js';
import type { ImageProcess } from './process.js';
import type { ProcessMemory } from './process-memory.js';

/** No snapshot's file has more units. */
const UNITS_MAX = 2 ** 28;
/** Milliseconds between two looks at a process. */
const LOOK_AGAIN = 20;
/** For how long nothing may come, in milliseconds. */
const PATIENCE = 30_000;

/** @returns bytes of memory that are still to come; 0 for an ordinary process. @throws InputError when it is damaged */
export function missingBytes(memory: ProcessMemory, runtime: number): number {
  const list = memory.address(runtime + RT_LAZY);
  if (list === 0) return 0;
  const units = Number(memory.u64(list + LZ_UNITS));
  if (memory.u64(list + LZ_MAGIC) !== BigInt(LAZY_MAGIC) || units > UNITS_MAX || units % 64 !== 0) {
    throw new InputError('damaged-process', 'its list of missing pages is damaged');
  }
  let missing = 0;
  for (const byte of memory.read(list + LZ_BITS, units / 8)) {
    for (let rest = ~byte & 0xff; rest !== 0; rest &= rest - 1) missing++;
  }
  return missing * LAZY_UNIT;
}

/**
 * Waits until all of its memory is there.
 *
 * @param settle lets pending events in; throws when the user gives up
 * @throws ToolError 'pages-missing' when nothing comes any more
 */
export async function awaitPages({ memory, runtime, pid }: ImageProcess, settle: () => Promise<void>): Promise<void> {
  let left = missingBytes(memory, runtime);
  let since = performance.now();
  if (left > 0) trace('capture', () => `waits for ${left} bytes of the memory of pid ${pid}, which have not arrived`);
  while (left > 0) {
    await settle();
    await sleep(LOOK_AGAIN);
    const now = missingBytes(memory, runtime);
    if (now < left) since = performance.now();
    left = now;
    if (left > 0 && performance.now() - since > PATIENCE) {
      const waited = `${PATIENCE / 1000} s`;
      throw new ToolError(
        'pages-missing',
        `pid ${pid} was moved here before its memory: ${left} bytes of it are still missing, and nothing has come for ${waited}`,
      );
    }
  }
}

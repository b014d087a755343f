/**
 * The windows of the system calls that may block (compile/stubs/blocking-syscall.ts), in RODATA. There the signal
 * handler looks up whether the call that it interrupted had begun.
 */

import { RT_BLOCKING_COUNT, RT_BLOCKING_WINDOWS } from '../../image/contract/runtime-block.js';
import { Column } from '../../image/tables/site-tables.js';
import type { BlockingWindow } from '../stubs/blocking-syscall.js';
import { DATA_START, type DataLayout } from './data-layout.js';

/**
 * The table's bytes, a row WINDOW_* each; fills the runtime block's fields about it.
 * @param start image offset where it will lie
 */
export function blockingWindows({ data }: DataLayout, windows: readonly BlockingWindow[], start: number): Uint8Array {
  data.pointer(DATA_START + RT_BLOCKING_WINDOWS, start);
  data.u64(DATA_START + RT_BLOCKING_COUNT, windows.length);
  const table = new Column();
  for (const { start, end, exit } of windows) for (const offset of [start, end, exit]) table.push(offset);
  return table.bytes();
}

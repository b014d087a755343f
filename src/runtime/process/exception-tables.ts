/**
 * The image's exception tables (image/contract/exception-tables.ts XT_*), as unwinding and the collector read them.
 *
 * AssemblyScript. They are loaded with the image and come from the same linker as this code, so they are trusted.
 * Addresses are native.
 */

import {
  XT_CLAUSES,
  XT_FRAMES,
  XT_GLOBALS,
  XT_HANDLERS,
  XT_SITES,
  XT_SIZE,
} from '../../image/contract/exception-tables';
import { RT_EXCEPTION_TABLES } from '../../image/contract/runtime-block';
import { imageBase, word } from './runtime-block';
import { lastNotAbove, unsigned } from './sorted-rows';

/** NO_HANDLER and XT_BOTTOM. */
const NONE: i64 = 0xffffffff;

function field(offset: i64): i64 {
  return unsigned(word(RT_EXCEPTION_TABLES) + offset);
}

function frames(): i64 {
  return word(RT_EXCEPTION_TABLES) + XT_SIZE;
}

function sites(): i64 {
  return frames() + field(XT_FRAMES) * 8;
}

function handlers(): i64 {
  return sites() + field(XT_SITES) * 8;
}

function clauses(): i64 {
  return handlers() + field(XT_HANDLERS) * 8;
}

/** Bytes of the frame that a call returns to, at `textOffset`; -1 where it is a trampoline's. */
export function frameSizeAt(textOffset: i64): i64 {
  const row = lastNotAbove(frames(), field(XT_FRAMES), 8, textOffset);
  const size = unsigned(row + 4);
  return size === NONE ? -1 : size;
}

/** The handler of exceptions from a call that returns to `textOffset`, or -1. */
export function handlerAt(textOffset: i64): i64 {
  const row = lastNotAbove(sites(), field(XT_SITES), 8, textOffset);
  return row !== 0 && unsigned(row) === textOffset ? unsigned(row + 4) : -1;
}

/** The handler to ask next, or -1. */
export function parentOf(handler: i64): i64 {
  const parent = unsigned(handlers() + handler * 8);
  return parent === NONE ? -1 : parent;
}

/** Text offset where a handler wants to continue with an exception of a tag, or -1. */
export function landingOf(handler: i64, tag: i64): i64 {
  let clause = unsigned(handlers() + handler * 8 + 4);
  while (clause !== NONE) {
    const row = clauses() + clause * 12;
    const caught = unsigned(row);
    if (caught === 0 || imageBase() + caught === tag) return unsigned(row + 4);
    clause = unsigned(row + 8);
  }
  return -1;
}

export function exnrefGlobalCount(): i32 {
  return <i32>field(XT_GLOBALS);
}

/** Address of the value of one of them. */
export function exnrefGlobal(index: i32): i64 {
  return imageBase() + unsigned(clauses() + field(XT_CLAUSES) * 12 + <i64>index * 4);
}

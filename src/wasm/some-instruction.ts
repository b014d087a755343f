/** Looks for an instruction in the function bodies of a module, which must be valid. */

import type { Module } from './module.js';
import { readValType } from './read-types.js';
import { Reader } from './reader.js';
import { skipInstruction } from './skip.js';

/** @param isIt whether the instruction at a position of the bytes is what is looked for */
export function someInstruction(
  { bytes, bodyStart, bodyEnd, refTypes }: Module,
  isIt: (bytes: Uint8Array, at: number) => boolean,
): boolean {
  for (let i = 0; i < bodyStart.length; i++) {
    const reader = new Reader(bytes, 'module', bodyStart[i], bodyEnd[i]);
    reader.refTypes = refTypes;
    for (let groups = reader.u32(); groups > 0; groups--) {
      reader.u32();
      readValType(reader);
    }
    for (let at = reader.pos; at < bodyEnd[i]; at = skipInstruction(bytes, at)) if (isIt(bytes, at)) return true;
  }
  return false;
}

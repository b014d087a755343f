/**
 * .wagsnap.places: where the code of each row of the function table is in its module, and the modules' names, so that a
 * backtrace shows the offsets that disassemblers print.
 *
 *     u32 [rows]            offset in the module of the function's body (its local declarations); 0: it has none
 *     u32                   instances
 *     names.ts              for each instance the name of its module; empty for a module without a name
 */

import { encodeNames } from './names.js';

export function encodePlaces(bodies: Uint32Array, moduleNames: readonly string[]): Uint8Array {
  const names = encodeNames(moduleNames);
  const bytes = new Uint8Array(bodies.byteLength + 4 + names.length);
  const view = new DataView(bytes.buffer);
  bodies.forEach((body, row) => {
    view.setUint32(row * 4, body, true);
  });
  view.setUint32(bodies.byteLength, moduleNames.length, true);
  bytes.set(names, bodies.byteLength + 4);
  return bytes;
}

/**
 * .wagsnap.places: where the code of each row of the function table is in its module, and what the modules are called,
 * so that a backtrace names what disassemblers print: the byte offset in the module.
 *
 *     u32 [rows]            offset in the module of the function's body (of its local declarations), 0: it has none
 *     u32                   instances
 *     names.ts              a name per instance, of its module; empty for a module without one
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

/** The first bytes of a component (component model, Binary.md): as a module's, with another version and a layer of 1. */

/** Bytes: magic number, version, layer. */
export const PREAMBLE = 8;
const MAGIC = [0, 0x61, 0x73, 0x6d]; // \0asm
const LAYER = 1;

/** True when the bytes start as a component does, of whichever version. */
export function isComponent(bytes: Uint8Array): boolean {
  if (bytes.length < PREAMBLE) return false;
  return MAGIC.every((byte, i) => bytes[i] === byte) && bytes[6] === LAYER && bytes[7] === 0;
}

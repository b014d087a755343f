/** The custom sections of a module. Core spec 5.5.3. */

import { Reader } from '../wasm/reader.js';

const PREAMBLE = 8; // bytes: magic number and version

export interface CustomSection {
  readonly name: string;
  /** Size in bytes of what follows the name. */
  readonly bytes: number;
}

/** The custom sections of a decoded module, in their order. */
export function customSections(bytes: Uint8Array, file: string): CustomSection[] {
  const found: CustomSection[] = [];
  const reader = new Reader(bytes, file, PREAMBLE);
  while (reader.pos < bytes.length) {
    const id = reader.u8();
    const start = reader.span();
    const end = reader.pos;
    if (id === 0) {
      reader.pos = start;
      const name = reader.name();
      found.push({ name, bytes: end - reader.pos });
      reader.pos = end;
    }
  }
  return found;
}

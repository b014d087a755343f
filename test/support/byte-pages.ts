/** Makes memories of a module have pages of one byte: a rewriting of the memory section, as wabt has no text for it. */

import { Reader } from '../../src/wasm/reader.js';
import { WasmWriter } from '../fuzz/wasm-writer.js';

const MEMORY_SECTION = 5;
const [HAS_MAX, HAS_PAGE_SIZE] = [1, 8];

/** @param which by index among those of the module's own; their sizes stay the same numbers, but count bytes */
export function withBytePages(bytes: Uint8Array, which: (index: number) => boolean): Uint8Array {
  const out = new WasmWriter();
  out.append(bytes.subarray(0, 8));
  const reader = new Reader(bytes);
  for (reader.pos = 8; reader.pos < bytes.length; ) {
    const from = reader.pos;
    const id = reader.u8();
    const start = reader.span();
    const end = reader.pos;
    if (id !== MEMORY_SECTION) {
      out.append(bytes.subarray(from, end));
      continue;
    }
    reader.pos = start;
    const count = reader.u32();
    out.list(id, [...new Array(count).keys()], (to, i) => {
      const flags = reader.u8();
      const limits = reader.pos;
      reader.u64();
      if ((flags & HAS_MAX) !== 0) reader.u64();
      to.byte(which(i) ? flags | HAS_PAGE_SIZE : flags);
      to.append(bytes.subarray(limits, reader.pos));
      if (which(i)) to.byte(0);
    });
    reader.pos = end;
  }
  return out.bytes.slice();
}

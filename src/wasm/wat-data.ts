/**
 * Repairs what wabt 1.0.39 writes for `(data (memory 1) …)`: flags that announce a memory's index (core spec 5.5.14),
 * and then no index. The indexes are taken from the same module printed as text again, where each segment has a line.
 *
 * Knows the sections' frame and data segments only.
 */

import { Op } from './opcodes.js';
import { Reader } from './reader.js';
import { skipInstruction } from './skip.js';

const DATA_SECTION = 11;
const PREAMBLE = 8;
const PASSIVE = 1;
const EXPLICIT = 2;

const SEGMENT_LINE = /^ {2}\(data (?:\(;\d+;\)|\$\S+)(?: \(memory (\d+)\))?/gm;

/**
 * @param bytes a binary module as wabt has written it
 * @param toText prints it; called only when a segment announces an index
 * @returns the module with all indexes
 */
export function withMemoryIndexes(bytes: Uint8Array, toText: () => string): Uint8Array {
  const reader = new Reader(bytes);
  reader.pos = PREAMBLE;
  while (reader.pos < bytes.length) {
    const section = reader.pos;
    const id = reader.u8();
    const start = reader.span();
    if (id !== DATA_SECTION) continue;
    const end = reader.pos;
    const explicit = explicitSegments(reader, start);
    if (explicit.length === 0) break;
    const memories = Array.from(toText().matchAll(SEGMENT_LINE), (line) => Number(line[1] ?? 0));
    const parts: Uint8Array[] = [];
    let from = start;
    for (const [segment, flags] of explicit) {
      parts.push(bytes.subarray(from, flags + 1), leb(memories[segment]));
      from = flags + 1;
    }
    const contents = Buffer.concat([...parts, bytes.subarray(from, end)]);
    const head = [bytes.subarray(0, section + 1), leb(contents.length)];
    return new Uint8Array(Buffer.concat([...head, contents, bytes.subarray(end)]));
  }
  return bytes;
}

/** Number and position of the flags of each segment that announces a memory's index. */
function explicitSegments(reader: Reader, start: number): [number, number][] {
  const { bytes } = reader;
  const found: [number, number][] = [];
  reader.pos = start;
  const count = reader.u32();
  for (let segment = 0; segment < count; segment++) {
    const at = reader.pos;
    const flags = reader.u32();
    if (flags === EXPLICIT) found.push([segment, at]);
    if (flags !== PASSIVE) {
      while (bytes[reader.pos] !== Op.End) reader.pos = skipInstruction(bytes, reader.pos);
      reader.pos++;
    }
    reader.span();
  }
  return found;
}

function leb(value: number): Uint8Array {
  const bytes: number[] = [];
  for (; value >= 0x80; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  bytes.push(value);
  return Uint8Array.from(bytes);
}

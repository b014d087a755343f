/** Images that were changed after they were compiled: sections with other bytes, or of other sizes. They still run. */

import { readImage } from '../../src/image/reader.js';
import type { SECTION } from '../../src/image/tables/sections.js';

const E_SHOFF = 40;
const E_SHNUM = 60;
const HEADER_SIZE = 64;
const SH_OFFSET = 24;
const SH_SIZE = 32;

/**
 * A copy with other bytes in a section, which lies at the end then. @param size that its header says: another one is a
 * lie
 */
export function withSection(
  image: Uint8Array,
  name: (typeof SECTION)[keyof typeof SECTION],
  bytes: Uint8Array,
  size = bytes.length,
): Buffer {
  const forged = Buffer.concat([image, bytes]);
  const header = headerOf(forged, image, name);
  forged.writeBigUInt64LE(BigInt(image.length), header + SH_OFFSET);
  forged.writeBigUInt64LE(BigInt(size), header + SH_SIZE);
  return forged;
}

/** File offset of a section's header. */
function headerOf(bytes: Buffer, image: Uint8Array, name: string): number {
  const { fileOffset } = readImage(image).section(name)!;
  const first = Number(bytes.readBigUInt64LE(E_SHOFF));
  const count = bytes.readUInt16LE(E_SHNUM);
  for (let i = 0; i < count; i++) {
    const header = first + i * HEADER_SIZE;
    if (Number(bytes.readBigUInt64LE(header + SH_OFFSET)) === fileOffset) return header;
  }
  throw new Error(`no section ${name}`);
}

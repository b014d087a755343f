/**
 * The first 64 bytes of a .wsnap file: magic number, version, and the header's place and hash.
 *
 * format.ts has the drawing of the whole file. All numbers are little-endian.
 *
 *      0  magic     7f 57 53 4e 41 50 0d 0a   (DEL "WSNAP" CR LF: text-mode copies break it visibly)
 *      8  u32       format version: the oldest one that can hold the snapshot (header.ts, formatNeeded)
 *     12  u32       0
 *     16  u64       file offset of the header
 *     24  u64       bytes of the header, which ends the file
 *     32  32 bytes  sha256 of bytes 0..31 and the header
 */

import { createHash } from 'node:crypto';
import { InputError } from '../base/errors.js';

export const PROLOGUE_SIZE = 64;
/**
 * The newest format version. A snapshot is written in the oldest version that can hold it, so that older readers refuse
 * only what they must.
 */
export const FORMAT_VERSION = 3;
/** A packed file, which contains a file of another version (packing/packed-header.ts). */
export const PACKED_VERSION = 4;
/**
 * The largest header in bytes. A header holds frames, tables and globals, but no page data: 100,000 frames take about
 * 10 MB.
 */
export const HEADER_MAX = 1 << 29;
const MAGIC = Buffer.from([0x7f, 0x57, 0x53, 0x4e, 0x41, 0x50, 0x0d, 0x0a]);

export interface Prologue {
  readonly version: number;
  readonly headerOffset: number;
  readonly headerSize: number;
  readonly hash: Uint8Array;
}

export function encodePrologue(headerOffset: number, header: Uint8Array, version = FORMAT_VERSION): Buffer {
  const bytes = Buffer.alloc(PROLOGUE_SIZE);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(version, 8);
  bytes.writeBigUInt64LE(BigInt(headerOffset), 16);
  bytes.writeBigUInt64LE(BigInt(header.length), 24);
  headerHash(bytes, header).copy(bytes, 32);
  return bytes;
}

/**
 * @param bytes the file's first PROLOGUE_SIZE bytes, or all of a shorter file
 * @param fileSize size of the whole file
 * @throws InputError
 */
export function decodePrologue(bytes: Buffer, fileSize: number, path: string): Prologue {
  if (bytes.length < MAGIC.length || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new InputError('snapshot', `${path}: not a snapshot: the magic number is missing`);
  }
  if (bytes.length < PROLOGUE_SIZE)
    throw new InputError('snapshot', `${path}: ends inside its first ${PROLOGUE_SIZE} bytes`);
  const version = bytes.readUInt32LE(8);
  if (version < 1 || version > PACKED_VERSION) {
    throw new InputError(
      'snapshot-version',
      `${path}: snapshot format ${version} is unknown: this wag-snap reads formats 1 to ${PACKED_VERSION}`,
    );
  }
  if (bytes.readUInt32LE(12) !== 0)
    throw new InputError('snapshot', `${path}: offset 12: a reserved field is not zero`);
  const headerOffset = Number(bytes.readBigUInt64LE(16));
  const headerSize = Number(bytes.readBigUInt64LE(24));
  if (headerOffset < PROLOGUE_SIZE || headerOffset + headerSize !== fileSize) {
    throw new InputError('snapshot', `${path}: truncated or not complete: its header does not end the file`);
  }
  if (headerSize > HEADER_MAX)
    throw new InputError('snapshot', `${path}: its header has ${headerSize} bytes, more than ${HEADER_MAX}`);
  return { version, headerOffset, headerSize, hash: bytes.subarray(32, 64) };
}

/** @throws InputError when the header does not belong to the prologue */
export function checkHeaderHash(prologue: Buffer, header: Uint8Array, path: string): void {
  if (!headerHash(prologue, header).equals(prologue.subarray(32, 64))) {
    throw new InputError('snapshot', `${path}: damaged: the hash of its header differs`);
  }
}

function headerHash(prologue: Buffer, header: Uint8Array): Buffer {
  return createHash('sha256').update(prologue.subarray(0, 32)).update(header).digest();
}

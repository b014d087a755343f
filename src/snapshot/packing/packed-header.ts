/**
 * The header of a packed file (format 4), and the index in it. A packed file contains another snapshot's file, cut into
 * extents that are compressed, encrypted, or both. So any of its pages can be had without the others.
 *
 *     file       | front, 256 bytes | extent 0 | extent 1 | extent 4 | ... | header |
 *     contents   | extent 0 | extent 1 | zeros | zeros | extent 4 | ...                  each of 2^n bytes
 *
 *     header      0  u32  flags: 1 when it is encrypted
 *                 4  u32  bytes of the key part; 0 when it is not encrypted
 *                 8  the key part: an age file with the key of this file (recipients.ts)
 *                    the index, to the end; encrypted as number 0xffffffff (cipher.ts)
 *
 *     index       0  u32  codec: 0 none, 1 zstd
 *                 4  u32  bytes of an extent
 *                 8  u64  bytes of the contents
 *                16  u32  number of extents, n
 *                20  u32  0
 *                24  u32 * n  which extent of the contents; ascending; those that are missing are zeros
 *                    u32 * n  stored bytes
 *                    32 * n   sha256 of the stored bytes
 *
 * Stored extents follow one another without gaps, so none can overlap another one, and all bytes of the file are
 * covered: the prologue has the hash of the header, the header those of the extents. A stored extent that is as long as
 * its contents is not compressed. Everything is checked before it is believed: a packed file is hostile input.
 */

import { InputError, LimitError } from '../../base/errors.js';
import { KEY_SIZE, TAG_SIZE } from './cipher.js';

/** Where stored extents begin. */
export const PACKED_START = 256;
export const CODECS = ['none', 'zstd'] as const;
export type PackedCodec = (typeof CODECS)[number];

const EXTENT_MIN = 1 << 12;
const EXTENT_MAX = 1 << 20;
const FLAG_ENCRYPTED = 1;
const HEADER_START = 8;
const INDEX_START = 24;
const HASH_SIZE = 32;
const ROW = 8 + HASH_SIZE;
/** Bytes of the key part: 400 recipients take less. */
const KEY_PART_MAX = 1 << 16;

export interface PackedHeader {
  /** The encrypted key; undefined when the file is not encrypted. */
  readonly keyPart: Buffer | undefined;
  /** Encrypted, when there is a key part. */
  readonly index: Buffer;
}

export interface PackedIndex {
  readonly codec: PackedCodec;
  /** Bytes of an extent of the contents. */
  readonly extent: number;
  /** Bytes of the contents. */
  readonly size: number;
  /** Of each stored extent: its number in the contents, its place in the file, and its bytes there. */
  readonly numbers: Uint32Array;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** 32 bytes each. */
  readonly hashes: Buffer;
}

export function encodePackedHeader({ keyPart, index }: PackedHeader): Buffer {
  const start = Buffer.alloc(HEADER_START);
  start.writeUInt32LE(keyPart === undefined ? 0 : FLAG_ENCRYPTED, 0);
  start.writeUInt32LE(keyPart?.length ?? 0, 4);
  return Buffer.concat([start, keyPart ?? Buffer.alloc(0), index]);
}

/** @throws InputError; LimitError for a key that is larger than any */
export function decodePackedHeader(header: Buffer, path: string): PackedHeader {
  const fail = (what: string): never => {
    throw new InputError('snapshot', `${path}: packed header: ${what}`);
  };
  if (header.length < HEADER_START) fail(`has ${header.length} bytes`);
  const flags = header.readUInt32LE(0);
  const length = header.readUInt32LE(4);
  if ((flags & ~FLAG_ENCRYPTED) !== 0) fail(`has unknown flags 0x${flags.toString(16)}`);
  if ((flags === FLAG_ENCRYPTED) !== length > 0) fail('has a key, but is not encrypted, or the reverse');
  if (length > KEY_PART_MAX)
    throw new LimitError('key', `${path}: packed header: its key has ${length} bytes, more than ${KEY_PART_MAX}`);
  if (HEADER_START + length > header.length) fail(`its key has ${length} bytes`);
  return {
    keyPart: length === 0 ? undefined : header.subarray(HEADER_START, HEADER_START + length),
    index: header.subarray(HEADER_START + length),
  };
}

export type IndexRow = { readonly number: number; readonly length: number; readonly hash: Uint8Array };

export function encodeIndex(
  { codec, extent, size }: Pick<PackedIndex, 'codec' | 'extent' | 'size'>,
  rows: readonly IndexRow[],
): Buffer {
  const bytes = Buffer.alloc(INDEX_START + rows.length * ROW);
  bytes.writeUInt32LE(CODECS.indexOf(codec), 0);
  bytes.writeUInt32LE(extent, 4);
  bytes.writeBigUInt64LE(BigInt(size), 8);
  bytes.writeUInt32LE(rows.length, 16);
  const lengths = INDEX_START + rows.length * 4;
  const hashes = lengths + rows.length * 4;
  for (const [i, { number, length, hash }] of rows.entries()) {
    bytes.writeUInt32LE(number, INDEX_START + i * 4);
    bytes.writeUInt32LE(length, lengths + i * 4);
    bytes.set(hash, hashes + i * HASH_SIZE);
  }
  return bytes;
}

/**
 * @param end the file offset at which stored extents must end
 * @param isEncrypted whether extents have tags
 * @throws InputError; LimitError for contents that no snapshot has
 */
export function decodeIndex(bytes: Buffer, end: number, isEncrypted: boolean, path: string): PackedIndex {
  const fail = (what: string): never => {
    throw new InputError('snapshot', `${path}: packed index: ${what}`);
  };
  if (bytes.length < INDEX_START) return fail(`has ${bytes.length} bytes`);
  const codec = CODECS[bytes.readUInt32LE(0)] ?? fail(`codec ${bytes.readUInt32LE(0)} is unknown`);
  const extent = bytes.readUInt32LE(4);
  const size = Number(bytes.readBigUInt64LE(8));
  const count = bytes.readUInt32LE(16);
  if (extent < EXTENT_MIN || extent > EXTENT_MAX || (extent & (extent - 1)) !== 0)
    fail(`has extents of ${extent} bytes`);
  if (bytes.readUInt32LE(20) !== 0) fail('a reserved field is not zero');
  if (bytes.length !== INDEX_START + count * ROW) fail(`has ${bytes.length} bytes for ${count} extents`);
  if (size > Number.MAX_SAFE_INTEGER || Math.ceil(size / extent) > 0xffffffff)
    throw new LimitError('unpacked', `${path}: says that it unpacks to ${size} bytes, more than a snapshot has`);
  const numbers = new Uint32Array(count);
  const lengths = new Uint32Array(count);
  const offsets = new Float64Array(count);
  const tag = isEncrypted ? TAG_SIZE : 0;
  let offset = PACKED_START;
  for (let i = 0; i < count; i++) {
    const number = bytes.readUInt32LE(INDEX_START + i * 4);
    const length = bytes.readUInt32LE(INDEX_START + (count + i) * 4);
    const contents = Math.min(extent, size - number * extent);
    if (i > 0 && number <= numbers[i - 1]) fail(`extent ${number} is there twice, or out of order`);
    if (contents <= 0) fail(`extent ${number} is beyond the contents`);
    if (length <= tag || length > contents + tag) fail(`extent ${number} has ${length} bytes for ${contents}`);
    if (codec === 'none' && length !== contents + tag) fail(`extent ${number} has ${length} bytes for ${contents}`);
    numbers[i] = number;
    lengths[i] = length;
    offsets[i] = offset;
    offset += length;
  }
  if (offset !== end) fail(`its extents end at offset ${offset}, not ${end}`);
  return { codec, extent, size, numbers, lengths, offsets, hashes: bytes.subarray(INDEX_START + count * 8) };
}

/** Bytes of the contents of all stored extents. */
export function unpackedBytes({ numbers, extent, size }: PackedIndex): number {
  const last = numbers.length - 1;
  return last < 0 ? 0 : last * extent + Math.min(extent, size - numbers[last] * extent);
}

/** Checks what has been decrypted. */
export function isFileKey(key: Uint8Array): boolean {
  return key.length === KEY_SIZE;
}

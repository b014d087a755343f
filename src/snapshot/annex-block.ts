/**
 * The place of the annex in a .wsnap file (annex.ts). This block follows the prologue, where older readers do not look.
 * The annex itself is before the header:
 *
 *     64  magic     "WSANNEX" NUL; anything else: there is no annex
 *     72  u64       file offset
 *     80  u64       bytes
 *     88  32 bytes  sha256 of those bytes
 */

import { createHash } from 'node:crypto';
import { InputError } from '../base/errors.js';

export const ANNEX_BLOCK = 64;
export const ANNEX_BLOCK_SIZE = 56;
/**
 * Limit of the annex in bytes. Earlier versions have 1 MiB: they refuse a snapshot taken in the middle of a listing of
 * more than 130,000 names.
 */
const ANNEX_MAX = 64 << 20;
const MAGIC = Buffer.from('WSANNEX\0', 'latin1');

export function encodeAnnexBlock(fileOffset: number, annex: Uint8Array): Buffer {
  const block = Buffer.alloc(ANNEX_BLOCK_SIZE);
  MAGIC.copy(block);
  block.writeBigUInt64LE(BigInt(fileOffset), 8);
  block.writeBigUInt64LE(BigInt(annex.length), 16);
  createHash('sha256').update(annex).digest().copy(block, 24);
  return block;
}

/**
 * The annex's place; undefined when there is none.
 *
 * @param limit the file offset before which it must end
 * @throws InputError
 */
export function decodeAnnexBlock(
  block: Buffer,
  limit: number,
  path: string,
): { offset: number; size: number } | undefined {
  if (block.length < ANNEX_BLOCK_SIZE || !block.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const offset = Number(block.readBigUInt64LE(8));
  const size = Number(block.readBigUInt64LE(16));
  if (offset < ANNEX_BLOCK + ANNEX_BLOCK_SIZE || size > ANNEX_MAX || offset + size > limit) {
    throw new InputError('snapshot', `${path}: annex: does not lie in the file's data`);
  }
  return { offset, size };
}

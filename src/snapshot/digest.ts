/**
 * The identity of a snapshot: sha256 of its file's first 120 bytes, in lower-case hex.
 *
 * These bytes contain the hashes of the header and of the annex (prologue.ts, annex-block.ts), which contain those of
 * modules, pages and contents of files. So the digest covers every byte of the file.
 */

import { createHash } from 'node:crypto';
import { ANNEX_BLOCK, ANNEX_BLOCK_SIZE } from './annex-block.js';

/** The number of bytes that the digest is computed from. */
export const FRONT_SIZE = ANNEX_BLOCK + ANNEX_BLOCK_SIZE;
const SHOWN = 16;

/** @param front the file's first FRONT_SIZE bytes */
export function snapshotDigest(front: Uint8Array): string {
  return createHash('sha256').update(front).digest('hex');
}

/** A short form for people. */
export function shortDigest(digest: string): string {
  return `${digest.slice(0, SHOWN)}…`;
}

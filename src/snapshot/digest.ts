/**
 * What a snapshot is known by: sha256 of its file's first 120 bytes, in lower-case hex.
 *
 * They hold the hash of the header and of the annex (prologue.ts, annex-block.ts). Those have the hashes of modules,
 * pages and contents of files. So a digest stands for every byte of the file.
 */

import { createHash } from 'node:crypto';
import { ANNEX_BLOCK, ANNEX_BLOCK_SIZE } from './annex-block.js';

/** How many bytes of a file its digest is made of. */
export const FRONT_SIZE = ANNEX_BLOCK + ANNEX_BLOCK_SIZE;
const SHOWN = 16;

/** @param front the file's first FRONT_SIZE bytes */
export function snapshotDigest(front: Uint8Array): string {
  return createHash('sha256').update(front).digest('hex');
}

/** For people. */
export function shortDigest(digest: string): string {
  return `${digest.slice(0, SHOWN)}…`;
}

/**
 * AES-256-GCM for the pieces of a packed file, each with its number as nonce. A key belongs to one file, and each number
 * is used once in it, so no nonce ever repeats.
 */

import { createCipheriv, createDecipheriv } from 'node:crypto';

export const KEY_SIZE = 32;
/** Bytes that follow the encrypted ones: by them a change is found. */
export const TAG_SIZE = 16;
/** The number of the index. Extents have lower ones. */
export const INDEX_NUMBER = 0xffffffff;

const ALGORITHM = 'aes-256-gcm';

/** 12 bytes: the number, and zeros. */
function nonce(number: number): Buffer {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32LE(number);
  return bytes;
}

/** @returns the encrypted bytes in parts; the last one is the tag */
export function seal(key: Uint8Array, number: number, data: Uint8Array): Buffer[] {
  const cipher = createCipheriv(ALGORITHM, key, nonce(number));
  const sealed = cipher.update(data);
  cipher.final(); // has no bytes of its own in this mode
  return [sealed, cipher.getAuthTag()];
}

/** @returns undefined when the bytes or their number have changed, or the key is another one */
export function unseal(key: Uint8Array, number: number, sealed: Uint8Array): Buffer | undefined {
  if (sealed.length < TAG_SIZE) return undefined;
  const end = sealed.length - TAG_SIZE;
  const decipher = createDecipheriv(ALGORITHM, key, nonce(number), { authTagLength: TAG_SIZE });
  decipher.setAuthTag(sealed.subarray(end));
  const data = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
    return data;
  } catch {
    return undefined;
  }
}

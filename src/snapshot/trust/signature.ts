/**
 * The signature of a snapshot's file: ed25519 over the hash of its first 120 bytes, which hold the hashes of everything
 * else (digest.ts). So it can be checked before anything in the file is interpreted. It follows those bytes, where older
 * readers do not look:
 *
 *     120  magic     "WSSIGNED"; anything else: the file is not signed
 *     128  32 bytes  the public key
 *     160  64 bytes  the signature of "wag-snap snapshot", a zero byte, and sha256 of bytes 0..119
 */

import { createHash, sign, verify } from 'node:crypto';
import { InputError } from '../../base/errors.js';
import { publicKeyBytes, publicKeyObject, type SigningKey } from './signing-key.js';

/** The bytes that are signed. */
const SIGNED_SIZE = 120;
export const SIGNATURE_BLOCK = SIGNED_SIZE;
const SIZE = 104;
const KEY_AT = 8;
const SIGNATURE_AT = 40;
/** The first bytes of a file that hold the signature, too. */
export const HEAD_SIZE = SIGNATURE_BLOCK + SIZE;

const MAGIC = Buffer.from('WSSIGNED', 'latin1');
const PURPOSE = Buffer.from('wag-snap snapshot\0', 'latin1');

/** @param front the file's first 120 bytes */
export function encodeSignature(front: Uint8Array, { privateKey, publicKey }: SigningKey): Buffer {
  return Buffer.concat([MAGIC, publicKeyBytes(publicKey), sign(null, message(front), privateKey)]);
}

/**
 * Checks the signature.
 *
 * @param head the file's first HEAD_SIZE bytes, or all of a shorter file
 * @returns the public key that has signed; undefined when the file is not signed
 * @throws InputError when the signature is wrong
 */
export function checkSignature(head: Buffer, path: string): string | undefined {
  const block = head.subarray(SIGNATURE_BLOCK, HEAD_SIZE);
  if (block.length < SIZE || !block.subarray(0, KEY_AT).equals(MAGIC)) return undefined;
  const key = `ed25519:${block.subarray(KEY_AT, SIGNATURE_AT).toString('base64url')}`;
  if (isSigned(key, head, block.subarray(SIGNATURE_AT))) return key;
  throw new InputError('signature', `${path}: its signature is wrong: the file has changed since ${key} signed it`);
}

function isSigned(key: string, head: Buffer, signature: Buffer): boolean {
  try {
    return verify(null, message(head.subarray(0, SIGNED_SIZE)), publicKeyObject(key), signature);
  } catch {
    return false; // the key is none
  }
}

function message(front: Uint8Array): Buffer {
  return Buffer.concat([PURPOSE, createHash('sha256').update(front).digest()]);
}

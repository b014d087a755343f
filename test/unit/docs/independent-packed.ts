/** Packed files and signatures, by docs/snapshot-format.md alone: see independent-reader.ts. */

import { createDecipheriv, createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { decompress, init } from '@bokuweb/zstd-wasm';
import { Decrypter } from 'age-encryption';
import { require } from './independent-msgpack.js';

export interface UnpackedByTheDocument {
  readonly contents: Buffer;
  /** As `inspect --json` has it. */
  readonly packing: { readonly codec: string; readonly encrypted: boolean; readonly unpacked: number };
}

/** @returns undefined for a file that is not packed */
export async function unpackByTheDocument(file: Buffer, identity: string): Promise<UnpackedByTheDocument | undefined> {
  if (file.readUInt32LE(8) !== 4) return undefined;
  const headerOffset = Number(file.readBigUInt64LE(16));
  const header = file.subarray(headerOffset);
  require(Number(file.readBigUInt64LE(24)) === header.length, 'size of the header');
  const hash = createHash('sha256').update(file.subarray(0, 32)).update(header).digest();
  require(hash.equals(file.subarray(32, 64)), 'hash of the header');
  require(file.subarray(64, 120).every((byte) => byte === 0), 'reserved bytes');
  const encrypted = header.readUInt32LE(0) === 1;
  const keySize = header.readUInt32LE(4);
  const key = encrypted ? await keyOf(header.subarray(8, 8 + keySize), identity) : undefined;
  const index = decrypt(key, 0xffffffff, header.subarray(8 + keySize));
  const codec = ['none', 'zstd'][index.readUInt32LE(0)] ?? 'unknown';
  const extent = index.readUInt32LE(4);
  const contents = Buffer.alloc(Number(index.readBigUInt64LE(8)));
  const n = index.readUInt32LE(16);
  await init();
  let at = 256;
  let unpacked = 0;
  for (let i = 0; i < n; i++) {
    const number = index.readUInt32LE(24 + i * 4);
    const stored = file.subarray(at, at + index.readUInt32LE(24 + (n + i) * 4));
    at += stored.length;
    const hash = index.subarray(24 + n * 8 + i * 32, 24 + n * 8 + i * 32 + 32);
    require(createHash('sha256').update(stored).digest().equals(hash), 'hash of an extent');
    const length = Math.min(extent, contents.length - number * extent);
    const data = decrypt(key, number, stored);
    contents.set(data.length === length ? data : decompress(data), number * extent);
    unpacked += length;
  }
  require(at === headerOffset, 'end of the extents');
  return { contents, packing: { codec, encrypted, unpacked } };
}

async function keyOf(part: Buffer, identity: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const line of readFileSync(identity, 'utf8').split('\n'))
    if (line.startsWith('AGE-')) decrypter.addIdentity(line);
  return decrypter.decrypt(part);
}

function decrypt(key: Uint8Array | undefined, number: number, bytes: Buffer): Buffer {
  if (key === undefined) return bytes;
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32LE(number, 0);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce);
  decipher.setAuthTag(bytes.subarray(bytes.length - 16));
  return Buffer.concat([decipher.update(bytes.subarray(0, bytes.length - 16)), decipher.final()]);
}

/** @returns the public key as `inspect` writes it; null for a file that is not signed */
export function signerOf(file: Buffer): string | null {
  if (file.length < 224 || file.toString('latin1', 120, 128) !== 'WSSIGNED') return null;
  const x = file.toString('base64url', 128, 160);
  const digest = createHash('sha256').update(file.subarray(0, 120)).digest();
  const message = Buffer.concat([Buffer.from('wag-snap snapshot\0'), digest]);
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  require(verify(null, message, key, file.subarray(160, 224)), 'signature');
  return `ed25519:${x}`;
}

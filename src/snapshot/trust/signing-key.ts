/**
 * ed25519 keys for signatures. A private key is a PEM file (PKCS #8, as openssl genpkey writes it). A public key is
 * written as `ed25519:` and base64url of its 32 bytes.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { InputError, reading, ToolError } from '../../base/errors.js';
import { createSecret } from '../../base/secret-file.js';

const TEXT = /^ed25519:[A-Za-z0-9_-]{43}$/;
const OTHERS = 0o077;

export interface SigningKey {
  readonly privateKey: KeyObject;
  /** ed25519:… */
  readonly publicKey: string;
}

export function isPublicKey(text: string): boolean {
  return TEXT.test(text);
}

export function publicKeyBytes(text: string): Buffer {
  return Buffer.from(text.slice('ed25519:'.length), 'base64url');
}

/** @throws the system's error when the bytes are no key */
export function publicKeyObject(text: string): KeyObject {
  const x = text.slice('ed25519:'.length);
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** @throws ToolError when it cannot be read, or others may read it; InputError when it is no such key */
export function readSigningKey(path: string): SigningKey {
  const { text, mode } = reading(path, () => ({ text: readFileSync(path, 'utf8'), mode: statSync(path).mode }));
  if ((mode & OTHERS) !== 0) {
    throw new ToolError('key-mode', `${path}: others may read or write it: chmod 600 ${path}`);
  }
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(text);
  } catch {
    throw new InputError(
      'signing-key',
      `${path}: is not a private key in PEM: wag-snap keys --signing ${path} makes one`,
    );
  }
  return { privateKey, publicKey: textOf(createPublicKey(privateKey), path) };
}

/** Reads a signing key, or makes it. Processes that do this at the same time get the same key. @throws as readSigningKey */
export function ensureSigningKey(path: string): SigningKey & { readonly isNew: boolean } {
  const isNew = statSync(path, { throwIfNoEntry: false }) === undefined;
  if (isNew)
    createSecret(path, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return { ...readSigningKey(path), isNew };
}

/**
 * Reads public keys: ed25519:… itself, or a file with lines of them, or a PEM file.
 *
 * @throws InputError, ToolError
 */
export function readPublicKeys(texts: readonly string[]): string[] {
  return texts.flatMap((text) => (isPublicKey(text) ? [checked(text, text)] : publicKeysOf(text)));
}

function publicKeysOf(path: string): string[] {
  const text = reading(path, () => readFileSync(path, 'utf8'));
  if (text.includes('-----BEGIN')) {
    try {
      return [textOf(createPublicKey(text), path)];
    } catch (error) {
      if (error instanceof InputError) throw error;
      throw new InputError('verify-key', `${path}: is not a public key in PEM`);
    }
  }
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines.length === 0 || !lines.every(isPublicKey))
    throw new InputError(
      'verify-key',
      `${path}: is neither a public key in PEM nor a list of ed25519:… (wag-snap keys --signing)`,
    );
  return lines.map((line) => checked(line, path));
}

/** @param where for messages */
function checked(text: string, where: string): string {
  try {
    publicKeyObject(text);
    return text;
  } catch {
    throw new InputError('verify-key', `${where}: is not an ed25519 key`);
  }
}

function textOf(key: KeyObject, path: string): string {
  if (key.asymmetricKeyType !== 'ed25519') throw new InputError('signing-key', `${path}: is not an ed25519 key`);
  return `ed25519:${key.export({ format: 'jwk' }).x}`;
}

/**
 * The key of this host, by which other hosts know it (docs/migration.md): an ed25519 key and its self-signed
 * certificate, in a folder:
 *
 *     key.pem           readable for its owner only
 *     certificate.pem
 *     peers             the hosts that may send to it and receive from it (peers.ts)
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto';
import { linkSync, readFileSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFolders } from '../base/create-folders.js';
import { InputError, reading, systemReason, ToolError, WagSnapError } from '../base/errors.js';
import { temporaryPath } from '../base/temporary.js';
import { userFolder } from '../base/user-folders.js';
import { fingerprintOf } from './fingerprint.js';

export interface HostKeys {
  readonly folder: string;
  /** PEM. */
  readonly key: string;
  /** PEM. */
  readonly certificate: string;
  /** The fingerprint by which other hosts know this one. */
  readonly fingerprint: string;
}

const OTHERS = 0o077;

/** `$XDG_CONFIG_HOME/wag-snap`. */
export function keysFolder(): string {
  return userFolder('XDG_CONFIG_HOME');
}

/** @throws ToolError 'no-keys' when there are none; ToolError, InputError for files that cannot be used */
export function readKeys(folder = keysFolder()): HostKeys {
  const [keyPath, certificatePath] = paths(folder);
  if (!isThere(keyPath) || !isThere(certificatePath)) {
    const option = folder === keysFolder() ? '' : ` --keys ${folder}`;
    throw new ToolError('no-keys', `${folder} has no keys: wag-snap keys${option} makes them`);
  }
  const { mode } = reading(keyPath, () => statSync(keyPath));
  if ((mode & OTHERS) !== 0) {
    throw new ToolError('key-mode', `${keyPath}: others may read or write it: chmod 600 ${keyPath}`);
  }
  const [key, certificate] = [keyPath, certificatePath].map((path) => reading(path, () => readFileSync(path, 'utf8')));
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch {
    throw new InputError('keys', `${certificatePath}: is not a certificate in PEM`);
  }
  if (!parsed.checkPrivateKey(parseKey(keyPath, key)))
    throw new InputError('keys', `${folder}: certificate.pem does not belong to the key in key.pem`);
  return { folder, key, certificate, fingerprint: fingerprintOf(parsed) };
}

/**
 * Reads the keys, or makes missing ones. Processes that do this at the same time get the same keys.
 *
 * @throws as readKeys; ToolError when they cannot be written
 */
export async function ensureKeys(folder = keysFolder()): Promise<HostKeys & { readonly isNew: boolean }> {
  const [keyPath, certificatePath] = paths(folder);
  const isNew = !isThere(keyPath);
  if (isNew && isThere(certificatePath)) {
    throw new InputError('keys', `${folder}: there is a certificate.pem, but not its key: remove it to make new keys`);
  }
  try {
    createFolders(folder);
    if (isNew) create(keyPath, newKey(), 0o600);
    if (!isThere(certificatePath)) create(certificatePath, await certificateOf(keyPath), 0o644);
  } catch (error) {
    if (error instanceof WagSnapError) throw error;
    throw new ToolError('write', `${folder}: keys cannot be written: ${systemReason(error)}`);
  }
  return { ...readKeys(folder), isNew };
}

/** Keys that are in no file: those of a process that others find in another way. */
export async function temporaryKeys(): Promise<HostKeys> {
  const { selfSignedCertificate } = await import('./certificate.js');
  const key = newKey();
  const privateKey = createPrivateKey(key);
  const certificate = selfSignedCertificate({ privateKey, publicKey: createPublicKey(privateKey) });
  return { folder: '', key, certificate, fingerprint: fingerprintOf(new X509Certificate(certificate)) };
}

function newKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

async function certificateOf(keyPath: string): Promise<string> {
  const { selfSignedCertificate } = await import('./certificate.js');
  const privateKey = parseKey(keyPath, readFileSync(keyPath, 'utf8'));
  if (privateKey.asymmetricKeyType !== 'ed25519') {
    throw new InputError('keys', `${keyPath}: is not an ed25519 key: put its certificate beside it as certificate.pem`);
  }
  return selfSignedCertificate({ privateKey, publicKey: createPublicKey(privateKey) });
}

/** @throws InputError */
function parseKey(path: string, pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw new InputError('keys', `${path}: is not a private key in PEM`);
  }
}

/** Writes a file, whole or not at all. Keeps one that exists already. */
function create(path: string, text: string, mode: number): void {
  const temporary = temporaryPath(path);
  writeFileSync(temporary, text, { mode, flag: 'wx' });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    unlinkSync(temporary);
  }
}

function paths(folder: string): [string, string] {
  return [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

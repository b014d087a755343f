/**
 * Who may read an encrypted snapshot: age recipients and identities (https://age-encryption.org). A file's key is
 * encrypted for its recipients as an age file of 32 bytes.
 */

import { readFileSync, statSync } from 'node:fs';
import { InputError, reading, UsageError } from '../../base/errors.js';
import { createSecret } from '../../base/secret-file.js';
import { isFileKey } from './packed-header.js';

const RECIPIENTS_MAX = 400;

/**
 * Reads recipients: age1… itself, or a file with one a line.
 *
 * @throws UsageError, InputError for what is neither; ToolError
 */
export async function readRecipients(texts: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const text of texts) {
    if (/^age1[a-z0-9]+$/.test(text)) found.push(text);
    else found.push(...recipientsOf(text));
  }
  if (found.length > RECIPIENTS_MAX)
    throw new UsageError(`--encrypt-to: ${found.length} recipients are more than ${RECIPIENTS_MAX}`);
  const { Encrypter } = await import('age-encryption');
  for (const recipient of found) {
    try {
      new Encrypter().addRecipient(recipient);
    } catch {
      throw new UsageError(`--encrypt-to: ${recipient}: is not a recipient of age (age1… of age-keygen)`);
    }
  }
  return found;
}

function recipientsOf(path: string): string[] {
  const lines = linesOf(path);
  if (lines.length === 0) throw new InputError('recipients', `${path}: has no recipients: a line age1… for each`);
  for (const line of lines) {
    if (!/^age1[a-z0-9]+$/.test(line))
      throw new InputError('recipients', `${path}: has a line that is no recipient (age1…)`);
  }
  return lines;
}

/**
 * Reads files of identities, as age-keygen writes them.
 *
 * @throws InputError for a file without any; ToolError
 */
export async function readIdentities(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  if (paths.length === 0) return found;
  const { Decrypter } = await import('age-encryption');
  for (const path of paths) {
    const lines = linesOf(path);
    if (lines.length === 0)
      throw new InputError('identity', `${path}: has no identity (AGE-SECRET-KEY-1… of age-keygen)`);
    for (const line of lines) {
      try {
        new Decrypter().addIdentity(line);
      } catch {
        throw new InputError('identity', `${path}: has a line that is no identity (AGE-SECRET-KEY-1… of age-keygen)`);
      }
      found.push(line);
    }
  }
  return found;
}

/** The recipient of the first identity in a file, which is made if it is not there. @throws InputError, ToolError */
export async function ensureIdentity(path: string): Promise<{ readonly publicKey: string; readonly isNew: boolean }> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const isNew = statSync(path, { throwIfNoEntry: false }) === undefined;
  if (isNew) {
    const identity = await generateX25519Identity();
    createSecret(path, `# recipient: ${await identityToRecipient(identity)}\n${identity}\n`);
  }
  const [first] = await readIdentities([path]);
  return { publicKey: await identityToRecipient(first), isNew };
}

/** Without comments. */
function linesOf(path: string): string[] {
  const text = reading(path, () => readFileSync(path, 'utf8'));
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}

/** Encrypts a file's key. @param recipients checked by readRecipients() */
export async function wrapKey(key: Uint8Array, recipients: readonly string[]): Promise<Buffer> {
  const { Encrypter } = await import('age-encryption');
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return collect(await encrypter.encrypt(streamOf(key)));
}

/**
 * Decrypts a file's key.
 *
 * @param identities checked by readIdentities()
 * @throws InputError 'encrypted' without identities, 'wrong-identity' when none of them is a recipient's
 */
export async function unwrapKey(keyPart: Uint8Array, identities: readonly string[], path: string): Promise<Uint8Array> {
  if (identities.length === 0) throw encrypted(path);
  const { Decrypter } = await import('age-encryption');
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  let key: Uint8Array | undefined;
  try {
    key = await collect(await decrypter.decrypt(streamOf(keyPart)));
  } catch {
    key = undefined; // the package does not tell other recipients from damage
  }
  if (key !== undefined && isFileKey(key)) return key;
  throw new InputError('wrong-identity', `${path}: is encrypted, but for none of the identities that were given`);
}

/** For the package. It would collect the bytes that it returns with fetch's Response, which takes 60 ms to load. */
function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
}

async function collect(stream: ReadableStream<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

/** The error without identities. */
export function encrypted(path: string): InputError {
  return new InputError(
    'encrypted',
    `${path}: is encrypted: give the file of an age identity that can read it with --identity`,
  );
}

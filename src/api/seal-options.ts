/**
 * How snapshots' files are written (compressed, encrypted, signed), and what reads them (identities, keys, policy). The
 * options of the library; the command line has the same.
 */

import { UsageError } from '../base/errors.js';
import { LEVEL_DEFAULT, LEVEL_MAX, LEVEL_MIN } from '../base/zstd.js';
import { Opener } from '../snapshot/opener.js';
import { readIdentities, readRecipients } from '../snapshot/packing/recipients.js';
import { checkSubject, type Policy, readPolicy, type Seal } from '../snapshot/trust/policy.js';
import { readPublicKeys, readSigningKey, type SigningKey } from '../snapshot/trust/signing-key.js';
import type { FileForm } from '../snapshot/writer.js';

/** How a snapshot's file is written. */
export interface FormOptions {
  /** `zstd`, or `zstd:LEVEL` with a level from 1 to 19; default: not compressed. */
  readonly compress?: string | undefined;
  /** age recipients (`age1…`), or files with one a line: only their identities can read the file. */
  readonly encryptTo?: readonly string[] | undefined;
  /** The file of an ed25519 key, which signs the snapshot. */
  readonly signKey?: string | undefined;
}

/** What snapshots are read with. */
export interface TrustOptions {
  /** Files of age identities, for encrypted snapshots. */
  readonly identities?: readonly string[] | undefined;
  /** Public keys (`ed25519:…`), or files of them. One of them must have signed the snapshot. */
  readonly verifyKeys?: readonly string[] | undefined;
  /** A policy file; default: `$XDG_CONFIG_HOME/wag-snap/policy.json`, if it is there. */
  readonly policy?: string | undefined;
}

/** What is in the files that options name. */
interface FormKeys {
  readonly recipients: readonly string[];
  readonly signingKey: SigningKey | undefined;
}

interface TrustKeys {
  readonly identities: readonly string[];
  /** Undefined: none need have signed. */
  readonly publicKeys: readonly string[] | undefined;
  readonly policy: Policy | undefined;
}

/** Options whose files have been read already. */
export interface WithKeys {
  readonly keys?: (FormKeys & TrustKeys) | undefined;
}

/**
 * Reads the files that the options name, once for all that is done with them: a pipe, as of `--sign-key <(…)`, can be
 * read only once.
 *
 * @throws UsageError, InputError, ToolError
 */
export async function readKeys<T extends FormOptions & TrustOptions & WithKeys>(options: T): Promise<T & WithKeys> {
  if (options.keys !== undefined) return options;
  return { ...options, keys: { ...(await formKeys(options)), ...(await trustKeys(options)) } };
}

async function formKeys({ encryptTo = [], signKey }: FormOptions): Promise<FormKeys> {
  const recipients = await readRecipients(encryptTo);
  return { recipients, signingKey: signKey === undefined ? undefined : readSigningKey(signKey) };
}

async function trustKeys({ identities = [], verifyKeys = [], policy }: TrustOptions): Promise<TrustKeys> {
  const publicKeys = verifyKeys.length === 0 ? undefined : readPublicKeys(verifyKeys);
  return { publicKeys, identities: await readIdentities(identities), policy: readPolicy(policy) };
}

/** Reads the files that the options name. @throws UsageError, InputError, ToolError */
export async function readForm(options: FormOptions & WithKeys): Promise<FileForm> {
  const { compress, keys } = options;
  const level = compress === undefined ? undefined : parseCompression(compress);
  const { recipients, signingKey } = keys ?? (await formKeys(options));
  const isPacked = level !== undefined || recipients.length > 0;
  return {
    ...(isPacked ? { packing: { level, recipients } } : {}),
    ...(signingKey === undefined ? {} : { signingKey }),
  };
}

/** @returns the level. @throws UsageError */
export function parseCompression(text: string): number {
  const [, , digits] = /^(zstd)(?::(\d{1,2}))?$/.exec(text) ?? [];
  if (!text.startsWith('zstd') || (text !== 'zstd' && digits === undefined))
    throw new UsageError(`--compress ${text}: must be zstd or zstd:LEVEL`);
  const level = digits === undefined ? LEVEL_DEFAULT : Number(digits);
  if (level < LEVEL_MIN || level > LEVEL_MAX)
    throw new UsageError(`--compress ${text}: the level must be ${LEVEL_MIN} to ${LEVEL_MAX}`);
  return level;
}

/** Reads the files that the options name. @throws UsageError, InputError, ToolError */
export async function openerFor(options: TrustOptions & WithKeys): Promise<Opener> {
  const { identities, publicKeys, policy } = options.keys ?? (await trustKeys(options));
  return new Opener(identities, { keys: publicKeys, policy });
}

/** The same for a file that is written now: the keys of `verifyKeys` have signed the ones before, not this one. */
export async function openerForNew(options: TrustOptions & WithKeys): Promise<Opener> {
  const { identities, policy } = options.keys ?? (await trustKeys(options));
  return new Opener(identities, { keys: undefined, policy });
}

/** How a snapshot is to be written into a store, and what has to be true of it there. */
export interface PlannedSeal {
  /** The age recipients; none: it is not encrypted. */
  readonly recipients: readonly string[];
  readonly seal: Seal;
  /** What opens the new file, and its parents. */
  readonly opener: Opener;
}

/**
 * Reads the files that the options name, and asks the policy whether such a snapshot could be believed.
 *
 * @param name that it gets in the store
 * @throws InputError 'untrusted'; UsageError, InputError, ToolError for options
 */
export async function planSeal(options: FormOptions & TrustOptions & WithKeys, name: string): Promise<PlannedSeal> {
  const { packing, signingKey } = await readForm(options);
  const opener = await openerForNew(options);
  const recipients = packing?.recipients ?? [];
  const seal = { signer: signingKey?.publicKey, isEncrypted: recipients.length > 0, isPlanned: true };
  checkSubject(opener.trust, seal, { stored: name, module: undefined }, name);
  return { recipients, seal, opener };
}

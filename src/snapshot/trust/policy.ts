/**
 * Which snapshots are trusted: a policy file, and the keys that a user names. A policy has rules; the first one whose
 * names and modules fit a snapshot applies. A snapshot that no rule fits is refused.
 *
 *     { "rules": [
 *         { "names": ["job", "web-*"], "signedBy": ["ed25519:…"], "encrypted": true },
 *         { "modules": ["a sha256"], "signedBy": ["ed25519:…"] },
 *         {}
 *     ] }
 */

import { readFileSync, statSync } from 'node:fs';
import * as z from 'zod';
import { InputError, reading } from '../../base/errors.js';
import { policyPath } from './policy-path.js';
import { isPublicKey } from './signing-key.js';

const POLICY_MAX = 1 << 20;

const rule = z.strictObject({
  /** Of the generation in a store, or of the workload (isNamed). A * at the end fits any rest. */
  names: z.array(z.string().min(1).max(128)).min(1).max(1000).optional(),
  /** sha256 of the program's module. */
  modules: z
    .array(z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hex digits'))
    .min(1)
    .max(1000)
    .optional(),
  /** One of these keys must have signed. */
  signedBy: z
    .array(z.string().refine(isPublicKey, 'must be ed25519:… (wag-snap keys --signing)'))
    .min(1)
    .max(1000)
    .optional(),
  encrypted: z.boolean().optional(),
});

const schema = z.strictObject({ rules: z.array(rule).min(1).max(1000) });

export type PolicyRule = z.infer<typeof rule>;

export interface Policy {
  /** For messages. */
  readonly path: string;
  readonly rules: readonly PolicyRule[];
}

export interface Trust {
  /** One of them must have signed; undefined: nobody need have. */
  readonly keys?: readonly string[] | undefined;
  readonly policy?: Policy | undefined;
}

/** What is known of a file before it is interpreted. */
export interface Seal {
  /** The public key that has signed it. */
  readonly signer: string | undefined;
  readonly isEncrypted: boolean;
  /** Whether the file is still to be written. */
  readonly isPlanned?: boolean | undefined;
}

/** What a rule is chosen by. */
export interface Subject {
  /** Its name in a store. */
  readonly stored?: string | undefined;
  /** The workload's name, which is in the file: whoever has made the file has chosen it. */
  readonly workload?: string | undefined;
  /** sha256 of the program's module; undefined: not known yet. */
  readonly module: string | undefined;
}

/** What the rule of a snapshot demands. */
export interface Demands {
  readonly mustBeSigned: boolean;
  /** Then so must the files of its ancestors. */
  readonly mustBeEncrypted: boolean;
}

/**
 * Reads a policy.
 *
 * @param path undefined: the user's own, if there is one
 * @throws InputError that names what is wrong in it; ToolError
 */
export function readPolicy(path?: string): Policy | undefined {
  const file = path ?? policyPath();
  if (file === undefined) return undefined;
  if (path === undefined && statSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  const text = reading(file, () => {
    if (statSync(file).size > POLICY_MAX) throw new InputError('policy', `${file}: is too large for a policy`);
    return readFileSync(file, 'utf8');
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InputError('policy', `${file}: is not JSON`);
  }
  const { data, error } = schema.safeParse(value);
  if (data !== undefined) return { path: file, rules: data.rules };
  const [issue] = error.issues;
  throw new InputError('policy', `${file}: ${[...issue.path.map(String), issue.message].join(': ')}`);
}

/**
 * Checks what can be checked before a file is interpreted: who has signed it.
 *
 * @throws InputError 'untrusted'
 */
export function checkSeal({ keys, policy }: Trust, seal: Seal, path: string): void {
  if (keys !== undefined) checkSigner(keys, seal, path, 'one of the keys that were given (--verify-key)');
  if (policy === undefined) return;
  if (policy.rules.every(({ signedBy }) => signedBy !== undefined)) {
    const all = policy.rules.flatMap(({ signedBy = [] }) => signedBy);
    checkSigner(all, seal, path, `a key of ${policy.path}`);
  }
  if (!seal.isEncrypted && policy.rules.every(({ encrypted }) => encrypted))
    throw notEncrypted(policy, path, seal.isPlanned);
}

/**
 * Checks the rule for a snapshot. Where its module is not known yet: that there is a rule that could let it pass.
 *
 * @throws InputError 'untrusted'
 */
export function checkSubject({ keys, policy }: Trust, seal: Seal, subject: Subject, path: string): Demands {
  const signed = { mustBeSigned: keys !== undefined, mustBeEncrypted: false };
  if (policy === undefined) return signed;
  let refusal = new InputError('untrusted', `${path}: ${policy.path} has no rule that fits it`);
  for (const one of candidates(policy, subject)) {
    try {
      checkRule(policy, one, seal, path);
      const { signedBy, encrypted = false } = one;
      return { mustBeSigned: signed.mustBeSigned || signedBy !== undefined, mustBeEncrypted: encrypted };
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      refusal = error;
    }
  }
  throw refusal;
}

/**
 * Whether a program may begin, which is no file that anybody could have signed: the first rule that fits must name its
 * module, or demand no signature.
 *
 * @param module sha256 @throws InputError 'untrusted'
 */
export function checkBeginning(policy: Policy, stored: string, module: string): void {
  const what = `the module ${module}`;
  const [one] = candidates(policy, { stored, module });
  if (one === undefined) throw new InputError('untrusted', `${what}: ${policy.path} has no rule that fits it`);
  if (one.modules !== undefined || one.signedBy === undefined) return;
  const rule = `rule ${policy.rules.indexOf(one) + 1} of ${policy.path}`;
  throw new InputError(
    'untrusted',
    `${what}: nobody has signed it, and ${rule} demands it, or to have it in "modules"`,
  );
}

/** The first rule that fits; before it, those that would be the first one for some module, if it is not known. */
function candidates({ rules }: Policy, subject: Subject): PolicyRule[] {
  const named = rules.filter((one) => isNamed(one, subject));
  const { module } = subject;
  if (module !== undefined) return named.filter(({ modules }) => modules?.includes(module) ?? true).slice(0, 1);
  const last = named.findIndex(({ modules }) => modules === undefined);
  return last < 0 ? named : named.slice(0, last + 1);
}

/**
 * A file in a store has the name that its user gave it. Of other files the workload's name counts, but only where a key
 * vouches for it: otherwise a file could choose the rule that asks for least.
 */
function isNamed({ names, signedBy }: PolicyRule, { stored, workload }: Subject): boolean {
  if (names === undefined) return true;
  const name = stored ?? (signedBy === undefined ? undefined : workload);
  return name !== undefined && names.some((pattern) => isLike(name, pattern));
}

function checkRule(policy: Policy, one: PolicyRule, seal: Seal, path: string): void {
  const { signedBy, encrypted } = one;
  const rule = `rule ${policy.rules.indexOf(one) + 1} of ${policy.path}`;
  if (signedBy !== undefined) checkSigner(signedBy, seal, path, `a key of ${rule}`);
  if (encrypted && !seal.isEncrypted) throw notEncrypted(policy, path, seal.isPlanned);
}

function isLike(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function checkSigner(keys: readonly string[], { signer, isPlanned }: Seal, path: string, whose: string): void {
  if (signer !== undefined && keys.includes(signer)) return;
  const be = isPlanned ? 'would be' : 'is';
  const is = signer === undefined ? (isPlanned ? 'would not be signed' : 'is not signed') : `${be} signed by ${signer}`;
  const hint = isPlanned ? ' (--sign-key)' : '';
  throw new InputError('untrusted', `${path}: ${is}, and must be signed by ${whose}${hint}`);
}

/** @param path of the file that is not encrypted */
export function notEncrypted({ path: policy }: Policy, path: string, isPlanned = false): InputError {
  const is = isPlanned ? 'would not be encrypted' : 'is not encrypted';
  const hint = isPlanned ? ' (--encrypt-to)' : '';
  return new InputError('untrusted', `${path}: ${is}, and ${policy} demands it${hint}`);
}

/** The name by which other hosts know a host: the SHA-256 of its public key, written as OpenSSH writes fingerprints. */

import { createHash, type X509Certificate } from 'node:crypto';

const FORM = /^SHA256:[A-Za-z0-9+/]{43}$/;

/** `SHA256:` and base64 without padding. */
export function fingerprintOf({ publicKey }: X509Certificate): string {
  const key = publicKey.export({ type: 'spki', format: 'der' });
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

export function isFingerprint(text: string): boolean {
  return FORM.test(text);
}

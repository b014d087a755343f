/** Options of everything that speaks with a registry. */

import { readFileSync, statSync } from 'node:fs';
import { InputError, reading } from '../base/errors.js';
import type { RegistryClient } from '../transport/registry/client.js';
import type { RegistryReference } from '../transport/registry/reference.js';
import type { SignalOption } from './common-options.js';

export interface RegistryOptions extends SignalOption {
  /** http to any host; default: only to this machine, if it does not speak https. */
  readonly plainHttp?: boolean | undefined;
  /** A file of certificates in PEM. They are trusted besides the usual ones. */
  readonly ca?: string | undefined;
}

const CA_MAX = 16 << 20;
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/;

/** Opens a repository. The caller closes it. @throws InputError, ToolError */
export async function openRepository(
  reference: RegistryReference,
  access: 'pull' | 'push',
  { plainHttp, ca, signal }: RegistryOptions,
): Promise<RegistryClient> {
  const { RegistryClient } = await import('../transport/registry/client.js');
  const certificates = ca === undefined ? undefined : await readCertificates(ca);
  return new RegistryClient(reference, { access, plainHttp, ca: certificates, signal });
}

async function readCertificates(path: string): Promise<string[]> {
  const text = reading(path, () => {
    if (!statSync(path).isFile() || statSync(path).size > CA_MAX) {
      throw new InputError('certificate', `${path}: is no file of certificates`);
    }
    return readFileSync(path, 'utf8');
  });
  if (!CERTIFICATE.test(text)) throw new InputError('certificate', `${path}: has no certificate in PEM`);
  const { rootCertificates } = await import('node:tls');
  return [...rootCertificates, text];
}

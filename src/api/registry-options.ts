/** Options of everything that speaks with a registry. */

import type { RegistryClient } from '../transport/registry/client.js';
import type { RegistryReference } from '../transport/registry/reference.js';
import type { SignalOption } from './common-options.js';

export interface RegistryOptions extends SignalOption {
  /** http to any host; default: only to this machine, if it does not speak https. */
  readonly plainHttp?: boolean | undefined;
  /** A file of certificates in PEM. They are trusted besides the usual ones. */
  readonly ca?: string | undefined;
}

/** Opens a repository. The caller closes it. @throws InputError, ToolError */
export async function openRepository(
  reference: RegistryReference,
  access: 'pull' | 'push',
  { plainHttp, ca, signal }: RegistryOptions,
): Promise<RegistryClient> {
  const [{ RegistryClient }, { findCertificates, readCertificates }] = await Promise.all([
    import('../transport/registry/client.js'),
    import('../transport/registry/certificates.js'),
  ]);
  const { ca: known, cert, key } = findCertificates(reference.host);
  const more = [...known, ...(ca === undefined ? [] : [readCertificates(ca)])];
  const { rootCertificates } = await import('node:tls');
  const trusted = more.length === 0 ? {} : { ca: [...rootCertificates, ...more] };
  return new RegistryClient(reference, { access, plainHttp, certificates: { ...trusted, cert, key }, signal });
}

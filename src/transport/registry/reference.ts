/**
 * Names of snapshots in a registry: oci://HOST[:PORT]/REPOSITORY[:TAG], or @sha256:HEX in place of the tag.
 *
 * OCI Distribution Specification 1.1, "Pulling manifests", has the rules for repositories and tags.
 */

import { isIP } from 'node:net';
import { InputError } from '../../base/errors.js';
import { quoted } from '../../base/terminal-text.js';

const SCHEME = 'oci://';
export const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const REPOSITORY_MAX = 255;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
export const DIGEST = /^sha256:[0-9a-f]{64}$/;
const HOST = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}))(?::(\d{1,5}))?$/;

export interface RegistryReference {
  /** HOST or HOST:PORT; an IPv6 address is in brackets. */
  readonly host: string;
  readonly repository: string;
  /** At most one of tag and digest is there. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Whether a text means a registry, and not a file or a name in a store. */
export function isRegistryReference(text: string): boolean {
  return text.startsWith(SCHEME);
}

/** @throws InputError 'reference' */
export function parseRegistryReference(text: string): RegistryReference {
  const rest = text.startsWith(SCHEME) ? text.slice(SCHEME.length) : '';
  const slash = rest.indexOf('/');
  const host = rest.slice(0, Math.max(slash, 0));
  // such a text is not quoted, as it may be a password
  if (host.includes('@') || /^[^/]*@[^/]*\//.test(rest)) {
    throw new InputError(
      'reference',
      'the name of a registry has no user and no password in it: docker login or podman login keeps them',
    );
  }
  const [, path = '', tag, digest] = /^([^:@]*)(?::([^@]*))?(?:@(.*))?$/.exec(rest.slice(slash + 1)) ?? [];
  const port = HOST.exec(host)?.[1];
  const isHost = HOST.test(host) && (port === undefined || (Number(port) > 0 && Number(port) < 65536));
  const isAddress = !host.startsWith('[') || isIP(host.slice(1, host.indexOf(']'))) === 6;
  const isPath = path.length <= REPOSITORY_MAX && REPOSITORY.test(path);
  if (isHost && isAddress && isPath && (tag === undefined || TAG.test(tag))) {
    if (digest === undefined) return { host, repository: path, tag, digest };
    if (DIGEST.test(digest) && tag === undefined) return { host, repository: path, tag, digest };
  }
  throw new InputError(
    'reference',
    `${quoted(text)} is no name in a registry: expected oci://HOST[:PORT]/REPOSITORY[:TAG], or @sha256:HEX in place of :TAG; the repository in small letters`,
  );
}

/** The whole name, for messages and results. */
export function registryText({ host, repository, tag, digest }: RegistryReference): string {
  const version = digest === undefined ? (tag === undefined ? '' : `:${tag}`) : `@${digest}`;
  return `${SCHEME}${host}/${repository}${version}`;
}

/** Whether a host is this machine, so that nobody listens between. @param host with or without a port */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '').toLowerCase();
  if (name === 'localhost' || name.endsWith('.localhost') || name === '[::1]') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

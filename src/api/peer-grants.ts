/**
 * What a peer may name on this host: directories by the receiver's names for them, and addresses. Without such grants
 * the peer names paths of this host directly. It could do the same with the shell that started the receiver.
 */

import { isAbsolute } from 'node:path';
import { InputError, UsageError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import type { Hello } from '../transport/messages.js';
import { parseListen } from './listen.js';
import type { GrantOptions } from './restore-grants.js';

export interface PeerGrants {
  /** Directories of this host, with the names that the other side uses. */
  readonly dirs: readonly NamedDirectory[];
  /** `HOST:PORT`, `HOST:*` (any port), `unix:PATH`: addresses at which programs may accept connections. */
  readonly listen: readonly string[];
}

export interface NamedDirectory {
  readonly host: string;
  readonly name: string;
  /** Whether programs may only read there. Default: false. */
  readonly readOnly?: boolean | undefined;
}

/** Replaces names by this host's directories. @throws InputError that lists everything that the peer may not have */
export async function grantsOf(hello: Hello, grants: PeerGrants | undefined): Promise<GrantOptions> {
  const { dirs, listen, fds, sameDirs } = hello;
  if (grants === undefined) {
    for (const { host } of dirs) {
      if (isAbsolute(host)) continue;
      throw new UsageError(`--dir ${quoted(host)}: the receiver gives no directory this name (receive --dir)`);
    }
    return { dirs, listen, fds: new Map(fds), sameDirs };
  }
  const problems: string[] = [];
  const given = dirs.flatMap(({ host, guest, readOnly }) => {
    const found = grants.dirs.find(({ name }) => name === host);
    if (found !== undefined) return [{ host: found.host, guest, readOnly: readOnly || found.readOnly }];
    const names = grants.dirs.map(({ name }) => quoted(name)).join(', ');
    problems.push(`--dir ${quoted(host)}: the receiver gives no directory this name; it gives ${names || 'none'}`);
    return [];
  });
  const addresses = await Promise.all(listen.map((text) => parseListen(text)));
  for (const address of addresses) {
    if (grants.listen.some((pattern) => isWithin(address, pattern))) continue;
    const allowed = grants.listen.map(quoted).join(', ');
    problems.push(`--listen ${quoted(address)}: the receiver does not allow it; it allows ${allowed || 'no address'}`);
  }
  for (const [fd, policy] of fds) {
    if (typeof policy !== 'object') continue;
    problems.push(`--fd ${fd}=${quoted(policy.path)}: the receiver opens no paths that the source sends`);
  }
  if (sameDirs) problems.push('--same-dirs: the receiver gives directories by name only');
  if (hello.outputDir !== null) problems.push('--output-dir: the receiver says where programs print to');
  if (problems.length === 0) return { dirs: given, listen: addresses, fds: new Map(fds), sameDirs: false };
  throw new InputError(
    'not-granted',
    'the receiver does not allow it:',
    problems.map((line) => `  ${line}`),
  );
}

/** @param address and pattern as parseListen() returns them; the pattern may end in `:*` */
function isWithin(address: string, pattern: string): boolean {
  if (!pattern.endsWith(':*')) return address === pattern;
  return !address.startsWith('unix:') && address.replace(/\d+$/, '*') === pattern;
}

/** Looks up host names. @throws UsageError, ToolError 'lookup' */
export async function parseListenGrant(text: string): Promise<string> {
  if (!text.endsWith(':*') || text.startsWith('unix:')) return parseListen(text);
  return (await parseListen(text.replace(/\*$/, '0'))).replace(/0$/, '*');
}

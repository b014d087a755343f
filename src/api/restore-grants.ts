/**
 * What a restorer grants for a snapshot's descriptors: directories, addresses, and policies for single descriptors. A
 * grant for something that the snapshot does not have is an error, as it must be a mistake.
 */

import { resolve } from 'node:path';
import { UsageError } from '../base/errors.js';
import { type FdPolicy, type Grants, RestoreProblems } from '../restore/grants.js';
import { descriptorLine } from '../snapshot/descriptor-line.js';
import type { Descriptor } from '../snapshot/host.js';
import type { StoredSnapshot } from '../snapshot/snapshot.js';
import { checkPolicyForm } from './fd-policy.js';
import { parseListen } from './listen.js';
import { checkDirectory, type Directory } from './process-options.js';

export type { FdPolicy, Grants };
export { RestoreProblems };

export interface GrantOptions {
  /** Where the program's directories are now. */
  readonly dirs?: readonly Directory[] | undefined;
  /** Addresses for its listeners, in the order of their descriptors: as ProcessOptions.listen. */
  readonly listen?: readonly string[] | undefined;
  /** What happens to its descriptors, by their numbers. */
  readonly fds?: ReadonlyMap<number, FdPolicy> | undefined;
  /**
   * Whether directories that are not in `dirs`, and listeners that are not in `listen`, stay as captured. Only for
   * trusted snapshots.
   */
  readonly sameDirs?: boolean | undefined;
}

export interface ListenerOption {
  /** Whether the program may have closed its listeners since it was given their addresses. */
  readonly mayHaveClosed?: boolean | undefined;
}

const NOT_A_FILE: Partial<Record<Descriptor['kind'], string>> = {
  directory: 'it is a directory below a --dir',
  listener: 'it is a listener: --listen gives it an address',
  socket: 'it is a connection',
};

/** Looks up names of hosts. @throws UsageError, ToolError 'lookup' */
export async function grantsFor({ snapshot }: StoredSnapshot, options: GrantOptions & ListenerOption): Promise<Grants> {
  const { descriptors } = snapshot.host;
  const { dirs = [], fds = [], sameDirs = false, mayHaveClosed = false } = options;
  const directories = dirs.map(checkDirectory);
  checkDirectories(descriptors, directories);
  const policies = new Map<number, FdPolicy>();
  for (const [fd, policy] of fds) policies.set(fd, checkPolicy(fd, policy, descriptors));
  const isGone = (fd: number) => policies.get(fd) === 'close' || policies.get(fd) === 'ignore';
  const count = descriptors.filter(({ kind, fd }) => kind === 'listener' && !isGone(fd)).length;
  const listen = mayHaveClosed && count === 0 ? [] : (options.listen ?? []);
  if (listen.length > count) throw new UsageError(`--listen: the program accepts connections at ${count} addresses`);
  return {
    directories,
    listeners: await Promise.all(listen.map(parseListen)),
    policies,
    recordedDirectories: sameDirs,
  };
}

function checkDirectories(descriptors: readonly Descriptor[], directories: readonly Directory[]): void {
  const names = descriptors
    .filter(({ kind }) => kind === 'preopen')
    .map(({ guestName }) => Buffer.from(guestName).toString());
  for (const { guest } of directories) {
    if (names.includes(guest)) continue;
    throw new UsageError(`--dir: the snapshot has no directory ${guest}; it has: ${names.join(', ') || 'none'}`);
  }
}

/** Makes the path absolute. @throws UsageError that lists the snapshot's descriptors */
export function checkPolicy(fd: number, policy: FdPolicy, descriptors: readonly Descriptor[]): FdPolicy {
  checkPolicyForm(fd, policy);
  const text = `${fd}=${typeof policy === 'object' ? policy.path : policy}`;
  const descriptor = descriptors.find((candidate) => candidate.fd === fd);
  if (descriptor === undefined) {
    const list = descriptors.map((candidate) => `  ${descriptorLine(candidate)}`);
    const has = list.length > 0 ? 'it has:' : 'it has none';
    throw new UsageError(`--fd ${text}: the program has no descriptor ${fd}; ${has}`, list);
  }
  if (typeof policy !== 'object') return policy;
  const reason = NOT_A_FILE[descriptor.kind];
  if (reason === undefined) return { path: resolve(policy.path) };
  throw new UsageError(`--fd ${text}: a path cannot stand for descriptor ${fd}: ${reason}`);
}

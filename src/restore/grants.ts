/**
 * Resolves each descriptor of a snapshot from the restorer's options (`--dir`, `--listen`, `--fd`, `--same-dirs`), and
 * finds what the options leave open.
 *
 * A snapshot cannot choose what it may access. Each preopened directory is granted. Files and directories are opened
 * only below one, as a guest would open them. Addresses and host paths are granted, or trusted by an option. Touches no
 * file: check-host.ts does.
 */

import { InputError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { HS_FD_CAPACITY } from '../image/contract/host-state.js';
import type { Descriptor } from '../snapshot/host.js';

/** A host directory that the guest is given. */
export interface Directory {
  /** Absolute path. */
  readonly host: string;
  /** The name by which the guest knows it. */
  readonly guest: string;
  /** Whether the guest may only read there. Default: false. */
  readonly readOnly?: boolean | undefined;
}

/**
 * `--fd N=...`: `reopen` opens it again however it has changed; `ignore` replaces it by a bit bucket; `close` leaves it
 * closed; `fail` refuses when it cannot be what it was; an absolute path replaces it by a file of the host.
 */
export type FdPolicy = 'reopen' | 'ignore' | 'close' | 'fail' | { readonly path: string };

export interface Grants {
  readonly directories?: readonly Directory[] | undefined;
  /**
   * Whether preopens, listeners and host paths without a grant stay what the snapshot names. Only for trusted
   * snapshots.
   */
  readonly recordedDirectories?: boolean | undefined;
  /** Addresses for its listeners, in the order of their descriptors: lines of WAGSNAP_LISTEN. */
  readonly listeners?: readonly string[] | undefined;
  /** Policies by guest descriptor. */
  readonly policies?: ReadonlyMap<number, FdPolicy> | undefined;
  /** How many processes are to have them, when there may be more than one. */
  readonly clones?: number | undefined;
}

/** Why a descriptor cannot be restored. */
export interface Problem {
  readonly fd: number;
  /** `file "a" below "/d" (/host/a): no such file` */
  readonly what: string;
  /** The options that solve it. */
  readonly mend: string;
  /** Arguments that give the descriptor what it had, if those are all that is missing. */
  readonly recorded?: readonly string[];
}

/** Everything that is wrong, in one message. */
export class RestoreProblems extends InputError {
  constructor(
    path: string,
    readonly problems: readonly Problem[],
  ) {
    const lines = problems.map(({ fd, what, mend }) => `  descriptor ${fd}, ${what} [${mend}]`);
    super('host-state', `${path}: cannot be restored here; nothing was run or written:`, lines);
  }
}

/** Not granted for a bit bucket: a program must not change the times of /dev/null. */
const RIGHT_FD_FILESTAT_SET_TIMES = 1n << 23n;
/** Descriptor.openFlags, Descriptor.flags. */
const OPEN_WRITE = 2;
const FDFLAGS_APPEND = 1;
const EMPTY = new Uint8Array(0);
/** For a file or directory that had no name: open whatever has its name now. */
const BY_NAME = { contents: undefined, nameless: undefined };
/** For a descriptor that is not opened. */
const NO_FILE = { identity: undefined, ...BY_NAME };

/** Resolves all descriptors; those with problems are left unchanged. */
export function grantDescriptors(
  recorded: readonly Descriptor[],
  grants: Grants,
): { descriptors: Descriptor[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const policyOf = (fd: number) => grants.policies?.get(fd);
  const kept: Descriptor[] = [];
  for (const descriptor of recorded) {
    const policy = policyOf(descriptor.fd);
    if (policy === 'close') continue;
    if (policy === 'ignore' || (descriptor.kind === 'null' && typeof policy !== 'object'))
      kept.push(ignored(descriptor));
    else if (typeof policy === 'object') kept.push(replaced(descriptor, policy.path));
    else if (policy === 'reopen' && descriptor.kind !== 'stdio') kept.push({ ...descriptor, ...BY_NAME });
    // NOTE: a standard stream's path must come from the restorer; a path in the snapshot must not be opened
    else kept.push(descriptor.kind === 'stdio' ? { ...descriptor, hostPath: EMPTY } : descriptor);
  }
  const lines = [...(grants.listeners ?? [])];
  const descriptors = keepPreopens(recorded, kept).map((descriptor) => {
    const policy = policyOf(descriptor.fd);
    if ((grants.clones ?? 1) > 1 && refuseSharing(descriptor, policy, problems)) return descriptor;
    const granted = grant(descriptor, grants, lines, problems);
    if (descriptor.nameless) refuseNameless(descriptor, problems);
    if (policy === 'fail') refuseChange(descriptor, granted, problems);
    return granted;
  });
  return { descriptors, problems };
}

/** @throws InputError when a path cannot replace this kind of descriptor */
function replaced(descriptor: Descriptor, path: string): Descriptor {
  const hostPath = Buffer.from(path);
  switch (descriptor.kind) {
    case 'stdio':
    case 'preopen':
      return { ...descriptor, hostPath };
    case 'file':
    case 'given':
    case 'null':
      return { ...descriptor, ...NO_FILE, kind: 'given', path: EMPTY, preopen: 0, hostPath };
    default:
      throw new InputError('fd', `descriptor ${descriptor.fd} is not a file, so a path cannot replace it`);
  }
}

function ignored(descriptor: Descriptor): Descriptor {
  if (descriptor.kind === 'stdio') return { ...descriptor, hostPath: Buffer.from('/dev/null') };
  return {
    ...descriptor,
    kind: 'null',
    path: EMPTY,
    preopen: 0,
    guestName: EMPTY,
    hostPath: EMPTY,
    readOnly: false,
    rights: descriptor.rights & ~RIGHT_FD_FILESTAT_SET_TIMES,
    offset: 0n,
    cookie: 0n,
    facts: undefined,
    ...NO_FILE,
  };
}

/**
 * A preopen that is closed while files below it stay open is kept without rights, as when the program closes it
 * (runtime/descriptors/closing.ts).
 */
function keepPreopens(recorded: readonly Descriptor[], kept: readonly Descriptor[]): Descriptor[] {
  const result = [...kept];
  const there = new Map(kept.map((descriptor) => [descriptor.fd, descriptor]));
  const moved = new Map<number, number>();
  for (const preopen of recorded) {
    if (preopen.kind !== 'preopen' || there.get(preopen.fd)?.kind === 'preopen') continue;
    if (!kept.some((descriptor) => isBelow(descriptor, preopen.fd))) continue;
    let fd = preopen.fd;
    if (there.has(fd)) for (fd = 3; there.has(fd); fd++);
    if (fd >= HS_FD_CAPACITY) throw new InputError('fd', `descriptor ${preopen.fd}: no other number is free for it`);
    const retired = { ...preopen, fd, rights: 0n, rightsInheriting: 0n };
    there.set(fd, retired);
    moved.set(preopen.fd, fd);
    result.push(retired);
  }
  return result.map((descriptor) => {
    const preopen = isBelow(descriptor) ? moved.get(descriptor.preopen) : undefined;
    return preopen === undefined ? descriptor : { ...descriptor, preopen };
  });
}

function isBelow({ kind, preopen }: Descriptor, fd = preopen): boolean {
  return (kind === 'file' || kind === 'directory') && preopen === fd;
}

/** @param lines the addresses that are not used yet */
function grant(descriptor: Descriptor, grants: Grants, lines: string[], problems: Problem[]): Descriptor {
  const { fd, kind } = descriptor;
  const trusted = grants.recordedDirectories ?? false;
  const hasPath = typeof grants.policies?.get(fd) === 'object';
  if (kind === 'preopen') {
    const name = Buffer.from(descriptor.guestName);
    const given = grants.directories?.find(({ guest }) => Buffer.from(guest).equals(name));
    if (hasPath || (trusted && !given)) return descriptor;
    if (given) return { ...descriptor, hostPath: Buffer.from(given.host), readOnly: given.readOnly ?? false };
    const recorded = `${text(descriptor.hostPath)}::${text(name)}${descriptor.readOnly ? ':ro' : ''}`;
    problems.push({
      fd,
      what: `directory ${quote(name)}: no directory was given for it (it was ${quote(descriptor.hostPath)})`,
      mend: `--dir HOST::${text(name)}, --same-dirs`,
      recorded: ['--dir', recorded],
    });
  } else if (kind === 'listener') {
    const line = lines.shift();
    if (line !== undefined) return { ...descriptor, path: Buffer.from(line) };
    const address = text(descriptor.path);
    const inherited = address.startsWith('fd:');
    if (trusted && !inherited) return descriptor;
    problems.push({
      fd,
      what: `listener: no address was given for it (it was ${quote(descriptor.path)})`,
      mend: `--listen HOST:PORT, --listen unix:PATH, ${inherited ? '' : '--same-dirs, '}--fd ${fd}=close`,
      ...(inherited ? {} : { recorded: ['--listen', address] }),
    });
  } else if (kind === 'given' && !hasPath && !trusted && descriptor.contents === undefined) {
    problems.push({
      fd,
      what: `file ${quote(descriptor.hostPath)}: no file was given for it (an earlier restore gave it this one)`,
      mend: `--fd ${fd}=PATH|ignore|close, --same-dirs`,
      recorded: ['--fd', `${fd}=${text(descriptor.hostPath)}`],
    });
  }
  return descriptor;
}

/** What has the file's name now, if anything, is another file. */
function refuseNameless({ fd, kind, path, hostPath, facts }: Descriptor, problems: Problem[]): void {
  const what = kind === 'directory' ? kind : (facts?.type ?? 'file');
  const name = quote(kind === 'given' ? hostPath : path);
  const mend = `--fd ${fd}=reopen|ignore|close`;
  problems.push({ fd, what: `${what} ${name}: it had been removed when the program was captured`, mend });
}

/** What only one of several clones can have. What `--fd` says of a file is done for each of them. @returns whether it is */
function refuseSharing(descriptor: Descriptor, policy: FdPolicy | undefined, problems: Problem[]): boolean {
  const { fd, kind, path, hostPath, openFlags, flags, contents } = descriptor;
  if (kind === 'listener') {
    const mend = `--fd ${fd}=close|ignore`;
    problems.push({ fd, what: `listener at ${quote(path)}: only one of several clones can have the address`, mend });
    return true;
  }
  const isFile = kind === 'file' || kind === 'given';
  const isWritten = (openFlags & OPEN_WRITE) !== 0 && (flags & FDFLAGS_APPEND) === 0;
  if (!isFile || !isWritten || contents !== undefined || policy !== undefined) return false;
  const what = `file ${quote(kind === 'given' ? hostPath : path)}: several clones would write over what the others write`;
  problems.push({ fd, what, mend: `--fd ${fd}=ignore|close|PATH, or reopen if they may` });
  return true;
}

/**
 * `--fd N=fail`: refuses descriptors that can never be what they were, or not with these grants. check-host.ts refuses
 * files.
 */
function refuseChange(before: Descriptor, after: Descriptor, problems: Problem[]): void {
  const { fd, kind } = before;
  const refuse = (what: string) => problems.push({ fd, what, mend: `without --fd ${fd}=fail` });
  if (kind === 'stdio') refuse('standard stream: it cannot be the one that it was');
  else if (kind === 'socket') refuse('connection: it can only be restored as reset by its peer');
  else if (kind === 'preopen' && (!same(before.hostPath, after.hostPath) || before.readOnly !== after.readOnly)) {
    const was = `${quote(before.hostPath)}${before.readOnly ? ' (read-only)' : ''}`;
    refuse(`directory ${quote(before.guestName)}: it is another directory than before: it was ${was}`);
  } else if (kind === 'listener' && !same(before.path, after.path)) {
    refuse(`listener: it has another address than before: it was ${quote(before.path)}`);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(Buffer.from(b));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** A name for messages. */
export function quote(bytes: Uint8Array): string {
  return quoted(text(bytes));
}

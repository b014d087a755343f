/**
 * What becomes of a snapshot's descriptors: each as it is to be opened, by what whoever restores gives and says
 * (`--dir`, `--listen`, `--fd`, `--same-dirs`), and what is missing from that.
 *
 * A snapshot cannot choose what it may touch: each directory is one that it is given, a file or directory is only ever
 * opened below one, the way a guest would, and addresses and host paths are given or trusted likewise. Looks at no
 * file: check-host.ts does.
 */

import { InputError } from '../base/errors.js';
import { quoted } from '../base/terminal-text.js';
import { HS_FD_CAPACITY } from '../image/contract/host-state.js';
import type { Descriptor } from '../snapshot/host.js';

/** A host directory given to the guest. */
export interface Directory {
  /** Absolute path. */
  readonly host: string;
  /** The name that the guest knows it by. */
  readonly guest: string;
  readonly readOnly: boolean;
}

/**
 * `--fd N=...`: open it again (the default, but said: however it has changed), a bit bucket instead, not open any more,
 * refuse when it cannot be what it was, or a file of the host (an absolute path) instead.
 */
export type FdPolicy = 'reopen' | 'ignore' | 'close' | 'fail' | { readonly path: string };

export interface Grants {
  readonly directories?: readonly Directory[] | undefined;
  /**
   * Preopens, listeners and host paths that were not given are what the snapshot names: only for snapshots that are
   * trusted.
   */
  readonly recordedDirectories?: boolean | undefined;
  /** Addresses of its listeners, in the order of their descriptors: lines of WAGSNAP_LISTEN. */
  readonly listeners?: readonly string[] | undefined;
  /** By guest descriptor. */
  readonly policies?: ReadonlyMap<number, FdPolicy> | undefined;
}

/** Why a descriptor cannot be restored. */
export interface Problem {
  readonly fd: number;
  /** `file "a" below "/d" (/host/a): no such file` */
  readonly what: string;
  /** The options that mend it. */
  readonly mend: string;
  /** Arguments that give it what it had, where that is all that is missing. */
  readonly recorded?: readonly string[];
}

/** All that is wrong, in one message. */
export class RestoreProblems extends InputError {
  constructor(
    path: string,
    readonly problems: readonly Problem[],
  ) {
    const lines = problems.map(({ fd, what, mend }) => `  descriptor ${fd}, ${what} [${mend}]`);
    super('host-state', `${path}: cannot be restored here; nothing was run or written:`, lines);
  }
}

/** What a process may do to a file's times it may not do to /dev/null's. */
const RIGHT_FD_FILESTAT_SET_TIMES = 1n << 23n;
const EMPTY = new Uint8Array(0);
/** Of a file or directory that had no name: whatever has its name now, all the same. */
const BY_NAME = { contents: undefined, nameless: undefined };
/** Of one that is not to be opened. */
const NO_FILE = { identity: undefined, ...BY_NAME };

/** The descriptors as they are to be opened; those with problems are left as they were. */
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
    // NOTE: a path of a standard stream is only ever one that was given; a snapshot's own must not be opened
    else kept.push(descriptor.kind === 'stdio' ? { ...descriptor, hostPath: EMPTY } : descriptor);
  }
  const lines = [...(grants.listeners ?? [])];
  const descriptors = keepPreopens(recorded, kept).map((descriptor) => {
    const granted = grant(descriptor, grants, lines, problems);
    if (descriptor.nameless) refuseNameless(descriptor, problems);
    if (policyOf(descriptor.fd) === 'fail') refuseChange(descriptor, granted, problems);
    return granted;
  });
  return { descriptors, problems };
}

/** @throws InputError for a kind that no path can stand for */
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
      throw new InputError('fd', `descriptor ${descriptor.fd} is no file: a path cannot stand for it`);
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
 * A preopen that is gone while files below it stay is kept without rights, as when the program closes it
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

/** @param lines addresses that are left */
function grant(descriptor: Descriptor, grants: Grants, lines: string[], problems: Problem[]): Descriptor {
  const { fd, kind } = descriptor;
  const trusted = grants.recordedDirectories ?? false;
  const hasPath = typeof grants.policies?.get(fd) === 'object';
  if (kind === 'preopen') {
    const name = Buffer.from(descriptor.guestName);
    const given = grants.directories?.find(({ guest }) => Buffer.from(guest).equals(name));
    if (hasPath || (trusted && !given)) return descriptor;
    if (given) return { ...descriptor, hostPath: Buffer.from(given.host), readOnly: given.readOnly };
    const recorded = `${text(descriptor.hostPath)}::${text(name)}${descriptor.readOnly ? ':ro' : ''}`;
    problems.push({
      fd,
      what: `directory ${quote(name)}: it was not given one (it was ${quote(descriptor.hostPath)})`,
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
      what: `listener: it was not given an address (it was ${quote(descriptor.path)})`,
      mend: `--listen HOST:PORT, --listen unix:PATH, ${inherited ? '' : '--same-dirs, '}--fd ${fd}=close`,
      ...(inherited ? {} : { recorded: ['--listen', address] }),
    });
  } else if (kind === 'given' && !hasPath && !trusted && descriptor.contents === undefined) {
    problems.push({
      fd,
      what: `file ${quote(descriptor.hostPath)}: it was not given one (a restore had given it this)`,
      mend: `--fd ${fd}=PATH|ignore|close, --same-dirs`,
      recorded: ['--fd', `${fd}=${text(descriptor.hostPath)}`],
    });
  }
  return descriptor;
}

/** Whatever has its name now, if anything has, is another one. */
function refuseNameless({ fd, kind, path, hostPath, facts }: Descriptor, problems: Problem[]): void {
  const what = kind === 'directory' ? kind : (facts?.type ?? 'file');
  const name = quote(kind === 'given' ? hostPath : path);
  const mend = `--fd ${fd}=reopen|ignore|close`;
  problems.push({ fd, what: `${what} ${name}: it had no name any more when it was captured`, mend });
}

/** `--fd N=fail`: what is never, or not with these grants, as it was. Of files check-host.ts knows more. */
function refuseChange(before: Descriptor, after: Descriptor, problems: Problem[]): void {
  const { fd, kind } = before;
  const refuse = (what: string) => problems.push({ fd, what, mend: `without --fd ${fd}=fail` });
  if (kind === 'stdio') refuse('standard stream: it is not the one that it was');
  else if (kind === 'socket') refuse('connection: it cannot be restored but as reset by its peer');
  else if (kind === 'preopen' && (!same(before.hostPath, after.hostPath) || before.readOnly !== after.readOnly)) {
    const was = `${quote(before.hostPath)}${before.readOnly ? ' (read-only)' : ''}`;
    refuse(`directory ${quote(before.guestName)}: it is not the one that it was, ${was}`);
  } else if (kind === 'listener' && !same(before.path, after.path)) {
    refuse(`listener: it is not at the address that it was, ${quote(before.path)}`);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.from(a).equals(Buffer.from(b));
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** For messages. */
export function quote(bytes: Uint8Array): string {
  return quoted(text(bytes));
}

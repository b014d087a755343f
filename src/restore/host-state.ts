/**
 * The host part of a snapshot as the host layer keeps it: a block of descriptors and paths (runtime/layout.ts HS_*, FD_*).
 *
 * A snapshot cannot choose what it may touch: each preopened directory is one that whoever restores gives it, and a file
 * or directory is only ever opened below one, the way a guest would. Native descriptors are not in here: start opens
 * everything. The block is cut behind the last path.
 */

import { InputError } from '../errors.js';
import {
  FD_COOKIE,
  FD_FLAGS,
  FD_HOST_PATH_LENGTH,
  FD_KIND,
  FD_NATIVE,
  FD_OFFSET,
  FD_OPEN_FLAGS,
  FD_PATH_LENGTH,
  FD_PREOPEN,
  FD_READ_ONLY,
  FD_RIGHTS,
  FD_RIGHTS_INHERITING,
  FD_SIZE,
  FDK_DIRECTORY,
  FDK_FILE,
  FDK_LISTENER,
  FDK_PREOPEN,
  FDK_SOCKET,
  FDK_STDIO,
  HOST_STATE_VERSION,
  HS_FD_CAPACITY,
  HS_FD_COUNT,
  HS_FDS,
  HS_PATH_SIZE,
  HS_PATHS,
  HS_PENDING_TIMEOUT,
  HS_VERSION,
} from '../runtime/layout.js';
import type { Descriptor, Host } from '../snapshot/snapshot.js';

/** A host directory given to the guest. */
export interface Directory {
  /** Absolute path. */
  readonly host: string;
  /** The name that the guest knows it by. */
  readonly guest: string;
  readonly readOnly: boolean;
}

const KINDS = {
  stdio: FDK_STDIO,
  preopen: FDK_PREOPEN,
  file: FDK_FILE,
  directory: FDK_DIRECTORY,
  listener: FDK_LISTENER,
  socket: FDK_SOCKET,
} as const;
const OPEN_WRITE = 2;

/**
 * Gives each preopen of a snapshot the host directory to use: that of `directories` with the same guest name, else, when
 * `recorded` says that the snapshot is trusted in this, the one it had.
 *
 * @throws InputError naming a preopen that got none
 */
export function grantDirectories(host: Host, directories: readonly Directory[], recorded: boolean): Descriptor[] {
  return host.descriptors.map((descriptor) => {
    if (descriptor.kind !== 'preopen') return descriptor;
    const name = Buffer.from(descriptor.guestName);
    const given = directories.find(({ guest }) => Buffer.from(guest).equals(name));
    if (given) return { ...descriptor, hostPath: Buffer.from(given.host), readOnly: given.readOnly };
    if (recorded) return descriptor;
    throw new InputError(
      'directory',
      `the program uses directory ${quote(name)} (it was ${quote(descriptor.hostPath)}): ` +
        `give it one with --dir HOST::${name.toString()}, or --same-dirs`,
    );
  });
}

/**
 * Gives each listener of a snapshot an address: those of `addresses` (lines of WAGSNAP_LISTEN) in the order of descriptors, then,
 * when the snapshot is trusted in this, the ones it had.
 *
 * @throws InputError naming a listener that got none
 */
export function grantListeners(
  descriptors: readonly Descriptor[],
  addresses: readonly string[],
  recorded: boolean,
): Descriptor[] {
  let next = 0;
  return descriptors.map((descriptor) => {
    if (descriptor.kind !== 'listener') return descriptor;
    if (next < addresses.length) return { ...descriptor, path: Buffer.from(addresses[next++]) };
    const address = Buffer.from(descriptor.path).toString();
    if (recorded && !address.startsWith('fd:')) return descriptor;
    throw new InputError(
      'listener',
      `the program accepts connections at descriptor ${descriptor.fd} (it was ${JSON.stringify(address)}): ` +
        'give it an address with --listen HOST:PORT or unix:PATH, or --same-dirs',
    );
  });
}

/** @throws InputError for descriptors that cannot be */
export function encodeHostState(descriptors: readonly Descriptor[]): Uint8Array {
  let count = 0;
  let size = HS_PATHS;
  for (const { fd, path, guestName, hostPath } of descriptors) {
    if (fd >= HS_FD_CAPACITY) throw fault(fd, 'is too large');
    if (path.length + guestName.length + hostPath.length > HS_PATH_SIZE) throw fault(fd, 'has too long a path');
    count = Math.max(count, fd + 1);
    size = Math.max(size, HS_PATHS + fd * HS_PATH_SIZE + path.length + guestName.length + hostPath.length);
  }
  const bytes = new Uint8Array((size + 7) & ~7);
  const view = new DataView(bytes.buffer);
  view.setUint32(HS_VERSION, HOST_STATE_VERSION, true);
  view.setUint32(HS_FD_COUNT, count, true);
  view.setBigInt64(HS_PENDING_TIMEOUT, -1n, true);
  const byFd = new Map(descriptors.map((descriptor) => [descriptor.fd, descriptor]));
  for (const descriptor of descriptors) {
    check(descriptor, byFd);
    putDescriptor(view, HS_FDS + descriptor.fd * FD_SIZE, descriptor);
    const at = HS_PATHS + descriptor.fd * HS_PATH_SIZE;
    if (descriptor.kind === 'preopen') {
      bytes.set(descriptor.guestName, at);
      bytes.set(descriptor.hostPath, at + descriptor.guestName.length);
    } else bytes.set(descriptor.path, at);
  }
  return bytes;
}

function putDescriptor(view: DataView, at: number, descriptor: Descriptor): void {
  const preopen = descriptor.kind === 'preopen';
  view.setUint32(at + FD_KIND, KINDS[descriptor.kind], true);
  view.setInt32(at + FD_NATIVE, descriptor.kind === 'stdio' ? standardStream(descriptor) : -1, true);
  view.setUint32(at + FD_FLAGS, descriptor.flags, true);
  view.setUint32(at + FD_OPEN_FLAGS, descriptor.openFlags, true);
  view.setBigUint64(at + FD_RIGHTS, descriptor.rights, true);
  view.setBigUint64(at + FD_RIGHTS_INHERITING, descriptor.rightsInheriting, true);
  view.setUint32(at + FD_PREOPEN, descriptor.preopen, true);
  view.setUint32(at + FD_PATH_LENGTH, preopen ? descriptor.guestName.length : descriptor.path.length, true);
  view.setUint32(at + FD_HOST_PATH_LENGTH, preopen ? descriptor.hostPath.length : 0, true);
  view.setUint32(at + FD_READ_ONLY, descriptor.readOnly ? 1 : 0, true);
  view.setBigUint64(at + FD_COOKIE, descriptor.cookie, true);
  view.setBigUint64(at + FD_OFFSET, descriptor.offset, true);
}

/** Early snapshots do not say which stream it is that the program has moved: it is told by its direction then. */
function standardStream({ fd, stream, openFlags }: Descriptor): number {
  if (stream !== undefined) return stream;
  return fd <= 2 ? fd : (openFlags & OPEN_WRITE) !== 0 ? 1 : 0;
}

function check(descriptor: Descriptor, byFd: ReadonlyMap<number, Descriptor>): void {
  const { fd, kind } = descriptor;
  if (kind === 'preopen' && descriptor.hostPath.length === 0) throw fault(fd, 'is a preopen without a path');
  if (kind !== 'file' && kind !== 'directory') return;
  const preopen = byFd.get(descriptor.preopen);
  if (preopen?.kind !== 'preopen') throw fault(fd, 'is below no preopen');
  if (preopen.readOnly && (descriptor.openFlags & OPEN_WRITE) !== 0) {
    throw fault(fd, `is open for writing below ${quote(preopen.guestName)}, which is read-only`);
  }
}

function quote(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString());
}

function fault(fd: number, detail: string): InputError {
  return new InputError('snapshot', `snapshot: descriptor ${fd} ${detail}`);
}

/**
 * The host part of a snapshot as the host layer keeps it: a block of descriptors and paths (runtime/layout.ts HS_*, FD_*).
 *
 * Native descriptors are not in here: start opens everything. A standard stream with a path is that file; without one, the new
 * process's own. The block is cut behind the last path.
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
  FDK_GIVEN,
  FDK_LISTENER,
  FDK_NULL,
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
import type { Descriptor } from '../snapshot/snapshot.js';
import { quote } from './grants.js';

const KINDS = {
  stdio: FDK_STDIO,
  preopen: FDK_PREOPEN,
  file: FDK_FILE,
  directory: FDK_DIRECTORY,
  listener: FDK_LISTENER,
  socket: FDK_SOCKET,
  null: FDK_NULL,
  given: FDK_GIVEN,
} as const;
const OPEN_WRITE = 2;

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
    bytes.set(nameOf(descriptor), at);
    if (descriptor.kind === 'preopen') bytes.set(descriptor.hostPath, at + descriptor.guestName.length);
  }
  return bytes;
}

/** What is first in its path area. */
function nameOf({ kind, path, guestName, hostPath }: Descriptor): Uint8Array {
  if (kind === 'preopen') return guestName;
  return kind === 'given' || kind === 'stdio' ? hostPath : path;
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
  view.setUint32(at + FD_PATH_LENGTH, nameOf(descriptor).length, true);
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
  if (kind === 'given' && descriptor.hostPath.length === 0) throw fault(fd, 'is a file without a path');
  if (kind !== 'file' && kind !== 'directory') return;
  const preopen = byFd.get(descriptor.preopen);
  if (preopen?.kind !== 'preopen') throw fault(fd, 'is below no preopen');
  if (preopen.readOnly && (descriptor.openFlags & OPEN_WRITE) !== 0) {
    throw fault(fd, `is open for writing below ${quote(preopen.guestName)}, which is read-only`);
  }
}

function fault(fd: number, detail: string): InputError {
  return new InputError('snapshot', `snapshot: descriptor ${fd} ${detail}`);
}

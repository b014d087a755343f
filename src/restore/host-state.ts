/**
 * Encodes the host part of a snapshot as the host layer's block of descriptors and paths (image/contract/host-state.ts
 * HS_*, FD_*).
 *
 * The block has no native descriptors: start opens everything. A standard stream with a path becomes that file; without
 * one, it is the new process's own. The block ends after the last path.
 */

import { InputError } from '../base/errors.js';
import {
  CALL_PENDING_HIGH,
  FD_SIZE,
  HOST_STATE_VERSION,
  HS_CALL,
  HS_FD_CAPACITY,
  HS_FD_COUNT,
  HS_FDS,
  HS_PATH_SIZE,
  HS_PATHS,
  HS_PENDING_TIMEOUT,
  HS_SESSION,
  HS_VERSION,
} from '../image/contract/host-state.js';
import { writeDescriptorRecord } from '../snapshot/descriptor-record.js';
import type { Descriptor, EmbedderState } from '../snapshot/host.js';
import { quote } from './grants.js';

const OPEN_WRITE = 2;

/** @throws InputError for invalid descriptors */
export function encodeHostState(descriptors: readonly Descriptor[], embedder?: EmbedderState): Uint8Array {
  let count = 0;
  let size = HS_PATHS;
  for (const { fd, path, guestName, hostPath } of descriptors) {
    if (fd >= HS_FD_CAPACITY) throw fault(fd, 'is too large');
    if (path.length + guestName.length + hostPath.length > HS_PATH_SIZE) throw fault(fd, 'has too long a path');
    count = Math.max(count, fd + 1);
    size = Math.max(size, HS_PATHS + fd * HS_PATH_SIZE + path.length + guestName.length + hostPath.length);
  }
  const bytes = Buffer.alloc((size + 7) & ~7);
  bytes.writeUInt32LE(HOST_STATE_VERSION, HS_VERSION);
  bytes.writeUInt32LE(count, HS_FD_COUNT);
  bytes.writeBigInt64LE(-1n, HS_PENDING_TIMEOUT);
  if (embedder !== undefined) putEmbedder(bytes, embedder);
  const byFd = new Map(descriptors.map((descriptor) => [descriptor.fd, descriptor]));
  for (const descriptor of descriptors) {
    check(descriptor, byFd);
    putDescriptor(bytes.subarray(HS_FDS + descriptor.fd * FD_SIZE), descriptor);
    const at = HS_PATHS + descriptor.fd * HS_PATH_SIZE;
    bytes.set(nameOf(descriptor), at);
    if (descriptor.kind === 'preopen') bytes.set(descriptor.hostPath, at + descriptor.guestName.length);
  }
  return bytes;
}

function putEmbedder(bytes: Buffer, { session, lastCall, isPending }: EmbedderState): void {
  bytes.writeUInt32LE(lastCall >>> 0, HS_CALL);
  bytes.writeUInt32LE((Math.floor(lastCall / 2 ** 32) | (isPending ? CALL_PENDING_HIGH : 0)) >>> 0, HS_CALL + 4);
  bytes.write(session, HS_SESSION, 'hex');
}

/** The string that comes first in the descriptor's path area. */
function nameOf({ kind, path, guestName, hostPath }: Descriptor): Uint8Array {
  if (kind === 'preopen') return guestName;
  return kind === 'given' || kind === 'stdio' ? hostPath : path;
}

function putDescriptor(entry: Buffer, descriptor: Descriptor): void {
  const native = descriptor.kind === 'stdio' ? standardStream(descriptor) : -1;
  const pathLength = nameOf(descriptor).length;
  const hostPathLength = descriptor.kind === 'preopen' ? descriptor.hostPath.length : 0;
  writeDescriptorRecord(entry, { ...descriptor, native, pathLength, hostPathLength }, descriptor.offset);
}

/** Early snapshots do not say which standard stream a moved descriptor is: then its direction tells. */
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
  if (preopen?.kind !== 'preopen') throw fault(fd, 'is not below a preopen');
  if (descriptor.contents !== undefined) return; // it is not in the directory
  if (preopen.readOnly && (descriptor.openFlags & OPEN_WRITE) !== 0) {
    throw fault(fd, `is open for writing below ${quote(preopen.guestName)}, which is read-only`);
  }
}

function fault(fd: number, detail: string): InputError {
  return new InputError('snapshot', `snapshot: descriptor ${fd} ${detail}`);
}

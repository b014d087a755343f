/**
 * Reads and writes records of the host layer's descriptor table: image/contract/host-state.ts FD_*. Captures read them,
 * restores write them. The path area of each record is handled by host-state.ts, in src/capture and src/restore.
 */

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
  FDK_DIRECTORY,
  FDK_FILE,
  FDK_GIVEN,
  FDK_LISTENER,
  FDK_NULL,
  FDK_PREOPEN,
  FDK_SOCKET,
  FDK_STDIO,
} from '../image/contract/host-state.js';
import type { Descriptor, DescriptorKind } from './host.js';

const KINDS: Readonly<Record<DescriptorKind, number>> = {
  stdio: FDK_STDIO,
  preopen: FDK_PREOPEN,
  file: FDK_FILE,
  directory: FDK_DIRECTORY,
  listener: FDK_LISTENER,
  socket: FDK_SOCKET,
  null: FDK_NULL,
  given: FDK_GIVEN,
};
const KIND_NAMES = new Map(Object.entries(KINDS).map(([name, kind]) => [kind, name as DescriptorKind]));

/** The fields of a Descriptor that the record holds, and those that only the record has. */
export type DescriptorRecord = Pick<
  Descriptor,
  'kind' | 'flags' | 'openFlags' | 'rights' | 'rightsInheriting' | 'preopen' | 'readOnly' | 'cookie'
> & {
  /** The native descriptor, -1 for none. */
  readonly native: number;
  /** Lengths in the path area: first the guest's or only path, then a preopen's host path. */
  readonly pathLength: number;
  readonly hostPathLength: number;
};

/** Undefined for a free record. */
export function readDescriptorRecord(entry: Buffer): DescriptorRecord | undefined {
  const kind = KIND_NAMES.get(entry.readUInt32LE(FD_KIND));
  if (kind === undefined) return undefined;
  return {
    kind,
    native: entry.readInt32LE(FD_NATIVE),
    flags: entry.readUInt32LE(FD_FLAGS),
    openFlags: entry.readUInt32LE(FD_OPEN_FLAGS),
    rights: entry.readBigUInt64LE(FD_RIGHTS),
    rightsInheriting: entry.readBigUInt64LE(FD_RIGHTS_INHERITING),
    preopen: entry.readUInt32LE(FD_PREOPEN),
    pathLength: entry.readUInt32LE(FD_PATH_LENGTH),
    hostPathLength: entry.readUInt32LE(FD_HOST_PATH_LENGTH),
    readOnly: entry.readUInt32LE(FD_READ_ONLY) !== 0,
    cookie: entry.readBigUInt64LE(FD_COOKIE),
  };
}

/** @param offset for a file; captures do not read it from here, as the kernel has it while the process runs */
export function writeDescriptorRecord(entry: Buffer, record: DescriptorRecord, offset: bigint): void {
  entry.writeUInt32LE(KINDS[record.kind], FD_KIND);
  entry.writeInt32LE(record.native, FD_NATIVE);
  entry.writeUInt32LE(record.flags, FD_FLAGS);
  entry.writeUInt32LE(record.openFlags, FD_OPEN_FLAGS);
  entry.writeBigUInt64LE(record.rights, FD_RIGHTS);
  entry.writeBigUInt64LE(record.rightsInheriting, FD_RIGHTS_INHERITING);
  entry.writeUInt32LE(record.preopen, FD_PREOPEN);
  entry.writeUInt32LE(record.pathLength, FD_PATH_LENGTH);
  entry.writeUInt32LE(record.hostPathLength, FD_HOST_PATH_LENGTH);
  entry.writeUInt32LE(record.readOnly ? 1 : 0, FD_READ_ONLY);
  entry.writeBigUInt64LE(record.cookie, FD_COOKIE);
  entry.writeBigUInt64LE(offset, FD_OFFSET);
}

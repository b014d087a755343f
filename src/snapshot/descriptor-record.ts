/**
 * A record of the host layer's table of descriptors, both ways: image/contract/host-state.ts FD_*. Captures read them,
 * restores write them; what stands in the path area next to each is host-state.ts's matter, here and in src/restore.
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

/** The fields of a Descriptor that have a place in the record, and those that only it has. */
export type DescriptorRecord = Pick<
  Descriptor,
  'kind' | 'flags' | 'openFlags' | 'rights' | 'rightsInheriting' | 'preopen' | 'readOnly' | 'cookie'
> & {
  /** The host's descriptor, -1 for none. */
  readonly native: number;
  /** Bytes of what is in the path area: first the guest's path or the only one, then a preopen's on the host. */
  readonly pathLength: number;
  readonly hostPathLength: number;
};

/** Undefined for one that is free. */
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

/** @param offset in a file: the kernel keeps it while the process runs, so that a capture does not read it from here */
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

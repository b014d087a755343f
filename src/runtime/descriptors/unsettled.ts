/**
 * Descriptors whose type is not known yet. What was opened only for reading may be a file or a directory. The kernel is
 * asked when something depends on the type, so a program that opens, reads and closes never pays for it. A parked
 * process has no such descriptors.
 *
 * AssemblyScript.
 */

import {
  FDK_DIRECTORY,
  FD_COOKIE,
  FD_KIND,
  FD_RIGHTS,
  FD_RIGHTS_INHERITING,
  HS_FD_COUNT,
} from '../../image/contract/host-state';
import { S_IFDIR, statDescriptor, statMode } from './linux';
import { STATE, entryAt, nativeOf, rightsOf, setFlags } from './table';

/**
 * None of WASI's: marks a descriptor that may be a directory. Its entry is a file's; FD_RIGHTS_INHERITING and, in
 * FD_COOKIE, FD_RIGHTS are a directory's.
 */
export const RIGHT_UNKNOWN: u64 = 1 << 61;

/** Makes a file of an entry that `asRights` are for if it is a directory. See RIGHT_UNKNOWN. */
export function leaveUnknown(entry: usize, asRights: u64, asInheriting: u64): void {
  store<u64>(entry, rightsOf(entry) | RIGHT_UNKNOWN, FD_RIGHTS);
  store<u64>(entry, asInheriting, FD_RIGHTS_INHERITING);
  store<u64>(entry, asRights, FD_COOKIE);
}

/** Asks the kernel what an entry is, if that is unknown. */
export function settle(entry: usize): void {
  const rights = rightsOf(entry);
  if (statDescriptor(nativeOf(entry)) >= 0 && statMode() == S_IFDIR) {
    store<u32>(entry, FDK_DIRECTORY, FD_KIND);
    store<u64>(entry, load<u64>(entry, FD_COOKIE), FD_RIGHTS);
    setFlags(entry, 0);
  } else {
    store<u64>(entry, rights & ~RIGHT_UNKNOWN, FD_RIGHTS);
    store<u64>(entry, 0, FD_RIGHTS_INHERITING);
  }
  store<u64>(entry, 0, FD_COOKIE);
}

/** Leaves nothing unknown, for a snapshot. No host call may be running. */
export function settleAll(): void {
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) if ((rightsOf(entryAt(i)) & RIGHT_UNKNOWN) != 0) settle(entryAt(i));
}

/** Removes the marks from a table that came from a snapshot: this process has not made them. */
export function clearUnknown(): void {
  const count = load<u32>(STATE, HS_FD_COUNT);
  for (let i: u32 = 0; i < count; i++) store<u64>(entryAt(i), rightsOf(entryAt(i)) & ~RIGHT_UNKNOWN, FD_RIGHTS);
}

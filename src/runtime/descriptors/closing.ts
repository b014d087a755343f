/**
 * Closing a descriptor. A preopen that is closed while files below it are open stays, without rights (retired): a
 * snapshot still needs its path. Its number is free again when the last of them is closed.
 *
 * AssemblyScript.
 */

import {
  FDK_DIRECTORY,
  FDK_FILE,
  FDK_PREOPEN,
  FDK_STDIO,
  FD_NATIVE,
  FD_RIGHTS,
  FD_RIGHTS_INHERITING,
} from '../../image/contract/host-state';
import { SYS_dup3 } from '../native/target';
import { nothing } from './dev-null';
import { call, closeNative } from './linux';
import { dropListing } from './listing';
import { freeSlot, isDirectory, isReferred, isRetired, kindOf, nativeOf, preopenOf } from './table';

/**
 * Closes an entry. Native descriptors 0, 1 and 2 become /dev/null instead: a file that the kernel gave one of these
 * numbers later would receive what is meant for the terminal.
 */
export function closeEntry(entry: usize): void {
  const kind = kindOf(entry);
  const descriptor = nativeOf(entry);
  if (isDirectory(entry)) dropListing(entry);
  if (kind == FDK_STDIO) {
    call(SYS_dup3, nothing, descriptor, 0);
  } else {
    closeNative(descriptor);
  }
  if (kind == FDK_PREOPEN && isReferred(entry)) {
    store<i32>(entry, -1, FD_NATIVE);
    store<u64>(entry, 0, FD_RIGHTS);
    store<u64>(entry, 0, FD_RIGHTS_INHERITING);
    return;
  }
  const preopen = kind == FDK_FILE || kind == FDK_DIRECTORY ? preopenOf(entry) : 0;
  freeSlot(entry);
  if (preopen != 0 && isRetired(preopen) && !isReferred(preopen)) freeSlot(preopen);
}

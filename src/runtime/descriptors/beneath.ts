/**
 * Opening paths that must not leave a directory.
 *
 * AssemblyScript. The kernel enforces this: openat2 with RESOLVE_BENEATH refuses absolute paths and links, and every
 * ".." that would lead above the directory, in the path or in a link. It holds also while somebody else renames
 * directories. Without openat2 (old kernels, qemu-user) walk.ts does the same component by component. Calls that act on
 * a name (mkdirat, unlinkat, ...) get a descriptor of its parent that was opened in this way; none of them follows a
 * link in the last component, nor accepts ".." there.
 */

import { copy, syscall } from '../native/native';
import { O_DIRECTORY, SYS_openat2 } from '../native/target';
import {
  HOW_FLAGS,
  HOW_MODE,
  HOW_RESOLVE,
  HOW_SIZE,
  LINUX_EACCES,
  LINUX_EAGAIN,
  LINUX_EINVAL,
  LINUX_ENOENT,
  LINUX_ENOSYS,
  LINUX_EPERM,
  LINUX_EXDEV,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_PATH,
  O_RDONLY,
  RESOLVE_BENEATH,
  RESOLVE_NO_MAGICLINKS,
  blockingCall,
  call,
  closeNative,
  native,
} from './linux';
import { isForbiddenProc } from './procfs';
import { walk } from './walk';

const HOW: usize = memory.data(24, 8);
const PREFIX: usize = memory.data(4104, 8);
const MODE: u64 = 0o666; // of new files, before the umask
const RACES: i32 = 128; // EAGAIN: something was renamed while the kernel looked; it asks to be called again

/** False when the kernel has no openat2, or when WAGSNAP_NO_OPENAT2 is set (for tests of the walk). */
let hasOpenat2: bool = true;

export function useWalk(): void {
  hasOpenat2 = false;
}

/** Whether the kernel has openat2: then it answers a structure of size 0 with EINVAL. */
export function probeOpenat2(): bool {
  if (hasOpenat2) hasOpenat2 = call(SYS_openat2, -1, native(HOW), native(HOW), 0) == -LINUX_EINVAL;
  return hasOpenat2;
}

/**
 * Opens the path (ended by 0, in the host layer's memory) below a directory. Returns a descriptor or -errno; -EPERM
 * when the path leads outside, -EACCES for what may not be written (procfs.ts). May wait, for a FIFO: see blockingCall.
 */
export function openBeneath(directory: i64, path: usize, flags: i64): i64 {
  const descriptor = resolve(directory, path, flags | O_CLOEXEC);
  if (descriptor < 0 || (flags & O_ACCMODE) == O_RDONLY || !isForbiddenProc(descriptor)) return descriptor;
  closeNative(descriptor);
  return -LINUX_EACCES;
}

function resolve(directory: i64, path: usize, flags: i64): i64 {
  if (hasOpenat2) {
    store<i64>(HOW, flags, HOW_FLAGS);
    store<u64>(HOW, flags & O_CREAT ? MODE : 0, HOW_MODE);
    store<u64>(HOW, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, HOW_RESOLVE);
    let result: i64 = 0;
    for (let i = 0; i < RACES; i++) {
      result = blockingCall(SYS_openat2, directory, native(path), native(HOW), HOW_SIZE, 0);
      if (result != -LINUX_EAGAIN) break;
    }
    if (result == -LINUX_EXDEV) return -LINUX_EPERM;
    if (result != -LINUX_ENOSYS) return result;
    hasOpenat2 = false;
  }
  const result = walk(directory, path, flags, MODE);
  return result == -LINUX_EXDEV ? -LINUX_EPERM : result;
}

/** The last component of the path given to openParent, with the slashes after it. */
export let lastComponent: usize = 0;

/**
 * Opens the directory that the path's last component is in. Returns its descriptor, which is `directory` itself when
 * the path has one component, or -errno. To be given back with closeParent.
 */
export function openParent(directory: i64, path: usize): i64 {
  let end = path;
  while (load<u8>(end) != 0) end++;
  while (end > path && load<u8>(end - 1) == 0x2f) end--;
  while (end > path && load<u8>(end - 1) != 0x2f) end--;
  lastComponent = end;
  if (load<u8>(end) == 0) return -LINUX_ENOENT;
  if (end == path) return directory;
  copy(native(PREFIX), native(path), end - path);
  store<u8>(PREFIX + (end - path), 0);
  return openBeneath(directory, PREFIX, O_PATH | O_DIRECTORY);
}

export function closeParent(parent: i64, directory: i64): void {
  if (parent != directory) closeNative(parent);
}

/**
 * linkat(2) or renameat2(2), without flags: `number` says which. Paths are relative to their directories' descriptors.
 * Returns what the call returns, or -errno.
 */
export function callOnNames(number: i64, from: i64, path: usize, to: i64, newPath: usize): i64 {
  const fromParent = openParent(from, path);
  if (fromParent < 0) return fromParent;
  const fromName = lastComponent;
  const toParent = openParent(to, newPath);
  let result = toParent;
  if (toParent >= 0) {
    result = syscall(number, fromParent, native(fromName), toParent, native(lastComponent), 0, 0);
    closeParent(toParent, to);
  }
  closeParent(fromParent, from);
  return result;
}

/**
 * Keeps procfs from guests. Through /proc/self/mem a program could write its own text, regardless of page protection,
 * and so make any system call.
 *
 * AssemblyScript. No preopen is on procfs, and no file of procfs that is met on the way (`--dir /`, a mount) is opened
 * for writing. The kernel says what file system an open file is on, so bind mounts and links change nothing.
 * WAGSNAP_ALLOW_PROC=1 allows it.
 */

import { SYS_fstatfs } from '../native/target';
import { call, native } from './linux';

/** struct statfs, of which only the first word is read: f_type, i64. */
const STATFS: usize = memory.data(120, 8);
const PROC_SUPER_MAGIC: i64 = 0x9fa0;

let allowed: bool = false;

/** Allows it, or not. */
export function allowProc(isAllowed: bool): void {
  allowed = isAllowed;
}

/**
 * Whether an open file is on procfs and that is not allowed. procfs always answers: an error is another file system's.
 */
export function isForbiddenProc(descriptor: i64): bool {
  return !allowed && call(SYS_fstatfs, descriptor, native(STATFS)) >= 0 && load<i64>(STATFS) == PROC_SUPER_MAGIC;
}

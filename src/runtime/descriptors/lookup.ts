/**
 * From a guest's descriptor to its entry, when it has the rights that a call needs. Missing the right to read or write
 * is EBADF (as POSIX has it), missing another one ENOTCAPABLE.
 *
 * AssemblyScript.
 */

import { FDK_FREE } from '../../image/contract/host-state';
import { EBADF, ENOTCAPABLE, ENOTDIR, EROFS } from './abi';
import { ACCESS_RIGHTS } from './rights';
import { CAPACITY, entryAt, isDirectory, isReadOnly, isRetired, kindOf, rightsOf } from './table';
import { RIGHT_UNKNOWN, settle } from './unsettled';

/** Why the last lookup returned 0. */
export let lookupError: i32 = 0;

function fail(error: i32): usize {
  lookupError = error;
  return 0;
}

/** The entry of an open descriptor, whatever it is, or 0 and EBADF in lookupError. */
export function lookupOpen(descriptor: u32): usize {
  if (descriptor >= CAPACITY) return fail(EBADF);
  const entry = entryAt(descriptor);
  if (kindOf(entry) == FDK_FREE || (rightsOf(entry) == 0 && isRetired(entry))) return fail(EBADF);
  return entry;
}

/** The entry itself when it has all these rights, or 0 and the errno in lookupError. */
export function allowed(entry: usize, rights: u64): usize {
  const missing = rights & ~rightsOf(entry);
  if (missing != 0) return fail(missing & ACCESS_RIGHTS ? EBADF : ENOTCAPABLE);
  return entry;
}

/** The entry of a guest's descriptor when it has all these rights, or 0 and the errno in lookupError. */
export function lookup(descriptor: u32, rights: u64): usize {
  const entry = lookupOpen(descriptor);
  if (entry == 0) return 0;
  if ((rightsOf(entry) & RIGHT_UNKNOWN) != 0) settle(entry);
  return allowed(entry, rights);
}

/** The same for calls that a directory is the wrong thing for: EBADF, as in wasmtime. */
export function lookupFile(descriptor: u32, rights: u64): usize {
  const entry = lookup(descriptor, 0);
  if (entry == 0) return 0;
  if (isDirectory(entry)) return fail(EBADF);
  return allowed(entry, rights);
}

/** The same for what paths are relative to: ENOTDIR for files. */
export function lookupDirectory(descriptor: u32, rights: u64): usize {
  const entry = lookup(descriptor, 0);
  if (entry == 0) return 0;
  if (!isDirectory(entry)) return fail(ENOTDIR);
  return allowed(entry, rights);
}

/** The same for calls that change something below the directory: EROFS below a read-only preopen. */
export function lookupWritable(descriptor: u32, rights: u64): usize {
  const entry = lookupDirectory(descriptor, 0);
  if (entry == 0) return 0;
  if (isReadOnly(entry)) return fail(EROFS);
  return allowed(entry, rights);
}

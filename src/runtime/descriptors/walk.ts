/**
 * Opening a path below a directory without openat2: one component after the other, no link followed by the kernel.
 *
 * AssemblyScript. Three rules make it as strict as RESOLVE_BENEATH:
 *  - every openat names one component and has O_NOFOLLOW, so it cannot leave the directory it is relative to;
 *  - the target of a link is read and put before the rest of the path; an absolute one is refused;
 *  - ".." is never given to the kernel, which would follow it to wherever a directory has been moved: WALKED
 *    holds the names walked so far, none of them a link, and after taking off the last one they are walked again from the
 *    top. At the top ".." is refused.
 */

import { copy } from '../native/native';
import { O_DIRECTORY, O_NOFOLLOW, SYS_openat, SYS_readlinkat } from '../native/target';
import {
  LINUX_EEXIST,
  LINUX_ELOOP,
  LINUX_ENAMETOOLONG,
  LINUX_ENOENT,
  LINUX_ENOTDIR,
  LINUX_EXDEV,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_PATH,
  S_IFDIR,
  S_IFLNK,
  blockingCall,
  call,
  closeNative,
  native,
  statDescriptor,
  statMode,
} from './linux';

const SIZE: usize = 8192;
/**
 * The rest of the path to walk, ended by 0. Targets of links are put before it, so the buffer is filled from its end.
 */
const LEFT: usize = memory.data(8208, 8);
/** Names walked so far, each ended by 0. */
const WALKED: usize = memory.data(8208, 8);
const NAME: usize = memory.data(264, 8);
const NAME_MAX: usize = 255;
const TARGET: usize = memory.data(4104, 8);
const TARGET_MAX: i64 = 4096;
const EMPTY: usize = memory.data<u8>([0]);
const DOT: usize = memory.data<u8>([0x2e, 0]);
const LINKS_MAX: i32 = 40; // as in Linux
const SLASH: i32 = 0x2f;

const STEP: i64 = O_PATH | O_CLOEXEC;

function lengthOf(text: usize): usize {
  let end = text;
  while (load<u8>(end) != 0) end++;
  return end - text;
}

/** Opens the directory of the names in WALKED, from the top. A name that has become a link or a file is ENOTDIR. */
function walkAgain(top: i64, end: usize): i64 {
  let current = top;
  for (let name = WALKED; name < end; name += lengthOf(name) + 1) {
    const next = call(SYS_openat, current, native(name), STEP | O_DIRECTORY | O_NOFOLLOW);
    if (current != top) closeNative(current);
    if (next < 0) return next;
    current = next;
  }
  return current;
}

/** Returns a descriptor or -errno; -EXDEV when the path leads outside. `path` is ended by 0. */
export function walk(top: i64, path: usize, flags: i64, mode: i64): i64 {
  const length = lengthOf(path);
  if (length == 0) return -LINUX_ENOENT;
  if (length >= SIZE) return -LINUX_ENAMETOOLONG;
  if (load<u8>(path) == SLASH) return -LINUX_EXDEV;
  let left = LEFT + SIZE - length - 1;
  copy(native(left), native(path), length + 1);
  let walked = WALKED; // its end
  let current = top;
  let links = 0;

  while (true) {
    while (load<u8>(left) == SLASH) left++;
    // nothing left: the path ended in ".", ".." or a slash
    if (load<u8>(left) == 0) return finish(top, current, DOT, flags & ~O_NOFOLLOW, mode);
    let size: usize = 0;
    while (load<u8>(left + size) != 0 && load<u8>(left + size) != SLASH) size++;
    const after = left + size;

    if (size == 1 && load<u8>(left) == 0x2e) {
      left = after;
      continue;
    }
    if (size == 2 && load<u8>(left) == 0x2e && load<u8>(left, 1) == 0x2e) {
      if (walked == WALKED) return leave(top, current, -LINUX_EXDEV);
      do walked--;
      while (walked > WALKED && load<u8>(walked - 1) != 0);
      if (current != top) closeNative(current);
      current = walkAgain(top, walked);
      if (current < 0) return current;
      left = after;
      continue;
    }

    if (size > NAME_MAX) return leave(top, current, -LINUX_ENAMETOOLONG);
    copy(native(NAME), native(left), size);
    store<u8>(NAME + size, 0);
    const isLast = load<u8>(after) == 0;
    if (isLast && (flags & O_NOFOLLOW) != 0) return finish(top, current, NAME, flags, mode);

    const next = call(SYS_openat, current, native(NAME), STEP | O_NOFOLLOW);
    if (next == -LINUX_ENOENT && isLast && (flags & O_CREAT) != 0) {
      return finish(top, current, NAME, flags | O_NOFOLLOW, mode);
    }
    if (next < 0) return leave(top, current, next);
    const failure = statDescriptor(next);
    if (failure < 0) {
      closeNative(next);
      return leave(top, current, failure);
    }

    if (statMode() == S_IFLNK) {
      const bytes = call(SYS_readlinkat, next, native(EMPTY), native(TARGET), TARGET_MAX);
      closeNative(next);
      if (bytes < 0) return leave(top, current, bytes);
      if (isLast && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return leave(top, current, -LINUX_EEXIST);
      if (++links > LINKS_MAX) return leave(top, current, -LINUX_ELOOP);
      if (bytes == 0) return leave(top, current, -LINUX_ENOENT);
      if (load<u8>(TARGET) == SLASH) return leave(top, current, -LINUX_EXDEV);
      if (after - <usize>bytes < LEFT) return leave(top, current, -LINUX_ENAMETOOLONG);
      left = after - <usize>bytes;
      copy(native(left), native(TARGET), bytes);
      continue;
    }
    if (isLast) {
      closeNative(next);
      return finish(top, current, NAME, flags | O_NOFOLLOW, mode);
    }
    if (statMode() != S_IFDIR) {
      closeNative(next);
      return leave(top, current, -LINUX_ENOTDIR);
    }
    if (walked + size + 1 > WALKED + SIZE) {
      closeNative(next);
      return leave(top, current, -LINUX_ENAMETOOLONG);
    }
    copy(native(walked), native(NAME), size + 1);
    walked += size + 1;
    if (current != top) closeNative(current);
    current = next;
    left = after;
  }
}

/**
 * Opens the last component with the caller's flags. It is no link by now; if it has become one, the result is ELOOP.
 */
function finish(top: i64, current: i64, name: usize, flags: i64, mode: i64): i64 {
  return leave(top, current, blockingCall(SYS_openat, current, native(name), flags, mode, 0));
}

function leave(top: i64, current: i64, result: i64): i64 {
  if (current != top) closeNative(current);
  return result;
}

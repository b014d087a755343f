/**
 * What guests ask of the system: pointers, rights, paths that must not leave a directory, descriptors, listings, waits.
 */

import type { Area } from '../mutant.js';

const VECTORS = ['test/unit/capture/tracked-vectors.test.ts'];

export const wasi: Area = {
  name: 'wasi',
  files: [
    {
      file: 'src/runtime/wasi/guest.ts',
      tests: ['test/unit/runtime/wasi/pointers.test.ts'],
      slow: true,
      changes: [
        ['length > size || <u64>pointer > size - length', '<u64>pointer > size - length'],
        ['<u64>pointer > size - length', '<u64>pointer + length > size + 1'],
        ['<u64>pointer > size - length', '<u64>pointer >= size - length'],
        ['guestRange(iovecs, <u64>count * 8)', 'guestRange(iovecs, <u64>(count * 8))'],
        ['if (buffer == 0) return EFAULT;', ''],
        ['if (written) aim(IOVECS, iovecCount);', '', { tests: VECTORS }],
        ['    iovecCount++;\n', '    iovecCount++;\n    if (written) aim(IOVECS, iovecCount);\n', { tests: VECTORS }],
        ['if (length == 0) continue;', ''],
        ['i < count && iovecCount < IOV_MAX', 'i < count'],
        ['if (length == 0) return ENOENT;', ''],
        ['length >= PATH_MAX', 'length > PATH_MAX'],
        ['if (hasZero(bytes)) return EINVAL;', ''],
        ['if (byte == 0) return EINVAL;', ''],
        ['load<u8>(to) == 0x2f ? EPERM : 0', '0'],
      ],
    },
    {
      file: 'src/runtime/wasi/files.ts',
      tests: ['test/unit/runtime/wasi/pointers.test.ts'],
      slow: true,
      changes: [
        ['<i64>iovecs + 8 > size || <i64>bytesOut + 4 > size', '<i64>iovecs + 8 > size'],
        ['<i64>iovecs + 8 > size || <i64>bytesOut + 4 > size', '<i64>bytesOut + 4 > size'],
        ['length == 0 || buffer + length > size', 'length == 0'],
        [
          'if ((rightsOf(entry) & right) == 0) return NOT_SINGLE;',
          '',
          { tests: ['test/unit/runtime/descriptors/table.test.ts'] },
        ],
        ['count != 1 || fd >= <u32>HS_FD_CAPACITY', 'count != 1'],
        [
          'bytes == -LINUX_EINTR || bytes == -LINUX_EISDIR',
          'bytes == -LINUX_EINTR',
          { tests: ['test/unit/runtime/descriptors/table.test.ts'] },
        ],
        ['if (<u32>whence > 2) return EINVAL;', ''],
        ['<u32>advice > 5 ||', ''],
        ['return offset < 0 ? EINVAL : transfer(SYS_pwritev', 'return transfer(SYS_pwritev'],
        ['kindOf(any) == FDK_STDIO', 'false', { tests: ['test/unit/runtime/descriptors/table.test.ts'] }],
      ],
    },
    {
      file: 'src/runtime/descriptors/lookup.ts',
      tests: ['test/unit/runtime/descriptors/table.test.ts'],
      slow: true,
      changes: [
        ['if (descriptor >= CAPACITY) return fail(EBADF);', '', { tests: ['test/unit/runtime/wasi/pointers.test.ts'] }],
        ['(rightsOf(entry) == 0 && isRetired(entry))', 'false'],
        ['if (missing != 0)', 'if (false)'],
        ['if (isReadOnly(entry)) return fail(EROFS);', '', { tests: ['test/unit/runtime/wasi/opening.test.ts'] }],
        ['if (isDirectory(entry)) return fail(EBADF);', ''],
        ['if (!isDirectory(entry)) return fail(ENOTDIR);', ''],
      ],
    },
    {
      file: 'src/runtime/descriptors/closing.ts',
      tests: ['test/unit/runtime/descriptors/table.test.ts'],
      slow: true,
      changes: [
        ['call(SYS_dup3, nothing, descriptor, 0);', 'closeNative(descriptor);'],
        ['kind == FDK_PREOPEN && isReferred(entry)', 'false'],
        ['if (preopen != 0 && isRetired(preopen) && !isReferred(preopen)) freeSlot(preopen);', ''],
        ['if (isDirectory(entry)) dropListing(entry);', '', { tests: ['test/unit/runtime/wasi/readdir.test.ts'] }],
      ],
    },
    {
      file: 'src/runtime/descriptors/unsettled.ts',
      tests: ['test/unit/runtime/descriptors/table.test.ts'],
      slow: true,
      changes: [['store<u64>(entry, load<u64>(entry, FD_COOKIE), FD_RIGHTS);', '']],
    },
    {
      file: 'src/runtime/descriptors/table.ts',
      tests: ['test/unit/runtime/descriptors/table.test.ts'],
      slow: true,
      changes: [['store<u32>(entry, indexOf(to), FD_PREOPEN);', '']],
    },
    {
      file: 'src/runtime/descriptors/walk.ts',
      tests: ['test/unit/runtime/descriptors/walk.test.ts'],
      slow: true,
      changes: [
        ['if (walked == WALKED) return leave(top, current, -LINUX_EXDEV);', ''],
        ['if (load<u8>(TARGET) == SLASH) return leave(top, current, -LINUX_EXDEV);', ''],
        ['if (++links > LINKS_MAX)', 'if (++links > 100000)'],
        ['if (size > NAME_MAX) return leave(top, current, -LINUX_ENAMETOOLONG);', ''],
        ['if (after - <usize>bytes < LEFT) return leave(top, current, -LINUX_ENAMETOOLONG);', ''],
        ['if (walked + size + 1 > WALKED + SIZE) {', 'if (false) {'],
        ['STEP | O_DIRECTORY | O_NOFOLLOW', 'STEP | O_DIRECTORY'],
      ],
      equivalent: [
        [
          'finish(top, current, DOT, flags & ~O_NOFOLLOW, mode)',
          'finish(top, current, DOT, flags, mode)',
          '"." is never a link',
        ],
        ['if (load<u8>(path) == SLASH) return -LINUX_EXDEV;', '', 'readPath has refused it before'],
      ],
    },
    {
      file: 'src/runtime/descriptors/beneath.ts',
      tests: ['test/unit/runtime/wasi/opening.test.ts'],
      slow: true,
      changes: [
        [
          'RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS',
          'RESOLVE_BENEATH',
          { tests: ['test/unit/runtime/descriptors/beneath.test.ts'] },
        ],
        [
          'RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS',
          'RESOLVE_NO_MAGICLINKS',
          { tests: ['test/unit/runtime/descriptors/beneath.test.ts'] },
        ],
        ['closeParent(toParent, to);', ''],
        ['!isForbiddenProc(descriptor)', 'true'],
      ],
      equivalent: [
        [
          'if (load<u8>(end) == 0) return -LINUX_ENOENT;',
          '',
          'readPath has refused an empty path, and one of slashes alone as absolute',
        ],
      ],
    },
    {
      file: 'src/runtime/wasi/path-calls.ts',
      tests: ['test/unit/runtime/wasi/opening.test.ts'],
      slow: true,
      changes: [
        ['(oflags & OFLAG_EXCL) != 0 || changes', 'changes'],
        ['writes || (oflags & (OFLAG_TRUNC | OFLAG_EXCL)) != 0', 'writes'],
        ['if (oflags & OFLAG_CREAT && !readOnly) flags |= O_CREAT;', 'if (oflags & OFLAG_CREAT) flags |= O_CREAT;'],
        [
          'const granted = rights & passed;',
          'const granted = rights;',
          { tests: ['test/unit/runtime/descriptors/table.test.ts'] },
        ],
        ['lookupWritable(newFd, RIGHT_PATH_RENAME_TARGET)', 'lookupDirectory(newFd, RIGHT_PATH_RENAME_TARGET)'],
        [
          'if (result >= 0) renameRecorded(from, PATH, to, PATH_2);',
          '',
          { tests: ['test/unit/runtime/descriptors/table.test.ts'] },
        ],
      ],
    },
    {
      file: 'src/runtime/wasi/descriptor-calls.ts',
      tests: ['test/unit/runtime/descriptors/table.test.ts'],
      slow: true,
      changes: [
        ['if ((rights & ~(rightsOf(entry) & ~RIGHT_KEPT)) != 0) return ENOTCAPABLE;', ''],
        ['if ((inheriting & ~load<u64>(entry, FD_RIGHTS_INHERITING)) != 0) return ENOTCAPABLE;', ''],
        ['(last ? RIGHT_KEPT : 0)', '0'],
        ['if (length < pathLength(entry)) return ENAMETOOLONG;', ''],
        ['if (source == target) return ESUCCESS;', ''],
        [
          '& ~(FDFLAG_APPEND | FDFLAG_NONBLOCK)) != 0) return EINVAL;',
          ') != 0 && false) return EINVAL;',
          { tests: ['test/unit/runtime/wasi/pointers.test.ts'] },
        ],
      ],
    },
    {
      file: 'src/runtime/wasi/poll.ts',
      tests: ['test/unit/runtime/wasi/waiting.test.ts'],
      slow: true,
      changes: [
        ['if (count == 0) return EINVAL;', ''],
        ['first == 0 || to == 0 || countTo == 0', 'to == 0 || countTo == 0'],
        ['first == 0 || to == 0 || countTo == 0', 'first == 0 || countTo == 0'],
        ['first == 0 || to == 0 || countTo == 0', 'first == 0 || to == 0'],
        ['    } else {\n      return EINVAL;\n    }', '    }'],
        [
          'min(<u64>load64(subscription + SUB_CLOCK_TIMEOUT), <u64>FOREVER)',
          'load64(subscription + SUB_CLOCK_TIMEOUT)',
        ],
        ['if (ready & POLLHUP) flags = EVENTRW_HANGUP;', ''],
        ['let shortest = hasError ? 0 : FOREVER;', 'let shortest = FOREVER;'],
        ['right | RIGHT_POLL_FD_READWRITE', 'right'],
      ],
      equivalent: [
        [
          '<u64>count * SUB_SIZE',
          '<u64>(<u32>count * <u32>SUB_SIZE)',
          'where that is too small, the events of so many do not fit in any memory',
        ],
      ],
    },
    {
      file: 'src/runtime/wasi/readdir.ts',
      tests: ['test/unit/runtime/wasi/readdir.test.ts'],
      slow: true,
      changes: [
        ['cookie == 2 || cookie != position', 'cookie != position'],
        ['if (isFull) call(SYS_lseek, directory, consumed, 0);', ''],
        ['if (!isDots(name)) {', 'if (true) {'],
        ['<i64>cookie - 2 <= known &&', ''],
      ],
    },
    {
      file: 'src/runtime/wasi/process.ts',
      tests: ['test/unit/runtime/wasi/pointers.test.ts'],
      slow: true,
      changes: [
        ['if (<u32>signal > <u32>SIGNAL_SYS) return EINVAL;', ''],
        ['signal < WASI_SIGCHLD ? signal : signal + 1', 'signal'],
        ['if (deadly) syscall(SYS_rt_sigaction', 'if (false) syscall(SYS_rt_sigaction'],
      ],
    },
    {
      file: 'src/runtime/wasi/preopens.ts',
      tests: ['test/unit/runtime/wasi/preopens.test.ts'],
      slow: true,
      changes: [
        ['at + length >= <i64>PATH_MAX', 'at + length >= <i64>100000'],
        ['if (nameLength + pathLength > HS_PATH_SIZE) failTooLong(native(PATH), pathLength);', ''],
        ['if (entry == 0) {', 'if (false) {'],
      ],
    },
    {
      file: 'src/runtime/wasi/preopen-lines.ts',
      tests: ['test/unit/runtime/wasi/preopens.test.ts'],
      slow: true,
      changes: [
        ['hostLength == 0 || guestLength == 0', 'hostLength == 0'],
        ['end - line > 3 && load8_u', 'load8_u'],
      ],
    },
  ],
};

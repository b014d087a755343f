/** The sandbox: each rule of the system call filter, Landlock, and that they are entered at all. */

import type { Area } from '../mutant.js';

const FILTER = ['test/unit/runtime/process/filter.test.ts', 'test/wasi/sandbox.test.ts'];
const LANDLOCK = ['test/wasi/landlock.test.ts', 'test/wasi/sandbox.test.ts'];

export const sandbox: Area = {
  name: 'sandbox',
  files: [
    {
      file: 'src/runtime/process/sandbox.ts',
      tests: FILTER,
      changes: [
        ['if (directories) restrictPaths();', '', { tests: LANDLOCK }],
        ['require(4, <u32>word(RT_EXE_FD));', ''],
        ['unless(2, <u32>PROT_READ);\n  require(2, <u32>PROT_READ_EXEC);', 'unless(2, <u32>PROT_READ);'],
        ['require(3, <u32>(MAP_PRIVATE | MAP_FIXED));', ''],
        ['require64(0, imageBase() + word(RT_TEXT));', ''],
        ['require64(0, imageBase() + word(RT_TEXT));', 'require(0, <u32>(imageBase() + word(RT_TEXT)));'],
        ['require64(1, word(RT_TEXT_SIZE));', ''],
        ['require64(1, word(RT_TEXT_SIZE));', 'require(1, <u32>word(RT_TEXT_SIZE));'],
        ['requireEither(5, <u32>word(RT_TEXT_FILE), <u32>word(RT_TRAP_TEXT_FILE));', ''],
        ['requireHigh(5, 0);', ''],
        ['require64(0, 0);\n  require(3', 'require(3'],
        ['require64(0, 0);\n  require(3', 'require(0, 0);\n  require(3'],
        ['require(3, <u32>MAP_PRIVATE);', ''],
        ['refuse(0, <u32>word(RT_EXE_FD));', ''],
        ['refuse(0, <u32>nothing);', ''],
        ['if (directories) allow(probeOpenat2() ? SYS_openat2 : SYS_openat);', 'allow(SYS_openat);'],
        ['probeOpenat2() ? SYS_openat2 : SYS_openat', 'SYS_openat'],
        ['require64(1, 0); // no path', 'require(1, 0); // no path'],
        ['require64(1, 0); // no path', '// no path'],
        ['if (directories) {\n    allowPaths();\n  } else {', 'allowPaths();\n  {'],
        ['require(0, <u32>nothing);\n  requireAtMost', 'requireAtMost'],
        ['requireAtMost(1, 2);', ''],
        ['requireAtMost(1, 2);', 'requireAtMost(1, 3);'],
        ['requireAtMost(1, 2);\n  require(2, 0);', 'requireAtMost(1, 2);'],
        ['require(1, O_CLOEXEC);', ''],
        ['requireEither(1, F_GETFL, F_SETFL);', ''],
        ['require(1, FIONREAD);', ''],
        ['require(0, PR_SET_PTRACER);', ''],
        ['require(2, <u32>PROT_READ_WRITE);', ''],
        ['unless(1, 0);\n  require(0', 'require(0'],
        ['require(0, <u32>syscall(SYS_getpid, 0, 0, 0, 0, 0, 0)); //', '//'],
        ['if (kindOf(entryAt(i)) === FDK_PREOPEN) return true;', 'return true;'],
        [
          'if (failed(syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0))) return;',
          '',
          { tests: ['test/wasi/sandbox.test.ts'], only: 'is marked' },
        ],
        ['setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_SANDBOX);', ''],
      ],
    },
    {
      file: 'src/runtime/process/filter-writer.ts',
      tests: FILTER,
      changes: [
        ['const RET_KILL_PROCESS: u32 = 0x80000000;', 'const RET_KILL_PROCESS: u32 = 0x50001;'],
        ['emit(JUMP_EQUAL, 1, 0, <u32>AUDIT_ARCH);\n  kill();', ''],
        [
          'export function finishFilter(): i64 {\n  kill();',
          'export function finishFilter(): i64 {\n  emit(RETURN, 0, 0, RET_ALLOW);',
        ],
        ['DATA_ARGS + argument * 8 + half', 'DATA_ARGS + argument * 8'],
        ['emit(JUMP_GREATER, 0, 1, value);', 'emit(JUMP_GREATER, 1, 1, value);'],
        ['requireHigh(argument, <u32>(value >>> 32));', ''],
      ],
    },
    {
      file: 'src/runtime/process/landlock.ts',
      tests: LANDLOCK,
      changes: [
        ['if (complete) syscall(SYS_landlock_restrict_self, rules, 0, 0, 0, 0, 0);', ''],
        ['version < LANDLOCK_MIN_ABI', 'version < 99'],
        ['load<u32>(entry, FD_READ_ONLY) !== 0 ? ACCESS_READ : ', ''],
        ['const ACCESS_READ: u64 = 0xc;', 'const ACCESS_READ: u64 = 0xe;'],
        ['const ACCESS_READ: u64 = 0xc;', 'const ACCESS_READ: u64 = 0x4;'],
        ['handled & ~ACCESS_EXECUTE', 'handled & ~ACCESS_EXECUTE & ~2'],
        ['const ACCESS_ABI_2: u64 = 0x3fff;', 'const ACCESS_ABI_2: u64 = 0x3ffd;'],
        ['const ACCESS_ABI_2: u64 = 0x3fff;', 'const ACCESS_ABI_2: u64 = 0x3fdf;'],
        ['version > LANDLOCK_MIN_ABI ? ACCESS_TRUNCATE : 0', '0'],
        ['const ACCESS_ABI_2: u64 = 0x3fff;', 'const ACCESS_ABI_2: u64 = 0x1fff;'],
      ],
    },
    {
      file: 'src/runtime/process/boot.ts',
      tests: ['test/unit/runtime/process/boot.test.ts'],
      changes: [
        ['reserve(STACK_GUARD + SIGNAL_STACK_SIZE) + STACK_GUARD;', 'reserve(SIGNAL_STACK_SIZE);'],
        ['open(signals, SIGNAL_STACK_SIZE);', 'open(signals - STACK_GUARD, STACK_GUARD + SIGNAL_STACK_SIZE);'],
        ['MEMORY_RESERVATION;', 'MEMORY_RESERVATION / 2;'],
      ],
    },
  ],
};

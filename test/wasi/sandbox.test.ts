/**
 * The sandbox against guest code that can make any system call, where the kernel has seccomp. filter.test.ts tries the
 * calls just outside of each rule, landlock.test.ts the files outside of the directories.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ForgedGuest, forgeImage } from '../support/forged-guest.js';
import { nativeArch } from '../support/native-arch.js';
import { type SystemCall, systemCallNumber } from '../support/system-calls.js';
import { temporaryFolder } from '../support/workload.js';

const AT_FDCWD = -100;
const EXE = 1000; // where the image keeps its own file

const hasSeccomp = /^Seccomp:/m.test(readFileSync('/proc/self/status', 'latin1'));

const image = join(temporaryFolder(), 'forged');
let guest: ForgedGuest | undefined;
beforeAll(() => forgeImage(image));
afterEach(async () => {
  await guest?.stop();
  guest = undefined;
});

const start = async (env?: Readonly<Record<string, string>>) => (guest = await ForgedGuest.start(image, env));

/** Paths and structures are the command's data. */
const D = 'data';
type Call = [name: SystemCall, args: (number | bigint | typeof D)[], data?: string | Uint8Array, what?: string];

async function make(call: Call, env?: Readonly<Record<string, string>>): Promise<bigint | string> {
  const g = await start(env);
  const [name, args, data] = call;
  const result = await g.call(
    name,
    args.map((value) => (value === D ? g.dataAddress : value)),
    data,
  );
  await g.stop();
  return result;
}

if (!hasSeccomp) it.skip('was not run: this kernel has no seccomp', () => {});

describe.runIf(hasSeccomp)('a forged guest', () => {
  it('can do all this without the sandbox', async () => {
    const free = { WAGSNAP_NO_SANDBOX: '1' };
    expect(await make(['openat', [AT_FDCWD, D, 0], '/etc/passwd'], free)).toBeGreaterThanOrEqual(0n);
    expect(await make(['socket', [2, 1, 0]], free)).toBeGreaterThanOrEqual(0n);
    expect(await make(['mmap', [0, 4096, 7, 0x22, -1, 0]], free)).toBeGreaterThan(0n);
    expect(await make(['execve', [D, 0, 0], '/bin/true'], free)).toBe('0');
  });

  it('is marked in /proc', async () => {
    const g = await start();
    const status = readFileSync(`/proc/${g.process.pid}/status`, 'latin1');
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  const forbidden: Call[] = [
    ['open', [D, 0], '/etc/passwd'],
    ['creat', [D, 0o600], '/tmp/wagsnap-forged'],
    ['openat', [AT_FDCWD, D, 0], '/etc/passwd'],
    ['openat2', [AT_FDCWD, D, D, 24], '/etc/passwd'],
    ['open_by_handle_at', [3, D, 0]],
    ['execve', [D, 0, 0], '/bin/true'],
    ['execveat', [AT_FDCWD, D, 0, 0, 0], '/bin/true'],
    ['socket', [2, 1, 0]],
    ['connect', [0, D, 16]],
    ['bind', [0, D, 16]],
    ['ptrace', [16, process.pid, 0, 0]],
    ['process_vm_readv', [process.pid, D, 1, D, 1, 0]],
    ['process_vm_writev', [process.pid, D, 1, D, 1, 0]],
    ['pidfd_getfd', [3, 0, 0]],
    ['fork', []],
    ['vfork', []],
    ['clone', [17, 0]],
    ['clone3', [D, 88]],
    ['kill', [process.pid, 15], '', 'our parent'],
    ['kill', [-1, 15], '', 'everybody'],
    ['kill', [0, 15], '', 'the group'],
    ['tgkill', [process.pid, process.pid, 15]],
    ['mmap', [0, 4096, 7, 0x22, -1, 0], '', 'writable and executable'],
    ['mmap', [0, 4096, 5, 0x22, -1, 0], '', 'executable'],
    ['mmap', [0, 4096, 5, 2, 0, 0], '', 'of another file'],
    ['mmap', [0, 4096, 5, 2, EXE, 0], '', 'of the image elsewhere'],
    ['mmap', [0x10000, 65536, 5, 0x12, EXE, 65536], '', 'of the image over nothing'],
    ['mmap', [0, 4096, 3, 2, EXE, 0], '', 'of the image writable'],
    ['mmap', [0, 4096, 1, 1, EXE, 0], '', 'of the image shared'],
    ['mmap', [0, 4096, 3, 0x22, -1, 0], '', 'of memory'],
    ['mprotect', [D, 4096, 5], '', 'to executable'],
    ['mprotect', [D, 4096, 7], '', 'to all'],
    ['pkey_mprotect', [D, 4096, 5, 0]],
    ['mremap', [D, 4096, 8192, 1]],
    ['munmap', [D, 4096]],
    ['memfd_create', [D, 0], 'x'],
    ['close', [EXE], '', 'of the image'],
    ['dup3', [0, EXE, 0], '', 'over the image'],
    ['dup', [0]],
    ['pipe2', [D, 0x80080], '', 'for notifications'],
    ['fcntl', [0, 0, 900], '', 'F_DUPFD'],
    ['fcntl', [0, 8, 1], '', 'F_SETOWN'],
    ['ioctl', [0, 0x5412, D], 'x', 'TIOCSTI'],
    ['prctl', [22, 1], '', 'PR_SET_SECCOMP'],
    ['prctl', [4, 0], '', 'PR_SET_DUMPABLE'],
    ['seccomp', [0, 0, 0]],
    ['io_uring_setup', [8, D]],
    ['bpf', [0, D, 100]],
    ['userfaultfd', [0]],
    ['unshare', [0x10000000]],
    ['setns', [0, 0]],
    ['mount', [D, D, D, 0, 0]],
    ['chroot', [D], '/'],
    ['setuid', [0]],
    ['unlink', [D], '/tmp/wagsnap-none'],
    ['unlinkat', [AT_FDCWD, D, 0], '/tmp/wagsnap-none'],
    ['readlink', [D, D, 10], '/proc/self/exe'],
    ['readlinkat', [AT_FDCWD, D, D, 10], '/proc/self/exe'],
    ['utimensat', [AT_FDCWD, D, 0, 0], '/tmp/wagsnap-none', 'of a path'],
    ['chmod', [D, 0], '/tmp/wagsnap-none'],
    ['fchmodat', [AT_FDCWD, D, 0], '/tmp/wagsnap-none'],
    ['sendfile', [1, 0, 0, 1]],
    ['x32_write', [1, D, 1], 'x', 'a call of the x32 convention'],
    ['none', [], '', 'no call at all'],
  ];
  for (const call of forbidden) {
    const [name, , , what = ''] = call;
    it.runIf(systemCallNumber(name, nativeArch) !== undefined)(`is killed: ${name} ${what}`.trimEnd(), async () => {
      expect(await make(call)).toBe('SIGSYS');
    });
  }

  it('may do what the host layer does', async () => {
    const g = await start();
    expect(await g.call('getpid')).toBe(BigInt(g.process.pid!));
    expect(await g.call('kill', [process.pid, 0])).toBe(0n); // is it there?
    expect(await g.call('fcntl', [1, 3, 0])).toBeGreaterThanOrEqual(0n); // F_GETFL
    expect(await g.call('mmap', [0, 4096, 1, 2, EXE, 0])).toBeGreaterThan(0n); // the image, to read
    expect(await g.call('ioctl', [0, 0x5401, g.dataAddress])).toBe('SIGSYS'); // TCGETS
  });

  it.each([
    ['as it is', {}, true],
    ['from after 4 GiB of the file', { offset: 2n ** 32n }, false],
    ['from elsewhere in the file', { offset: 65536n }, false],
    ['elsewhere', { address: 65536n }, false],
    ['shorter', { size: -4096n }, false],
    ['writable', { protection: 2n }, false],
  ])('may map its text or not: %s', async (_, change: Record<string, bigint>, allowed) => {
    const g = await start();
    const maps = readFileSync(`/proc/${g.process.pid}/maps`, 'latin1');
    const [first, last, at] = /^(\w+)-(\w+) r-xp (\w+) \S+ \d+ .*forged$/m
      .exec(maps)!
      .slice(1)
      .map((x) => BigInt(`0x${x}`));
    const { address = 0n, size = 0n, protection = 0n, offset = 0n } = change;
    const args = [first + address, last - first + size, 5n + protection, 0x12, EXE, at + offset];
    expect(await g.call('mmap', args)).toBe(allowed ? first : 'SIGSYS');
  });
});

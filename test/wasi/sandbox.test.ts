/** The sandbox against guest code that can make any system call. x86-64; where the kernel has seccomp. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ForgedGuest, forgeImage } from '../support/forged-guest.js';

const AT_FDCWD = -100;
const EACCES = -13n;
const CREAT = 0x40;
const EXE = 1000; // where the image keeps its own file
const PATH_MAX = 4096;

const hasSeccomp = /^Seccomp:/m.test(readFileSync('/proc/self/status', 'latin1'));

let folder: string;
let image: string;
let guest: ForgedGuest | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-sandbox-'));
  image = join(folder, 'forged');
  await forgeImage(image);
  mkdirSync(join(folder, 'in'));
  writeFileSync(join(folder, 'in/file'), 'inside');
  writeFileSync(join(folder, 'secret'), 'secret');
});
afterEach(async () => {
  await guest?.stop();
  guest = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

const start = async (env?: Readonly<Record<string, string>>) => (guest = await ForgedGuest.start(image, env));
const withDirectory = (mode = '') => start({ WAGSNAP_DIR: `${folder}/in::/d${mode}` });

/** Paths and structures are the command's data. */
const D = 'data';
type Call = [name: string, nr: number, args: (number | bigint | typeof D)[], data?: string | Uint8Array];

async function make(call: Call, env?: Readonly<Record<string, string>>): Promise<bigint | string> {
  const g = await start(env);
  const [, nr, args, data] = call;
  const result = await g.call(
    nr,
    args.map((value) => (value === D ? g.dataAddress : value)),
    data,
  );
  await g.stop();
  return result;
}

const how = (flags: number, resolve: number) =>
  Buffer.from(BigUint64Array.from([BigInt(flags), 0n, BigInt(resolve)]).buffer);

describe.runIf(hasSeccomp)('a forged guest', () => {
  it('can do all this without the sandbox', async () => {
    const free = { WAGSNAP_NO_SANDBOX: '1' };
    expect(await make(['open', 2, [D, 0], '/etc/passwd'], free)).toBeGreaterThanOrEqual(0n);
    expect(await make(['socket', 41, [2, 1, 0]], free)).toBeGreaterThanOrEqual(0n);
    expect(await make(['mmap', 9, [0, 4096, 7, 0x22, -1, 0]], free)).toBeGreaterThan(0n);
    expect(await make(['execve', 59, [D, 0, 0], '/bin/true'], free)).toBe('0');
  });

  it('is marked in /proc', async () => {
    const g = await start();
    const status = readFileSync(`/proc/${g.process.pid}/status`, 'latin1');
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  const forbidden: Call[] = [
    ['open', 2, [D, 0], '/etc/passwd'],
    ['creat', 85, [D, 0o600], '/tmp/wagsnap-forged'],
    ['openat', 257, [AT_FDCWD, D, 0], '/etc/passwd'],
    ['openat2', 437, [AT_FDCWD, D, D, 24], '/etc/passwd'],
    ['open_by_handle_at', 304, [3, D, 0]],
    ['execve', 59, [D, 0, 0], '/bin/true'],
    ['execveat', 322, [AT_FDCWD, D, 0, 0, 0], '/bin/true'],
    ['socket', 41, [2, 1, 0]],
    ['connect', 42, [0, D, 16]],
    ['bind', 49, [0, D, 16]],
    ['ptrace', 101, [16, process.pid, 0, 0]],
    ['process_vm_readv', 310, [process.pid, D, 1, D, 1, 0]],
    ['process_vm_writev', 311, [process.pid, D, 1, D, 1, 0]],
    ['pidfd_getfd', 438, [3, 0, 0]],
    ['fork', 57, []],
    ['vfork', 58, []],
    ['clone', 56, [17, 0]],
    ['clone3', 435, [D, 88]],
    ['kill our parent', 62, [process.pid, 15]],
    ['kill everybody', 62, [-1, 15]],
    ['kill the group', 62, [0, 15]],
    ['tgkill', 234, [process.pid, process.pid, 15]],
    ['mmap writable and executable', 9, [0, 4096, 7, 0x22, -1, 0]],
    ['mmap executable', 9, [0, 4096, 5, 0x22, -1, 0]],
    ['mmap of another file', 9, [0, 4096, 5, 2, 0, 0]],
    ['mmap of the image elsewhere', 9, [0, 4096, 5, 2, EXE, 0]],
    ['mmap of the image over nothing', 9, [0x10000, 65536, 5, 0x12, EXE, 65536]],
    ['mmap of the image writable', 9, [0, 4096, 3, 2, EXE, 0]],
    ['mmap of the image shared', 9, [0, 4096, 1, 1, EXE, 0]],
    ['mmap of memory', 9, [0, 4096, 3, 0x22, -1, 0]],
    ['mprotect to executable', 10, [D, 4096, 5]],
    ['mprotect to all', 10, [D, 4096, 7]],
    ['pkey_mprotect', 329, [D, 4096, 5, 0]],
    ['mremap', 25, [D, 4096, 8192, 1]],
    ['munmap', 11, [D, 4096]],
    ['memfd_create', 319, [D, 0], 'x'],
    ['close of the image', 3, [EXE]],
    ['dup3 over the image', 292, [0, EXE, 0]],
    ['dup', 32, [0]],
    ['fcntl F_DUPFD', 72, [0, 0, 900]],
    ['fcntl F_SETOWN', 72, [0, 8, 1]],
    ['ioctl TIOCSTI', 16, [0, 0x5412, D], 'x'],
    ['prctl PR_SET_SECCOMP', 157, [22, 1]],
    ['prctl PR_SET_DUMPABLE', 157, [4, 0]],
    ['seccomp', 317, [0, 0, 0]],
    ['io_uring_setup', 425, [8, D]],
    ['bpf', 321, [0, D, 100]],
    ['userfaultfd', 323, [0]],
    ['unshare', 272, [0x10000000]],
    ['setns', 308, [0, 0]],
    ['mount', 165, [D, D, D, 0, 0]],
    ['chroot', 161, [D], '/'],
    ['setuid', 105, [0]],
    ['unlink', 87, [D], '/tmp/wagsnap-none'],
    ['unlinkat', 263, [AT_FDCWD, D, 0], '/tmp/wagsnap-none'],
    ['readlink', 89, [D, D, 10], '/proc/self/exe'],
    ['utimensat of a path', 280, [AT_FDCWD, D, 0, 0], '/tmp/wagsnap-none'],
    ['chmod', 90, [D, 0], '/tmp/wagsnap-none'],
    ['sendfile', 40, [1, 0, 0, 1]],
    ['a call of the x32 convention', 0x40000001, [1, D, 1], 'x'],
    ['no call at all', 9999, []],
  ];
  it.each(forbidden)('is killed: %s', async (...call) => {
    expect(await make(call)).toBe('SIGSYS');
  });

  it('may do what the host layer does', async () => {
    const g = await start();
    expect(await g.call(39)).toBe(BigInt(g.process.pid!)); // getpid
    expect(await g.call(62, [process.pid, 0])).toBe(0n); // is it there?
    expect(await g.call(72, [1, 3, 0])).toBeGreaterThanOrEqual(0n); // F_GETFL
    expect(await g.call(9, [0, 4096, 1, 2, EXE, 0])).toBeGreaterThan(0n); // the image, to read
    expect(await g.call(16, [0, 0x5401, g.dataAddress])).toBe('SIGSYS'); // TCGETS
  });

  it.each([
    ['as it is', {}, true],
    ['from behind 4 GiB of the file', { offset: 2n ** 32n }, false],
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
    expect(await g.call(9, args)).toBe(allowed ? first : 'SIGSYS');
  });

  it('can open nothing but what is below its directory', async () => {
    const g = await withDirectory();
    const path = (text: string) => Buffer.concat([Buffer.from(text), Buffer.alloc(PATH_MAX / 8 - text.length)]);
    const open = (text: string, flags = 0) =>
      g.call(437, [AT_FDCWD, g.dataAddress, g.dataAddress + 512n, 24], Buffer.concat([path(text), how(flags, 0)]));
    expect(await open(join(folder, 'in/file'))).toBeGreaterThan(0n);
    const landlock = (await open('/etc/passwd')) === EACCES;
    if (!landlock) return; // the kernel has none
    expect(await open(join(folder, 'secret'))).toBe(EACCES);
    expect(await open(join(folder, 'in/../secret'))).toBe(EACCES);
    expect(await open('/dev/null')).toBe(EACCES);
    expect(await open(join(folder, 'new'), CREAT | 1)).toBe(EACCES);
    expect(await open(join(folder, 'in/file'), 2)).toBeGreaterThan(0n);
    expect(await g.call(257, [AT_FDCWD, g.dataAddress, 0], '/etc/passwd')).toBe('SIGSYS');
  });

  it('can change nothing below a directory that is read-only', async () => {
    const g = await withDirectory(':ro');
    const open = (flags: number) =>
      g.call(
        437,
        [AT_FDCWD, g.dataAddress, g.dataAddress + 512n, 24],
        Buffer.concat([Buffer.from(join(folder, 'in/file').padEnd(512, '\0')), how(flags, 0)]),
      );
    expect(await open(0)).toBeGreaterThan(0n);
    const result = await open(2);
    if (result !== EACCES) return expect(result).toBeGreaterThan(0n); // no Landlock
    expect(await g.call(263, [AT_FDCWD, g.dataAddress, 0], join(folder, 'in/file'))).toBe(EACCES);
    expect(readFileSync(join(folder, 'in/file'), 'utf8')).toBe('inside');
  });

  it('walks where there is no openat2, and still cannot leave', async () => {
    const g = await start({ WAGSNAP_DIR: `${folder}/in::/d`, WAGSNAP_NO_OPENAT2: '1' });
    const result = await g.call(257, [AT_FDCWD, g.dataAddress, 0], '/etc/passwd');
    expect(result === EACCES || Number(result) > 0).toBe(true);
    expect(await g.call(437, [AT_FDCWD, g.dataAddress, g.dataAddress, 24], 'x')).toBe('SIGSYS');
  });
});

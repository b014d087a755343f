/**
 * Descriptors that were opened for reading without saying whether they are directories: the host layer does not ask the
 * kernel before something depends on it. Whatever comes first, the answer is what it would be if it had asked at once.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSnapshot } from '../../src/snapshot/format.js';
import { DATA, E, FD_READ, Guest, IOVEC, MEMORY_SIZE, OUT, PATH, removeGuest } from '../support/wasi-guest.js';
import { build, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

const DIR = 3;
const DIRECTORY_TYPE = 3;
const FILE_TYPE = 4;
const FD_SEEK = 1n << 2n;

let folder: string;
let guest: Guest;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-unknown-'));
  writeFileSync(join(folder, 'ten'), '0123456789');
  mkdirSync(join(folder, 'sub'));
  writeFileSync(join(folder, 'sub/inner'), 'inner');
  guest = await Guest.start({ dirs: [`${folder}::/d`] });
});
afterEach(async () => {
  await guest.stop();
  rmSync(folder, { recursive: true });
});
afterAll(removeGuest);

/** Type, flags, rights and inheriting rights. */
async function fdstat(fd: number): Promise<[number, number, bigint, bigint]> {
  expect(await guest.call('fd_fdstat_get', fd, OUT)).toBe(0);
  const stat = await guest.peek(OUT, 24);
  return [stat[0], stat.readUInt16LE(2), stat.readBigUInt64LE(8), stat.readBigUInt64LE(16)];
}

describe('what turns out to be a directory', () => {
  const APPEND = 1;
  it.each([
    ['fd_read', (fd: number) => guest.read(fd, 4), -E.BADF],
    ['fd_read of nothing', (fd: number) => guest.read(fd, 0), -E.BADF],
    ['fd_pread', (fd: number) => guest.read(fd, 4, 0n), -E.BADF],
    ['fd_write', (fd: number) => guest.write(fd, 'x'), -E.BADF],
    ['fd_seek', (fd: number) => guest.seek(fd, 0n, 0), BigInt(-E.BADF)],
    ['fd_sync', (fd: number) => guest.call('fd_sync', fd), E.BADF],
    ['fd_readdir', (fd: number) => guest.call('fd_readdir', fd, DATA, 1000, 0n, OUT), 0],
    ['path_open below it', (fd: number) => guest.open(fd, 'inner'), 5],
    ['path_filestat_get below it', async (fd: number) => guest.stat(fd, 'inner'), { type: FILE_TYPE, size: 5n }],
    ['path_rename below it', (fd: number) => guest.rename(fd, 'inner', fd, 'outer'), 0],
    ['fd_renumber', (fd: number) => guest.call('fd_renumber', fd, 2), 0],
    ['fd_close', (fd: number) => guest.call('fd_close', fd), 0],
  ])('is one for %s', async (_, use, result) => {
    const fd = await guest.open(DIR, 'sub', { fdflags: APPEND });
    expect(await use(fd)).toEqual(result);
  });

  it('has the type and the rights of one', async () => {
    const asked = await fdstat(await guest.open(DIR, 'sub', { fdflags: APPEND }));
    expect(asked).toEqual(await fdstat(await guest.open(DIR, 'sub', { oflags: 2 })));
    expect(asked[0]).toBe(DIRECTORY_TYPE);
  });

  it('is told about before a bad pointer is', async () => {
    const fd = await guest.open(DIR, 'sub');
    expect(await guest.call('fd_read', fd, MEMORY_SIZE, 1, OUT)).toBe(E.BADF);
  });

  it('lists from the start', async () => {
    const fd = await guest.open(DIR, 'sub');
    await guest.call('fd_readdir', fd, DATA, 1000, 0n, OUT);
    expect(await guest.peek32(OUT)).toBe(3 * 24 + 1 + 2 + 5);
  });
});

describe('what turns out to be a file', () => {
  it('has the type and the rights of one', async () => {
    const [type, flags, rights, inheriting] = await fdstat(await guest.open(DIR, 'ten', { fdflags: 4 }));
    expect([type, flags, rights & FD_READ, rights & FD_SEEK, inheriting]).toEqual([FILE_TYPE, 4, FD_READ, FD_SEEK, 0n]);
    expect(rights >> 30n).toBe(0n);
  });

  it('is no directory', async () => {
    expect(await guest.open(await guest.open(DIR, 'ten'), 'x')).toBe(-E.NOTDIR);
    expect(await guest.call('fd_readdir', await guest.open(DIR, 'ten'), DATA, 100, 0n, OUT)).toBe(E.NOTDIR);
  });

  it('is read and closed', async () => {
    const fd = await guest.open(DIR, 'ten');
    expect(await guest.read(fd, 4)).toBe('0123');
    expect(await guest.read(fd, 100)).toBe('456789');
    expect(await guest.call('fd_close', fd)).toBe(0);
    expect(await guest.call('fd_close', fd)).toBe(E.BADF);
    expect(await guest.read(fd, 4)).toBe(-E.BADF);
  });
});

describe('a single buffer', () => {
  it.each([
    ['the vector', [MEMORY_SIZE - 4, 1, OUT]],
    ['the vector, at the end', [MEMORY_SIZE, 1, OUT]],
    ['the vector, at the top', [-8, 1, OUT]],
    ['the count', [IOVEC, 1, MEMORY_SIZE - 3]],
    ['the count, at the top', [IOVEC, 1, -4]],
  ])('is EFAULT, and has no effect, when memory ends within %s', async (_, [iovecs, count, out]) => {
    const fd = await guest.open(DIR, 'ten');
    await guest.poke32(IOVEC, DATA, 4);
    expect(await guest.call('fd_read', fd, iovecs, count, out)).toBe(E.FAULT);
    expect(await guest.read(fd, 4)).toBe('0123');
  });

  it.each([
    [MEMORY_SIZE - 3, 4],
    [MEMORY_SIZE, 1],
    [0xffffffff, 1],
    [0xfffffff0, 0xffffffff],
    [0, 0xffffffff],
  ])('is EFAULT at %d of %d bytes', async (pointer, length) => {
    const fd = await guest.open(DIR, 'ten');
    await guest.poke32(IOVEC, pointer, length);
    expect(await guest.call('fd_read', fd, IOVEC, 1, OUT)).toBe(E.FAULT);
    expect(await guest.read(fd, 4)).toBe('0123');
  });

  it('may end where memory does', async () => {
    const fd = await guest.open(DIR, 'ten');
    await guest.poke32(MEMORY_SIZE - 8, MEMORY_SIZE - 12, 4);
    expect(await guest.call('fd_read', fd, MEMORY_SIZE - 8, 1, MEMORY_SIZE - 4)).toBe(0);
    const end = await guest.peek(MEMORY_SIZE - 16, 16);
    expect([end.toString('latin1', 4, 8), end.readUInt32LE(12)]).toEqual(['0123', 4]);
  });
});

it('paths have no zeros in them, wherever', async () => {
  for (let length = 1; length < 20; length++) {
    for (let at = 0; at < length; at++) {
      const path = Buffer.alloc(length, 1).fill(0x80, 0, at);
      path[at] = 0;
      await guest.poke(PATH, path);
      expect(await guest.call('path_open', DIR, 1, PATH, length, 0, FD_READ, 0n, 0, OUT)).toBe(E.INVAL);
    }
  }
  const name = '\x01\x7f\u0080\x01'.repeat(5);
  writeFileSync(join(folder, name), 'found');
  expect(await guest.read(await guest.open(DIR, name), 10)).toBe('found');
});

describe('a snapshot', () => {
  const target = temporaryFolder();
  const OPEN = (path: number, length: number, out: number) =>
    `(drop (call $open (i32.const 3) (i32.const 1) (i32.const ${path}) (i32.const ${length}) (i32.const 0)
      (i64.const 0x4002) (i64.const 0) (i32.const 0) (i32.const ${out})))`;
  const PROGRAM = `(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "ten" "sub" "inner" "ready\\n")
    (func $copy (param $from i32)
      (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 5))
      (if (call $read (local.get $from) (i32.const 16) (i32.const 1) (i32.const 24)) (then unreachable))
      (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))
    (func (export "_start")
      ${OPEN(64, 3, 0)}
      ${OPEN(67, 3, 4)}
      (i32.store (i32.const 16) (i32.const 75)) (i32.store (i32.const 20) (i32.const 6))
      (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
      (i32.store (i32.const 16) (i32.const 1024)) (i32.store (i32.const 20) (i32.const 1))
      (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
      (call $copy (i32.load (i32.const 0)))
      (if (call $open (i32.load (i32.const 4)) (i32.const 1) (i32.const 70) (i32.const 5) (i32.const 0)
        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)) (then unreachable))
      (call $copy (i32.load (i32.const 8)))))`;

  it('knows what all descriptors are', async () => {
    const program = await build(new TextEncoder().encode(PROGRAM), join(target, 'image'));
    const dirs = [{ host: folder, guest: '/d', readOnly: false }];
    const workload = Workload.start(program.path, { dirs, stdin: 'pipe' });
    await workload.waitFor('ready\n');
    const snapshot = join(target, 'snapshot');
    await captureAndEnd(workload, snapshot);
    const { descriptors } = readSnapshot(snapshot).snapshot.host;
    const opened = descriptors.filter(({ fd }) => fd > 3);
    expect(opened.map(({ kind }) => kind)).toEqual(['file', 'directory']);
    expect(opened.map(({ rights }) => rights >> 30n)).toEqual([0n, 0n]);
    const restored = await restoreAndStart(snapshot, program, join(target, 'resumable'), { dirs, stdin: 'pipe' });
    restored.stdin.end('x');
    expect(await restored.ended()).toEqual({ stdout: '01234inner', stderr: '', code: 0 });
  });
});

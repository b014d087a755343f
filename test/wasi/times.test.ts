/** fd_filestat_set_times and path_filestat_set_times, with openat2 and with the walk. */

import { lstatSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { E, FD_READ, FD_WRITE, Guest, PATH, removeGuest } from '../support/wasi-guest.js';

const ATIM = 1;
const ATIM_NOW = 2;
const MTIM = 4;
const MTIM_NOW = 8;
const A = 1_111_111_111_222_333_444n;
const M = 1_222_222_222_000_000_001n;
const DIR = 3;
const READ_ONLY = 4;

afterAll(removeGuest);

describe.each([
  ['openat2', {}],
  ['the walk', { WAGSNAP_NO_OPENAT2: '1' }],
])('with %s', (_, env) => {
  let root: string;
  let guest: Guest;
  let begin: number;
  beforeEach(async () => {
    begin = Date.now();
    root = mkdtempSync(join(tmpdir(), 'wagsnap-times-'));
    mkdirSync(join(root, 'in/sub'), { recursive: true });
    writeFileSync(join(root, 'in/file'), 'file');
    writeFileSync(join(root, 'secret'), 'secret');
    mkdirSync(join(root, 'out'));
    symlinkSync('file', join(root, 'in/link'));
    symlinkSync('../secret', join(root, 'in/escape'));
    symlinkSync('../out', join(root, 'in/escape-to-directory'));
    guest = await Guest.start({ env, dirs: [`${root}/in::/d`, `${root}/in::/r:ro`] });
  });
  afterEach(async () => {
    await guest.stop();
    rmSync(root, { recursive: true });
  });

  const times = (name: string) => {
    const { atimeNs, mtimeNs } = lstatSync(join(root, name), { bigint: true });
    return [atimeNs, mtimeNs];
  };
  const byFd = (fd: number, flags: number) => guest.call('fd_filestat_set_times', fd, A, M, flags);
  const byPath = async (path: string, flags: number, lookup = 1, directory = DIR) =>
    guest.call('path_filestat_set_times', directory, lookup, PATH, await guest.poke(PATH, path), A, M, flags);
  /** Since the test began; file systems may be some milliseconds late, or count seconds. */
  const isNow = (time: bigint) => time / 1_000_000n > begin - 2000 && time / 1_000_000n < Date.now() + 2000;

  it('sets both, one or none, to a time or to now', async () => {
    const fd = await guest.open(DIR, 'file', { rights: FD_WRITE });
    expect(await byFd(fd, ATIM | MTIM)).toBe(0);
    expect(times('in/file')).toEqual([A, M]);
    expect(await byFd(fd, 0)).toBe(0);
    expect(times('in/file')).toEqual([A, M]);
    expect(await byFd(fd, ATIM_NOW)).toBe(0);
    expect(isNow(times('in/file')[0])).toBe(true);
    expect(times('in/file')[1]).toBe(M);
    expect(await byPath('file', ATIM | MTIM_NOW)).toBe(0);
    expect(times('in/file')[0]).toBe(A);
    expect(isNow(times('in/file')[1])).toBe(true);
    expect(await byPath('file', MTIM)).toBe(0);
    expect(times('in/file')).toEqual([A, M]);
  });

  it('sets those of directories and of files that are only read', async () => {
    const sub = await guest.open(DIR, 'sub', { rights: FD_READ });
    expect(await byFd(sub, ATIM | MTIM)).toBe(0);
    expect(times('in/sub')).toEqual([A, M]);
    expect(await byFd(DIR, ATIM | MTIM)).toBe(0);
    expect(times('in')).toEqual([A, M]);
    const reader = await guest.open(DIR, 'file');
    expect(await byFd(reader, MTIM)).toBe(0);
    expect(times('in/file')[1]).toBe(M);
    expect(await byPath('sub/', MTIM_NOW)).toBe(0);
    expect(isNow(times('in/sub')[1])).toBe(true);
  });

  it('follows a link or not', async () => {
    expect(await byPath('link', ATIM | MTIM, 0)).toBe(0);
    expect(times('in/link')).toEqual([A, M]);
    expect(isNow(times('in/file')[1])).toBe(true);
    expect(await byPath('link', ATIM | MTIM, 1)).toBe(0);
    expect(times('in/file')).toEqual([A, M]);
  });

  it('touches nothing outside', async () => {
    const before = ['secret', 'out', 'in/sub'].map((name) => statSync(join(root, name), { bigint: true }).mtimeNs);
    for (const path of ['../secret', 'escape', 'escape-to-directory/', 'sub/../../secret', '/etc/passwd']) {
      expect([path, await byPath(path, ATIM | MTIM)]).toEqual([path, E.PERM]);
    }
    expect(await byPath('escape-to-directory/', ATIM | MTIM, 0)).toBe(E.PERM);
    expect(await byPath('sub', ATIM | MTIM, 1, READ_ONLY)).toBe(E.ROFS);
    expect(await byFd(READ_ONLY, ATIM | MTIM)).toBe(E.ROFS);
    expect(await byFd(await guest.open(READ_ONLY, 'sub'), MTIM)).toBe(E.ROFS);
    expect(await byFd(await guest.open(READ_ONLY, 'file'), MTIM)).toBe(E.NOTCAPABLE);
    const after = ['secret', 'out', 'in/sub'].map((name) => statSync(join(root, name), { bigint: true }).mtimeNs);
    expect(after).toEqual(before);
  });

  it('says what is wrong', async () => {
    const fd = await guest.open(DIR, 'file', { rights: FD_WRITE });
    for (const flags of [ATIM | ATIM_NOW, MTIM | MTIM_NOW, 16, 0xffff]) {
      expect(await byFd(fd, flags)).toBe(E.INVAL);
      expect(await byPath('file', flags)).toBe(E.INVAL);
    }
    expect(await byPath('none', MTIM)).toBe(E.NOENT);
    expect(await byPath('file/', MTIM)).toBe(E.NOTDIR);
    expect(await byPath('', MTIM)).toBe(E.NOENT);
    expect(await byPath('file', MTIM, 1, fd)).toBe(E.NOTDIR);
  });
});

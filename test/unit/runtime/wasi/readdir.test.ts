/** fd_readdir over a folder of our own: cookies that were never given, and room that is given back. */

import { expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { DIR, DIRECTORY, E, GuestCalls, OUT, READ } from './guest-calls.js';

const BUFFER = 8192;
const S_IFDIR = 0x4000;
const RECORD = 32; // bytes of a struct linux_dirent64 here

function listing(names: string[]) {
  const guest = new GuestCalls();
  const { process } = guest;
  const positions = new Map<number, number>();
  process.overrides['lseek'] = ([fd, offset, whence]) => {
    if (whence === 0) positions.set(fd, offset);
    return positions.get(fd) ?? 0;
  };
  process.overrides['getdents64'] = ([fd, to, size]) => {
    const all = ['.', ...names, '..'];
    const first = positions.get(fd) ?? 0;
    const count = Math.min(all.length - first, Math.floor(size / RECORD), 3);
    for (let i = 0; i < count; i++) {
      const at = to + i * RECORD;
      process.set64(at, 1000 + first + i);
      process.set64(at + 8, first + i + 1);
      process.set8(at + 16, RECORD);
      process.set8(at + 17, 0);
      process.set8(at + 18, 8);
      process.setBytes(at + 19, Buffer.from(`${all[first + i]}\0`));
    }
    positions.set(fd, first + count);
    return count * RECORD;
  };
  const open = () => {
    guest.modes.set(guest.nextFile, S_IFDIR);
    expect(guest.open('folder', READ, DIRECTORY, DIR)).toBe(0);
    return guest.get32(OUT);
  };
  /** Names with the cookies after them. */
  const read = (fd: number, cookie: number, length = 4000) => {
    expect(guest.call('fd_readdir', fd, BUFFER, length, BigInt(cookie), OUT)).toBe(0);
    const used = guest.get32(OUT);
    const bytes = Buffer.from(process.bytes(guest.memory + BUFFER, used));
    const found: [string, number][] = [];
    for (let at = 0; at + 24 <= used; ) {
      const end = at + 24 + bytes.readUInt32LE(at + 16);
      if (end > used) break;
      found.push([bytes.toString('utf8', at + 24, end), Number(bytes.readBigUInt64LE(at))]);
      at = end;
    }
    return found;
  };
  return { guest, open, read };
}

it('lists itself, what is above, and each name once, with the cookie of the next', () => {
  const { open, read } = listing(['a', 'b', 'c', 'd']);
  const whole = [
    ['.', 1],
    ['..', 2],
    ['a', 3],
    ['b', 4],
    ['c', 5],
    ['d', 6],
  ];
  const fd = open();
  expect(read(fd, 0)).toEqual(whole);
  for (let cookie = 0; cookie <= 6; cookie++) expect(read(fd, cookie)).toEqual(whole.slice(cookie));
});

it('cuts what has no room, and continues with it', () => {
  const { open, read } = listing(['a', 'b', 'c', 'd']);
  const fd = open();
  expect(read(fd, 0, 120).map(([name]) => name)).toEqual(['.', '..', 'a', 'b']);
  expect(read(fd, 4, 30)).toEqual([['c', 5]]);
  expect(read(fd, 5)).toEqual([['d', 6]]);
});

it('has nothing at a cookie that was never given', () => {
  const names = ['a', 'b', 'c', 'd'];
  const { open, read } = listing(names);
  const fd = open();
  expect(read(fd, 0)).toHaveLength(6);
  names.push('e', 'f');
  for (const cookie of [9, 5000, 0x7fffffff]) expect(read(fd, cookie)).toEqual([]);
  expect(read(fd, 0)).toHaveLength(8);
});

it('gives back what it has remembered when a directory is closed', () => {
  const { guest, open, read } = listing(['a', 'b', 'c', 'd']);
  const first = open();
  read(first, 0);
  const place = guest.entry(first, L.FD_OFFSET);
  expect(place).toBeGreaterThan(0);
  expect(guest.call('fd_close', first)).toBe(0);
  const second = open();
  read(second, 0);
  expect(guest.entry(second, L.FD_OFFSET)).toBe(place);
});

it('takes no buffer that is not all in the memory', () => {
  const { guest, open } = listing([]);
  const fd = open();
  expect(guest.call('fd_readdir', fd, 65536 - 9, 10, 0n, OUT)).toBe(E.FAULT);
  expect(guest.call('fd_readdir', fd, BUFFER, 10, 0n, 65536 - 3)).toBe(E.FAULT);
});

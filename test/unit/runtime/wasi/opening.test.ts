/**
 * path_open and its siblings: what the kernel is asked for, and that nothing changes below a read-only directory.
 */

import { describe, expect, it } from 'vitest';
import {
  CREAT,
  DIR,
  DIRECTORY,
  E,
  EXCL,
  GuestCalls,
  NATIVE,
  OUT,
  PATH_2,
  READ,
  READ_ONLY,
  TRUNC,
  WRITE,
} from './guest-calls.js';

const LINUX = { CREAT: 0o100, EXCL: 0o200, TRUNC: 0o1000, DIRECTORY: 0o200000, PATH: 0o10000000 };
const PROC_SUPER_MAGIC = 0x9fa0;

describe('a file', () => {
  it.each([
    [READ, 0, 0],
    [WRITE, 0, 1],
    [READ | WRITE, CREAT, 2 | LINUX.CREAT],
    [WRITE, CREAT | EXCL | TRUNC, 1 | LINUX.CREAT | LINUX.EXCL | LINUX.TRUNC],
    [READ, DIRECTORY, LINUX.DIRECTORY],
  ])('of rights %i with flags %i', (rights, oflags, flags) => {
    const guest = new GuestCalls();
    expect(guest.open('a/b', rights, oflags)).toBe(0);
    const [{ directory, path, flags: asked, mode }] = guest.opened;
    expect([directory, path]).toEqual([NATIVE.dir, 'a/b']);
    const named = 3 | LINUX.CREAT | LINUX.EXCL | LINUX.TRUNC | LINUX.DIRECTORY;
    expect(asked & named).toBe(flags);
    expect(mode).toBe(oflags & CREAT ? 0o666 : 0);
  });

  it.each([DIRECTORY | EXCL, DIRECTORY | CREAT, DIRECTORY | TRUNC])('with flags %i means nothing', (oflags) => {
    const guest = new GuestCalls();
    expect(guest.open('x', READ, oflags)).toBe(E.INVAL);
    expect(guest.asked()).toEqual([]);
  });

  it('on procfs is not opened for writing', () => {
    const guest = new GuestCalls();
    guest.process.overrides['fstatfs'] = ([, to]) => {
      guest.process.set64(to, PROC_SUPER_MAGIC);
      return 0;
    };
    expect(guest.open('self/mem', READ | WRITE)).toBe(2); // EACCES
    expect(guest.argsOf('close', 1)).toEqual([[NATIVE.file]]);
    expect(guest.open('self/stat', READ)).toBe(0);
  });
});

describe('below a read-only directory', () => {
  it.each([
    ['writing', WRITE, 0],
    ['emptying', READ, TRUNC],
    ['a new one', READ, CREAT | EXCL],
  ])('%s is EROFS', (_, rights, oflags) => {
    const guest = new GuestCalls();
    expect(guest.open('x', rights, oflags, READ_ONLY)).toBe(E.ROFS);
    expect(guest.asked()).toEqual([]);
  });

  it('a file that is there is opened, and none is made', () => {
    const guest = new GuestCalls();
    expect(guest.open('x', READ, CREAT, READ_ONLY)).toBe(0);
    expect(guest.opened[0].flags & LINUX.CREAT).toBe(0);
    guest.process.overrides['openat2'] = () => -2;
    expect(guest.open('x', READ, CREAT, READ_ONLY)).toBe(E.ROFS);
    expect(guest.open('x', READ, 0, READ_ONLY)).toBe(E.NOENT);
  });

  it('no name changes', () => {
    const guest = new GuestCalls();
    const path = guest.path('x');
    const path2 = guest.path('y', PATH_2);
    for (const name of ['path_create_directory', 'path_unlink_file', 'path_remove_directory'])
      expect([name, guest.call(name, READ_ONLY, ...path)]).toEqual([name, E.ROFS]);
    expect(guest.call('path_rename', READ_ONLY, ...path, DIR, ...path2)).toBe(E.ROFS);
    expect(guest.call('path_rename', DIR, ...path, READ_ONLY, ...path2)).toBe(E.ROFS);
    expect(guest.asked()).toEqual([]);
  });
});

describe('a change of names', () => {
  it('is made in the parents, of which no descriptor is kept', () => {
    const guest = new GuestCalls();
    const result = guest.call('path_rename', DIR, ...guest.path('a/b'), DIR, ...guest.path('c/d/e/', PATH_2));
    expect(result).toBe(0);
    expect(guest.opened.map(({ path, flags }) => [path, flags & LINUX.PATH])).toEqual([
      ['a/', LINUX.PATH],
      ['c/d/', LINUX.PATH],
    ]);
    expect(guest.argsOf('renameat2', 1)).toEqual([[NATIVE.file]]);
    expect(guest.argsOf('close', 1).flat().toSorted()).toEqual([NATIVE.file, NATIVE.file + 1]);
  });

  it('directly below the directory needs no other, and does not close it', () => {
    const guest = new GuestCalls();
    expect(guest.call('path_unlink_file', DIR, ...guest.path('a'))).toBe(0);
    expect(guest.argsOf('unlinkat', 1)).toEqual([[NATIVE.dir]]);
    expect(guest.asked()).toEqual(['unlinkat']);
  });

  it('keeps none either when the second parent is not there', () => {
    const guest = new GuestCalls();
    const open = guest.process.overrides['openat2'];
    let opens = 0;
    guest.process.overrides['openat2'] = (args) => (++opens === 2 ? -2 : open(args));
    expect(guest.call('path_rename', DIR, ...guest.path('a/b'), DIR, ...guest.path('c/d', PATH_2))).toBe(E.NOENT);
    expect(guest.argsOf('close', 1)).toEqual([[NATIVE.file]]);
    expect(guest.get32(OUT)).toBe(0);
  });
});

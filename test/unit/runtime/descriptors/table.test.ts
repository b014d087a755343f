/** What a guest may do with a descriptor, and how the table changes. */

import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { CREAT, DIR, E, GuestCalls, NATIVE, OUT, PATH_2, READ, READ_ONLY, WRITE } from '../wasi/guest-calls.js';

const [IOV, BUFFER] = [4096, 8192];
const S_IFDIR = 0x4000;
const PATH_CREATE_FILE = 1n << 10n;
const PATH_OPEN = 1n << 13n;
const FD_SYNC = 1n << 4n;

describe('a descriptor', () => {
  it('that is for reading alone is not written to, nor the other way round', () => {
    const guest = new GuestCalls();
    const reads = guest.opens('r', READ);
    const writes = guest.opens('w', WRITE);
    guest.iovecs(IOV, [BUFFER, 8]);
    guest.asked();
    for (const fd of [0, reads]) expect(guest.call('fd_write', fd, IOV, 1, OUT)).toBe(E.BADF);
    expect(guest.call('fd_read', writes, IOV, 1, OUT)).toBe(E.BADF);
    expect(guest.asked('statx')).toEqual([]);
  });

  it('of a file is no directory, nor the other way round', () => {
    const guest = new GuestCalls();
    const file = guest.opens('file', READ);
    guest.iovecs(IOV, [BUFFER, 8]);
    expect(guest.open('x', READ, 0, file)).toBe(E.NOTDIR);
    expect(guest.call('fd_readdir', file, BUFFER, 100, 0n, OUT)).toBe(E.NOTDIR);
    expect(guest.call('path_create_directory', file, ...guest.path('x'))).toBe(E.NOTDIR);
    expect(guest.call('fd_sync', DIR)).toBe(E.BADF);
    expect(guest.call('fd_seek', DIR, 0n, 0, OUT)).toBe(E.BADF);
    expect(guest.call('fd_read', DIR, IOV, 1, OUT)).toBe(E.BADF);
  });

  it('that turns out to be a directory is one: the kernel says so when it is read', () => {
    const guest = new GuestCalls();
    guest.modes.set(guest.nextFile, S_IFDIR);
    const fd = guest.opens('is-a-folder', READ);
    guest.process.overrides['read'] = () => -21; // EISDIR
    guest.iovecs(IOV, [BUFFER, 8]);
    expect(guest.call('fd_read', fd, IOV, 1, OUT)).toBe(E.BADF);
    expect(guest.entry(fd, L.FD_KIND)).toBe(L.FDK_DIRECTORY);
    expect(guest.open('below', READ, 0, fd)).toBe(0);
    expect(guest.opened.at(-1)).toMatchObject({ directory: NATIVE.file, path: 'below' });
    // with the rights of the directory that it is below
    expect([L.FD_RIGHTS, L.FD_RIGHTS + 4].map((field) => guest.entry(fd, field))).toEqual(
      [L.FD_RIGHTS, L.FD_RIGHTS + 4].map((field) => guest.entry(DIR, field)),
    );
  });

  it('of a terminal cannot seek, which is no question of rights', () => {
    const guest = new GuestCalls();
    expect(guest.call('fd_tell', 1, OUT)).toBe(0);
    expect(new GuestCalls([], true).call('fd_tell', 1, OUT)).toBe(E.SPIPE);
  });
});

describe('rights', () => {
  const rights = (guest: GuestCalls, fd: number) => {
    expect(guest.call('fd_fdstat_get', fd, BUFFER)).toBe(0);
    return [8, 16].map((at) => BigInt(guest.get32(BUFFER + at)) | (BigInt(guest.get32(BUFFER + at + 4)) << 32n));
  };

  it('are given away and never taken back', () => {
    const guest = new GuestCalls();
    const file = guest.opens('file', READ | WRITE);
    const [all] = rights(guest, file);
    expect(guest.call('fd_fdstat_set_rights', file, all & ~FD_SYNC, 0n)).toBe(0);
    expect(guest.call('fd_sync', file)).toBe(E.NOTCAPABLE);
    expect(guest.call('fd_fdstat_set_rights', file, all, 0n)).toBe(E.NOTCAPABLE);
    expect(guest.call('fd_fdstat_set_rights', file, all & ~FD_SYNC, 1n)).toBe(E.NOTCAPABLE);
    expect(guest.call('fd_fdstat_set_rights', file, 1n << 62n, 0n)).toBe(E.NOTCAPABLE); // our own mark
    expect(rights(guest, file)).toEqual([all & ~FD_SYNC, 0n]);
  });

  it('to pass on are given away, too: what is opened below has none of them', () => {
    const guest = new GuestCalls();
    const [own, passed] = rights(guest, DIR);
    expect(guest.call('fd_fdstat_set_rights', DIR, own, passed & ~WRITE)).toBe(0);
    expect(guest.call('fd_fdstat_set_rights', DIR, own, passed)).toBe(E.NOTCAPABLE);
    expect(guest.open('file', READ | WRITE)).toBe(0);
    expect(guest.opened.at(-1)!.flags & 3).toBe(0); // O_RDONLY
  });

  it('of a directory are asked for by what is done below it', () => {
    const guest = new GuestCalls();
    const [, passed] = rights(guest, DIR);
    expect(guest.call('fd_fdstat_set_rights', DIR, PATH_OPEN, passed)).toBe(0);
    guest.asked();
    expect(guest.open('file', READ, CREAT)).toBe(E.NOTCAPABLE);
    expect(guest.call('path_create_directory', DIR, ...guest.path('x'))).toBe(E.NOTCAPABLE);
    expect(guest.asked()).toEqual([]);
    expect(PATH_CREATE_FILE & PATH_OPEN).toBe(0n);
    expect(guest.open('file', READ)).toBe(0);
  });

  it('may all go, and the directory stays open', () => {
    const guest = new GuestCalls();
    expect(guest.call('fd_fdstat_set_rights', DIR, 0n, 0n)).toBe(0);
    expect(rights(guest, DIR)).toEqual([0n, 0n]);
    expect(guest.call('fd_close', DIR)).toBe(0);
    expect(guest.call('fd_close', DIR)).toBe(E.BADF);
  });
});

describe('a close', () => {
  it('of a standard stream leaves /dev/null in its place', () => {
    const guest = new GuestCalls();
    expect(guest.call('fd_close', 1)).toBe(0);
    expect(guest.argsOf('dup3', 3)).toEqual([[9, 1, 0]]);
    expect(guest.argsOf('close', 1)).toEqual([]);
  });

  it('of a directory that files are below keeps its path, and its number until the last of them is closed', () => {
    const guest = new GuestCalls();
    const file = guest.opens('file');
    expect(guest.call('fd_close', DIR)).toBe(0);
    expect(guest.argsOf('close', 1)).toEqual([[NATIVE.dir]]);
    expect(guest.entry(DIR, L.FD_KIND)).toBe(L.FDK_PREOPEN);
    for (const again of ['fd_close', 'fd_sync']) expect(guest.call(again, DIR)).toBe(E.BADF);
    expect(guest.call('fd_prestat_get', DIR, OUT)).toBe(E.BADF);
    expect(guest.opens('next', READ, READ_ONLY)).toBe(file + 1);
    expect(guest.call('fd_close', file)).toBe(0);
    expect(guest.entry(DIR, L.FD_KIND)).toBe(L.FDK_FREE);
    expect(guest.opens('reuses', READ, READ_ONLY)).toBe(DIR);
  });
});

describe('another number', () => {
  it('takes along what is below', () => {
    const guest = new GuestCalls();
    const below = guest.opens('below');
    const target = guest.opens('target');
    expect(guest.call('fd_renumber', DIR, target)).toBe(0);
    expect(guest.argsOf('close', 1)).toEqual([[NATIVE.file + 1]]);
    expect(guest.entry(below, L.FD_PREOPEN)).toBe(target);
    expect(guest.entry(DIR, L.FD_KIND)).toBe(L.FDK_FREE);
    expect(guest.open('x', READ, 0, target)).toBe(0);
    expect(guest.opened.at(-1)).toMatchObject({ directory: NATIVE.dir });
  });

  it('that is the same one changes nothing', () => {
    const guest = new GuestCalls();
    const fd = guest.opens('file');
    guest.asked();
    expect(guest.call('fd_renumber', fd, fd)).toBe(0);
    expect(guest.asked('statx')).toEqual([]);
    expect(guest.entry(fd, L.FD_KIND)).toBe(L.FDK_FILE);
  });

  it('must be an open one', () => {
    const guest = new GuestCalls();
    const fd = guest.opens('file');
    expect(guest.call('fd_renumber', fd, 100)).toBe(E.BADF);
    expect(guest.call('fd_renumber', 100, fd)).toBe(E.BADF);
  });
});

describe('names of directories', () => {
  it('are told whole or not at all', () => {
    const guest = new GuestCalls();
    expect(guest.call('fd_prestat_get', DIR, OUT)).toBe(0);
    expect([guest.get32(OUT), guest.get32(OUT + 4)]).toEqual([0, 2]);
    expect(guest.call('fd_prestat_dir_name', DIR, BUFFER, 1)).toBe(E.NAMETOOLONG);
    expect(guest.call('fd_prestat_dir_name', DIR, BUFFER, 2)).toBe(0);
    expect(guest.process.bytes(guest.memory + BUFFER, 3)).toEqual([0x2f, 0x64, 0]);
  });

  it('of files follow a rename of what they are below, and nothing else does', () => {
    const guest = new GuestCalls();
    const file = guest.opens('a/b/file');
    const other = guest.opens('ab/file');
    const rename = () => guest.call('path_rename', DIR, ...guest.path('a'), DIR, ...guest.path('new', PATH_2));
    guest.process.overrides['renameat2'] = () => -2;
    expect(rename()).toBe(E.NOENT);
    expect(guest.recordedPath(file)).toBe('a/b/file');
    guest.process.overrides['renameat2'] = () => 0;
    expect(rename()).toBe(0);
    expect([guest.recordedPath(file), guest.recordedPath(other)]).toEqual(['new/b/file', 'ab/file']);
  });
});

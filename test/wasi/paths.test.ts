/** Calls with paths, and that none of them leaves its directory: with openat2 and with the walk that replaces it. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { during } from '../support/waiting.js';
import { CREAT, DIRECTORY, E, EXCL, FD_READ, FD_WRITE, Guest, OUT, removeGuest, TRUNC } from '../support/wasi-guest.js';

const BOTH = FD_READ | FD_WRITE;
const DIR = 3; // root/in
const SUB = 4; // root/in/sub
const READ_ONLY = 5; // root/in, :ro

afterAll(removeGuest);

describe.each([
  ['openat2', {}],
  ['the walk', { WAGSNAP_NO_OPENAT2: '1' }],
])('with %s', (_, env) => {
  let root: string;
  let guest: Guest;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'wagsnap-paths-'));
    mkdirSync(join(root, 'in/sub/deep'), { recursive: true });
    mkdirSync(join(root, 'out'));
    writeFileSync(join(root, 'secret'), 'secret');
    writeFileSync(join(root, 'in/file'), 'file');
    writeFileSync(join(root, 'in/sub/inner'), 'inner');
    const link = (target: string, name: string) => symlinkSync(target, join(root, 'in', name));
    link('file', 'to-file');
    link('sub', 'to-sub');
    link('../secret', 'escape');
    link('..', 'up');
    link(join(root, 'secret'), 'absolute');
    link('nowhere', 'dangling');
    link('loop', 'loop');
    link('sub/../../in/file', 'detour'); // leaves, though it comes back
    link('../file', 'sub/back'); // inside of DIR, outside of SUB
    link('deep/../../to-sub/inner', 'sub/inside');
    link('sub/', 'slashed');
    guest = await Guest.start({ env, dirs: [`${root}/in::/d`, `${root}/in/sub::/s`, `${root}/in::/r:ro`] });
  });
  afterEach(async () => {
    await guest.stop();
    rmSync(root, { recursive: true });
  });

  /** Opens, reads and closes; the errno's negative when it cannot. */
  async function text(path: string, directory = DIR, lookup = 1): Promise<string | number> {
    const fd = await guest.open(directory, path, { lookup });
    if (fd < 0) return fd;
    const read = await guest.read(fd, 100);
    await guest.call('fd_close', fd);
    return read;
  }
  const kind = async (path: string, lookup = 1) => {
    const stat = await guest.stat(DIR, path, lookup);
    return typeof stat === 'number' ? stat : stat.type;
  };
  const inside = (path: string) => join(root, 'in', path);

  it('opens what is below the directory', async () => {
    expect(await text('file')).toBe('file');
    expect(await text('sub/inner')).toBe('inner');
    expect(await text('./sub//./deep/../inner')).toBe('inner');
    expect(await text('sub/../file')).toBe('file');
    expect(await text('to-file')).toBe('file');
    expect(await text('to-sub/inner')).toBe('inner');
    expect(await text('to-sub/../file')).toBe('file');
    expect(await text('sub/inside')).toBe('inner');
    expect(await text('sub/back')).toBe('file');
    expect(await text('slashed/inner')).toBe('inner');
    expect(await text('sub/deep/../../sub/deep/../../to-file')).toBe('file');
  });

  it('opens nothing else', async () => {
    const outside = [
      ...[
        '../secret',
        '..',
        'sub/../../secret',
        'sub/../..',
        'sub/../../in/file',
        'up',
        'up/secret',
        'to-sub/../../secret',
      ],
      ...[
        'escape',
        'absolute',
        'detour',
        '/',
        '/etc/passwd',
        `${root}/in/file`,
        './../secret',
        'sub/deep/../../../secret',
      ],
    ];
    for (const path of outside) expect([path, await text(path)]).toEqual([path, -E.PERM]);
    expect(await text('back', SUB)).toBe(-E.PERM);
    expect(await text('../file', SUB)).toBe(-E.PERM);
    const sub = await guest.open(DIR, 'sub', { oflags: DIRECTORY });
    expect(await text('inner', sub)).toBe('inner');
    expect(await text('../file', sub)).toBe(-E.PERM); // though DIR may
  });

  it('says what is wrong with a path', async () => {
    expect(await text('none')).toBe(-E.NOENT);
    expect(await text('none/x')).toBe(-E.NOENT);
    expect(await text('')).toBe(-E.NOENT);
    expect(await text('file/x')).toBe(-E.NOTDIR);
    expect(await text('file/')).toBe(-E.NOTDIR);
    expect(await text('file/..')).toBe(-E.NOTDIR);
    expect(await text('file\0')).toBe(-E.INVAL);
    expect(await text('dangling')).toBe(-E.NOENT);
    expect(await text('loop')).toBe(-E.LOOP);
    expect(await text('loop/x')).toBe(-E.LOOP);
    expect(await text('x'.repeat(256))).toBe(-E.NAMETOOLONG);
    expect(await text('a/'.repeat(2047))).toBe(-E.NOENT);
    expect(await text('a/'.repeat(2048))).toBe(-E.NAMETOOLONG);
    expect(await text('file', 0)).toBe(-E.NOTDIR);
    expect(await text('file', 77)).toBe(-E.BADF);
  });

  it('follows a last link only when told to', async () => {
    expect(await text('to-file', DIR, 0)).toBe(-E.LOOP);
    expect(await text('to-sub/inner', DIR, 0)).toBe('inner');
    expect([-E.LOOP, -E.NOTDIR]).toContain(await guest.open(DIR, 'to-sub', { lookup: 0, oflags: DIRECTORY }));
    expect(await guest.open(DIR, 'to-sub', { oflags: DIRECTORY })).toBe(6);
    expect(await guest.open(DIR, 'to-sub/', { lookup: 0, oflags: DIRECTORY })).toBe(7);
    expect(await guest.open(DIR, 'to-file', { oflags: DIRECTORY })).toBe(-E.NOTDIR);
  });

  it('creates, truncates, excludes', async () => {
    const fd = await guest.open(DIR, 'sub/new', { oflags: CREAT | EXCL, rights: BOTH });
    expect(await guest.write(fd, 'data')).toBe(4);
    expect(await guest.open(DIR, 'sub/new', { oflags: CREAT | EXCL })).toBe(-E.EXIST);
    expect(readFileSync(inside('sub/new'), 'utf8')).toBe('data');
    expect(await guest.open(DIR, 'sub/new', { oflags: CREAT })).toBeGreaterThan(0);
    expect(readFileSync(inside('sub/new'), 'utf8')).toBe('data');
    expect(await guest.open(DIR, 'sub/new', { oflags: TRUNC, rights: BOTH })).toBeGreaterThan(0);
    expect(readFileSync(inside('sub/new'), 'utf8')).toBe('');
    expect(await guest.open(DIR, 'sub', { rights: BOTH })).toBe(-E.ISDIR);
    expect(await guest.open(DIR, 'fresh', { oflags: CREAT | DIRECTORY })).toBe(-E.INVAL);
    // through links: only where they lead inside
    expect(await guest.open(DIR, 'dangling', { oflags: CREAT | EXCL })).toBe(-E.EXIST);
    expect(await guest.open(DIR, 'dangling', { oflags: CREAT })).toBeGreaterThan(0);
    expect(existsSync(inside('nowhere'))).toBe(true);
    symlinkSync('../out/made', inside('outward'));
    expect(await guest.open(DIR, 'outward', { oflags: CREAT, rights: BOTH })).toBe(-E.PERM);
    expect(await guest.open(DIR, '../out/made', { oflags: CREAT, rights: BOTH })).toBe(-E.PERM);
    expect(await guest.open(DIR, 'absolute', { oflags: TRUNC, rights: BOTH })).toBe(-E.PERM);
    expect(readdirSync(join(root, 'out'))).toEqual([]);
    expect(readFileSync(join(root, 'secret'), 'utf8')).toBe('secret');
  });

  it('describes files by path', async () => {
    expect(await guest.stat(DIR, 'file')).toEqual({ type: 4, size: 4n });
    expect(await kind('sub')).toBe(3);
    expect(await kind('.')).toBe(3);
    expect(await kind('sub/..')).toBe(3);
    expect(await kind('to-file')).toBe(4);
    expect(await kind('to-file', 0)).toBe(7);
    expect(await kind('escape', 0)).toBe(7);
    expect(await kind('dangling')).toBe(-E.NOENT);
    for (const path of ['escape', 'absolute', '..', 'up', '../secret', '/']) expect(await kind(path)).toBe(-E.PERM);
  });

  it('makes and removes directories', async () => {
    const create = (path: string) => guest.path('path_create_directory', DIR, path);
    const remove = (path: string) => guest.path('path_remove_directory', DIR, path);
    expect(await create('new')).toBe(0);
    expect(await create('new/')).toBe(E.EXIST);
    expect(await create('to-sub/made/')).toBe(0);
    expect(existsSync(inside('sub/made'))).toBe(true);
    for (const path of ['../out/x', 'up/out/x', '/tmp', 'sub/../../out/x']) expect(await create(path)).toBe(E.PERM);
    for (const path of ['..', '.', 'sub/..']) expect(await create(path)).toBe(E.EXIST);
    expect(await create('none/x')).toBe(E.NOENT);
    expect(await create('file/x')).toBe(E.NOTDIR);
    expect(await remove('sub')).toBe(E.NOTEMPTY);
    expect(await remove('file')).toBe(E.NOTDIR);
    expect(await remove('to-sub')).toBe(E.NOTDIR);
    expect(await remove('../out')).toBe(E.PERM);
    expect(await remove('up/out')).toBe(E.PERM);
    expect([E.INVAL, E.NOTEMPTY]).toContain(await remove('.'));
    expect(await remove('sub/made/')).toBe(0);
    expect(await remove('new')).toBe(0);
    expect(readdirSync(join(root, 'out'))).toEqual([]);
  });

  it('removes files, never what a link leads to', async () => {
    const unlink = (path: string) => guest.path('path_unlink_file', DIR, path);
    expect(await unlink('sub')).toBe(E.ISDIR);
    expect(await unlink('file/')).toBe(E.NOTDIR);
    expect(await unlink('../secret')).toBe(E.PERM);
    expect(await unlink('up/secret')).toBe(E.PERM);
    expect(await unlink('escape')).toBe(0);
    expect(existsSync(join(root, 'secret'))).toBe(true);
    expect(await unlink('to-sub/inner')).toBe(0);
    expect(await unlink('to-sub/inner')).toBe(E.NOENT);
    expect(await unlink('file')).toBe(0);
    expect(existsSync(inside('file'))).toBe(false);
  });

  it('renames inside and between directories', async () => {
    expect(await guest.rename(DIR, 'file', DIR, 'sub/moved')).toBe(0);
    expect(readFileSync(inside('sub/moved'), 'utf8')).toBe('file');
    expect(await guest.rename(SUB, 'moved', DIR, 'file')).toBe(0);
    expect(await guest.rename(DIR, 'file', DIR, '../out/x')).toBe(E.PERM);
    expect(await guest.rename(DIR, '../secret', DIR, 'x')).toBe(E.PERM);
    expect(await guest.rename(DIR, 'up/secret', DIR, 'x')).toBe(E.PERM);
    expect(await guest.rename(DIR, 'file', DIR, 'up/out/x')).toBe(E.PERM);
    expect(await guest.rename(DIR, 'none', DIR, 'x')).toBe(E.NOENT);
    expect(await guest.rename(DIR, 'file', DIR, 'sub')).toBe(E.ISDIR);
    expect(await guest.rename(DIR, 'sub', DIR, 'sub/deep/x')).toBe(E.INVAL);
    expect(await guest.rename(DIR, 'escape', DIR, 'renamed')).toBe(0); // the link itself
    expect(readdirSync(join(root, 'out'))).toEqual([]);
  });

  it('changes nothing below a read-only directory', async () => {
    expect(await text('file', READ_ONLY)).toBe('file');
    expect(await guest.open(READ_ONLY, 'file', { oflags: CREAT })).toBeGreaterThan(0);
    const sub = await guest.open(READ_ONLY, 'sub', { oflags: DIRECTORY });
    for (const fd of [READ_ONLY, sub]) {
      expect(await guest.open(fd, 'inner', { rights: FD_WRITE })).toBe(-E.ROFS);
      expect(await guest.open(fd, 'file', { oflags: TRUNC })).toBe(-E.ROFS);
      expect(await guest.open(fd, 'new', { oflags: CREAT })).toBe(-E.ROFS);
      expect(await guest.path('path_create_directory', fd, 'new')).toBe(E.ROFS);
      expect(await guest.path('path_unlink_file', fd, 'inner')).toBe(E.ROFS);
      expect(await guest.path('path_remove_directory', fd, 'deep')).toBe(E.ROFS);
      expect(await guest.rename(fd, 'inner', DIR, 'x')).toBe(E.ROFS);
      expect(await guest.rename(DIR, 'file', fd, 'x')).toBe(E.ROFS);
    }
    expect(await guest.call('fd_fdstat_get', READ_ONLY, OUT)).toBe(0);
    const rights = (await guest.peek(OUT, 24)).readBigUInt64LE(8);
    expect(rights & (1n << 26n)).toBe(0n); // path_unlink_file
  });

  it('is not led outside by somebody who moves things meanwhile', async () => {
    mkdirSync(inside('flip'));
    mkdirSync(inside('mover/a'), { recursive: true });
    mkdirSync(join(root, 'elsewhere'));
    for (const name of ['flip/inner', 'mover/file']) writeFileSync(inside(name), 'inner');
    for (const name of ['out/inner', 'elsewhere/file']) writeFileSync(join(root, name), 'secret');
    const mischief = `const { renameSync, symlinkSync, unlinkSync } = require('node:fs');
      process.chdir(${JSON.stringify(root)});
      process.send('');
      for (;;) {
        renameSync('in/flip', 'flip'); symlinkSync('../out', 'in/flip'); unlinkSync('in/flip'); renameSync('flip', 'in/flip');
        renameSync('in/mover/a', 'elsewhere/a'); renameSync('elsewhere/a', 'in/mover/a');
      }`;
    const child = spawn(process.execPath, ['-e', mischief], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
    await during(child, once(child, 'message'));
    const seen = new Set<string | number>();
    for (let i = 0; i < 500; i++) {
      seen.add(await text('flip/inner'));
      seen.add(await text('mover/a/../file'));
      seen.add(await text('mover/a/../../mover/a/../file'));
    }
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(seen).not.toContain('secret');
    // ACCES is Landlock's, when a directory is outside at the moment
    const ends = ['inner', -E.NOENT, -E.PERM, -E.AGAIN, -E.NOTDIR, -E.LOOP, -E.ACCES];
    for (const found of seen) expect(ends).toContain(found);
    expect(seen).toContain('inner');
  });

  it('keeps no descriptor of what it looked at', async () => {
    const open = () => readdirSync(`/proc/${guest.process.pid}/fd`).length;
    const before = open();
    for (const path of [
      'file/x',
      'sub/../../x',
      'loop',
      'to-sub/../none',
      'none',
      'absolute',
      'a/b/c',
      'sub/deep/../x',
    ]) {
      await text(path);
      await guest.stat(DIR, path);
      await guest.path('path_create_directory', DIR, `${path}/y`);
      await guest.path('path_unlink_file', DIR, path);
      await guest.rename(DIR, path, DIR, `sub/${path}`);
    }
    expect(open()).toBe(before);
  });
});

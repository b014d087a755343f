/** path_link, path_symlink and path_readlink, with openat2 and with the walk. */

import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DATA, E, Guest, OUT, PATH, PATH_2, removeGuest } from '../support/wasi-guest.js';

const DIR = 3;
const SUB = 4;
const READ_ONLY = 5;

afterAll(removeGuest);

describe.each([
  ['openat2', {}],
  ['the walk', { WAGSNAP_NO_OPENAT2: '1' }],
])('with %s', (_, env) => {
  let root: string;
  let guest: Guest;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'wagsnap-links-'));
    mkdirSync(join(root, 'in/sub'), { recursive: true });
    writeFileSync(join(root, 'in/file'), 'file');
    writeFileSync(join(root, 'secret'), 'secret');
    symlinkSync('file', join(root, 'in/to-file'));
    symlinkSync('sub', join(root, 'in/to-sub'));
    symlinkSync('nowhere', join(root, 'in/dangling'));
    symlinkSync('..', join(root, 'in/up'));
    symlinkSync('/etc/passwd', join(root, 'in/absolute'));
    guest = await Guest.start({ env, dirs: [`${root}/in::/d`, `${root}/in/sub::/s`, `${root}/in::/r:ro`] });
  });
  afterEach(async () => {
    await guest.stop();
    rmSync(root, { recursive: true });
  });
  const inside = (path: string) => join(root, 'in', path);

  describe('path_link', () => {
    const link = async (path: string, newPath: string, { from = DIR, to = DIR, lookup = 0 } = {}) => {
      const length = await guest.poke(PATH, path);
      return guest.call('path_link', from, lookup, PATH, length, to, PATH_2, await guest.poke(PATH_2, newPath));
    };

    it('gives a file a second name', async () => {
      expect(await link('file', 'again')).toBe(0);
      expect(statSync(inside('again')).ino).toBe(statSync(inside('file')).ino);
      expect(await link('./sub/../file', 'to-sub/deep', {})).toBe(0);
      expect(await link('file', 'other', { to: SUB })).toBe(0);
      expect(statSync(inside('file')).nlink).toBe(4);
      expect(readFileSync(inside('sub/other'), 'utf8')).toBe('file');
    });

    it('links a link itself', async () => {
      expect(await link('dangling', 'dangling-too')).toBe(0);
      expect(readlinkSync(inside('dangling-too'))).toBe('nowhere');
      expect(await link('to-file', 'x', { lookup: 1 })).toBe(E.INVAL);
    });

    it('says what is wrong', async () => {
      expect(await link('none', 'x')).toBe(E.NOENT);
      expect(await link('file', 'to-file')).toBe(E.EXIST);
      expect(await link('file', 'dangling')).toBe(E.EXIST);
      expect(await link('file', 'none/x')).toBe(E.NOENT);
      expect(await link('file', 'file/x')).toBe(E.NOTDIR);
      expect(await link('file', 'x/')).toBe(E.NOENT);
      expect(await link('file/', 'x')).toBe(E.NOTDIR);
      expect(await link('none/', 'x')).toBe(E.NOENT);
      expect(await link('sub', 'x')).toBe(E.PERM);
      expect(await link('sub/', 'x')).toBe(E.PERM);
      expect(await link('', 'x')).toBe(E.NOENT);
      expect(await link('file', '')).toBe(E.NOENT);
    });

    it('neither leaves the directory nor changes what is read-only', async () => {
      for (const path of ['../secret', 'up/secret', 'up/', '/etc/passwd', 'sub/../../secret']) {
        expect([path, await link(path, 'x')]).toEqual([path, E.PERM]);
        expect([path, await link('file', path === 'up/' ? 'up/y' : path)]).toEqual([path, E.PERM]);
      }
      expect(await link('file', 'x', { from: READ_ONLY })).toBe(E.ROFS);
      expect(await link('file', 'x', { to: READ_ONLY })).toBe(E.ROFS);
      expect(await link('file', 'x', { from: 0 })).toBe(E.NOTDIR);
      expect(await link('file', 'x', { to: 0 })).toBe(E.NOTDIR);
      expect(statSync(inside('file')).nlink).toBe(1);
      expect(statSync(join(root, 'secret')).nlink).toBe(1);
    });
  });

  describe('path_symlink', () => {
    const symlink = async (target: string, path: string, directory = DIR) => {
      const length = await guest.poke(PATH_2, target);
      return guest.call('path_symlink', PATH_2, length, directory, PATH, await guest.poke(PATH, path));
    };

    it('makes a link to anything that is relative', async () => {
      for (const target of ['file', '../in/file', 'not there', './', 'ü'.repeat(500)]) {
        expect(await symlink(target, 'new')).toBe(0);
        expect(readlinkSync(inside('new'))).toBe(target);
        rmSync(inside('new'));
      }
      expect(await symlink('x', 'to-sub/new')).toBe(0);
      expect(lstatSync(inside('sub/new')).isSymbolicLink()).toBe(true);
      expect(await symlink('../file', 'back', SUB)).toBe(0);
      // it is checked when it is followed
      expect(await guest.stat(SUB, 'back')).toBe(-E.PERM);
      expect(await guest.stat(DIR, 'sub/back')).toMatchObject({ size: 4n });
    });

    it('says what is wrong', async () => {
      expect(await symlink('/etc/passwd', 'x')).toBe(E.PERM);
      expect(await symlink('', 'x')).toBe(E.NOENT);
      expect(await symlink('a\0b', 'x')).toBe(E.INVAL);
      expect(await symlink('x'.repeat(4096), 'x')).toBe(E.NAMETOOLONG);
      expect(await symlink('x', 'file')).toBe(E.EXIST);
      expect(await symlink('x', 'dangling')).toBe(E.EXIST);
      expect(await symlink('x', 'new/')).toBe(E.NOENT);
      expect(await symlink('x', 'none/new')).toBe(E.NOENT);
      expect(await symlink('x', 'file/new')).toBe(E.NOTDIR);
      expect(await symlink('x', '../new')).toBe(E.PERM);
      expect(await symlink('x', 'up/new')).toBe(E.PERM);
      expect(await symlink('x', 'new', READ_ONLY)).toBe(E.ROFS);
      expect(await symlink('x', 'new', 0)).toBe(E.NOTDIR);
    });
  });

  describe('path_readlink', () => {
    const readlink = async (path: string, length = 100, directory = DIR) => {
      const size = await guest.poke(PATH, path);
      await guest.poke(DATA, '#'.repeat(16));
      const error = await guest.call('path_readlink', directory, PATH, size, DATA, length, OUT);
      return error ? -error : (await guest.peek(DATA, await guest.peek32(OUT))).toString();
    };

    it('says where a link leads', async () => {
      expect(await readlink('to-file')).toBe('file');
      expect(await readlink('dangling')).toBe('nowhere');
      expect(await readlink('up')).toBe('..');
      expect(await readlink('to-sub')).toBe('sub');
      expect(await readlink('sub/../to-file', 100, READ_ONLY)).toBe('file');
    });

    it('cuts it off', async () => {
      expect(await readlink('dangling', 4)).toBe('nowh');
      expect((await guest.peek(DATA, 8)).toString()).toBe('nowh####');
      expect(await readlink('dangling', 7)).toBe('nowhere');
      expect(await readlink('dangling', 0)).toBe('');
    });

    it('says what is wrong', async () => {
      expect(await readlink('file')).toBe(-E.INVAL);
      expect(await readlink('sub')).toBe(-E.INVAL);
      expect(await readlink('to-sub/')).toBe(-E.INVAL); // the directory
      expect(await readlink('none')).toBe(-E.NOENT);
      expect(await readlink('file/x')).toBe(-E.NOTDIR);
      expect(await readlink('absolute')).toBe(-E.PERM);
      expect(await readlink('../in/to-file')).toBe(-E.PERM);
      expect(await readlink('up/in/to-file')).toBe(-E.PERM);
      expect(await readlink('to-file', 100, 0)).toBe(-E.NOTDIR);
    });
  });
});

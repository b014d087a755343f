/** The walk without openat2, over a tree of our own: it never leaves the directory, and gives up in time. */

import { expect, it } from 'vitest';
import { DIR, E, GuestCalls, NATIVE, OUT, READ } from '../wasi/guest-calls.js';

const [S_IFDIR, S_IFREG, S_IFLNK] = [0x4000, 0x8000, 0xa000];
const [O_PATH, O_NOFOLLOW, O_DIRECTORY] = [0o10000000, 0o400000, 0o200000];
const [ENOENT, ENOTDIR, ELOOP, ENOSYS, EINVAL] = [-2, -20, -40, -38, -22];

/** What is below the directory: a string is where a link leads, true a folder, false a file. */
type Tree = Readonly<Record<string, string | boolean>>;

function walking(tree: Tree) {
  const guest = new GuestCalls();
  const { overrides } = guest.process;
  const places = new Map<number, string>([[NATIVE.dir, '']]);
  const text = (at: number) => {
    const bytes: number[] = [];
    for (let i = at; guest.process.get8(i) !== 0; i++) bytes.push(guest.process.get8(i));
    return Buffer.from(bytes).toString();
  };
  /** Names that the kernel was given, with what it was told about links. */
  const named: string[] = [];
  let next = 100;
  overrides['openat2'] = ([, , , size]) => (size === 0 ? EINVAL : ENOSYS);
  overrides['openat'] = ([directory, at, flags]) => {
    const name = text(at);
    named.push(`${name}${flags & O_NOFOLLOW ? '' : ' followed'}`);
    expect(name).not.toMatch(/\/|^\.\.$/); // one component, and never up
    const path = name === '.' ? places.get(directory)! : `${places.get(directory)}/${name}`;
    const what = path === '' ? true : /^(\/d)+$/.test(path) || tree[path];
    if (what === undefined) return ENOENT;
    if (typeof what === 'string' && flags & O_NOFOLLOW && !(flags & O_PATH)) return ELOOP;
    if (flags & O_DIRECTORY && what !== true) return ENOTDIR;
    places.set(next, path);
    guest.modes.set(next, what === true ? S_IFDIR : what === false ? S_IFREG : S_IFLNK);
    return next++;
  };
  overrides['readlinkat'] = ([fd, , to, size]) => {
    const target = Buffer.from(tree[places.get(fd)!] as string).subarray(0, size);
    guest.process.setBytes(to, target);
    return target.length;
  };
  overrides['close'] = ([fd]) => (places.delete(fd) ? 0 : -9);
  const open = (path: string, follow = 1) =>
    guest.call('path_open', DIR, follow, ...guest.path(path), 0, READ, 0n, 0, OUT);
  /** Descriptors that are left open besides the directory's own. */
  const left = () => [...places.values()].slice(1);
  return { guest, open, named, left };
}

const tree: Tree = {
  '/a': true,
  '/a/b': true,
  '/a/b/file': false,
  '/file': false,
  '/up': '../x',
  '/absolute': '/etc',
  '/inside': 'a/b',
  '/out-again': 'a/../../x',
  '/self': 'self',
  '/nothing': '',
  '/a/link': '../file',
};

it.each([
  ['a/b/file', '/a/b/file'],
  ['inside/file', '/a/b/file'],
  ['a//b/./file', '/a/b/file'],
  ['a/b/../b/file', '/a/b/file'],
  ['a/../a/b/../link', '/file'],
  ['a/b/../..', ''],
  ['a/.', '/a'],
  ['a/b/', '/a/b'],
])('%s is %s', (path, expected) => {
  const { open, left } = walking(tree);
  expect(open(path)).toBe(0);
  expect(left()).toEqual([expected]);
});

it.each([
  ['..', E.PERM],
  ['a/../..', E.PERM],
  ['a/b/../../../a', E.PERM],
  ['up', E.PERM],
  ['a/../up/y', E.PERM],
  ['absolute', E.PERM],
  ['absolute/passwd', E.PERM],
  ['out-again', E.PERM],
  ['self', E.LOOP],
  ['nothing', E.NOENT],
  ['none', E.NOENT],
  ['none/x', E.NOENT],
  ['file/x', E.NOTDIR],
  ['file/..', E.NOTDIR],
  ['x'.repeat(256), E.NAMETOOLONG],
  [`a/${'x'.repeat(300)}/b`, E.NAMETOOLONG],
])('%s is error %i, and nothing stays open', (path, error) => {
  const { open, left } = walking(tree);
  expect(open(path)).toBe(error);
  expect(left()).toEqual([]);
});

it('follows no name that is walked again, as it may be another by then', () => {
  const { open, named } = walking(tree);
  expect(open('a/b/../b/file')).toBe(0);
  expect(named).toEqual(['a', 'b', 'a', 'b', 'file', 'file']);
});

it('follows forty links and no more', () => {
  const chain = (length: number): Tree =>
    Object.fromEntries(Array.from({ length: length + 1 }, (_, i) => [`/l${i}`, i === length ? false : `l${i + 1}`]));
  expect(walking(chain(40)).open('l0')).toBe(0);
  expect(walking(chain(41)).open('l0')).toBe(E.LOOP);
});

it('gives up on links that make a path of more than there is room for', () => {
  const long = (start: string) => `${start}/${'./'.repeat(2000)}x`;
  const { open, left } = walking({ '/one': long('two'), '/two': long('three'), '/three': false });
  expect(open('one')).toBe(E.NOTDIR);
  expect(open(`one/${'./'.repeat(1800)}y`)).toBe(E.NAMETOOLONG);
  expect(left()).toEqual([]);
});

it('gives up on folders that are deeper than there is room for', () => {
  const deep = (end: string) => `${'d/'.repeat(2000)}${end}`;
  const at = (depth: number) => '/d'.repeat(depth);
  const links = {
    '/one': deep('two'),
    [`${at(2000)}/two`]: deep('three'),
    [`${at(4000)}/three`]: deep('four'),
    [`${at(6000)}/four`]: false,
  };
  const { open, left } = walking(links);
  expect(open('one')).toBe(E.NAMETOOLONG);
  expect(left()).toEqual([]);
});

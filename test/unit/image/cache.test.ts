import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheFolder, ImageCache, type ImageKey } from '../../../src/image/cache.js';

const key: ImageKey = { module: 'ab', target: 'x64', compiler: '1', options: { deterministic: false } };

describe('ImageCache', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'wag-snap-cache-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('finds what was stored, and only under the same key', () => {
    const cache = new ImageCache(folder);
    expect(cache.find(key)).toBeUndefined();
    const path = cache.store(key, new Uint8Array([1, 2, 3]))!;
    expect(cache.find(key)).toBe(path);
    expect([...readFileSync(path)]).toEqual([1, 2, 3]);
    expect(cache.find({ ...key, compiler: '2' })).toBeUndefined();
    expect(cache.find({ ...key, options: { deterministic: true } })).toBeUndefined();
    expect(cache.find({ ...key, module: 'cd' })).toBeUndefined();
    expect(cache.find({ ...key, target: 'arm64' })).toBeUndefined();
  });

  test('knows options by their names, in any order', () => {
    const cache = new ImageCache(folder);
    const path = cache.store({ ...key, options: { a: 1, b: 2, c: 3 } }, new Uint8Array(1))!;
    expect(cache.find({ ...key, options: { c: 3, a: 1, b: 2 } })).toBe(path);
    expect(cache.find({ ...key, options: { a: 3, b: 2, c: 1 } })).toBeUndefined();
  });

  test('is its owner’s alone, and so are its entries, under any umask', () => {
    const before = process.umask(0);
    try {
      const path = new ImageCache(join(folder, 'made/here')).store(key, new Uint8Array(1))!;
      expect(
        [path, join(folder, 'made/here'), join(folder, 'made')].map((name) => statSync(name).mode & 0o777),
      ).toEqual([0o700, 0o700, 0o700]);
    } finally {
      process.umask(before);
    }
  });

  test('is not there when its folder is another user’s', (context) => {
    if (process.geteuid!() !== 0) context.skip('only root can give a folder away');
    chownSync(folder, 12345, 0);
    expect(new ImageCache(folder).store(key, new Uint8Array(1))).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('keeps the entry that it has just made, even when that alone is beyond its bound', () => {
    const cache = new ImageCache(folder, 1000);
    const path = cache.store(key, new Uint8Array(5000))!;
    expect(cache.find(key)).toBe(path);
  });

  test('takes no entry of another size, although its CRC is right', () => {
    const cache = new ImageCache(folder);
    const path = cache.store(key, new Uint8Array(0))!; // of CRC 0, as these four bytes
    writeFileSync(path, Uint8Array.of(0x9d, 0x0a, 0xd9, 0x6d));
    expect(cache.find(key)).toBeUndefined();
  });

  test('ignores and deletes damaged entries', () => {
    const cache = new ImageCache(folder);
    const path = cache.store(key, new Uint8Array(1000).fill(7))!;
    truncateSync(path, 999);
    expect(cache.find(key)).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(cache.store(key, new Uint8Array(1000).fill(7))!, new Uint8Array(1000).fill(8));
    expect(cache.find(key)).toBeUndefined();
  });

  test('drops the least recently used entries beyond its bound', () => {
    const cache = new ImageCache(folder, 3500);
    const paths = ['a', 'b', 'c'].map((module, i) => {
      const path = cache.store({ ...key, module }, new Uint8Array(1000))!;
      utimesSync(path, 1000 + i, 1000 + i);
      return path;
    });
    cache.find({ ...key, module: 'a' });
    cache.store({ ...key, module: 'd' }, new Uint8Array(1000));
    expect(cache.find({ ...key, module: 'a' })).toBe(paths[0]);
    expect(cache.find({ ...key, module: 'b' })).toBeUndefined();
    expect(cache.find({ ...key, module: 'd' })).toBeDefined();
  });

  test('is of its own files only: nothing else is deleted or found, of whatever kind', () => {
    const cache = new ImageCache(folder, 1500);
    mkdirSync(join(folder, 'photos'));
    writeFileSync(join(folder, 'photos/one'), Buffer.alloc(5000));
    writeFileSync(join(folder, 'notes'), Buffer.alloc(5000));
    const outside = mkdtempSync(join(tmpdir(), 'wag-snap-cache-outside-'));
    try {
      writeFileSync(join(outside, 'target'), Buffer.alloc(5000));
      const stored = basename(cache.store(key, new Uint8Array(1000))!);
      const entries = ['b', 'c'].map((letter) => stored.replace(/^./, letter === stored[0] ? 'd' : letter));
      symlinkSync(join(outside, 'target'), join(folder, entries[0]));
      mkdirSync(join(folder, entries[1]));
      writeFileSync(join(folder, entries[1], 'inside'), '');
      for (const name of readdirSync(folder)) utimesSync(join(folder, name), 1, 1);
      lutimesSync(join(folder, entries[0]), 0, 0); // the first to go, if it were an entry
      cache.store({ ...key, module: 'other' }, new Uint8Array(1000));
      expect(readdirSync(folder).filter((name) => name !== stored)).toHaveLength(5);
      expect(readdirSync(folder)).not.toContain(stored);
      expect(existsSync(join(folder, entries[1], 'inside'))).toBe(true);
      expect(existsSync(join(outside, 'target'))).toBe(true);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  test('an entry that is a link or a FIFO is none', () => {
    const cache = new ImageCache(folder);
    const path = cache.store(key, new Uint8Array([1, 2, 3]))!;
    const elsewhere = mkdtempSync(join(tmpdir(), 'wag-snap-cache-elsewhere-'));
    try {
      renameSync(path, join(elsewhere, 'image'));
      symlinkSync(join(elsewhere, 'image'), path);
      expect(cache.find(key)).toBeUndefined();
      rmSync(path);
      expect(spawnSync('mkfifo', [join(folder, basename(path))]).status).toBe(0);
      expect(cache.find(key)).toBeUndefined();
      expect(readdirSync(folder)).toEqual([basename(path)]); // not ours to delete
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test('says whether it is used, and makes its folder for that', () => {
    const used = (path: string) => {
      const cache = new ImageCache(path);
      const isUsable = cache.isUsable();
      cache.close();
      return isUsable;
    };
    expect(used(join(folder, 'a/b'))).toBe(true);
    expect(existsSync(join(folder, 'a/b'))).toBe(true);
    symlinkSync('a', join(folder, 'link'));
    expect(used(join(folder, 'link'))).toBe(false);
    chmodSync(join(folder, 'a'), 0o777);
    expect(used(join(folder, 'a'))).toBe(false);
    expect(used('/proc/none/wag-snap')).toBe(false); // where a recursive mkdir never returns
  });

  test('is not there when its folder is a link, or others may write to it', () => {
    const link = join(folder, 'link');
    mkdirSync(join(folder, 'real'), { mode: 0o700 });
    symlinkSync('real', link);
    expect(new ImageCache(link).store(key, new Uint8Array(1))).toBeUndefined();
    expect(readdirSync(join(folder, 'real'))).toEqual([]);
    for (const mode of [0o722, 0o702, 0o720]) {
      chmodSync(join(folder, 'real'), mode);
      expect(new ImageCache(join(folder, 'real')).store(key, new Uint8Array(1))).toBeUndefined();
    }
    chmodSync(join(folder, 'real'), 0o755);
    expect(new ImageCache(join(folder, 'real')).store(key, new Uint8Array(1))).toBeDefined();
  });

  test('stays the folder that was checked when its path becomes another', () => {
    const cache = new ImageCache(join(folder, 'one'));
    cache.store(key, new Uint8Array([1]));
    renameSync(join(folder, 'one'), join(folder, 'two'));
    mkdirSync(join(folder, 'one'));
    cache.store({ ...key, module: 'later' }, new Uint8Array([2]));
    expect(readdirSync(join(folder, 'one'))).toEqual([]);
    expect(readdirSync(join(folder, 'two'))).toHaveLength(2);
  });

  test('is not there when its folder cannot be made', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(new ImageCache(join(file, 'below')).store(key, new Uint8Array(1))).toBeUndefined();
  });
});

test('the folder follows XDG_CACHE_HOME when that is absolute', () => {
  expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/wag-snap');
  expect(cacheFolder({ XDG_CACHE_HOME: 'x' })).toMatch(/\/\.cache\/wag-snap$/);
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cacheFolder, ImageCache, type ImageKey } from '../../../src/restore/cache.js';

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

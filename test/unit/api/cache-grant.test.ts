/** The warning about writable directories that contain the cache, by any of their names. */

import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cacheGrantWarnings } from '../../../src/api/cache-grant.js';

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'wag-snap-cache-grant-')));
  mkdirSync(join(folder, 'cache/wag-snap/inside'), { recursive: true });
  mkdirSync(join(folder, 'cache/wag'));
  mkdirSync(join(folder, 'other'));
  symlinkSync('cache', join(folder, 'link'));
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const warns = (host: string, readOnly = false) => cacheGrantWarnings([{ host, readOnly }]).length;

test.each(['cache', 'cache/wag-snap', '.', 'link', 'other/../cache', '/'])('%s', (name) => {
  const host = name === '/' ? name : join(folder, name);
  expect(warns(host)).toBe(1);
  expect(warns(host, true)).toBe(0);
});

test.each(['other', 'cache/wag', 'cache/wag-snap/inside', 'none'])('%s is not what is meant', (name) => {
  expect(warns(join(folder, name))).toBe(0);
});

test('also when the cache is reached by a link', () => {
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'link'));
  expect(warns(join(folder, 'cache'))).toBe(1);
});

test('without a cache there is nothing to warn of', () => {
  vi.stubEnv('XDG_CACHE_HOME', join(folder, 'none'));
  expect(warns(folder)).toBe(0);
});

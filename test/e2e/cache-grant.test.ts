/** A writable directory that holds the cache of compiled images is warned about, once, and no other is. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const program = join(root, 'fixtures/programs/hello.wasm');
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wag-snap-grant-'));
  mkdirSync(join(home, '.cache/wag-snap'), { recursive: true });
  mkdirSync(join(home, 'work'));
  symlinkSync('.', join(home, 'same'));
});
afterAll(() => rmSync(home, { recursive: true }));

test.each([
  ['.::/d', true],
  ['.cache::/d', true],
  ['.cache/wag-snap::/d', true],
  ['same::/d', true],
  ['/::/d', true],
  ['.::/d:ro', false],
  ['work::/d', false],
])('run --dir %s', (dir, warned) => {
  const env = { PATH: process.env['PATH'], HOME: home };
  const { stderr, status } = spawnSync(join(root, 'bin/wag-snap'), ['run', '--dir', dir, program], {
    cwd: home,
    env,
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stderr.split('\n').length).toBe(warned ? 2 : 1);
  expect(stderr.includes('holds the cache of compiled images')).toBe(warned);
});

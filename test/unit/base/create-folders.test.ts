/** Folders with those above them, also where none can be made. */

import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createFolders } from '../../../src/base/create-folders.js';

const folder = mkdtempSync(join(tmpdir(), 'wag-snap-folders-test-'));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('those that are missing are created, for their owner only', () => {
  expect(createFolders(at('a/b/c'))).toBe(at('a'));
  expect(statSync(at('a/b/c')).mode & 0o777).toBe(0o700);
  expect(createFolders(at('a/b/d'))).toBe(at('a/b/d'));
  expect(createFolders(at('a/b'))).toBeUndefined();
  expect(createFolders('/')).toBeUndefined();
});

test('a link to a folder is one', () => {
  mkdirSync(at('there'));
  symlinkSync('there', at('link'));
  expect(createFolders(at('link/new'))).toBe(at('link/new'));
  expect(existsSync(at('there/new'))).toBe(true);
});

test.each([
  ['a file', 'file', 'ENOTDIR'],
  ['below a file', 'file/below', 'ENOTDIR'],
  ['a link to nothing', 'nothing', 'ENOENT'],
])('%s is none', (_, name, code) => {
  writeFileSync(at('file'), '');
  rmSync(at('nothing'), { force: true });
  symlinkSync('nowhere', at('nothing'));
  expect(() => createFolders(at(name))).toThrow(expect.objectContaining({ code }));
});

test.each(['/proc/nope', '/proc/nope/below', '/proc/self/nope'])('%s cannot be made', (path) => {
  expect(() => createFolders(path)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
});

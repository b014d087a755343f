/** --pid-file: it replaces no file that the command reads, and only the command's own file is removed. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PidFile } from '../../../../bin/options/pid-file.js';

let folder: string;
let path: string;
const printed: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-pid-file-'));
  path = join(folder, 'pid');
  printed.length = 0;
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => printed.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

test('has the pid in a line, and goes when the program has ended', () => {
  const file = new PidFile({ pidFile: path }, []);
  expect(existsSync(path)).toBe(false);
  file.write(4711);
  expect(readFileSync(path, 'utf8')).toBe('4711\n');
  file.remove();
  expect(existsSync(path)).toBe(false);
  file.remove();
});

test('is not removed when it is another program’s by now', () => {
  const file = new PidFile({ pidFile: path }, []);
  file.write(4711);
  writeFileSync(path, '4712\n');
  file.remove();
  expect(readFileSync(path, 'utf8')).toBe('4712\n');
});

test('of a program that never ran is left as it was', () => {
  writeFileSync(path, '');
  new PidFile({ pidFile: path }, []).remove();
  expect(existsSync(path)).toBe(true);
});

test('is refused when it is an input, before anything is started', () => {
  writeFileSync(path, 'module');
  expect(() => new PidFile({ pidFile: path }, [path])).toThrow('it is the input');
  expect(readFileSync(path, 'utf8')).toBe('module');
});

test('that cannot be written any more ends no program, and is told of', () => {
  const file = new PidFile({ pidFile: path }, []);
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), '');
  file.write(4711);
  expect(printed.join('')).toMatch(/no pid file: /);
  file.remove();
  expect(existsSync(join(path, 'inside'))).toBe(true);
});

test('is none without the option', () => {
  const file = new PidFile({ pidFile: undefined }, [path]);
  file.write(1);
  file.remove();
  expect(printed).toEqual([]);
});

/** The README's tables against the commands: every option is there, and nothing else is. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const { stdout: help } = spawnSync(join(root, 'bin/wag-snap'), ['--help'], { encoding: 'utf8' });
const commands = Array.from(help.matchAll(/^ {2}wag-snap ([a-z]+)/gm), ([, name = '']) => name);
const common = ['--help', '--version', '--verbose', '--output']; // the last two are there as -v and -o

function optionsOf(command: string): string[] {
  const { status, stdout, stderr } = spawnSync(join(root, 'bin/wag-snap'), [command, '--help'], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return Array.from(stdout.matchAll(/^ {2}(?:-\w, | {4})(--[a-z-]+)/gm), ([, name = '']) => name);
}

test('the README has each option of each command, and none that is not there', () => {
  const options = new Set(commands.flatMap(optionsOf));
  for (const option of common) expect([...options]).toContain(option);
  const tables = readme.split('\n').filter((line) => line.startsWith('| `-'));
  const listed = new Set(tables.flatMap((line) => line.split(' | ')[0]?.match(/--[a-z][a-z-]*/g) ?? []));
  const inProse = new Set(readme.match(/--[a-z][a-z-]*/g));
  expect(
    [...options].filter((option) => !common.includes(option) && !listed.has(option) && !inProse.has(option)),
  ).toEqual([]);
  expect([...listed].filter((option) => !options.has(option))).toEqual([]);
});

test('the README has each command', () => {
  expect(commands).toContain('capture');
  const rows = Array.from(readme.matchAll(/^\| `([a-z]+)[ `]/gm), ([, name]) => name);
  expect(commands.filter((name) => !rows.includes(name))).toEqual([]);
});

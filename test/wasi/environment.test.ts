/**
 * The variables that configure an image which is started by hand: their valid values, and that an invalid value never
 * means "no limit".
 */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { build, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const image = join(folder, 'image');

/** Grows its memory to 3 pages, and exits with its size in pages. */
const SIZE = `(module (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32))) (memory (export "memory") 1)
  (func (export "_start") (drop (memory.grow (i32.const 2))) (call $exit (memory.size))))`;

beforeAll(() => build(Buffer.from(SIZE), image));

function start(name: string, value: string) {
  const { status, stderr } = spawnSync(image, [], { env: { [name]: value }, encoding: 'utf8' });
  return { status, stderr };
}

describe('sizes', () => {
  test.each([
    ['65536', 1],
    ['196608', 3],
    ['64K', 1],
    ['192k', 3],
    ['1M', 3],
    ['1g', 3],
    ['9007199254740992', 3],
    ['8388608G', 3],
  ])('WAGSNAP_MAX_MEMORY=%s', (value, pages) => {
    expect(start('WAGSNAP_MAX_MEMORY', value)).toEqual({ status: pages, stderr: '' });
  });

  test.each([
    '',
    '0',
    '0K',
    'x',
    '-1',
    '1.5M',
    '64KB',
    '64K ',
    ' 1M',
    '0x10000',
    '1T',
    'K',
    'none',
    '9007199254740993',
    '8388609G',
    '18446744073709617152',
    '9'.repeat(400),
  ])('WAGSNAP_MAX_MEMORY=%j is refused', (value) => {
    const expected = 'expected a number of bytes, or one with K, M or G';
    const shown = value.slice(0, 256);
    expect(start('WAGSNAP_MAX_MEMORY', value)).toEqual({
      status: 2,
      stderr: `wag-snap: WAGSNAP_MAX_MEMORY: "${shown}": ${expected}\n`,
    });
  });

  test.each(['x', '', '1M!', '63K', '257M'])('WAGSNAP_MAX_STACK=%j is refused', (value) => {
    const { status, stderr } = start('WAGSNAP_MAX_STACK', value);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^wag-snap: .*expected.*\n$/);
    expect(stderr).toContain('WAGSNAP_MAX_STACK');
  });
});

test.each([
  ['WAGSNAP_ON_TRAP', 'stay', '"stay": expected exit or park'],
  ['WAGSNAP_ON_TRAP', '', '"": expected exit or park'],
  ['WAGSNAP_ON_TRAP', 'parked', '"parked": expected exit or park'],
  ['WAGSNAP_TRAP_FD', 'x', '"x": expected a number'],
  ['WAGSNAP_SNAPSHOTS', 'x', '"x": expected a number'],
  ['WAGSNAP_IGNORE', 'TERM', '"TERM": expected a number'],
  ['WAGSNAP_DRIVER', '3x', '"3x": expected a number'],
  ['WAGSNAP_PARK', 'yes', '"yes": expected a number'],
  ['WAGSNAP_NO_SANDBOX', 'yes', '"yes": expected a number'],
  ['WAGSNAP_NO_OPENAT2', '-', '"-": expected a number'],
])('%s=%s is refused', (name, value, message) => {
  expect(start(name, value)).toEqual({ status: 2, stderr: `wag-snap: ${name}: ${message}\n` });
});

test('a value is printed so that no terminal obeys it', () => {
  expect(start('WAGSNAP_MAX_MEMORY', 'a\x1b[31m\n\u009b\u202eé日😀').stderr).toMatch(
    /"a\\u{1b}\[31m\\u{a}\\u{9b}\\u{202e}é日😀"/,
  );
});

test('names of other variables that begin alike are the program’s', () => {
  expect(start('WAGSNAP_MAX_MEMORY_', 'x')).toEqual({ status: 3, stderr: '' });
  expect(start('WAGSNAP_ON_TRAP', 'exit')).toEqual({ status: 3, stderr: '' });
});

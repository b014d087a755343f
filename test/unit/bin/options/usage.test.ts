import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { once, parseArch, parseDir, parseEnv, several, UsageError } from '../../../../bin/options/usage.js';

describe('--dir', () => {
  test.each([
    ['/a', { host: '/a', guest: '/a', readOnly: false }],
    ['/a:ro', { host: '/a', guest: '/a', readOnly: true }],
    ['/a::/b', { host: '/a', guest: '/b', readOnly: false }],
    ['/a::/b:ro', { host: '/a', guest: '/b', readOnly: true }],
    ['/a:b::c', { host: '/a:b', guest: 'c', readOnly: false }],
    ['/a:rw', { host: '/a', guest: '/a', readOnly: false }],
    ['/a::/b:rw', { host: '/a', guest: '/b', readOnly: false }],
    ['/a::/b:ro:rw', { host: '/a', guest: '/b:ro', readOnly: false }],
    ['.', { host: resolve('.'), guest: '.', readOnly: false }],
  ])('%s', (text, expected) => expect(parseDir(text)).toEqual(expected));

  test.each(['', '::', '/a::', '::/b', ':ro', '/a\nb', '/a\0b', '/a::b\0', '/a::b::c', ':rw'])(
    '%j is wrong usage',
    (text) => {
      expect(() => parseDir(text)).toThrow(UsageError);
    },
  );

  test('with one colon, the error points at two', () => {
    expect(() => parseDir('.:/x')).toThrow(/--dir \.:\/x: there is no directory .*two colons: --dir \.::\/x/);
    expect(() => parseDir('.:/x:ro')).toThrow(UsageError);
  });
});

test('--env keeps values as they are', () => {
  expect(parseEnv(['A=1', 'B=', 'C=x=y', 'A=2'])).toEqual({ A: '2', B: '', C: 'x=y' });
  for (const wrong of ['A', '=1', 'WAGSNAP_DIR=/']) expect(() => parseEnv([wrong])).toThrow(UsageError);
});

test('--arch takes the usual names, and is this machine by default', () => {
  for (const name of ['x64', 'x86-64', 'AMD64', 'x86_64']) expect(parseArch(name)).toBe('x64');
  for (const name of ['arm64', 'AArch64']) expect(parseArch(name)).toBe('arm64');
  expect(parseArch(undefined)).toBe(process.arch);
  expect(() => parseArch('vax')).toThrow(/unknown/);
});

test('options are given once, or several times where that makes sense', () => {
  expect(once('out')('a')).toBe('a');
  expect(() => once('out')(['a', 'b'])).toThrow(/more than once/);
  expect(() => once('out')('')).toThrow('--out is empty');
  expect(once('out', true)('')).toBe('');
  expect(once('out')(undefined)).toBeUndefined();
  expect(several(undefined)).toEqual([]);
  expect(several('a')).toEqual(['a']);
  expect(several(['a', 'b'])).toEqual(['a', 'b']);
});

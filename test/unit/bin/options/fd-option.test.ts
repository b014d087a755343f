/** --fd: which descriptor of a snapshot, and what becomes of it. */

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parseFds } from '../../../../bin/options/fd-option.js';
import { UsageError } from '../../../../bin/options/usage.js';
import type { Descriptor } from '../../../../src/snapshot/snapshot.js';

const nothing = new Uint8Array(0);
const descriptor = (fd: number, kind: Descriptor['kind']): Descriptor => ({
  fd,
  kind,
  path: nothing,
  preopen: 3,
  guestName: nothing,
  hostPath: nothing,
  readOnly: false,
  flags: 0,
  openFlags: 0,
  rights: 0n,
  rightsInheriting: 0n,
  offset: 0n,
  cookie: 0n,
});
const descriptors = [
  descriptor(4, 'file'),
  descriptor(5, 'directory'),
  descriptor(6, 'listener'),
  descriptor(7, 'socket'),
];
const parse = (...texts: string[]) => [...parseFds(texts, descriptors)];

test('a word, or a path of this machine', () => {
  expect(parse('4=reopen', '5=close', '6=ignore', '7=fail')).toEqual([
    [4, 'reopen'],
    [5, 'close'],
    [6, 'ignore'],
    [7, 'fail'],
  ]);
  expect(parse('4=a=b')).toEqual([[4, { path: resolve('a=b') }]]);
  expect(parse('4=reopen\n')).toEqual([[4, { path: resolve('reopen\n') }]]);
});

test.each(['', '4', '=x', '4=', 'x=close', '-4=close', '99999=close', '4=a\0b', ' 4=close'])(
  '%j is wrong usage',
  (text) => {
    expect(() => parse(text)).toThrow(UsageError);
    expect(() => parse(text)).toThrow(/expected N=reopen/);
  },
);

test('what nobody can read is quoted, so that no terminal obeys it', () => {
  expect(() => parse('\u001b[2J')).toThrow('--fd "\\u{1b}[2J": expected');
});

test('one that the program does not have is answered with those that it has', () => {
  const wrong = () => parse('8=close');
  expect(wrong).toThrow(/the program has no descriptor 8; it has:/);
  expect(() => parseFds(['8=close'], [])).toThrow(/it has none/);
});

test('each is given once', () => {
  expect(() => parse('4=close', '4=reopen')).toThrow(/descriptor 4 was given more than once/);
});

test.each(['5=/x', '6=/x', '7=/x'])('%s: no path stands for what is no file', (text) => {
  expect(() => parse(text)).toThrow(/a path cannot stand for descriptor/);
});

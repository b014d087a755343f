/** --fd: which descriptor of a snapshot, and what becomes of it. */

import { expect, test } from 'vitest';
import { parseFds } from '../../../../bin/options/fd-option.js';
import { UsageError } from '../../../../bin/options/usage.js';

const parse = (...texts: string[]) => [...parseFds(texts)];

test('a word, or a path of this machine', () => {
  expect(parse('4=reopen', '5=close', '6=ignore', '7=fail')).toEqual([
    [4, 'reopen'],
    [5, 'close'],
    [6, 'ignore'],
    [7, 'fail'],
  ]);
  expect(parse('4=a=b')).toEqual([[4, { path: 'a=b' }]]);
  expect(parse('4=reopen\n')).toEqual([[4, { path: 'reopen\n' }]]);
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

test('each is given once', () => {
  expect(() => parse('4=close', '4=reopen')).toThrow(/descriptor 4 was given more than once/);
});

/** A shell reads a printed word as the word itself, and no control character in it reaches the terminal. */

import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '../../../../bin/options/shell-word.js';
import { terminalText } from '../../../../src/base/terminal-text.js';

test.each([
  'app.wasm',
  '/a/b-c_d,e:f@g%h+i=j',
  '',
  'two words',
  "it's",
  "'",
  'a"b$(touch x)`y`\\z',
  '$HOME',
  '~',
  '*',
  'a;b',
  'ä',
  '\u001b[2J',
  '\u0007',
  "a'\u001b'b",
  'new\nline',
  'back\\slash\u001b',
  '\u202e',
  '\u0001f', // what follows an escape could be taken for its next digit
])('%j', (text) => {
  const word = shellWord(text);
  expect(terminalText(word)).toBe(word);
  const { stdout } = spawnSync('bash', ['-c', `printf '%s' ${word}`], {
    env: { LC_ALL: 'C' },
    cwd: '/proc/self/fdinfo',
  });
  expect(stdout.toString()).toBe(text);
});

test('a plain word stays as it is', () => {
  expect(shellWord('/a/b.wasm')).toBe('/a/b.wasm');
});

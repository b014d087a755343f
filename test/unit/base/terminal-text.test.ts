/** Control characters in text for a terminal are printed as escapes. */

import { expect, test } from 'vitest';
import { shellWord } from '../../../bin/options/shell-word.js';
import { InputError } from '../../../src/base/errors.js';
import { quoted, terminalJson, terminalLines, terminalText } from '../../../src/base/terminal-text.js';

const HOSTILE = 'a\x1b[31m\n\r\t\x7f\u009b\u202e\u2028\u2029\u200b\ufeff\u00ad\ud800\u{e0041}';
const SHOWN =
  'a\\u{1b}[31m\\u{a}\\u{d}\\u{9}\\u{7f}\\u{9b}\\u{202e}\\u{2028}\\u{2029}\\u{200b}\\u{feff}\\u{ad}\\u{d800}\\u{e0041}';

test('shows what a terminal would obey', () => {
  expect(terminalText(HOSTILE)).toBe(SHOWN);
  expect(terminalText(SHOWN)).toBe(SHOWN);
  expect(terminalLines([HOSTILE, 'b'])).toBe(`${SHOWN}\nb\n`);
});

test('leaves the letters of all scripts as they are', () => {
  const text = 'naïve 日本語 русский العربية עברית ไทย 😀 C:\\dir "x"';
  expect(terminalText(text)).toBe(text);
});

test('quotes', () => expect(quoted('a"b\\c\n')).toBe('"a\\"b\\\\c\\u{a}"'));

test('JSON reads back as it was', () => {
  const json = terminalJson({ [HOSTILE]: [HOSTILE] });
  expect(json).toMatch(/^[\x20-\x7e]*$/);
  expect(JSON.parse(json)).toEqual({ [HOSTILE]: [HOSTILE] });
});

test('a message has more lines only where it means to', () => {
  const error = new InputError('code', `a\nb`, [`c\nd`, 'e']);
  expect(error.message).toBe('a\\u{a}b\nc\\u{a}d\ne');
});

test('words of a command line', () => {
  expect([shellWord('a.b'), shellWord("it's"), shellWord('é a')]).toEqual(['a.b', `'it'\\''s'`, `'é a'`]);
  expect(shellWord("'\x1bé\n")).toBe("$'\\x27\\x1b\\xc3\\xa9\\x0a'");
});

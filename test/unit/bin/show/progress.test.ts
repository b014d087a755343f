/** The progress line of long work. */

import { expect, test } from 'vitest';
import { Progress } from '../../../../bin/show/progress.js';

function progress(isTTY: boolean) {
  let now = 0;
  const lines: string[] = [];
  const stream = { isTTY, write: (text: string | Uint8Array) => lines.push(String(text)) > 0 };
  const it = new Progress('writing', stream as never, () => now);
  return { it, lines, at: (time: number) => (now = time) };
}

test('has share, rate and the time that is left', () => {
  const { it, lines, at } = progress(true);
  at(2000);
  it.update(256 * 2 ** 20, 1024 * 2 ** 20);
  expect(lines).toEqual(['\rwriting: 256 of 1024 MiB (25 %), 128 MiB/s, 6 s left\x1b[K']);
  at(4000);
  it.update(0, 0);
  expect(lines[1]).toBe('\rwriting: 0 of 0 MiB (100 %), 0 MiB/s\x1b[K');
  it.end();
  expect(lines.slice(2)).toEqual(['\r\x1b[K']);
});

test('says nothing of what is quick, more than ten times a second, or where nobody looks', () => {
  const { it, lines, at } = progress(true);
  at(299);
  it.update(1, 2);
  at(300);
  it.update(1, 2);
  at(399);
  it.update(1, 2);
  at(400);
  it.update(1, 2);
  expect(lines.length).toBe(2);
  const hidden = progress(false);
  hidden.at(5000);
  hidden.it.update(1, 2);
  hidden.it.end();
  expect(hidden.lines).toEqual([]);
});

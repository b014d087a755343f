/** The messages that docs/troubleshooting.md explains are those that the sources have. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');

test('each message that is a heading is one that the sources have', () => {
  const sources = ['src', 'bin']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.ts'))
        .map((file) => readFileSync(join(root, folder, file), 'utf8')),
    )
    .join('\n');
  const text = readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8');
  const messages = Array.from(text.matchAll(/^### .*$/gm)).flatMap(([heading]) => heading.match(/`[^`]+`/g) ?? []);
  expect(messages.length).toBeGreaterThan(20);
  // what stands in capitals is for a value; the pieces between are literal
  const pieces = messages.flatMap((message) => message.slice(1, -1).split(/\b(?:PIDS?|FILE|N|PROGRAM|PACKAGE)\b/));
  const literal = pieces.map((piece) => piece.replace(/^[\s:(]+|[\s:(]+$/g, '')).filter((piece) => piece.length > 5);
  expect(literal.filter((piece) => !sources.includes(piece))).toEqual([]);
});

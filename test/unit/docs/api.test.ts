/** The pages about the library against its types: each option, property and function of it is on one of them. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const pages = [...readdirSync(join(root, 'docs/api')).map((name) => `docs/api/${name}`), 'docs/embedding.md'].map(read);
const words = new Set(Array.from(pages.join('').matchAll(/`[^`\n]+`/g), ([code]) => code.match(/\w+/g) ?? []).flat());

const index = read('src/api/index.ts');
/** The files with the types of options and of what functions give. Those of descriptions have a table of their own. */
const files = Array.from(
  index.matchAll(/from '\.\/((?!description)[a-z-]+)\.js'/g),
  ([, name]) => `src/api/${name}.ts`,
);

test('each function that is exported is on a page', () => {
  const exported = Array.from(index.matchAll(/^export (type )?\{([^}]*)\}/gm)).flatMap(([, isType, names = '']) =>
    isType ? [] : names.split(',').map((name) => name.trim()),
  );
  const functions = exported.filter((name) => name !== '' && !name.startsWith('type '));
  expect(functions).toContain('compile');
  expect(functions.filter((name) => !words.has(name))).toEqual([]);
});

test('each option, and each property and method of an object, is on a page', () => {
  const missing = files.flatMap((file) => {
    const interfaces = read(file).matchAll(/^(?:export )?interface \w+ [\s\S]*?^}/gm);
    const members = Array.from(interfaces, ([text]) => Array.from(text.matchAll(/^ {2}(?:readonly )?(\w+)\??[:(]/gm)));
    return members.flat().flatMap(([, name = '']) => (words.has(name) ? [] : [`${file}: ${name}`]));
  });
  expect(missing).toEqual([]);
});

/** The files, folders and environment variables that the documents for contributors name exist. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(join(root, file), 'utf8');

test.each(['ARCHITECTURE.md', 'CONTRIBUTING.md'])('%s names files and folders that exist', (document) => {
  const names = Array.from(
    read(document).matchAll(/`((?:src|test|bin|scripts|fixtures)\/[\w./-]+)`/g),
    ([, name = '']) => name,
  );
  expect(names.length).toBeGreaterThan(10);
  const missing = names.filter((name) => !existsSync(join(root, name)));
  expect(missing.filter((name) => !name.includes('NAME') && !name.includes('vN'))).toEqual([]);
});

test('ARCHITECTURE.md or the README has each variable that is read', () => {
  const known = read('ARCHITECTURE.md') + read('README.md');
  const sources = ['src', 'bin'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => read(join(folder, file))),
  );
  const variables = new Set(sources.flatMap((source) => source.match(/WAG_?SNAP_[A-Z][A-Z_0-9]*/g) ?? []));
  variables.delete('WAGSNAP_BUILD'); // no variable: the bundle has a text for it
  expect(variables).toContain('WAGSNAP_DIR');
  expect([...variables].filter((name) => !known.includes(name)).sort()).toEqual([]);
});

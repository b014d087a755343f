/**
 * Imports run one way: arch <- compile <- snapshot <- restore <- bin. What the compiler puts into an image besides the
 * guest's code (src/runtime/stubs) is part of the compiler.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** Of each layer: the layers it may import besides itself and the files that are everyone's. */
const layers: Readonly<Record<string, readonly string[]>> = {
  'src/arch': [],
  'src/runtime': ['src/arch', 'src/compile'],
  'src/compile': ['src/arch', 'src/runtime'],
  'src/snapshot': ['src/arch', 'src/compile'],
  'src/restore': ['src/arch', 'src/compile', 'src/snapshot'],
  bin: ['src/arch', 'src/compile', 'src/snapshot', 'src/restore'],
};
const everyones = [
  'src/base/align.ts',
  'src/base/errors.ts',
  'src/base/interruption.ts',
  'src/base/output.ts',
  'src/base/package.ts',
  'src/base/path-descriptor.ts',
  'src/base/temporary.ts',
  'src/base/terminal-text.ts',
  'src/image/contract/layout.ts',
];
const assemblyScript = /^src\/runtime\/(process|wasi|native|host)\b/;

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return path.endsWith('.ts') && !assemblyScript.test(path) ? [path] : [];
  });
}

const layerOf = (path: string) => Object.keys(layers).find((layer) => path.startsWith(`${layer}/`));

function importsOf(path: string): string[] {
  const text = readFileSync(join(root, path), 'utf8');
  const found = text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g);
  return Array.from(found, ([, to]) => relative(root, resolve(root, dirname(path), to)).replace(/\.js$/, '.ts'));
}

test('imports run one way', () => {
  const wrong: string[] = [];
  let seen = 0;
  for (const path of ['src', 'bin'].flatMap(sources)) {
    const own = layerOf(path);
    for (const to of importsOf(path)) {
      seen++;
      const other = layerOf(to);
      if (everyones.includes(to) || (own !== undefined && other === own)) continue;
      if (own === undefined || other === undefined || !layers[own].includes(other)) wrong.push(`${path} imports ${to}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(seen).toBeGreaterThan(10);
});

/**
 * Below bin there is a library: it neither prints, nor listens to the process's signals, nor ends it, nor blocks its
 * caller but where this list says so, with the reason.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../../src');

const FORBIDDEN: Readonly<Record<string, RegExp>> = {
  console: /\bconsole\./,
  'standard streams': /\bprocess\.std(in|out|err)\b/,
  'signals and exit': /\bprocess\.(on|once|off|exit|exitCode|abort|emit)\b/,
  'blocking wait': /\bAtomics\.wait\b|\b(spawn|exec|execFile)Sync\b/,
};

/** `file: what` to why it has to be. One that is not needed any more fails, too. */
const ALLOWED: Readonly<Record<string, string>> = {
  'base/output.ts: blocking wait': 'a pipe that takes no more for now (EAGAIN) has no other way to be written whole',
  'compile/parallel/control.ts: blocking wait': 'for what other threads compile meanwhile: as long as it would compile',
  'lattice/guard-process.ts: standard streams': 'it is a program of its own, which a node starts',
  'lattice/guard-process.ts: signals and exit': 'it ends when its node is gone',
  'capture/pauses.ts: blocking wait': 'less than a millisecond, while a process stands still: a timer takes longer',
};

test('what is below bin is no program', () => {
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.startsWith('runtime/'))
    .flatMap((name) => {
      const code = readFileSync(join(root, name), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      return Object.keys(FORBIDDEN)
        .filter((what) => FORBIDDEN[what].test(code))
        .map((what) => `${name}: ${what}`);
    });
  expect(found.sort()).toEqual(Object.keys(ALLOWED).sort());
});

/** Types do not count: they are not there when it runs. */
test('bin takes from the library only', () => {
  const bin = resolve(root, '../bin');
  const taken = readdirSync(bin, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const path = join(bin, name);
      const code = readFileSync(path, 'utf8').replace(/\bimport type [^;]*;|\btypeof import\([^)]*\)/g, '');
      return Array.from(code.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)'/g), ([, to]) =>
        relative(root, resolve(dirname(path), to)).replace(/\.js$/, '.ts'),
      );
    });
  const beneath = new Set(taken.filter((name) => !/^(\.\.|api\/|base\/)/.test(name)));
  expect([...beneath]).toEqual([]);
  expect(taken.some((name) => name.startsWith('api/'))).toBe(true);
});

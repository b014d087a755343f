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

/**
 * What bin takes from beneath src/api, by what src/api has no entry for yet. Types do not count. One that is not needed
 * any more fails, too.
 */
const BENEATH: Readonly<Record<string, readonly string[]>> = {
  'compiling a module': [
    'arch/masm/cpu-levels.ts',
    'arch/targets.ts',
    'compile/link/compile.ts',
    'compile/link/write-file.ts',
    'image/cache.ts',
    'wasm/limits.ts',
    'wasm/wat.ts',
  ],
  'inspecting and listing': [
    'capture/trap.ts',
    'capture/workloads.ts',
    'image/contract/site-tables.ts',
    'image/contract/thread.ts',
    'image/image-check.ts',
    'image/reader.ts',
    'image/tables/frame-map.ts',
    'image/tables/sections.ts',
    'snapshot/format.ts',
    'snapshot/inspect.ts',
    'wasm/module.ts',
    'wasm/print-instruction.ts',
    'wasm/text.ts',
  ],
};

test('bin takes no more from beneath the library', () => {
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
  expect([...beneath].sort()).toEqual(Object.values(BENEATH).flat().sort());
  expect(taken.some((name) => name.startsWith('api/'))).toBe(true);
});

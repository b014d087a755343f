/** Which command takes which file: a file that is given as a module is never started as native code. */

import { expect, test } from 'vitest';
import { expectKind } from '../../../../bin/programs/expect-kind.js';
import type { FileType } from '../../../../src/api/file-kind.js';

const module: FileType = { kind: 'module', what: 'a module' };
const image: FileType = { kind: 'image', what: 'an ELF executable' };
const snapshot: FileType = { kind: 'snapshot', what: 'a snapshot' };
const zip: FileType = { kind: 'other', what: 'a zip archive', advice: 'unpack it first' };
const given = (name: string, type: FileType) => () => expectKind({ name, type }, 'run', ['module', 'image']);

test('takes what the command takes, whatever it is called', () => {
  for (const [name, type] of [
    ['app.wasm', module],
    ['app', module],
    ['app', image],
    ['wasm', image],
    ['app.wasm.x64', image],
  ] as const)
    expect(given(name, type)).not.toThrow();
});

test.each(['app.wasm', '/x/app.wat', '.wasm'])('%s that is native code is not started', (name) => {
  expect(given(name, image)).toThrow(/is an ELF executable, though it is called \.wa(sm|t); run takes .*another name/);
});

test('says which command takes it, in words that a shell reads back', () => {
  expect(given('it.wsnap', snapshot)).toThrow(
    'it.wsnap is a snapshot; run takes a module (.wasm or .wat) or an image; wag-snap restore it.wsnap continues with it',
  );
  expect(given('my file', snapshot)).toThrow("wag-snap restore 'my file' continues");
  expect(given('-x\u001b', snapshot)).toThrow("wag-snap restore $'-x\\x1b' continues");
});

test('gives the advice that belongs to the file', () => {
  expect(given('app.zip', zip)).toThrow(/app\.zip is a zip archive; run takes .*; unpack it first$/);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { readModule } from '../../../src/wasm/wat.js';

const folder = mkdtempSync(join(tmpdir(), 'wat-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

test('text and binary, by path and as bytes', async () => {
  const text = ' ;; a comment\n(module (func (export "ä")))';
  const fromText = await readModule(file('a.wat', text));
  const fromBinary = await readModule(file('a.wasm', fromText.bytes));
  for (const module of [fromText, fromBinary, await readModule(Buffer.from(text)), await readModule(fromText.bytes)]) {
    expect(module.exports).toEqual([{ name: 'ä', kind: 0, index: 0 }]);
  }
});

test('data segments know their memories, which wabt leaves out', async () => {
  const { datas, memories } = await readModule(
    Buffer.from(`(module (import "a" "b" (memory $first 1)) (memory 1) (memory $wide i64 2)
      (data (memory $wide) (i64.const 5) "a\\n  (data (memory 1)")
      (data $named (memory $first) (offset i32.const 1 i32.const 2 i32.add) "b")
      (data "passive")
      (memory $own (data "inline"))
      (data (memory 1) (i32.const 1) "")
      (func (memory.init $own $named (i32.const 0) (i32.const 0) (i32.const 0))))`),
  );
  expect(memories.map(({ address }) => address)).toEqual([0x7f, 0x7f, 0x7e, 0x7f]);
  expect(datas.map(({ mode, memory, start, end }) => [mode, memory, end - start])).toEqual([
    ['active', 2, 20],
    ['active', 0, 1],
    ['passive', 0, 7],
    ['active', 3, 6],
    ['active', 1, 0],
  ]);
});

test('names of the text end up in the name section', async () => {
  const module = await readModule(Buffer.from('(module (func $main))'));
  expect(module.names?.functions.get(0)).toBe('main');
});

test.each([
  ['text that does not parse', () => file('b.wat', '(module\n  (func (i32.ad)))'), 'malformed', /b\.wat:2:10: error/],
  ['text that nests too deep', () => file('e.wat', `(module (func ${'(block '.repeat(50_000)}`), 'malformed', /e\.wat/],
  ['neither text nor binary', () => file('c.wasm', 'ELF'), 'malformed', /c\.wasm: offset 0x0: unexpected end/],
  ['an empty file', () => file('d.wat', ''), 'malformed', /d\.wat: offset 0x0: unexpected end/],
  ['no such file', () => join(folder, 'none.wasm'), 'not-found', /none\.wasm: no such file/],
  ['a folder', () => folder, 'unreadable', /is a directory/],
])('%s', async (_, path, code, message) => {
  const error = await readModule(path()).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InputError);
  expect(error).toMatchObject({ code, exitCode: 3 });
  expect((error as Error).message).toMatch(message);
});

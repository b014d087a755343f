/** Text that wabt refuses: a second parser takes it where one is installed, and the messages to users. */

import { expect, test } from 'vitest';
import { InputError } from '../../../src/base/errors.js';
import { assemble } from '../../../src/wasm/assemble.js';
import { isComponent } from '../../../src/wasm/component/preamble.js';
import { decodeModule } from '../../../src/wasm/decode.js';

const text = (source: string) => Buffer.from(source);

async function refusal(source: Uint8Array, ...load: [] | [() => Promise<undefined>]): Promise<InputError> {
  const error = await assemble(source, 'a\tb.wat', ...load).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InputError);
  expect(error).toMatchObject({ code: 'malformed', exitCode: 3 });
  return error as InputError;
}

const SUBTYPES = `(module
  (rec (type $a (sub (func))) (type $b (sub $a (func))))
  (func $named (type $b)) (memory 1 (pagesize 1)))`;

test('what wabt does not know of 3.0 and the proposals after it', async () => {
  const module = decodeModule(await assemble(text(SUBTYPES), 'a.wat'));
  expect(module.types.map(({ supertype }) => supertype)).toEqual([undefined, 0]);
  expect(module.memories.map(({ pageSize }) => pageSize)).toEqual([1]);
  expect(module.names?.functions.get(0)).toBe('named');
});

test('components', async () => {
  expect(isComponent(await assemble(text('(component (core module (func)))'), 'a.wat'))).toBe(true);
});

test('what no parser takes is said by the one that knows more', async () => {
  const { headline, details } = await refusal(
    text('(module (rec (type (func)))\n \t(func (; ä ;) (i32.ad "\\u{e4}")))'),
  );
  expect(headline).toBe('a\tb.wat:2:18: error: unknown operator or unexpected token');
  expect(details).toEqual(['  (func (; ä ;) (i32.ad "\\u{e4}")))', '                 ^']);
});

test('faults that have no words', async () => {
  expect((await refusal(text('(module (func "'))).headline).toBe('a\tb.wat:1:16: error: Lex(UnexpectedEof)');
});

test('bytes that are no text', async () => {
  expect((await refusal(Buffer.from('(module (rec) (; \xff ;))', 'latin1'))).headline).toMatch(/is not UTF-8/);
});

test('where the other parser is not installed the message says what to install', async () => {
  const { headline, details } = await refusal(text('(module (rec))'), async () => undefined);
  expect(headline).toMatch(/^a\tb.wat:1:10: error: unexpected token "rec"/);
  expect(details.at(-1)).toBe(
    'The text may need more of WebAssembly 3.0 than the parser that is here knows (typed references, for example): npm install @bytecodealliance/jco-transpile',
  );
});

test('typed references, which wabt takes and writes wrong', async () => {
  const { tables } = decodeModule(await assemble(text('(module (type $f (func)) (table 1 ( ref null $f)))'), 'a.wat'));
  expect(tables.map(({ element }) => element)).toEqual([-2]);
  const absent = await refusal(text('(module (type $f (func)) (table 1 (ref null $f)))'), async () => undefined);
  expect(absent.headline).toBe('a\tb.wat: has typed references');
});

test('annotations, which wabt passes over', async () => {
  const source = text('(module (@custom "own" "x") (func (@name "a func") (export "f")))');
  const named = decodeModule(await assemble(source, 'a.wat'));
  expect(named.names?.functions.get(0)).toBe('a func');
  expect(Buffer.from(named.bytes).includes('own')).toBe(true);
  expect(await assemble(source, 'a.wat', async () => undefined)).toBeInstanceOf(Uint8Array);
  expect((await refusal(text('(module (@ ))'))).headline).toMatch(/^a\tb.wat:1:10: error: .*EmptyAnnotation/);
  const inString = await assemble(text('(module (func (export "(@ ")))'), 'a.wat', async () => {
    throw new Error('needs no other parser');
  });
  expect(decodeModule(inString).exports.map(({ name }) => name)).toEqual(['(@ ']);
});

test.each([
  ';; (ref x\n(module)',
  '(; (; ;) (ref x ;) (module)',
  '(module (func (export "(ref \\" (ref ")))',
  '(module (func (drop (ref.null func))))',
])('no typed reference: %s', async (source) => {
  expect(await assemble(text(source), 'a.wat', async () => undefined)).toBeInstanceOf(Uint8Array);
});

test('a parser that fails is no fault of the text', async () => {
  const failing = async () => async () => ({ message: 'out of fuel', line: undefined, column: 1 });
  await expect(assemble(text('(module (rec))'), 'a.wat', failing)).rejects.toThrow(
    'a.wat: wasm-tools cannot assemble it: out of fuel',
  );
});

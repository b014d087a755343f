import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { assemble } from '../../../src/wasm/assemble.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import type { FunctionSummary } from '../../../src/wasm/module.js';
import { FunctionValidator, validateBodies } from '../../../src/wasm/validate.js';

async function validatorOf(text: string): Promise<FunctionValidator> {
  return new FunctionValidator(decodeModule(await assemble(Buffer.from(text), 'test.wat')));
}

async function summaryOf(text: string, func = 0): Promise<FunctionSummary> {
  return (await validatorOf(text)).validate(func);
}

async function refusalOf(text: string): Promise<unknown> {
  const validator = await validatorOf(text);
  try {
    validator.validate(0);
    return 'accepted';
  } catch (error) {
    return (error as Error).message;
  }
}

/** A number below 2 ** 28 as LEB128 in four bytes. */
const leb = (n: number) => [(n & 0x7f) | 0x80, ((n >> 7) & 0x7f) | 0x80, ((n >> 14) & 0x7f) | 0x80, n >> 21];

/** A module with one function of the given type whose body has exactly these bytes. */
function moduleOfBody(type: readonly number[], body: readonly number[]): Uint8Array {
  const section = (id: number, ...content: number[]) => [id, ...leb(content.length), ...content];
  const sections = [section(1, 1, ...type), section(3, 1, 0), section(10, 1, ...leb(body.length), ...body)];
  // What follows must not be taken for the end of the body.
  return Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat(), 0, 3, 1, 0x61, 0x0b]);
}

function withBody(...body: number[]): Uint8Array {
  return moduleOfBody([0x60, 0, 0], body);
}

describe('summary', () => {
  test('locals: parameters first, then the declared ones', async () => {
    const { localTypes, localCount } = await summaryOf('(module (func (param i32 i64) (local f32 f32 f64 externref)))');
    expect([...localTypes.subarray(0, localCount)]).toEqual([0x7f, 0x7e, 0x7d, 0x7d, 0x7c, 0x6f]);
  });

  test('codeStart is the position of the first instruction', async () => {
    const bytes = await assemble(Buffer.from('(module (func (local i32 i64) (nop) (unreachable)))'), 'test.wat');
    const module = decodeModule(bytes);
    const { codeStart } = new FunctionValidator(module).validate(0);
    expect([...bytes.subarray(codeStart, codeStart + 3)]).toEqual([0x01, 0x00, 0x0b]);
    expect(codeStart).toBe(module.bodyStart[0]! + 5);
  });

  test('greatest height and depth', async () => {
    const summary = await summaryOf(`(module (func (result i32)
      (i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3)))
      (block (block (loop)))))`);
    expect(summary.maxHeight).toBe(3);
    expect(summary.maxControlDepth).toBe(4);
    expect((await summaryOf('(module (func))')).maxControlDepth).toBe(1);
    expect((await summaryOf('(module (func))')).maxHeight).toBe(0);
  });

  test('says where a v128 can be', async () => {
    const usesVectors = async (text: string) => (await summaryOf(`(module ${text})`)).usesVectors;
    expect(await usesVectors('(func (local i64) (drop (local.get 0)))')).toBe(false);
    expect(await usesVectors('(func (local v128) (drop (local.get 0)))')).toBe(true);
    expect(await usesVectors('(func (drop (v128.const i32x4 0 0 0 0)))')).toBe(true);
    expect(await usesVectors('(func) (global v128 (v128.const i32x4 0 0 0 0))')).toBe(true);
    expect(await usesVectors('(func) (func (param v128))')).toBe(true);
  });

  test('calls that give many results count in the height', async () => {
    const results = '(result i32 i32 i32 i32 i32)';
    const summary = await summaryOf(`(module (func (drop (i32.const 0)) (call 1) (drop) (drop) (drop) (drop) (drop))
      (func ${results} (unreachable)))`);
    expect(summary.maxHeight).toBe(5);
  });

  test('uses weigh 8 to the power of the loop depth, up to 4', async () => {
    const { localWeight } = await summaryOf(`(module (func (param i32 i32 i32) (local i32)
      (local.set 0 (local.get 1))
      (loop
        (drop (local.get 0))
        (block (loop (drop (local.tee 2 (i32.const 0)))))
        (drop (local.get 1)))
      (drop (local.get 1))
      (loop (loop (loop (loop (loop (drop (local.get 3)))))))))`);
    expect([...localWeight.subarray(0, 4)]).toEqual([1 + 8, 1 + 8 + 1, 64, 4096]);
  });

  test('call-like instructions', async () => {
    const summary = await summaryOf(
      `(module (memory 1) (table 1 funcref) (data $d "x") (elem $e func 0)
      (type $a (func)) (type $b (func (param i32)))
      (func (type $a)
        (call 1 (i32.const 0))
        (loop
          (call_indirect (type $a) (i32.const 0))
          (drop (memory.grow (i32.const 1)))
          (drop (memory.size)) (drop (table.size 0)) (data.drop $d) (elem.drop $e)
          (drop (i32.trunc_sat_f32_s (f32.const 1))))
        (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 0))
        (memory.init $d (i32.const 0) (i32.const 0) (i32.const 0))
        (drop (table.grow 0 (ref.null func) (i32.const 0)))
        (table.fill 0 (i32.const 0) (ref.null func) (i32.const 0))
        (table.copy (i32.const 0) (i32.const 0) (i32.const 0))
        (table.init $e (i32.const 0) (i32.const 0) (i32.const 0)))
      (func (type $b)))`,
    );
    expect(summary.callCount).toBe(10);
    expect(summary.callWeight).toBe(8 + 16);
    expect([...summary.calledTypes.subarray(0, summary.calledTypeCount)]).toEqual([1, 0]);
  });

  test('is reset from function to function, in any order, also after a refused one', async () => {
    const validator = await validatorOf(`(module
      (func (param i32) (result i32) (loop (result i32) (local.get 0) (br_if 0 (local.get 0)) (call 0)))
      (func (local i64) (drop (local.get 0)))
      (func (loop (block (drop (i32.const 0) (i32.add (i64.const 0)))))))`);
    const first = structuredClone(validator.validate(0));
    const second = structuredClone(validator.validate(1));
    expect(second.callCount + second.callWeight).toBe(0);
    expect([second.maxHeight, second.maxControlDepth, second.localWeight[0]]).toEqual([1, 1, 1]);
    expect(() => validator.validate(2)).toThrow('type mismatch');
    expect(validator.validate(1)).toEqual(second);
    expect(validator.validate(0)).toEqual(first);
  });

  test('deep stacks and nests', () => {
    const deep = 5000;
    const times = (...code: number[]) => new Array<number[]>(deep).fill(code).flat();
    const body = [0, ...times(0x02, 0x40), ...times(0x41, 1), ...times(0x1a), ...times(0x0b), 0x0b];
    const module = decodeModule(withBody(...body));
    const summary = new FunctionValidator(module).validate(0);
    expect([summary.maxHeight, summary.maxControlDepth]).toEqual([deep, deep + 1]);
  });
});

describe('refuses', () => {
  test.each([
    ['(func (result i32))', 'invalid', 'type mismatch: expected i32, found nothing'],
    ['(func (drop (i32.add (i32.const 0) (f32.const 0))))', 'invalid', 'type mismatch: expected i32, found f32'],
    ['(func (i32.const 1))', 'invalid', 'type mismatch: values remaining on stack at end of block: i32'],
    ['(func (drop))', 'invalid', 'type mismatch: found nothing'],
    ['(func (local.get 3) drop)', 'invalid', 'unknown local 3'],
    ['(func (br 1))', 'invalid', 'unknown label 1'],
    ['(func (call 7))', 'invalid', 'unknown function 7'],
    ['(func (drop (i32.load (i32.const 0))))', 'invalid', 'unknown memory 0'],
    ['(func (drop (ref.func 0)))', 'invalid', 'undeclared function reference 0'],
    ['(func (drop (i32.eqz (if (result i32) (i32.const 1) (then (i32.const 1))))))', 'invalid', 'if without else'],
    ['(global i32 (i32.const 0)) (func (global.set 0 (i32.const 1)))', 'invalid', 'global is immutable: 0'],
    ['(func (drop (i8x16.splat (i64.const 0))))', 'invalid', 'type mismatch: expected i32, found i64'],
    ['(func (drop (v128.load (i32.const 0))))', 'invalid', 'unknown memory 0'],
    [
      '(func (unreachable) (br_if 0) (i64.eqz (br_if 0 (i32.const 0))) (drop) (i32.const 0) (i64.eqz) (drop))',
      'invalid',
      'type mismatch: expected i64, found i32',
    ],
  ])('%s', async (fields, _code, detail) => {
    expect(await refusalOf(`(module ${fields})`)).toContain(detail);
  });

  test.each([
    ['an empty body', [], 'unexpected end'],
    ['a body without end', [0, 0x01], 'END opcode expected'],
    ['an end that is an immediate', [0, 0x41, 0x0b], 'END opcode expected'],
    ['an immediate beyond the end', [0, 0x41], 'unexpected end'],
    ['a long immediate beyond the end', [0, 0x44, 0], 'unexpected end'],
    ['code after the end', [0, 0x0b, 0x0b], 'END opcode expected'],
    ['an else without if', [0, 0x05, 0x0b], 'else without if'],
    ['a second else', [0, 0x41, 0, 0x04, 0x40, 0x05, 0x05, 0x0b, 0x0b], 'else without if'],
    ['a negative block type', [0, 0x02, 0x5f, 0x0b, 0x0b], 'malformed block type 0x5f'],
    ['an unknown opcode', [0, 0xff, 0, 0x0b], 'illegal opcode 0xff 0x00'],
    ['an unknown prefixed opcode', [0, 0xfc, 0x12, 0x0b], 'illegal opcode 0xfc 0x12'],
    ['a tail call of nothing', [0, 0x12, 1, 0x0b], 'unknown function 1'],
    ['an unknown atomic', [0, 0xfe, 0x04, 0, 0x0b], 'illegal opcode 0xfe 0x04'],
    ['a fence of an unknown kind', [0, 0xfe, 0x03, 1, 0x0b], 'zero byte expected'],
    ['2**32 locals', [2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f, 1, 0x7f, 0x0b], 'too many locals'],
    ['50,001 locals', [1, 0xd1, 0x86, 0x03, 0x7f, 0x0b], 'exceeds the limit of 50000 (locals)'],
    ['an unknown vector opcode', [0, 0xfd, 0x9a, 0x01, 0x0b], 'illegal opcode 0xfd 0x9a'],
    ['a vector opcode beyond the table', [0, 0xfd, 0x94, 0x02, 0x0b], 'illegal opcode 0xfd 0x114'],
    ['a vector constant beyond the end', [0, 0xfd, 0x0c, 0, 0], 'unexpected end'],
    ['a shuffle of a 33rd lane', [0, 0xfd, 0x0d, 32, ...new Array(15).fill(0), 0x0b], 'invalid lane index 32'],
    ['a br_table longer than the body', [0, 0x41, 0, 0x0e, 0xff, 0xff, 0x03, 0, 0x0b], 'unexpected end'],
  ])('%s', (_, body, detail) => {
    expect(() => validateBodies(decodeModule(withBody(...body)))).toThrow(detail);
  });

  test('accepts 50,000 locals', () => {
    expect(() => validateBodies(decodeModule(withBody(1, 0xd0, 0x86, 0x03, 0x7f, 0x0b)))).not.toThrow();
  });

  test('with the offset of the instruction, from the start of the module', () => {
    const module = decodeModule(withBody(0, 0x01, 0x20, 0x09, 0x1a, 0x0b), 'some.wasm');
    const offset = module.bodyStart[0]! + 2;
    expect(() => validateBodies(module, 'some.wasm')).toThrow(
      `some.wasm: offset 0x${offset.toString(16)}: unknown local`,
    );
  });

  test('calls that pile up results', () => {
    const type = [0x60, 0, 0xe8, 7, ...new Array<number>(1000).fill(0x7f)];
    const calls = new Array<number[]>(1100).fill([0x10, 0]).flat();
    const module = decodeModule(moduleOfBody(type, [0, ...calls, 0x0b]));
    expect(() => validateBodies(module)).toThrow('exceeds the limit of 1000000 (operands)');
  });
});

test('accepts a large module of the wild', () => {
  const path = fileURLToPath(new URL('../../../node_modules/esbuild-wasm/esbuild.wasm', import.meta.url));
  if (!existsSync(path)) return console.warn('esbuild.wasm is absent, not tested');
  const module = decodeModule(readFileSync(path));
  validateBodies(module);
  expect(module.bodyStart.length).toBeGreaterThan(1000);
});

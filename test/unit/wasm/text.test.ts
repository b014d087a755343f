import { expect, test } from 'vitest';
import { ValType } from '../../../src/wasm/module.js';
import { formatFuncType, formatGlobalType, formatLimits, valTypeName } from '../../../src/wasm/text.js';

test.each([
  [[0x7f, 0x7f, 0x7f, 0x7f], [0x7f], '(i32, i32, i32, i32) i32'],
  [[], [], '()'],
  [[0x7e], [], '(i64)'],
  [[], [0x7d, 0x7c], '() f32, f64'],
  [[0x70, 0x6f], [0x7b], '(funcref, externref) v128'],
])('function type %j -> %j', (params, results, text) => {
  expect(formatFuncType({ params: Uint8Array.from(params), results: Uint8Array.from(results) })).toBe(text);
});

test('other names', () => {
  expect(valTypeName(0x52)).toBe('type 0x52');
  expect(formatGlobalType({ type: 0x7e, mutable: true })).toBe('mut i64');
  expect(formatGlobalType({ type: 0x7e, mutable: false })).toBe('i64');
  expect(formatLimits({ min: 1, max: undefined, address: ValType.I32 })).toBe('1');
  expect(formatLimits({ min: 1, max: 16, address: ValType.I32 })).toBe('1..16');
  expect(formatLimits({ min: 0, max: 2 ** 48, address: ValType.I64 })).toBe('i64 0..281474976710656');
});

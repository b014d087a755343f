import { describe, expect, test } from 'vitest';
import { formatValue, parseValue } from '../../../bin/invoke.js';
import { UsageError } from '../../../bin/usage.js';
import { ValType } from '../../../src/compile/wasm/module.js';

describe('values on the command line', () => {
  test.each([
    [ValType.I32, '-1', '-1'],
    [ValType.I32, '0xffffffff', '-1'],
    [ValType.I32, '2147483647', '2147483647'],
    [ValType.I64, '-9223372036854775808', '-9223372036854775808'],
    [ValType.I64, '1_000', '1000'],
    [ValType.F32, '0.1', '0.1'],
    [ValType.F32, '-0', '-0'],
    [ValType.F32, '16777217', '16777216'],
    [ValType.F64, '0.1', '0.1'],
    [ValType.F64, '-inf', '-inf'],
    [ValType.F64, 'nan', 'nan'],
    [ValType.F64, '1e300', '1e+300'],
    [ValType.ExternRef, 'null', 'null'],
  ])('type %i, %s', (type, text, expected) => expect(formatValue(type, parseValue(text, type))).toBe(expected));

  test.each([
    [ValType.I32, '4294967296'],
    [ValType.I32, '1.5'],
    [ValType.I32, ''],
    [ValType.I64, 'x'],
    [ValType.F32, ''],
    [ValType.F64, 'one'],
    [ValType.FuncRef, '1'],
  ])('type %i, %j is wrong usage', (type, text) => expect(() => parseValue(text, type)).toThrow(UsageError));
});

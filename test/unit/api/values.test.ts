import { describe, expect, test } from 'vitest';
import { formatValue, parseValue } from '../../../src/api/values.js';
import { UsageError } from '../../../src/base/errors.js';
import { ValType } from '../../../src/wasm/module.js';

describe('values on the command line', () => {
  test.each([
    [ValType.I32, '-1', '-1'],
    [ValType.I32, '0xffffffff', '-1'],
    [ValType.I32, '2147483647', '2147483647'],
    [ValType.I64, '-9223372036854775808', '-9223372036854775808'],
    [ValType.I32, '-2147483648', '-2147483648'],
    [ValType.I64, '0xffffffffffffffff', '-1'],
    [ValType.I64, '1_000', '1000'],
    [ValType.F32, '0.1', '0.1'],
    [ValType.F32, '-0', '-0'],
    [ValType.F32, '16777217', '16777216'],
    [ValType.F64, '0.1', '0.1'],
    [ValType.F64, '-inf', '-inf'],
    [ValType.F64, 'nan', 'nan'],
    [ValType.F64, '1e300', '1e+300'],
    [ValType.V128, 'i32x4:1,-2,3,0xffffffff', 'i32x4:1,-2,3,-1'],
    [ValType.V128, 'i8x16:1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,-1', 'i32x4:67305985,134678021,202050057,-15790579'],
    [ValType.V128, 'i16x8:1,0,2,0,3,0,4,0', 'i32x4:1,2,3,4'],
    [ValType.V128, 'i64x2:1,-1', 'i32x4:1,0,-1,-1'],
    [ValType.V128, 'f32x4:1,-0,inf,nan', 'i32x4:1065353216,-2147483648,2139095040,2143289344'],
    [ValType.V128, 'f64x2:1,0', 'i32x4:0,1072693248,0,0'],
    [ValType.ExternRef, 'null', 'null'],
  ])('type %i, %s', (type, text, expected) => expect(formatValue(type, parseValue(text, type))).toBe(expected));

  test.each([
    [ValType.I32, '4294967296'],
    [ValType.I32, '-2147483649'],
    [ValType.I64, '-9223372036854775809'],
    [ValType.I64, '18446744073709551616'],
    [ValType.I32, '1.5'],
    [ValType.I32, ''],
    [ValType.I64, 'x'],
    [ValType.F32, ''],
    [ValType.F64, 'one'],
    [ValType.FuncRef, '1'],
    [ValType.V128, '1'],
    [ValType.V128, 'i32x4:1,2,3'],
    [ValType.V128, 'i32x4:1,2,3,4,5'],
    [ValType.V128, 'i8x16:256,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0'],
    [ValType.V128, 'f64x2:1,'],
    [ValType.V128, 'constructor:1,2'],
    [ValType.V128, '__proto__:1,2'],
    [ValType.V128, 'i64x2:1,2:3'],
  ])('type %i, %j is wrong usage', (type, text) => expect(() => parseValue(text, type)).toThrow(UsageError));
});

/** The interpreter's instructions of 128 bits, in BigInt: V8 does not know them. Values are unsigned, halves low first. */

import { Op, type Opcode } from '../../src/wasm/opcodes.js';

export function wideArithmetic({ code }: Opcode, operands: readonly bigint[]): [lo: bigint, hi: bigint] {
  const result = compute(code, operands);
  return [BigInt.asUintN(64, result), BigInt.asUintN(64, result >> 64n)];
}

function compute(code: Op, [a, b, c, d]: readonly bigint[]): bigint {
  switch (code) {
    case Op.I64Add128:
      return ((b << 64n) | a) + ((d << 64n) | c);
    case Op.I64Sub128:
      return ((b << 64n) | a) - ((d << 64n) | c);
    case Op.I64MulWideS:
      return BigInt.asIntN(64, a) * BigInt.asIntN(64, b);
    case Op.I64MulWideU:
      return a * b;
  }
  throw new Error(`no wide arithmetic: opcode 0x${code.toString(16)}`);
}

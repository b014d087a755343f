/** Constant expressions: their values as V8 has them, and how many globals may be made from one another. */

import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { globalValue } from '../../../../src/compile/link/constants.js';
import { linkInstance } from '../../../../src/compile/link/imports.js';
import { assemble } from '../../../../src/wasm/assemble.js';
import { decodeModule } from '../../../../src/wasm/decode.js';
import { WasmWriter } from '../../../fuzz/wasm-writer.js';
import { miniHost } from './mini-host.js';

setFlagsFromString('--experimental-wasm-extended-const');

interface JsGlobal {
  readonly value: number | bigint;
}
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, JsGlobal>> };
};

async function link(bytes: Uint8Array) {
  const instances = [linkInstance([], 'host', await miniHost(), 'host')];
  instances.push(linkInstance(instances, '', decodeModule(bytes), 'main'));
  return instances;
}

const EXPRESSIONS = [
  'i32 (i32.add (i32.const 0x7fffffff) (i32.const 1))',
  'i32 (i32.sub (i32.const -0x80000000) (i32.const 1))',
  'i32 (i32.mul (i32.const 0x12345679) (i32.const -0x6789abc1))',
  'i32 (i32.sub (i32.add (i32.const 1) (i32.mul (i32.const 3) (i32.const 5))) (i32.const 40))',
  'i64 (i64.add (i64.const 0x7fffffffffffffff) (i64.const 1))',
  'i64 (i64.sub (i64.const 0) (i64.const 0x100000001))',
  'i64 (i64.mul (i64.const 0x123456789abcdef1) (i64.const -0x76543210fedcba97))',
  'i64 (i64.sub (i64.mul (i64.const -1) (i64.const 0x80000000)) (i64.add (i64.const 7) (i64.const 9)))',
];

describe('constant expressions', () => {
  it('have the values that V8 gives them', async () => {
    const globals = EXPRESSIONS.map((text, i) => `(global (export "${i}") ${text})`);
    const bytes = await assemble(Buffer.from(`(module ${globals.join('\n')})`), 'test.wat');
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
    const instances = await link(bytes);
    EXPRESSIONS.forEach((text, i) => {
      const value = globalValue(instances, 1, i);
      const bits = value.kind === 'bits' ? (BigInt(value.hi) << 32n) | BigInt(value.lo >>> 0) : undefined;
      const width = text.startsWith('i32') ? 32 : 64;
      expect(BigInt.asIntN(width, bits!), text).toBe(BigInt(exports[i]!.value));
    });
  });

  it('may be a long chain: each global one more than the one before', async () => {
    const count = 200_000;
    const to = new WasmWriter();
    to.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
    to.list(6, Array.from({ length: count }), (section, _, i) => {
      section.byte(0x7f, 0);
      if (i === 0) section.byte(0x41, 0);
      else {
        section.byte(0x23);
        section.u32(i - 1);
        section.byte(0x41, 1, 0x6a);
      }
      section.byte(0x0b);
    });
    const instances = await link(to.bytes.slice());
    expect(globalValue(instances, 1, count - 1)).toEqual({ kind: 'bits', lo: count - 1, hi: 0 });
  });

  it.each([
    ['i32 i32.const 1 i32.add', 'expected i32, found nothing'],
    ['i32 i64.const 1 i32.const 1 i32.add', 'expected i32, found i64'],
    ['i32 i64.const 1 i64.const 1 i64.mul', 'expected i32, found i64'],
    ['i32 i32.const 1 i32.const 1', 'more than one value'],
    ['i32 i32.const 1 i32.const 1 i32.and', 'constant expression required, found i32.and'],
    ['i32 global.get 2', 'unknown global 2'],
    ['i32 global.get 1', 'global 1 is mutable'],
  ])('of a wrong type are refused: %s', async (text, message) => {
    const wat = `(module (global i32 (i32.const 1)) (global (mut i32) (i32.const 1)) (global ${text}))`;
    const bytes = await assemble(Buffer.from(wat), 'test.wat');
    expect(() => decodeModule(bytes)).toThrow(message);
  });
});

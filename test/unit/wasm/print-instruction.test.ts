/** Instructions as text, for listings. */

import { expect, test } from 'vitest';
import { assemble } from '../../../src/wasm/assemble.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { printInstruction } from '../../../src/wasm/print-instruction.js';

test('names and immediates, one instruction after the other', async () => {
  const text = `(module (memory 1) (table 1 funcref) (func (param i32) (result i32) (local i64)
    (block (result i32)
      (drop (i64.const -5000000000))
      (drop (f64.const 0.5))
      (drop (v128.const i32x4 1 2 3 4))
      (drop (i32.load8_u offset=300 (local.get 0)))
      (memory.copy (i32.const 1) (i32.const -2) (i32.const 3))
      (block (block (br_table 0 1 2 (i32.const 9) (local.get 0))))
      (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))))`;
  const module = decodeModule(await assemble(Buffer.from(text), 'test.wat'));
  const lines: string[] = [];
  const end = module.bodyEnd[0];
  for (let at = module.bodyStart[0] + 3; at < end; ) {
    const { text: line, next } = printInstruction(module.bytes, at);
    lines.push(line);
    at = next;
  }
  expect(lines).toEqual([
    'block (type -1)',
    'i64.const -5000000000',
    'drop',
    'f64.const 0.5',
    'drop',
    'v128.const 0x01000000020000000300000004000000',
    'drop',
    'local.get 0',
    'i32.load8_u 0 300',
    'drop',
    'i32.const 1',
    'i32.const -2',
    'i32.const 3',
    'memory.copy 0 0',
    'block',
    'block',
    'i32.const 9',
    'local.get 0',
    'br_table 2 0 1 2',
    'end',
    'end',
    'local.get 0',
    'i32.const 0',
    'call_indirect 0 0',
    'end',
    'end',
  ]);
});

/** The pool of 16-byte constants after a function: each once, aligned, and where its instruction says. */

import { expect, test } from 'vitest';
import { X64MacroAssembler } from '../../../../src/arch/x64/masm.js';
import { XMM0 } from '../../../../src/arch/x64/registers.js';

/** movaps xmm0, [rip + disp32] */
const MOVAPS = [0x0f, 0x28, 0x05];

/** Loads constants one after the other, and reads them from where each instruction points to. */
function loaded(masm: X64MacroAssembler, constants: readonly number[][]): number[][] {
  const ends = constants.map(([w0, w1, w2, w3]) => {
    masm.vectorConstant(XMM0, w0, w1, w2, w3);
    return masm.offset;
  });
  masm.ret();
  masm.flushConstants();
  const code = masm.code().slice();
  const view = new DataView(code.buffer);
  return ends.map((end) => {
    expect([...code.subarray(end - 7, end - 4)]).toEqual(MOVAPS);
    const at = end + view.getInt32(end - 4, true);
    expect(at % 16).toBe(0);
    expect(at).toBeGreaterThan(ends[ends.length - 1]);
    return [0, 4, 8, 12].map((word) => view.getInt32(at + word, true));
  });
}

const BASE = [0x12345678, 0x3456789a, 0x56789abc, 0x789abcde];

test.each([0, 1, 2, 3])('constants that differ in word %i alone are different ones', (word) => {
  const constants = Array.from({ length: 1000 }, (_, i) => BASE.with(word, i));
  expect(loaded(new X64MacroAssembler(64), constants)).toEqual(constants);
});

test('one that is used again is there once, and again for the next function', () => {
  const masm = new X64MacroAssembler(64);
  const [a, b] = [BASE, BASE.with(0, 1)];
  expect(loaded(masm, [a, b, a, b, b])).toEqual([a, b, a, b, b]);
  const before = masm.offset;
  expect(before).toBe(((5 * 7 + 1 + 15) & ~15) + 32);
  expect(loaded(masm, [b])).toEqual([b]);
  expect(masm.offset).toBe(before + 32);
});

test('where the code ends at 8 of 16 bytes', () => {
  for (let nops = 0; nops < 16; nops++) {
    const masm = new X64MacroAssembler(64);
    for (let i = 0; i < nops; i++) masm.nop();
    expect(loaded(masm, [BASE])).toEqual([BASE]);
  }
});

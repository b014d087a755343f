/** Labels, fixups and the code buffer of the x64 macro-assembler. */

import { expect, test } from 'vitest';
import { Cond } from '../../../../src/arch/masm/masm.js';
import { X64MacroAssembler } from '../../../../src/arch/x64/masm.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

test('backward jumps are short up to 128 bytes', () => {
  for (const distance of [0, 1, 100, 125, 126, 127, 128, 1000]) {
    const masm = new X64MacroAssembler(64);
    const label = masm.newLabel();
    masm.bind(label);
    for (let i = 0; i < distance; i++) masm.nop();
    masm.jump(label);
    const jump = masm.code().slice(distance);
    const view = new DataView(jump.buffer);
    if (distance <= 126) expect([jump.length, jump[0], view.getInt8(1)]).toEqual([2, 0xeb, -distance - 2]);
    else expect([jump.length, jump[0], view.getInt32(1, true)]).toEqual([5, 0xe9, -distance - 5]);
    const branchStart = masm.offset;
    masm.branch(Cond.Ne, label);
    const branch = masm.code().slice(branchStart);
    if (branchStart <= 126) expect(hex(branch)).toBe(`75${(0x100 - branchStart - 2).toString(16).padStart(2, '0')}`);
    else {
      expect(hex(branch.subarray(0, 2))).toBe('0f85');
      expect(new DataView(branch.buffer).getInt32(2, true)).toBe(-branchStart - 6);
    }
  }
});

test('all fixups of a label are filled, over growth of the buffer and many labels', () => {
  const masm = new X64MacroAssembler(16);
  const count = 500;
  const labels = Array.from({ length: count }, () => masm.newLabel());
  const fields: number[][] = labels.map(() => []);
  for (let round = 0; round < 3; round++)
    for (const label of labels) {
      masm.jump(label);
      fields[label]!.push(masm.offset - 4);
      masm.branch(Cond.FNe, label);
      fields[label]!.push(masm.offset - 4, masm.offset - 10);
    }
  const targets = labels.map((label) => {
    masm.bind(label);
    const target = masm.offset;
    masm.nop();
    return target;
  });
  const code = masm.code().slice();
  const view = new DataView(code.buffer);
  for (const label of labels)
    for (const field of fields[label]!) expect(field + 4 + view.getInt32(field, true)).toBe(targets[label]);
  masm.resetLabels();
  expect(masm.newLabel()).toBe(0);
});

test('a label that is used must be bound', () => {
  const masm = new X64MacroAssembler(64);
  masm.newLabel(); // never used: needs no binding
  masm.resetLabels();
  masm.jump(masm.newLabel());
  expect(() => masm.resetLabels()).toThrow('not bound');
});

test('a short jump reaches 127 bytes', () => {
  const over = (bytes: number) => {
    const masm = new X64MacroAssembler(64);
    const inner = masm as unknown as { skip(): number; skipTo(skip: number): void };
    const skip = inner.skip();
    for (let i = 0; i < bytes; i++) masm.nop();
    inner.skipTo(skip);
    return hex(masm.code().subarray(0, 2));
  };
  expect([over(0), over(1), over(127)]).toEqual(['eb00', 'eb01', 'eb7f']);
  expect(() => over(128)).toThrow('does not reach');
});

test('a large frame is touched every 64 KiB', () => {
  const PROBE = 65536;
  /** The distances from sp of what is read before sp moves. */
  const touched = (frameSize: number): number[] => {
    const masm = new X64MacroAssembler(64);
    masm.enter(frameSize);
    const code = masm.code().slice();
    const view = new DataView(code.buffer);
    const distances: number[] = [];
    let at = 0;
    for (; hex(code.subarray(at, at + 3)) === '858424'; at += 7) distances.push(-view.getInt32(at + 3, true)); // test [rsp + disp32], eax
    const loop = hex(code).indexOf('48c7c1') / 2; // mov rcx, imm32
    if (distances.length === 0 && loop === 0) {
      const last = -view.getInt32(hex(code).indexOf('4881f9') / 2 + 3, true); // cmp rcx, imm32: the loop continues down to it
      for (let distance = -view.getInt32(3, true); distance <= last; distance += PROBE) distances.push(distance);
      const jump = hex(code).indexOf('7d', hex(code).indexOf('4881f9')) / 2; // jge
      expect(jump + 2 + view.getInt8(jump + 1)).toBe(7);
    }
    return distances;
  };
  const every = (count: number) => Array.from({ length: count }, (_, i) => (i + 1) * PROBE);
  expect(touched(PROBE)).toEqual([]);
  for (const count of [1, 2, 4, 5, 10, 1000]) expect(touched(count * PROBE + 8)).toEqual(every(count));
});

test('bytes of any number fit', () => {
  const masm = new X64MacroAssembler(64);
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
  masm.emitBytes(bytes);
  masm.emitBytes(bytes.subarray(0, 7));
  expect(masm.code()).toEqual(new Uint8Array([...bytes, ...bytes.subarray(0, 7)]));
  masm.align(16);
  expect(masm.offset).toBe(1008);
  expect(masm.code()[1007]).toBe(0xcc);
});

test('faultOffset names the instruction that faults', () => {
  const masm = new X64MacroAssembler(64);
  masm.load(0, 0, 15, 2, 0x90000000); // mov ecx, …; add rcx, rdx; then the access
  expect([masm.faultOffset, hex(masm.code().subarray(masm.faultOffset))]).toEqual([8, '418b040f']);
  masm.divide(0, 1, 0, 0, 6);
  expect(hex(masm.code().subarray(masm.faultOffset))).toBe('48f7fe');
  masm.trap();
  expect(hex(masm.code().subarray(masm.faultOffset))).toBe('0f0b');
});

/** Labels, islands, calls and the code buffer of the arm64 macro-assembler. */

import { expect, test } from 'vitest';
import { shortField } from '../../../../src/arch/arm64/labels.js';
import { Arm64MacroAssembler } from '../../../../src/arch/arm64/masm.js';
import { Cond, IntOp, Width } from '../../../../src/arch/masm/masm.js';

const MIB = 1 << 20;

/** Follows the branch at `at` to where it goes: through islands, but not past the first other instruction. */
function follow(words: Int32Array, at: number): number {
  for (;;) {
    const word = words[at >> 2]!;
    let offset: number;
    if ((word & 0x7c000000) === 0x14000000) offset = (word << 6) >> 6;
    else if ((word & 0xff000010) === 0x54000000 || (word & 0x7e000000) === 0x34000000) offset = (word << 8) >> 13;
    else return at;
    at += offset * 4;
  }
}

const wordsOf = (masm: Arm64MacroAssembler): Int32Array => new Int32Array(masm.code().slice().buffer);
const nops = (masm: Arm64MacroAssembler, bytes: number): void => {
  for (let i = 0; i < bytes; i += 4) masm.nop();
};

test('jumps reach their labels, forward and backward, over growth and islands', () => {
  for (const distance of [0, 4, 1000, MIB - 8, MIB, MIB + 8, 3 * MIB]) {
    const masm = new Arm64MacroAssembler(64);
    const [back, forth] = [masm.newLabel(), masm.newLabel()];
    masm.bind(back);
    const jumps: number[] = [];
    const emit = (jump: () => void) => {
      jump();
      jumps.push(masm.offset - 4);
    };
    emit(() => masm.jump(forth));
    emit(() => masm.branch(Cond.LtS, forth));
    masm.testZero(1, 3);
    masm.branchUnless(Cond.Eq, forth);
    jumps.push(masm.offset - 4);
    nops(masm, distance);
    masm.bind(forth);
    const end = masm.offset;
    masm.ret();
    const backward = [masm.offset];
    masm.jump(back);
    backward.push(masm.offset);
    masm.branch(Cond.FLt, back);
    backward.push(masm.offset);
    masm.compareImm(0, 3, 0);
    masm.branch(Cond.Ne, back);
    const words = wordsOf(masm);
    for (const at of jumps) expect(follow(words, at)).toBe(end);
    for (const [i, at] of backward.entries()) {
      const first = words[at >> 2]!;
      const far = i > 0 && distance > MIB - 64;
      // A far one is its inverse over a b.
      if (far) expect((first & 0xffffe0) >> 5).toBe(2);
      expect(follow(words, far ? at + 4 : at)).toBe(follow(words, 0));
    }
    masm.resetLabels();
  }
});

test('an island serves every pending short jump, and is jumped over', () => {
  const masm = new Arm64MacroAssembler(64);
  const labels = Array.from({ length: 300 }, () => masm.newLabel());
  const jumps = labels.map((label, i) => {
    nops(masm, 4 * (i % 7));
    masm.compareImm(1, 0, i + 1);
    masm.branch(Cond.GtU, label);
    return masm.offset - 4;
  });
  const bound = labels.splice(0, 50);
  bound.forEach((label) => {
    masm.bind(label);
  });
  const near = masm.offset;
  nops(masm, 5 * MIB);
  const targets = labels.map((label) => {
    masm.bind(label);
    masm.trap();
    return masm.offset - 4;
  });
  const words = wordsOf(masm);
  jumps.forEach((at, i) => {
    expect(follow(words, at)).toBe(i < 50 ? near : targets[i - 50]);
  });
  const branches = words.filter((word) => (word & 0x7c000000) === 0x14000000);
  expect(branches.length).toBe(251); // one island: a jump over it and one for each
  const over = words.indexOf(branches[0]!);
  expect(follow(words, over * 4)).toBe(over * 4 + 252 * 4 - 4);
  masm.resetLabels();
});

test('no island parts a far jump backward', () => {
  for (const compareZero of [false, true])
    for (let before = 0; before < 6; before++) {
      const masm = new Arm64MacroAssembler(64);
      const [back, forth] = [masm.newLabel(), masm.newLabel()];
      masm.bind(back);
      nops(masm, MIB + 64);
      masm.branch(Cond.LtS, forth);
      nops(masm, MIB / 2 - 4 * before); // an island is due about here
      const at = masm.offset;
      if (compareZero) masm.testZero(1, 3);
      masm.branch(Cond.Eq, back);
      masm.bind(forth);
      masm.ret();
      const words = wordsOf(masm);
      const taken = new Set<number>();
      for (let from = at; from < masm.offset; from += 4) if (follow(words, from) === 0) taken.add(from);
      // A branch over b: it is followed by the b, and skips it.
      const far = [...taken][0]!;
      expect(taken.size).toBe(1);
      expect((words[(far >> 2) - 1]! & 0xffffe0) >> 5).toBe(2);
      expect(words[(far >> 2) - 1]! >>> 24).toBe(compareZero ? 0xb5 : 0x54); // cbnz of 64 bits, b.cond
      expect(words[(far >> 2) - 1]! & 0x1f).toBe(compareZero ? 3 : 1); // the register, ne
      expect(follow(words, far - 4)).toBe(far + 4);
      masm.resetLabels();
    }
});

test('comparing with zero and branching is one instruction, unless the flags mean more', () => {
  const size = (emit: (masm: Arm64MacroAssembler) => void) => {
    const masm = new Arm64MacroAssembler(64);
    emit(masm);
    return masm.offset / 4;
  };
  const to = (masm: Arm64MacroAssembler) => {
    const label = masm.newLabel();
    masm.bind(label);
    return label;
  };
  expect(size((m) => [to(m), m.testZero(0, 1), m.branch(Cond.Eq, 0)])).toBe(1);
  expect(size((m) => [to(m), m.compareImm(1, 1, 0), m.branchUnless(Cond.Ne, 0)])).toBe(1);
  expect(size((m) => [to(m), m.compareImm(1, 1, 0), m.branch(Cond.LtS, 0)])).toBe(2);
  expect(size((m) => [to(m), m.testZero(1, 1), m.constant(2, 0, 7, 0), m.branch(Cond.Eq, 0)])).toBe(3);
  expect(size((m) => [m.testZero(1, 1), m.setCondition(Cond.Eq, 2)])).toBe(2);
});

test('one instruction leaves no flags for another branch', () => {
  const masm = new Arm64MacroAssembler(64);
  const label = masm.newLabel();
  masm.testZero(1, 1);
  masm.branch(Cond.Ne, label);
  expect(() => masm.branch(Cond.Eq, label)).toThrow('a second branch after a test that left no flags');
  masm.compareImm(1, 1, 3);
  masm.branch(Cond.Eq, label);
  expect(() => masm.branch(Cond.Ne, label)).not.toThrow();
});

test('a short jump is by less than a MiB, backward by one at most', () => {
  expect([-MIB, -4, 0, MIB - 4].map((offset) => (shortField(offset) << 8) >> 11)).toEqual([-MIB, -4, 0, MIB - 4]);
  for (const offset of [-MIB - 4, MIB, 1 << 28]) expect(() => shortField(offset)).toThrow(`a short jump by ${offset}`);
});

test('a label that is used must be bound', () => {
  const masm = new Arm64MacroAssembler(64);
  masm.newLabel(); // never used: needs no binding
  masm.resetLabels();
  masm.jump(masm.newLabel());
  expect(() => masm.resetLabels()).toThrow('not bound');
});

test('calls: near ones are bl, far ones go through a register', () => {
  const near = new Arm64MacroAssembler(64);
  nops(near, 400);
  near.patchCall(near.call(), 0);
  expect(wordsOf(near)[100]! >>> 0).toBe((0x94000000 | (-100 & 0x3ffffff)) >>> 0);
  expect(() => near.patchCall(near.call(), 1 << 28)).toThrow('reach');
  const far = new Arm64MacroAssembler(64, true);
  far.imageStart = 0x10000;
  nops(far, 400);
  const handle = far.call();
  expect(far.offset - handle).toBe(12);
  far.patchCall(handle, 0x12345f78);
  const words = wordsOf(far);
  const pages = 0x12355 - 0x10; // of 0x12345f78 + 0x10000 and of the call
  expect(words[100]! >>> 0).toBe((0x90000011 | ((pages & 3) << 29) | ((pages >> 2) << 5)) >>> 0);
  expect(words[101]! >>> 0).toBe((0x91000231 | (0xf78 << 10)) >>> 0);
  expect(words[102]! >>> 0).toBe(0xd63f0220);
  const jump = far.jumpTo();
  far.patchJump(jump, 0);
  expect(wordsOf(far)[(jump >> 2) + 2]! >>> 0).toBe(0xd61f0220);
});

test('a global nearby that is at no multiple of 4 is reached by its page', () => {
  const masm = new Arm64MacroAssembler(64);
  masm.imageStart = 0x10000;
  masm.loadGlobal(Width.Int32, 0, 0x10104);
  expect(masm.offset).toBe(4); // ldr (literal)
  masm.loadGlobal(Width.Int32, 0, 0x10102);
  const words = wordsOf(masm);
  expect((words[1]! & 0x9f000000) >>> 0).toBe(0x10000000); // adr, and a load from there
  expect(masm.offset).toBe(12);
});

test('a large frame is touched every 64 KiB', () => {
  const PROBE = 65536;
  /** The distances from sp of the loads, by the code before the first store. */
  const touched = (frameSize: number): number[] => {
    const masm = new Arm64MacroAssembler(64);
    masm.enter(frameSize);
    const words = wordsOf(masm);
    const loop = words.findIndex((word) => word >>> 24 === 0x54); // b.cond
    if (loop >= 0) {
      const count = (words[0]! >>> 5) & 0xffff; // movz
      const step = ((words[loop - 3]! >>> 10) & 0xfff) << 12; // sub …, lsl 12
      return Array.from({ length: count }, (_, i) => (i + 1) * step);
    }
    const store = words.findIndex((word) => (word & 0xffc00000) >>> 0 === 0xa9800000); // stp, before the index
    return [...words.subarray(0, store)].filter((_, i) => i % 2 === 0).map((word) => ((word >>> 10) & 0xfff) << 12);
  };
  const every = (count: number) => Array.from({ length: count }, (_, i) => (i + 1) * PROBE);
  expect(touched(PROBE - 8)).toEqual([]);
  for (const count of [1, 2, 4, 5, 10, 1000]) expect(touched(count * PROBE + 8)).toEqual(every(count));
});

test('bytes and padding', () => {
  const masm = new Arm64MacroAssembler(64);
  const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i);
  masm.emitBytes(bytes);
  masm.align(16);
  expect(masm.offset).toBe(1008);
  expect(masm.code().subarray(0, 1000)).toEqual(bytes);
  expect([...masm.code().subarray(1000)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]); // udf #0
});

test('faultOffset names the instruction that faults', () => {
  const masm = new Arm64MacroAssembler(64);
  masm.load(0, 0, 28, 2, 0x90000000);
  expect(masm.faultOffset).toBe(masm.offset - 4);
  masm.load(0, 0, 28, 2, 0);
  expect(masm.faultOffset).toBe(masm.offset - 4);
  masm.binary(IntOp.Add, 0, 0, 0, 0);
  masm.divide(0, 1, 0, 0, 6);
  expect(wordsOf(masm)[masm.faultOffset >> 2]).toBe(0);
  masm.trap();
  expect(masm.faultOffset).toBe(masm.offset - 4);
});

import { describe, expect, test } from 'vitest';
import { NO_REG } from '../../../src/arch/masm/masm.js';
import { InputError, LimitError } from '../../../src/base/errors.js';
import { liftStack } from '../../../src/capture/lift.js';
import { REGISTER_WORDS, Registers } from '../../../src/capture/registers.js';
import {
  FUNC_HOST,
  FUNC_IMPORT,
  FUNC_TRAMPOLINE,
  NO_LOCAL_REG,
  SITE_CALL,
  SITE_ENTRY,
  SITE_LOOP,
} from '../../../src/image/contract/site-tables.js';
import { SiteLookup } from '../../../src/image/tables/site-lookup.js';
import { SiteTables } from '../../../src/image/tables/site-tables.js';
import { HeaderBudget } from '../../../src/snapshot/header-budget.js';
import { ValType } from '../../../src/wasm/module.js';
import { growth } from '../../support/cpu-time.js';
import { numbers } from '../snapshot/programs.js';

const TEXT = 0x7f1200000000;
const TOP = 0x7ffc00100000;
const SIZE = 0x1000;

/**
 * Text by hand. Function 1 (frame of 48 bytes): locals i32 in register 3 or slot 2, f64 in xmm8 or slot 3, funcref in
 * its incoming slot 7; a loop, two calls. Function 0: the thunk of an import. Function 2 (48 bytes): locals v128 in
 * register 63 or slot 0, funcref in slot 2, v128 in its incoming slots 7 and 8; a loop, a call. Function 3: a shape
 * that cannot be. A trampoline at 0x100, a host function at 0x180.
 */
function tables(): SiteLookup {
  const t = new SiteTables();
  t.beginFunction(0x10, 1, 0, 0, FUNC_IMPORT);
  t.shapes.begin(3, 0);
  t.shapes.register(ValType.I32, 0);
  t.shapes.register(ValType.F32, 32);
  t.shapes.slot(ValType.I64, 1);
  t.site(0x10, 0, SITE_ENTRY);
  t.endFunction(0x20);
  t.beginFunction(0x20, 1, 1, 48);
  t.local(ValType.I32, 3, 2);
  t.local(ValType.F64, 40, 3);
  t.local(ValType.FuncRef, NO_LOCAL_REG, 7);
  t.shapes.begin(2, 0);
  t.shapes.slot(ValType.I64, 4);
  t.shapes.copy(ValType.I32, 0);
  t.site(0x30, 11, SITE_LOOP);
  t.shapes.begin(2, 1);
  t.shapes.constant(ValType.F64, 1, 0x40000000);
  t.shapes.copy(ValType.FuncRef, 2);
  t.shapes.register(ValType.ExternRef, 0);
  t.site(0x40, 22, SITE_CALL);
  t.shapes.begin(0, 0);
  t.site(0x50, 33, SITE_CALL);
  t.endFunction(0x60);
  t.beginFunction(0x60, 1, 2, 48);
  t.local(ValType.V128, 63, 0);
  t.local(ValType.FuncRef, NO_LOCAL_REG, 2);
  t.local(ValType.V128, NO_LOCAL_REG, 7);
  t.shapes.begin(2, 0);
  t.shapes.slot(ValType.V128, 3);
  t.shapes.copy(ValType.V128, 0);
  t.site(0x70, 4, SITE_LOOP);
  t.shapes.begin(1, 1);
  t.shapes.copy(ValType.V128, 2);
  t.shapes.register(ValType.V128, 32);
  t.site(0x78, 8, SITE_CALL);
  t.endFunction(0x80);
  t.beginFunction(0x90, 1, 3, 48);
  t.local(ValType.I32, NO_LOCAL_REG, 0);
  t.shapes.begin(1, 0);
  t.shapes.register(ValType.I64, 2);
  t.site(0x98, 4, SITE_CALL);
  t.endFunction(0xa0);
  t.beginFunction(0x100, 0, 0, 0, FUNC_TRAMPOLINE);
  t.endFunction(0x110);
  t.beginFunction(0x180, 0, 5, 16, FUNC_HOST);
  t.endFunction(0x190);
  return new SiteLookup(t.sections(), SIZE);
}

/** A stack that is written from its top down, as calls do. */
class Stack {
  readonly bytes = Buffer.alloc(1 << 16, 0xee);
  at = this.bytes.length;

  push(value: bigint | number): this {
    this.at -= 8;
    this.bytes.writeBigUInt64LE(BigInt(value), this.at);
    return this;
  }

  returnTo(textOffset: number): this {
    return this.push(TEXT + textOffset);
  }

  /** A frame of function 1 with slots 0.. from the bottom. */
  frame(...slots: (bigint | number)[]): this {
    for (let i = 5; i >= 0; i--) this.push(slots[i] ?? 0xdeaddeaddeaddeadn);
    return this;
  }

  lift(pc: number, registers: Record<number, bigint> = {}, linkRegister: number = NO_REG) {
    const words = new Uint32Array(64 * REGISTER_WORDS);
    for (const [n, value] of Object.entries(registers)) {
      const cells = new BigUint64Array(words.buffer, Number(n) * REGISTER_WORDS * 4, 2);
      cells[0] = BigInt.asUintN(64, value);
      cells[1] = value >> 64n;
    }
    const sp = TOP - this.bytes.length + this.at;
    const stack = { address: sp, bytes: this.bytes.subarray(this.at) };
    return liftStack(tables(), TEXT, new Registers(TEXT + pc, sp, words), stack, linkRegister);
  }
}

describe('a native stack becomes wasm frames', () => {
  test('at a loop: locals in registers, operands in slots and as aliases', () => {
    const stack = new Stack().push(77).returnTo(0x100).frame(0, 0, 1, 2, 0x1122334455667788n);
    const { frames, functionRows, referenceWords } = stack.lift(0x30, {
      3: 0xffffffff00000009n,
      40: 0x3ff8000000000000n,
    });
    expect(frames.count).toBe(1);
    expect(frames.site(0)).toEqual({
      instance: 0,
      func: 1,
      offset: 11,
      kind: 'loop',
      locals: Uint8Array.of(0x7f, 0x7c, 0x70),
      operands: Uint8Array.of(0x7e, 0x7f),
    });
    expect(numbers(frames, 0)).toEqual([
      [9n, 0x3ff8000000000000n, 77n],
      [0x1122334455667788n, 9n],
    ]);
    expect(functionRows).toEqual([1]);
    expect(referenceWords).toEqual([4]);
  });

  test('after a call: locals in slots, results as operands; calls further out without results', () => {
    const stack = new Stack().push(5).returnTo(0x100).frame(6, 0, 1, 2).returnTo(0x40).frame(0, 0, 0xaa00000003n, 4);
    const { frames } = stack.lift(0x40, { 0: 0x8000000000000001n, 3: 99n });
    expect([0, 1].map((i) => frames.site(i).kind)).toEqual(['return', 'call']);
    expect(frames.site(0).operands).toEqual(Uint8Array.of(0x7c, 0x70, 0x6f));
    expect(frames.site(1).operands).toEqual(Uint8Array.of(0x7c, 0x70));
    expect(numbers(frames, 0)).toEqual([
      [3n, 4n, 6n],
      [0x4000000000000001n, 6n, 0x8000000000000001n],
    ]);
    expect(numbers(frames, 1)).toEqual([
      [1n, 2n, 5n],
      [0x4000000000000001n, 5n],
    ]);
  });

  test('at the entry of an import: parameters in registers and above the return address', () => {
    const stack = new Stack().push(1).returnTo(0x100).frame(0x1234567890n, 0, 1, 2).returnTo(0x50);
    const { frames } = stack.lift(0x10, { 0: 0xffffffffffffffffn, 32: 0x12345678bf800000n });
    expect(frames.site(0)).toMatchObject({ func: 0, kind: 'entry', offset: 0, operands: Uint8Array.of() });
    expect(numbers(frames, 0)).toEqual([[0xffffffffn, 0xbf800000n, 0x1234567890n], []]);
    expect(frames.site(1)).toMatchObject({ func: 1, kind: 'call', offset: 33 });
  });

  test('at an entry with a link register: the return address is in it, the caller at sp', () => {
    const stack = new Stack().push(1).returnTo(0x100).frame(5, 0x1234567890n, 1, 2);
    const { frames } = stack.lift(0x10, { 0: 7n, 30: BigInt(TEXT + 0x50) }, 30);
    expect(frames.count).toBe(2);
    expect(numbers(frames, 0)).toEqual([[7n, 0n, 0x1234567890n], []]);
    expect(frames.site(1)).toMatchObject({ func: 1, kind: 'call', offset: 33 });
  });

  const vector = (n: bigint) => (n << 64n) | 0xfedcba9876543210n;

  test('vectors: all of a register, two slots', () => {
    const stack = new Stack().push(0x33n).push(0x22n).returnTo(0x100).frame(1, 2, 0, 0x44n, 0x55n);
    const { frames, referenceWords } = stack.lift(0x70, { 63: vector(9n) });
    expect(frames.site(0).operands).toEqual(Uint8Array.of(0x7b, 0x7b));
    expect(numbers(frames, 0)).toEqual([
      [vector(9n), 0n, (0x33n << 64n) | 0x22n],
      [(0x55n << 64n) | 0x44n, vector(9n)],
    ]);
    expect(referenceWords).toEqual([4]);
  });

  test('vectors after and in calls', () => {
    const stack = new Stack().push(5).push(6).returnTo(0x100).frame(3, 4, 0);
    const { frames } = stack
      .returnTo(0x78)
      .frame(1, 2, 0)
      .lift(0x78, { 32: vector(1n) });
    expect([0, 1].map((i) => frames.site(i).kind)).toEqual(['return', 'call']);
    const words = (upper: bigint, lower: bigint) => (upper << 64n) | lower;
    expect(numbers(frames, 0)).toEqual([
      [words(2n, 1n), 0n, words(4n, 3n)],
      [words(4n, 3n), vector(1n)],
    ]);
    expect(numbers(frames, 1)).toEqual([[words(4n, 3n), 0n, words(5n, 6n)], [words(5n, 6n)]]);
  });

  test('100,000 of them, in a time that grows as their number', () => {
    const deep = (depth: number) => {
      const frame = Buffer.alloc(64 * depth + 16);
      for (let i = 0; i < depth; i++) {
        frame.writeUInt32LE(i, i * 56 + 16);
        frame.writeBigUInt64LE(BigInt(TEXT + (i === depth - 1 ? 0x100 : 0x50)), i * 56 + 48);
      }
      const sp = TOP - frame.length;
      const registers = new Registers(TEXT + 0x50, sp, new Uint32Array(64 * REGISTER_WORDS));
      return liftStack(tables(), TEXT, registers, { address: sp, bytes: frame }, NO_REG);
    };
    const { frames } = deep(100_000);
    expect(frames.count).toBe(100_000);
    expect(frames.sites.length).toBe(2);
    expect(frames.value(99_999, 0).lo).toBe(99_999);
    expect(growth(deep, 10_000)).toBeLessThan(50);
  });
});

describe('a stack that is not ours is refused', () => {
  test.each<[string, () => unknown, RegExp]>([
    ['a pc that is at no safepoint', () => new Stack().push(0).returnTo(0x100).lift(0x31), /not at a safepoint/],
    ['a pc outside of text', () => new Stack().push(0).returnTo(0x100).lift(-5), /not at a safepoint/],
    [
      'a return address that is no call',
      () => new Stack().push(0).returnTo(0x41).frame().lift(0x30),
      /not a safepoint/,
    ],
    ['a return address at a loop', () => new Stack().push(0).returnTo(0x30).frame().lift(0x30), /not after a call/],
    ['a return address below text', () => new Stack().push(0).push(16).frame().lift(0x30), /outside of text/],
    ['a return into the host layer', () => new Stack().push(0).returnTo(0x188).frame().lift(0x30), /not a safepoint/],
    ['a stack without a bottom', () => new Stack().push(0).frame().lift(0x50), /above the stack/],
    [
      'a vector half of which is above the stack',
      () => new Stack().push(6).returnTo(0x100).frame().lift(0x78),
      /above the stack/,
    ],
    [
      'a value in a register across a call',
      () => new Stack().push(0).returnTo(0x100).frame().lift(0x98),
      /in a register across a call/,
    ],
    ['parameters above the stack', () => new Stack().returnTo(0x100).frame().lift(0x30), /above the stack/],
  ])('%s', (_, lift, message) => {
    expect(lift).toThrow(InputError);
    expect(lift).toThrow(message);
  });
});

describe('a frame holds what it claims to hold', () => {
  /**
   * One function at 0x10 with a call at 0x18, and a trampoline at 0x100; a stack of frames that are all at the call.
   */
  function lift(frameBytes: number, frames: number, describe: (t: SiteTables) => void, budget?: HeaderBudget) {
    const t = new SiteTables();
    t.beginFunction(0x10, 1, 0, frameBytes);
    describe(t);
    t.site(0x18, 1, SITE_CALL);
    t.endFunction(0x20);
    t.beginFunction(0x100, 0, 0, 0, FUNC_TRAMPOLINE);
    t.endFunction(0x110);
    const lookup = new SiteLookup(t.sections(), SIZE);
    const bytes = Buffer.alloc((frameBytes + 8) * frames + 16_384);
    for (let i = 0; i < frames; i++) {
      const returnTo = TEXT + (i === frames - 1 ? 0x100 : 0x18);
      bytes.writeBigUInt64LE(BigInt(returnTo), (frameBytes + 8) * i + frameBytes);
    }
    const registers = new Registers(TEXT + 0x18, TOP, new Uint32Array(64 * REGISTER_WORDS));
    return liftStack(lookup, TEXT, registers, { address: TOP, bytes }, NO_REG, budget).frames;
  }
  const locals = (count: number, slot: (i: number) => number) => (t: SiteTables) => {
    for (let i = 0; i < count; i++) t.local(ValType.I64, NO_LOCAL_REG, slot(i));
    t.shapes.begin(0, 0);
  };
  const constants = (count: number) => (t: SiteTables) => {
    t.shapes.begin(count, 0);
    for (let i = 0; i < count; i++) t.shapes.constant(ValType.I64, i, 0);
  };

  test('values in it, and what its caller has reserved', () => {
    expect(
      lift(
        32,
        3,
        locals(4, (i) => i),
      ).count,
    ).toBe(3);
    expect(
      lift(
        32,
        3,
        locals(6, (i) => (i < 4 ? i : i + 1)),
      ).count,
    ).toBe(3); // 5 and 6: after the return address
  });

  test.each([
    ['many locals in a frame of nothing', 0, locals(2000, () => 0), /a frame of 0 bytes has 2000 locals/],
    ['locals above its caller', 0, locals(1000, (i) => i), /a value of frame 0 lies outside of it/],
    ['a local after what the host has reserved', 8, locals(1, () => 60), /a value of frame \d lies outside of it/],
    ['many constants', 8, constants(100), /a frame of 8 bytes has 100 operands/],
  ])('%s are not', (_, frameBytes, describe, message) => {
    expect(() => lift(frameBytes, 3, describe)).toThrow(InputError);
    expect(() => lift(frameBytes, 3, describe)).toThrow(message);
  });

  test('all of them are no more than a header holds', () => {
    expect(lift(8, 1000, constants(50), new HeaderBudget(1000 * 404 + 50 * 64 * 2)).count).toBe(1000);
    expect(() => lift(8, 1000, constants(50), new HeaderBudget(400_000))).toThrow(LimitError);
    expect(() => lift(8, 1000, constants(50), new HeaderBudget(400_000))).toThrow(
      /its stack: is more than a snapshot holds/,
    );
  });
});

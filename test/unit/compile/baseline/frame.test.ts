/** Frames: pins, slots, and the one that is too large. */

import { expect, test } from 'vitest';
import { x64 } from '../../../../src/arch/x64/target.js';
import { Frame } from '../../../../src/compile/baseline/frame.js';
import { CallLayout } from '../../../../src/compile/convention/call-layout.js';
import { decodeModule } from '../../../../src/wasm/decode.js';
import { type FunctionSummary, ValType } from '../../../../src/wasm/module.js';
import { Op } from '../../../../src/wasm/opcodes.js';
import { WasmWriter } from '../../../fuzz/wasm-writer.js';
import { listFunctions } from '../../../listings/listing.js';

const { plan } = x64;
const { I32, F64, V128 } = { I32: ValType.I32, F64: ValType.F64, V128: ValType.V128 };

function layOut(
  params: ValType[],
  locals: ValType[],
  weights: number[],
  rest: Partial<FunctionSummary> = {},
  outgoingSlots = 0,
): Frame {
  const types = [...params, ...locals];
  const frame = new Frame(plan);
  const summary: FunctionSummary = {
    localTypes: Uint8Array.from(types),
    localCount: types.length,
    codeStart: 0,
    maxHeight: 0,
    maxControlDepth: 1,
    localWeight: Float64Array.from(weights),
    callWeight: 0,
    calledTypes: new Uint32Array(0),
    calledTypeCount: 0,
    callCount: 0,
    usesVectors: false,
    ...rest,
  };
  const call = new CallLayout({ params: Uint8Array.from(params), results: new Uint8Array(0) }, plan);
  frame.layOut(summary, call, outgoingSlots);
  return frame;
}

test('the heaviest locals get the registers, in order of weight', () => {
  const count = plan.pinnedInts.length + 3;
  const weights = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 100 + i : 10 + i));
  const frame = layOut([], new Array(count).fill(I32), weights);
  const order = [...weights.keys()].sort((a, b) => weights[b] - weights[a]).slice(0, plan.pinnedInts.length);
  expect([...frame.pinnedLocals.subarray(0, frame.pinCount)]).toEqual(order);
  for (const [pin, local] of order.entries()) {
    expect(frame.pins[local]).toBe(pin);
    expect(frame.registers[local]).toBe(plan.pinnedInts[pin]);
    expect(frame.pinnedRegisters[pin]).toBe(plan.pinnedInts[pin]);
  }
  expect(frame.allPins).toBe(2 ** order.length - 1);
});

test('classes do not take each other’s registers', () => {
  const frame = layOut([], [F64, I32, F64, I32], [1, 2, 3, 4]);
  expect([...frame.registers.subarray(0, 4)]).toEqual([
    plan.pinnedFloats[1],
    plan.pinnedInts[1],
    plan.pinnedFloats[0],
    plan.pinnedInts[0],
  ]);
});

test('a local whose uses do not outweigh the calls stays in its slot', () => {
  const frame = layOut([], [I32, I32, I32], [5, 6, 0], { callWeight: 5 });
  expect([...frame.pins.subarray(0, 3)]).toEqual([-1, 0, -1]);
});

test('slots do not overlap, stack parameters live in the incoming area', () => {
  const params: ValType[] = new Array(plan.argInts.length + 2).fill(I32);
  const frame = layOut(params, [F64, I32], new Array(params.length + 2).fill(1), { maxHeight: 3 }, 2);
  const slots = [frame.operandSlot(0), frame.operandSlot(1), frame.operandSlot(2), ...frame.homes.subarray(0, 9)];
  expect(new Set(slots).size).toBe(slots.length);
  expect(Math.min(...slots)).toBeGreaterThanOrEqual(2 * 8);
  const incoming = [frame.incomingSlot(0), frame.incomingSlot(1)];
  expect([...frame.homes.subarray(plan.argInts.length, params.length)]).toEqual(incoming);
  for (const slot of slots) expect(slot < frame.size || incoming.includes(slot)).toBe(true);
});

test('a v128 takes two slots, and each operand does where there may be one', () => {
  const frame = layOut([], [I32, V128, I32, V128], [1, 0, 0, 0], { maxHeight: 3, usesVectors: true, callWeight: 1 });
  const claimed = new Set<number>();
  const claim = (slot: number, count: number) => {
    for (let at = slot; at < slot + 8 * count; at += 8) {
      expect(claimed.has(at)).toBe(false);
      expect(at + 8).toBeLessThanOrEqual(frame.size);
      claimed.add(at);
    }
  };
  for (let i = 0; i < 3; i++) claim(frame.operandSlot(i), 2);
  for (let i = 0; i < 4; i++) claim(frame.homes[i], i % 2 === 0 ? 1 : 2);
});

test('floats and vectors share their registers', () => {
  const frame = layOut([], [F64, V128, I32], [1, 2, 3]);
  expect([...frame.registers.subarray(0, 3)]).toEqual([plan.pinnedFloats[1], plan.pinnedFloats[0], plan.pinnedInts[0]]);
});

test('stack parameters have the slots that the call layout gives them', () => {
  const params: ValType[] = [...plan.argFloats.map(() => F64), V128, F64, V128];
  const frame = layOut(params, [], new Array(params.length).fill(0));
  const incoming = [0, 2, 3].map((slot) => frame.incomingSlot(slot));
  expect([...frame.homes.subarray(plan.argFloats.length, params.length)]).toEqual(incoming);
});

test('a frame with more slots than the site tables can name is a limit', () => {
  const operands = 999_990;
  const locals = 50_000;
  const module = decodeModule(hugeFrame(operands, locals), 'huge');
  expect(() => listFunctions(module, x64)).toThrow(/frame/);
  expect(() => listFunctions(decodeModule(hugeFrame(operands, 10), 'large'), x64)).not.toThrow();
});

/** A function that pushes `operands` constants and drops them. */
function hugeFrame(operands: number, locals: number): Uint8Array {
  const out = new WasmWriter();
  out.byte(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  out.list(1, [0], (to) => to.byte(0x60, 0, 0));
  out.list(3, [0], (to) => to.byte(0));
  out.list(10, [0], (to) =>
    to.sized((body) => {
      body.byte(1);
      body.u32(locals);
      body.byte(I32);
      body.append(new Uint8Array(operands * 2).map((_, i) => (i & 1 ? 0 : Op.I32Const)));
      body.append(new Uint8Array(operands).fill(Op.Drop));
      body.byte(Op.End);
    }),
  );
  return out.bytes.slice();
}

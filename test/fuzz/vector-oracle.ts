/**
 * Vector instructions with lane indexes, and vector accesses of memory, for the interpreter: plain arithmetic on the
 * 128 bits. Those without immediates V8 does (numeric-oracle.ts).
 */

import type { Opcode } from '../../src/wasm/opcodes.js';
import type { Raw } from './numeric-oracle.js';

const WIDTHS: Readonly<Record<string, number>> = { i8x16: 8, i16x8: 16, i32x4: 32, i64x2: 64, f32x4: 32, f64x2: 64 };

function lane(vector: bigint, bits: number, index: number): bigint {
  return BigInt.asUintN(bits, vector >> BigInt(bits * index));
}

function withLane(vector: bigint, bits: number, index: number, value: bigint): bigint {
  const at = BigInt(bits * index);
  return (vector & ~(BigInt.asUintN(bits, -1n) << at)) | (BigInt.asUintN(bits, value) << at);
}

function fromLanes(bits: number, lanes: readonly bigint[]): bigint {
  return lanes.reduceRight((vector, value) => (vector << BigInt(bits)) | BigInt.asUintN(bits, value), 0n);
}

/** extract_lane, replace_lane and shuffle. */
export function laneInstruction({ name }: Opcode, lanes: readonly number[], operands: readonly Raw[]): Raw {
  const [shape, what] = name.split('.');
  const bits = WIDTHS[shape];
  const vector = operands[0] as bigint;
  if (what === 'shuffle') {
    const both = vector | ((operands[1] as bigint) << 128n);
    return fromLanes(
      8,
      lanes.map((index) => lane(both, 8, index)),
    );
  }
  if (what === 'replace_lane') return withLane(vector, bits, lanes[0], BigInt(operands[1]));
  const value = lane(vector, bits, lanes[0]);
  if (bits === 64) return value;
  return what === 'extract_lane_s' ? Number(BigInt.asIntN(bits, value)) >>> 0 : Number(value);
}

function read(view: DataView, at: number, bits: number): bigint {
  let value = 0n;
  for (let i = bits / 8 - 1; i >= 0; i--) value = (value << 8n) | BigInt(view.getUint8(at + i));
  return value;
}

function write(view: DataView, at: number, bits: number, value: bigint): void {
  for (let i = 0; i < bits / 8; i++) view.setUint8(at + i, Number((value >> BigInt(i * 8)) & 0xffn));
}

/** A load gives the new value of the vector, a store nothing. @param index of the lane, when the instruction has one */
export function vectorAccess(
  { name }: Opcode,
  view: DataView,
  at: number,
  index: number,
  vector: bigint,
): bigint | undefined {
  const [, what, width, kind] = /^v128\.(load|store)(\d*)(.*)$/.exec(name)!;
  const bits = Number(width || 128);
  if (what === 'store') {
    write(view, at, bits, bits === 128 ? vector : lane(vector, bits, index));
    return undefined;
  }
  const [, count, sign] = /^x(\d)_([su])$/.exec(kind) ?? [];
  if (count !== undefined) {
    const parts = Array.from({ length: Number(count) }, (_, i) => read(view, at + (i * bits) / 8, bits));
    return fromLanes(
      bits * 2,
      parts.map((part) => (sign === 's' ? BigInt.asIntN(bits, part) : part)),
    );
  }
  const value = read(view, at, bits);
  if (kind === '_splat') return fromLanes(bits, new Array(128 / bits).fill(value));
  return kind === '_lane' ? withLane(vector, bits, index, value) : value;
}

/** Converts a snapshot's value to a JavaScript value. */

import { decodeFuncRef, type FuncRef, type Value as StoredValue } from '../snapshot/snapshot.js';
import { ValType } from '../wasm/module.js';
import type { FunctionReference, Value } from './value.js';

export function toValue({ type, lo, hi, upper }: StoredValue): Value {
  const words = new DataView(new ArrayBuffer(16));
  words.setUint32(0, lo, true);
  words.setUint32(4, hi, true);
  switch (type) {
    case ValType.I32:
      return { type: 'i32', value: lo | 0 };
    case ValType.I64:
      return { type: 'i64', value: words.getBigInt64(0, true) };
    case ValType.F32:
      return { type: 'f32', value: words.getFloat32(0, true), bits: lo };
    case ValType.F64:
      return { type: 'f64', value: words.getFloat64(0, true), bits: words.getBigUint64(0, true) };
    case ValType.V128:
      words.setUint32(8, upper?.lo ?? 0, true);
      words.setUint32(12, upper?.hi ?? 0, true);
      return { type: 'v128', value: new Uint8Array(words.buffer) };
    case ValType.FuncRef:
      return { type: 'funcref', value: functionReference(decodeFuncRef(lo, hi)) };
    case ValType.ExternRef:
      return { type: 'externref', value: numbered(words.getBigUint64(0, true)) };
    case ValType.ExnRef:
      return { type: 'exnref', value: numbered(words.getBigUint64(0, true)) };
  }
}

function functionReference(reference: FuncRef | null): FunctionReference | null {
  return reference && { instance: reference.instance, function: reference.func };
}

/** 0 is null, n + 1 is n. */
function numbered(bits: bigint): number | null {
  return bits === 0n ? null : Number(bits - 1n);
}

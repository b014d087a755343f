/** Atomic accesses and notify for the interpreter: with one thread, a load and a store. */

import type { Opcode } from '../../src/wasm/opcodes.js';
import { type Raw, store } from './numeric-oracle.js';

/** What read-modify-writes store, by the word in their names. */
const RESULTS: Readonly<Record<string, (old: bigint, value: bigint, expected: bigint) => bigint>> = {
  add: (old, value) => old + value,
  sub: (old, value) => old - value,
  and: (old, value) => old & value,
  or: (old, value) => old | value,
  xor: (old, value) => old ^ value,
  xchg: (_, value) => value,
  cmpxchg: (old, value, expected) => (old === expected ? value : old),
};

/** @returns the result, undefined for stores. @param operands those after the address */
export function atomicAccess(
  { name, alignment, results }: Opcode,
  view: DataView,
  at: number,
  operands: readonly Raw[],
): Raw | undefined {
  if (name.endsWith('notify')) return 0;
  const bits = 8 << alignment!;
  let old = 0n;
  for (let i = 0; i < bits; i += 8) old |= BigInt(view.getUint8(at + i / 8)) << BigInt(i);
  const value = BigInt(operands.at(-1) ?? 0);
  const operation = RESULTS[/rmw\d*\.([a-z]+)/.exec(name)?.[1] ?? ''];
  if (operation !== undefined) {
    store(view, at, alignment!, BigInt.asUintN(bits, operation(old, value, BigInt.asUintN(bits, BigInt(operands[0])))));
  } else if (results!.length === 0) {
    store(view, at, alignment!, BigInt.asUintN(bits, value));
    return undefined;
  }
  return name.startsWith('i64') ? old : Number(old);
}

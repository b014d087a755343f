/**
 * Validation of the instructions on whole memories and data segments: size, grow, init, copy, fill and drop (core spec
 * 3.3.7). Their types follow from the memory's address type. Loads and stores are in validate-typed.ts.
 */

import type { BodyState } from './body-state.js';
import { ValType } from './module.js';

export function size({ operands, immediates }: BodyState): void {
  operands.push(immediates.memoryAddress());
}

export function grow(body: BodyState): void {
  const { operands, immediates } = body;
  body.noteCallLike();
  const address = immediates.memoryAddress();
  operands.pop(address);
  operands.push(address);
}

export function init(body: BodyState): void {
  const { operands, immediates } = body;
  body.noteCallLike();
  immediates.dataIndex();
  operands.popThree(immediates.memoryAddress(), ValType.I32, ValType.I32);
}

export function drop({ immediates }: BodyState): void {
  immediates.dataIndex();
}

export function copy(body: BodyState): void {
  const { operands, immediates } = body;
  body.noteCallLike();
  const to = immediates.memoryAddress();
  const from = immediates.memoryAddress();
  operands.popThree(to, from, narrower(to, from));
}

export function fill(body: BodyState): void {
  const { operands, immediates } = body;
  body.noteCallLike();
  const address = immediates.memoryAddress();
  operands.popThree(address, ValType.I32, address);
}

/** What a length is given in that concerns two memories or tables. */
export function narrower(a: ValType, b: ValType): ValType {
  return a === ValType.I64 ? b : a;
}

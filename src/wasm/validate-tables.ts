/**
 * Validation of the instructions on tables and element segments (core spec 3.3.6). Their types follow from the table's
 * address type and its elements'.
 */

import type { BodyState } from './body-state.js';
import { ValType } from './module.js';
import { valTypeName } from './text.js';
import { narrower } from './validate-memory.js';

export function get({ operands, immediates }: BodyState): void {
  const table = immediates.table();
  operands.pop(immediates.tableAddressOf(table));
  operands.push(immediates.tableTypeOf(table));
}

export function set({ operands, immediates }: BodyState): void {
  const table = immediates.table();
  operands.pop(immediates.tableTypeOf(table));
  operands.pop(immediates.tableAddressOf(table));
}

export function size({ operands, immediates }: BodyState): void {
  operands.push(immediates.tableAddressOf(immediates.table()));
}

export function grow(body: BodyState): void {
  const { operands, immediates } = body;
  body.noteCallLike();
  const table = immediates.table();
  const address = immediates.tableAddressOf(table);
  operands.pop(address);
  operands.pop(immediates.tableTypeOf(table));
  operands.push(address);
}

export function fill(body: BodyState): void {
  const { operands, immediates } = body;
  body.noteCallLike();
  const table = immediates.table();
  const address = immediates.tableAddressOf(table);
  operands.popThree(address, immediates.tableTypeOf(table), address);
}

export function copy(body: BodyState): void {
  const { operands, immediates } = body;
  body.noteCallLike();
  const to = immediates.table();
  const from = immediates.table();
  checkItems(body, immediates.tableTypeOf(to), immediates.tableTypeOf(from));
  const toAddress = immediates.tableAddressOf(to);
  const fromAddress = immediates.tableAddressOf(from);
  operands.popThree(toAddress, fromAddress, narrower(toAddress, fromAddress));
}

export function init(body: BodyState): void {
  const { operands, immediates } = body;
  body.noteCallLike();
  const segment = body.reader.u32();
  const table = immediates.table();
  checkItems(body, immediates.tableTypeOf(table), immediates.elementType(segment));
  operands.popThree(immediates.tableAddressOf(table), ValType.I32, ValType.I32);
}

export function dropElements({ reader, immediates }: BodyState): void {
  immediates.elementType(reader.u32());
}

/** That items of the type `source` may stand in a table of `destination`. */
function checkItems({ operands }: BodyState, destination: number, source: number): void {
  if (operands.refTypes.matches(source, destination)) return;
  throw operands.mismatch(`${valTypeName(source)} items for a table of ${valTypeName(destination)}`);
}

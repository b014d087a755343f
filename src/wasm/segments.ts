/**
 * Element and data segments (core spec 5.5.12 and 5.5.14).
 *
 * Reads one segment and lets validate-module.ts check it. Where its bytes or items go at instantiation is not decided
 * here. Needs reader.ts, const-expr.ts and validate-module.ts.
 */

import { readConstExpr } from './const-expr.js';
import { type ConstExpr, type DataSegment, type ElementSegment, ValType } from './module.js';
import { readCount, readRefType } from './read-types.js';
import type { Reader } from './reader.js';
import { RefCode } from './ref-types.js';
import type { ModuleContext } from './validate-module.js';

/** The three bits of an element segment's flags; without Passive, Explicit means that the table's index is given. */
const enum ElementFlag {
  NotActive = 1,
  Explicit = 2, // with NotActive: declarative
  Expressions = 4,
}

export function readElementSegment(reader: Reader, context: ModuleContext): ElementSegment {
  const start = reader.pos;
  const flags = reader.u32();
  if (flags > 7) throw reader.malformed(`malformed elements segment kind ${flags}`, start);
  const active = (flags & ElementFlag.NotActive) === 0;
  const explicit = (flags & ElementFlag.Explicit) !== 0;
  const expressions = (flags & ElementFlag.Expressions) !== 0;
  const table = active && explicit ? reader.u32() : 0;
  const offset = active ? readConstExpr(reader) : undefined;
  let type: ValType = expressions ? ValType.FuncRef : (RefCode.Func as number);
  if (!active || explicit) {
    if (expressions) type = readRefType(reader);
    else if (reader.u8() !== 0) throw reader.malformed('malformed element kind', reader.pos - 1);
  }
  if (offset !== undefined) context.activeElements(table, type, offset, start);
  const items: ConstExpr[] = [];
  for (let count = readCount(reader, 'elementSegmentItems'); count > 0; count--) {
    const at = reader.pos;
    const item: ConstExpr = expressions ? readConstExpr(reader) : { op: 'ref.func', index: reader.u32() };
    context.constant(item, type, at);
    items.push(item);
  }
  const mode = active ? 'active' : explicit ? 'declarative' : 'passive';
  return { mode, type, table, offset, items };
}

export function readDataSegment(reader: Reader, context: ModuleContext): DataSegment {
  const at = reader.pos;
  const flags = reader.u32();
  if (flags > 2) throw reader.malformed(`malformed data segment kind ${flags}`, at);
  const active = flags !== 1;
  const memory = flags === 2 ? reader.u32() : 0;
  const offset = active ? readConstExpr(reader) : undefined;
  if (offset !== undefined) context.activeData(memory, offset, at);
  const start = reader.span();
  return { mode: active ? 'active' : 'passive', memory, offset, start, end: reader.pos };
}

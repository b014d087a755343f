/**
 * One line per opcode whose types depend on where it stands: which function validates it. All others are
 * validate-typed.ts's.
 */

import type { ModuleError } from '../base/errors.js';
import type { BodyState } from './body-state.js';
import { ControlKind } from './control-stack.js';
import { objectError, objectOperand, usesObjects } from './objects.js';
import {
  ATOMIC,
  ATOMIC_COUNT,
  ILLEGAL,
  illegalOpcode,
  laterOpcode,
  MISC,
  MISC_COUNT,
  Op,
  operandCountOf,
  Prefix,
  VECTOR,
  VECTOR_COUNT,
} from './opcodes.js';
import { AtomicOpcode } from './opcodes-atomic.js';
import * as calls from './validate-calls.js';
import * as casts from './validate-casts.js';
import * as control from './validate-control.js';
import * as exceptions from './validate-exceptions.js';
import * as memory from './validate-memory.js';
import * as parametric from './validate-parametric.js';
import * as references from './validate-references.js';
import * as tables from './validate-tables.js';
import { typed } from './validate-typed.js';
import * as variables from './validate-variables.js';

/** Validates the instruction whose first byte, `op`, has just been read. */
export function instruction(body: BodyState, op: number): void {
  // biome-ignore format: one line per opcode
  switch (op) {
    case Op.Unreachable: return body.setUnreachable();
    case Op.Block: return control.block(body, ControlKind.Block);
    case Op.Loop: return control.block(body, ControlKind.Loop);
    case Op.If: return control.ifBlock(body);
    case Op.Else: return control.elseArm(body);
    case Op.Try: return control.block(body, ControlKind.Try);
    case Op.Catch: return exceptions.catchTag(body);
    case Op.Throw: return exceptions.throwTag(body);
    case Op.Rethrow: return exceptions.rethrow(body);
    case Op.ThrowRef: return exceptions.throwRef(body);
    case Op.End: return control.endBlock(body);
    case Op.Br: return control.br(body);
    case Op.BrIf: return control.brIf(body);
    case Op.BrTable: return control.brTable(body);
    case Op.Return: return control.functionReturn(body);
    case Op.Call: return calls.call(body);
    case Op.CallIndirect: return calls.callIndirect(body);
    case Op.ReturnCall: return calls.returnCall(body);
    case Op.ReturnCallIndirect: return calls.returnCallIndirect(body);
    case Op.CallRef: return calls.callRef(body);
    case Op.ReturnCallRef: return calls.returnCallRef(body);
    case Op.Delegate: return exceptions.delegate(body);
    case Op.CatchAll: return exceptions.catchAll(body);
    case Op.Drop: return parametric.drop(body);
    case Op.Select: return parametric.select(body);
    case Op.SelectT: return parametric.selectTyped(body);
    case Op.TryTable: return exceptions.tryTable(body);
    case Op.LocalGet: return variables.localGet(body);
    case Op.LocalSet: return variables.localSet(body);
    case Op.LocalTee: return variables.localTee(body);
    case Op.GlobalGet: return variables.globalGet(body);
    case Op.GlobalSet: return variables.globalSet(body);
    case Op.TableGet: return tables.get(body);
    case Op.TableSet: return tables.set(body);
    case Op.MemorySize: return memory.size(body);
    case Op.MemoryGrow: return memory.grow(body);
    case Op.RefNull: return references.refNull(body);
    case Op.RefIsNull: return references.isNull(body);
    case Op.RefFunc: return references.refFunc(body);
    case Op.RefEq: return casts.refEq(body);
    case Op.RefAsNonNull: return references.asNonNull(body);
    case Op.BrOnNull: return references.brOnNull(body);
    case Op.BrOnNonNull: return references.brOnNonNull(body);
    case Prefix.Object: return cast(body, body.reader.u32());
    case Prefix.Misc: return misc(body, body.reader.u32());
    case Prefix.Simd: return vector(body, body.reader.u32());
    case Prefix.Atomic: return atomic(body, body.reader.u32());
  }
  if (operandCountOf[op] === ILLEGAL) throw illegal(body, op, op < Prefix.Object ? undefined : body.reader.u32());
  typed(body, op);
}

function cast(body: BodyState, sub: number): void {
  // biome-ignore format: one line per opcode
  switch (0xfb00 + sub) {
    case Op.RefTest: return casts.refTest(body, false);
    case Op.RefTestNull: return casts.refTest(body, true);
    case Op.RefCast: return casts.refCast(body, false);
    case Op.RefCastNull: return casts.refCast(body, true);
    case Op.BrOnCast: return casts.brOnCast(body, false);
    case Op.BrOnCastFail: return casts.brOnCast(body, true);
  }
  if (!usesObjects(sub)) throw illegal(body, Prefix.Object, sub);
  const { reader, operands, module } = body;
  const error = objectError(reader, sub, module.types.length, reader.mark);
  if (error.code === 'unsupported') operands.pop(objectOperand(reader, sub));
  throw error;
}

function misc(body: BodyState, sub: number): void {
  // biome-ignore format: one line per opcode
  switch (0xfc00 + sub) {
    case Op.MemoryInit: return memory.init(body);
    case Op.DataDrop: return memory.drop(body);
    case Op.MemoryCopy: return memory.copy(body);
    case Op.MemoryFill: return memory.fill(body);
    case Op.TableInit: return tables.init(body);
    case Op.ElemDrop: return tables.dropElements(body);
    case Op.TableCopy: return tables.copy(body);
    case Op.TableGrow: return tables.grow(body);
    case Op.TableSize: return tables.size(body);
    case Op.TableFill: return tables.fill(body);
  }
  const index = MISC + sub;
  if (sub >= MISC_COUNT || operandCountOf[index] === ILLEGAL) throw illegal(body, Prefix.Misc, sub);
  typed(body, index);
}

function vector(body: BodyState, sub: number): void {
  const index = VECTOR + sub;
  if (sub >= VECTOR_COUNT || operandCountOf[index] === ILLEGAL) throw illegal(body, Prefix.Simd, sub);
  body.summary.usesVectors = true;
  typed(body, index);
}

function atomic(body: BodyState, sub: number): void {
  const index = ATOMIC + sub;
  if (sub >= ATOMIC_COUNT || operandCountOf[index] === ILLEGAL) throw illegal(body, Prefix.Atomic, sub);
  const code = 0xfe00 + sub;
  if (code === AtomicOpcode.MemoryAtomicWait32 || code === AtomicOpcode.MemoryAtomicWait64) body.noteCallLike();
  typed(body, index);
}

function illegal({ immediates }: BodyState, op: number, sub?: number): ModuleError {
  const later = laterOpcode(op, sub);
  return later === undefined ? immediates.malformed(illegalOpcode(op, sub)) : immediates.unsupported(later);
}

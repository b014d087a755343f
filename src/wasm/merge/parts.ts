/** Small parts of a module, written: constants and limits. Core spec 5.3.7, 5.4.9. */

import { isOperator } from '../const-expr.js';
import {
  type ConstExpr,
  type ConstOperand,
  type ConstOperator,
  type Limits,
  type MemoryType,
  type Module,
  ValType,
} from '../module.js';
import { Op, Prefix } from '../opcodes.js';
import { VectorOp } from '../opcodes-vector.js';
import type { ByteWriter } from './byte-writer.js';
import { constant, opcode } from './instructions.js';
import { writeHeapType } from './merged-types.js';
import type { IndexMaps } from './rewrite-body.js';

/** Bytes. */
const PAGE = 65536;

/** A constant expression. @param module that it is of */
export function writeExpression(to: ByteWriter, expr: ConstExpr, module: Module, maps: IndexMaps): void {
  writeConstant(to, expr, module, maps);
  opcode(to, Op.End);
}

/** The instructions of a constant, without an `end`. @param module that it is of */
export function writeConstant(to: ByteWriter, expr: ConstExpr, module: Module, maps: IndexMaps): void {
  const steps: readonly (ConstOperand | ConstOperator)[] = expr.op === 'steps' ? expr.steps : [expr];
  for (const step of steps) {
    if (isOperator(step)) {
      const base = step.type === ValType.I32 ? Op.I32Add : Op.I64Add;
      opcode(to, base + ['add', 'sub', 'mul'].indexOf(step.op));
    } else writeOperand(to, step, module, maps);
  }
}

function writeOperand(to: ByteWriter, step: ConstOperand, module: Module, maps: IndexMaps): void {
  switch (step.op) {
    case 'const':
      if (step.type === ValType.I32) {
        constant(to, step.lo);
      } else if (step.type === ValType.I64) {
        opcode(to, Op.I64Const);
        to.signed64(step.lo, step.hi);
      } else {
        opcode(to, step.type === ValType.F32 ? Op.F32Const : Op.F64Const);
        to.word(step.lo);
        if (step.type === ValType.F64) to.word(step.hi);
      }
      return;
    case 'v128.const':
      to.byte(Prefix.Simd);
      to.unsigned(VectorOp.V128Const & 0xfff);
      for (const word of step.words) to.word(word);
      return;
    case 'global.get':
      opcode(to, Op.GlobalGet);
      to.unsigned(maps.globals[step.index]);
      return;
    case 'ref.func':
      opcode(to, Op.RefFunc);
      to.unsigned(maps.funcs[step.index]);
      return;
    case 'ref.null':
      opcode(to, Op.RefNull);
      writeHeapType(to, step.type, module, maps.types);
  }
}

/** Flags, sizes, and log2 of the page size where it is not the usual one (core spec 5.3.7). */
export function writeLimits(to: ByteWriter, { min, max, address, ...memory }: Limits & Partial<MemoryType>): void {
  const { shared = false, pageSize = PAGE } = memory;
  to.byte(
    (max === undefined ? 0 : 1) | (shared ? 2 : 0) | (address === ValType.I64 ? 4 : 0) | (pageSize === PAGE ? 0 : 8),
  );
  to.unsigned(min);
  if (max !== undefined) to.unsigned(max);
  if (pageSize !== PAGE) to.unsigned(Math.log2(pageSize));
}

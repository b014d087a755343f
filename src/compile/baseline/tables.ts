/** Table instructions and references. Core spec 4.4.3 (reference) and 4.4.6 (table). */

import { Cond, NO_REG, type Reg, Width } from '../../arch/masm/masm.js';
import { TAB_LENGTH } from '../../image/contract/instance.js';
import { TRAP_TABLE } from '../../image/contract/traps.js';
import { ValType } from '../../wasm/module.js';
import { erased } from '../../wasm/ref-types.js';
import { builtin } from './calls.js';
import { compare } from './comparisons.js';
import type { FunctionCompiler } from './compile-function.js';
import { Pending } from './condition.js';

/**
 * The base register of table `table`'s record, to which recordOffset is added. For an imported table, a locked register
 * gets the pointer to the record.
 */
function recordBase(c: FunctionCompiler, table: number): Reg {
  const { masm, operands: o, layout } = c;
  if (!layout.tableIsImported(table)) return masm.plan.instance;
  const reg = o.allocate(ValType.I64);
  c.registers.lock(reg);
  masm.loadField(Width.Int64, reg, masm.plan.instance, layout.tableOffset(table));
  return reg;
}

function recordOffset({ layout }: FunctionCompiler, table: number): number {
  return layout.tableIsImported(table) ? 0 : layout.tableOffset(table);
}

export function get(c: FunctionCompiler, table: number): void {
  const { operands: o, masm } = c;
  const element = erased(c.module.tables[table].element);
  const at = o.acquire(o.height - 1);
  const base = recordBase(c, table);
  o.pop();
  const elements = o.allocate(ValType.I64);
  masm.elementAddress(elements, base, recordOffset(c, table), at, c.traps.label(TRAP_TABLE));
  masm.loadField(Width.Int64, elements, elements, 0);
  c.registers.unlock();
  o.pushReg(element, elements);
}

export function set(c: FunctionCompiler, table: number): void {
  const { operands: o, masm } = c;
  const value = o.acquire(o.height - 1);
  const at = o.acquire(o.height - 2);
  const base = recordBase(c, table);
  const elements = o.allocate(ValType.I64);
  masm.elementAddress(elements, base, recordOffset(c, table), at, c.traps.label(TRAP_TABLE));
  masm.storeField(Width.Int64, value, elements, 0);
  o.pop();
  o.pop();
  c.registers.unlock();
}

export function size(c: FunctionCompiler, table: number): void {
  const { operands: o, masm } = c;
  const base = recordBase(c, table);
  const dst = o.allocate(ValType.I64);
  masm.loadField(Width.Int64, dst, base, recordOffset(c, table) + TAB_LENGTH);
  c.registers.unlock();
  o.pushReg(c.module.tables[table].address, dst);
}

export function grow(c: FunctionCompiler, table: number): void {
  builtin(c, 'table_grow', 2, c.module.tables[table].address, (reg) => recordAddress(c, reg, table));
}

export function fill(c: FunctionCompiler, table: number): void {
  builtin(c, 'table_fill', 3, 0, (reg) => recordAddress(c, reg, table));
}

export function copy(c: FunctionCompiler, destination: number, source: number): void {
  builtin(
    c,
    'table_copy',
    3,
    0,
    (reg) => recordAddress(c, reg, destination),
    (reg) => recordAddress(c, reg, source),
  );
}

export function init(c: FunctionCompiler, segment: number, table: number): void {
  builtin(
    c,
    'table_init',
    3,
    0,
    (reg) => recordAddress(c, reg, table),
    (reg) => c.recordAddress(reg, false, c.layout.elementSegmentOffset(segment)),
  );
}

function recordAddress(c: FunctionCompiler, reg: number, table: number): void {
  c.recordAddress(reg, c.layout.tableIsImported(table), c.layout.tableOffset(table));
}

export function refIsNull(c: FunctionCompiler): void {
  compare(c, Pending.Zero, Cond.Eq, 1);
}

/** The address of the function's record; of an imported one, the record that the import was resolved to. */
export function refFunc(c: FunctionCompiler, funcIndex: number): void {
  const { masm, layout } = c;
  const dst = c.destination(ValType.FuncRef, NO_REG);
  if (funcIndex < c.module.importedFuncCount)
    masm.loadField(Width.Int64, dst, masm.plan.instance, layout.importPointerOffset(funcIndex));
  else masm.address(dst, layout.recordImageOffset(funcIndex));
  c.finish(ValType.FuncRef, dst);
}

/**
 * The functions that are made for a linked component: those that the interfaces import of the component that they
 * serve, thunks of lowered functions, and what is started.
 *
 * One global says which memory and realloc the interfaces' functions work with: those of the lowered function that was
 * called last. While a realloc or a post-return runs it says that no function may be called (Component Model, may_leave).
 */

import type { ByteWriter } from '../merge/byte-writer.js';
import { constant, opcode } from '../merge/instructions.js';
import type { Definition, MadeFunction, MadeIndexes } from '../merge/merge-plan.js';
import type { IndexMaps } from '../merge/rewrite-body.js';
import { copySegments } from '../merge/segments.js';
import { ExternKind, type FuncType, type Limits, type Module, ValType } from '../module.js';
import { Op } from '../opcodes.js';
import { EMPTY_BLOCK } from '../read-types.js';

/** The instance of the interfaces, in the merge. */
export const INTERFACES = 0;

/** What the global says while a realloc or a post-return runs. */
const MAY_NOT_LEAVE = -2;

/** The first functions that are made, in this order. */
const MADE = ['to_component', 'from_component', 'allocate', '_start'] as const;
export const START = MADE.indexOf('_start');

const I32 = ValType.I32;

/** A memory and a realloc that lowered functions have. */
export interface Served {
  readonly memory: Definition;
  readonly realloc: Definition | undefined;
}

/** A core instance, when what is started begins. */
export interface Beginning {
  /** In the merge. */
  readonly instance: number;
  readonly module: Module;
  /** Its segments wait for start functions of earlier ones. */
  readonly waits: boolean;
}

export interface Started {
  /** In the order in which they are instantiated. */
  readonly instances: readonly Beginning[];
  /** wasi:cli/run; what it gives is the exit code. */
  readonly run: Definition;
  /** Is called with what run gave. */
  readonly postReturn: Definition | undefined;
  readonly exit: Definition;
}

/** Where the made function of that name is, -1: there is none. */
export function madeIndex(name: string): number {
  return (MADE as readonly string[]).indexOf(name);
}

/** @param served may get more until they are written */
export function madeFunctions(served: readonly Served[], started: Started): MadeFunction[] {
  const copy = (name: 'to_component' | 'from_component'): MadeFunction => ({
    name,
    type: type(3, 0),
    locals: [],
    write: (to, maps, made) => writeCopy(name, served, to, maps, made),
  });
  return [
    copy('to_component'),
    copy('from_component'),
    {
      name: 'allocate',
      type: type(2, 1),
      locals: [],
      write: (to, maps, made) => writeAllocate(served, to, maps, made),
    },
    { name: '_start', type: type(0, 0), locals: [I32], write: (to, maps, made) => writeStart(started, to, maps, made) },
  ];
}

/**
 * Selects what is served, then calls a function of the interfaces. Traps within a realloc.
 *
 * @param served its number, -1 for none
 */
export function lowering(name: string, of: FuncType, callee: Definition, served: number): MadeFunction {
  return {
    name,
    type: of,
    locals: [],
    write: (to, maps, { firstGlobal }) => {
      ifServed(to, firstGlobal, MAY_NOT_LEAVE);
      opcode(to, Op.Unreachable);
      opcode(to, Op.End);
      constant(to, served);
      opcode(to, Op.GlobalSet);
      to.unsigned(firstGlobal);
      for (let i = 0; i < of.params.length; i++) getLocal(to, i);
      call(to, maps, callee);
      opcode(to, Op.End);
    },
  };
}

/** Something that nothing can be called with. */
export function impossible(name: string, of: FuncType): MadeFunction {
  return {
    name,
    type: of,
    locals: [],
    write: (to) => {
      opcode(to, Op.Unreachable);
      opcode(to, Op.End);
    },
  };
}

function type(params: number, results: number): FuncType {
  return { params: new Uint8Array(params).fill(I32), results: new Uint8Array(results).fill(I32) };
}

/** (to, from, length): between the interfaces' memory and that of the component. */
function writeCopy(
  name: 'to_component' | 'from_component',
  served: readonly Served[],
  to: ByteWriter,
  maps: readonly IndexMaps[],
  { firstGlobal }: MadeIndexes,
): void {
  const own = maps[INTERFACES].memories[0];
  served.forEach(({ memory }, i) => {
    const other = maps[memory.instance].memories[memory.index];
    ifServed(to, firstGlobal, i);
    for (let n = 0; n < 3; n++) getLocal(to, n);
    opcode(to, Op.MemoryCopy);
    to.unsigned(name === 'to_component' ? other : own);
    to.unsigned(name === 'to_component' ? own : other);
    opcode(to, Op.Return);
    opcode(to, Op.End);
  });
  opcode(to, Op.Unreachable);
  opcode(to, Op.End);
}

/** (alignment, size): where in the component's memory. */
function writeAllocate(
  served: readonly Served[],
  to: ByteWriter,
  maps: readonly IndexMaps[],
  { firstGlobal }: MadeIndexes,
): void {
  served.forEach(({ realloc }, i) => {
    if (realloc === undefined) return;
    ifServed(to, firstGlobal, i);
    constant(to, MAY_NOT_LEAVE);
    opcode(to, Op.GlobalSet);
    to.unsigned(firstGlobal);
    constant(to, 0);
    constant(to, 0);
    for (const n of [0, 1]) getLocal(to, n);
    call(to, maps, realloc);
    constant(to, i);
    opcode(to, Op.GlobalSet);
    to.unsigned(firstGlobal);
    opcode(to, Op.Return);
    opcode(to, Op.End);
  });
  opcode(to, Op.Unreachable);
  opcode(to, Op.End);
}

/** Instantiates one core instance after the other, then calls run. */
function writeStart(
  { instances, run, postReturn, exit }: Started,
  to: ByteWriter,
  maps: readonly IndexMaps[],
  { firstGlobal }: MadeIndexes,
): void {
  for (const { instance, module, waits } of instances) {
    if (waits) {
      checkSizes(to, module, maps[instance]);
      copySegments(to, module, maps[instance]);
    }
    if (module.start !== undefined) call(to, maps, { instance, index: module.start });
  }
  call(to, maps, run);
  opcode(to, Op.LocalTee);
  to.unsigned(0);
  // A result has two cases.
  constant(to, 1);
  opcode(to, Op.I32GtU);
  opcode(to, Op.If);
  to.byte(EMPTY_BLOCK);
  opcode(to, Op.Unreachable);
  opcode(to, Op.End);
  if (postReturn !== undefined) {
    constant(to, MAY_NOT_LEAVE);
    opcode(to, Op.GlobalSet);
    to.unsigned(firstGlobal);
    getLocal(to, 0);
    call(to, maps, postReturn);
  }
  getLocal(to, 0);
  opcode(to, Op.If);
  to.byte(EMPTY_BLOCK);
  getLocal(to, 0);
  call(to, maps, exit);
  opcode(to, Op.End);
  opcode(to, Op.End);
}

/** Traps when a memory or table is smaller than an import of it asks for: start functions may have grown it. */
function checkSizes(to: ByteWriter, { imports }: Module, maps: IndexMaps): void {
  const seen = [0, 0, 0, 0, 0];
  for (const entry of imports) {
    const at = seen[entry.kind]++;
    if (entry.kind === ExternKind.Memory) checkSize(to, Op.MemorySize, maps.memories[at], entry.memory);
    else if (entry.kind === ExternKind.Table) checkSize(to, Op.TableSize, maps.tables[at], entry.table);
  }
}

function checkSize(to: ByteWriter, size: Op, index: number, { min, address }: Limits): void {
  opcode(to, size);
  to.unsigned(index);
  if (address === ValType.I64) {
    opcode(to, Op.I64Const);
    to.signed64(min | 0, Math.floor(min / 2 ** 32));
    opcode(to, Op.I64LtU);
  } else {
    constant(to, min | 0);
    opcode(to, Op.I32LtU);
  }
  opcode(to, Op.If);
  to.byte(EMPTY_BLOCK);
  opcode(to, Op.Unreachable);
  opcode(to, Op.End);
}

function getLocal(to: ByteWriter, index: number): void {
  opcode(to, Op.LocalGet);
  to.unsigned(index);
}

function call(to: ByteWriter, maps: readonly IndexMaps[], { instance, index }: Definition): void {
  opcode(to, Op.Call);
  to.unsigned(maps[instance].funcs[index]);
}

function ifServed(to: ByteWriter, global: number, served: number): void {
  opcode(to, Op.GlobalGet);
  to.unsigned(global);
  constant(to, served);
  opcode(to, Op.I32Eq);
  opcode(to, Op.If);
  to.byte(EMPTY_BLOCK);
}

/** What the interpreter's instances consist of, and linking them. Functions of WASI are given by the caller. */

import { isOperator } from '../../src/wasm/const-expr.js';
import {
  type AddressType,
  type ConstExpr,
  type ConstOperand,
  type ConstOperator,
  ExternKind,
  type FuncType,
  type Module,
} from '../../src/wasm/module.js';
import { isRefType } from '../../src/wasm/ref-types.js';
import type { Raw } from './numeric-oracle.js';
import { F64, I64, V128 } from './shape.js';

export const PAGE = 65536;

/** A function reference is (instance + 1) << 32 | function index, null is 0: the words of a snapshot. */
export type Reference = bigint;

export interface Memory {
  bytes: Uint8Array;
  view: DataView;
  readonly max: number; // pages
}

export interface Table {
  readonly elements: Reference[];
  readonly max: number;
}

export interface GlobalCell {
  readonly type: number;
  value: Raw;
}

export interface FunctionEntry {
  /** Of the instance that defines it; of a host function: that imports it. */
  readonly instance: number;
  readonly index: number;
  readonly type: FuncType;
  /** Undefined for a function of a module. */
  readonly host: HostFunction | undefined;
}

/** Its tag is the same where it is imported. */
export interface TagEntry {
  readonly instance: number;
  readonly index: number;
  readonly type: FuncType;
}

/** A reference to one is its number, from 1; 0 is null. */
export interface Exception {
  readonly tag: TagEntry;
  readonly values: readonly Raw[];
}

export type HostFunction = (memory: Memory, args: readonly Raw[]) => Raw[];

/**
 * Positions after a block's `end` and its `else` (the same when there is none), and what follows a legacy try's body.
 */
export interface BlockParts {
  readonly end: number;
  readonly otherwise: number;
  /** Tag, -1 for any, and position of each catch body. */
  readonly catches: readonly (readonly [tag: number, at: number])[];
  /** Label that the try delegates to, counted without itself. */
  readonly delegate: number | undefined;
}

export class Instance {
  readonly functions: FunctionEntry[] = [];
  readonly memories: Memory[] = [];
  readonly tables: Table[] = [];
  readonly globals: GlobalCell[] = [];
  readonly tags: TagEntry[] = [];
  readonly droppedData: Uint8Array;
  readonly droppedElements: Uint8Array;
  /** By position of a block of whichever kind: where its parts are. See interpreter.ts. */
  readonly ends = new Map<number, BlockParts>();

  constructor(
    readonly module: Module,
    readonly index: number,
  ) {
    this.droppedData = new Uint8Array(module.datas.length);
    this.droppedElements = new Uint8Array(module.elements.length);
  }

  find(name: string, kind: ExternKind): number {
    return this.module.exports.find((entry) => entry.name === name && entry.kind === kind)!.index;
  }
}

export function isWide(type: number): boolean {
  return type === I64 || type === F64 || type === V128 || isRefType(type);
}

export function zero(type: number): Raw {
  return isWide(type) ? 0n : 0;
}

/** A number that a memory or table is indexed with, as a value. */
export function index(type: AddressType, value: number): Raw {
  return type === I64 ? BigInt(value) : value;
}

/** Links and instantiates modules in order. @param names what each is imported by */
export function link(
  modules: readonly Module[],
  names: readonly string[],
  host: Readonly<Record<string, HostFunction>>,
): Instance[] {
  const instances: Instance[] = [];
  for (const [index, module] of modules.entries()) {
    const instance = new Instance(module, index);
    instances.push(instance);
    addImports(instance, instances, names, host);
    addDefinitions(instance);
    initialise(instance);
  }
  return instances;
}

function addImports(
  to: Instance,
  instances: readonly Instance[],
  names: readonly string[],
  host: Readonly<Record<string, HostFunction>>,
): void {
  const { module } = to;
  for (const entry of module.imports) {
    const from = instances[names.indexOf(entry.module)];
    if (from === undefined) {
      if (entry.kind !== ExternKind.Func) throw new Error(`no ${entry.module}`);
      const own = { instance: to.index, index: to.functions.length, type: module.types[entry.typeIndex] };
      to.functions.push({ ...own, host: host[entry.name] });
      continue;
    }
    const index = from.find(entry.name, entry.kind);
    if (entry.kind === ExternKind.Func) to.functions.push(from.functions[index]);
    else if (entry.kind === ExternKind.Table) to.tables.push(from.tables[index]);
    else if (entry.kind === ExternKind.Tag) to.tags.push(from.tags[index]);
    else if (entry.kind === ExternKind.Memory) to.memories.push(from.memories[index]);
    else to.globals.push(from.globals[index]);
  }
}

function addDefinitions(to: Instance): void {
  const { module, index } = to;
  for (let i = module.importedFuncCount; i < module.funcTypes.length; i++) {
    to.functions.push({ instance: index, index: i, type: module.types[module.funcTypes[i]], host: undefined });
  }
  for (const { min, max } of module.tables.slice(module.importedTableCount)) {
    to.tables.push({ elements: new Array(min).fill(0n), max: max ?? 10_000_000 });
  }
  for (const { min, max, pageSize } of module.memories.slice(module.importedMemoryCount)) {
    const bytes = new Uint8Array(min * pageSize);
    to.memories.push({ bytes, view: new DataView(bytes.buffer), max: max ?? 2 ** 32 / pageSize });
  }
  for (let i = to.tags.length; i < module.tags.length; i++) {
    to.tags.push({ instance: index, index: i, type: module.types[module.tags[i]] });
  }
  for (const global of module.globals.slice(module.importedGlobalCount)) {
    if (!('init' in global)) throw new Error('a defined global without a value');
    to.globals.push({ type: global.type, value: evaluate(to, global.init) });
  }
}

function initialise(to: Instance): void {
  for (const [i, { mode, table, offset, items }] of to.module.elements.entries()) {
    if (mode !== 'passive') to.droppedElements[i] = 1;
    if (mode !== 'active') continue;
    const at = Number(evaluate(to, offset!));
    for (const [k, item] of items.entries()) to.tables[table].elements[at + k] = evaluate(to, item) as bigint;
  }
  for (const [i, { mode, memory, offset, start, end }] of to.module.datas.entries()) {
    if (mode !== 'active') continue;
    to.droppedData[i] = 1;
    to.memories[memory].bytes.set(to.module.bytes.subarray(start, end), Number(evaluate(to, offset!)));
  }
}

export function evaluate(instance: Instance, expression: ConstExpr): Raw {
  switch (expression.op) {
    case 'const':
      if (!isWide(expression.type)) return expression.lo >>> 0;
      return (BigInt(expression.hi >>> 0) << 32n) | BigInt(expression.lo >>> 0);
    case 'v128.const':
      return expression.words.reduceRight((bits, word) => (bits << 32n) | BigInt(word >>> 0), 0n);
    case 'global.get':
      return instance.globals[expression.index].value;
    case 'ref.func':
      return reference(instance.functions[expression.index]);
    case 'ref.null':
      return 0n;
    case 'steps':
      return evaluateSteps(instance, expression.steps);
  }
}

function evaluateSteps(instance: Instance, steps: readonly (ConstOperand | ConstOperator)[]): Raw {
  const stack: Raw[] = [];
  for (const step of steps) {
    if (!isOperator(step)) {
      stack.push(evaluate(instance, step));
      continue;
    }
    const [a, b] = stack.splice(-2).map(BigInt);
    const result = step.op === 'add' ? a + b : step.op === 'sub' ? a - b : a * b;
    stack.push(step.type === I64 ? BigInt.asUintN(64, result) : Number(BigInt.asUintN(32, result)));
  }
  return stack[0];
}

export function reference({ instance, index }: FunctionEntry): Reference {
  return (BigInt(instance + 1) << 32n) | BigInt(index);
}

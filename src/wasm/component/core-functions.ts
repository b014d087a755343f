/**
 * Resolves an import of a core instance to the function that it is in the end.
 *
 * Import chains are followed, and shims: where two modules need each other, tools put a module of trampolines first,
 *
 *     (func (export "0") (param i32) local.get 0 i32.const 0 call_indirect (table $t) ...)
 *
 * and fill its table by an element segment of a module that is instantiated last. Such a trampoline resolves to the
 * function in its slot. Nothing depends on names: bodies and segments are read.
 */

import { ModuleError } from '../../base/errors.js';
import { decodeModule } from '../decode.js';
import { limits } from '../limits.js';
import { type Export, ExternKind, type Import, type Module } from '../module.js';
import { Op } from '../opcodes.js';
import { Reader } from '../reader.js';
import type { Component } from './definitions.js';
import { type CoreItem, coreExport, type Graph, type InstantiatedModule } from './instantiate.js';

/** A function that an instance defines, or a canonical one. */
export type CoreFunction =
  | { readonly kind: 'function'; readonly instance: InstantiatedModule; readonly index: number }
  | Exclude<CoreItem, { kind: 'export' }>;

interface Slot {
  readonly instance: InstantiatedModule;
  readonly func: number;
}

interface Decoded {
  readonly module: Module;
  /** Imports of each kind, in the order of their index space. */
  readonly imports: readonly (readonly Import[])[];
}

export class CoreFunctions {
  private readonly decoded = new Map<number, Decoded>();
  private tables: ReadonlyMap<InstantiatedModule, ReadonlyMap<number, ReadonlyMap<number, Slot>>> | undefined;

  constructor(
    private readonly component: Component,
    private readonly graph: Graph,
  ) {}

  module({ module }: InstantiatedModule): Module {
    return this.decode(module.start, module.end).module;
  }

  /** What to call a core module in messages. */
  moduleFile(start: number): string {
    return `${this.component.file}: core module at 0x${start.toString(16)}`;
  }

  /** @throws ModuleError */
  resolve(item: CoreItem): CoreFunction {
    return this.follow(item, 0);
  }

  /** What instance an export of an instance belongs to, and which index it has there, imports followed. */
  definition(instance: InstantiatedModule, kind: ExternKind, name: string): Slot | undefined {
    const found = findExport(this.module(instance), name);
    return found?.kind === kind ? this.owner(instance, kind, found.index) : undefined;
  }

  private decode(start: number, end: number): Decoded {
    const known = this.decoded.get(start);
    if (known !== undefined) return known;
    const module = decodeModule(this.component.bytes.subarray(start, end), this.moduleFile(start));
    const imports: Import[][] = [[], [], [], [], []];
    for (const entry of module.imports) imports[entry.kind].push(entry);
    const decoded = { module, imports };
    this.decoded.set(start, decoded);
    return decoded;
  }

  private follow(item: CoreItem, depth: number): CoreFunction {
    if (item.kind !== 'export') return item;
    const { instance, name } = item;
    const found = findExport(this.module(instance), name);
    if (found?.kind !== ExternKind.Func) {
      const detail = `the core instance exports no function ${name}`;
      throw new ModuleError('invalid', detail, instance.module.offset, this.component.file);
    }
    return this.followIndex(instance, found.index, depth);
  }

  private followIndex(instance: InstantiatedModule, index: number, depth: number): CoreFunction {
    const own: CoreFunction = { kind: 'function', instance, index };
    // Only slots can lead in a circle.
    if (depth > limits.componentDepth) return own;
    const module = this.module(instance);
    if (index < module.importedFuncCount) {
      return this.follow(this.argument(instance, ExternKind.Func, index), depth + 1);
    }
    const trampoline = trampolineOf(module, index);
    const table = trampoline && this.owner(instance, ExternKind.Table, trampoline.table);
    const slot = table && this.contents(table).get(trampoline.slot);
    return slot === undefined ? own : this.followIndex(slot.instance, slot.func, depth + 1);
  }

  /** What an import of an instance is given. */
  argument(instance: InstantiatedModule, kind: ExternKind, index: number): CoreItem {
    const { module, args } = instance;
    const entry = this.decode(module.start, module.end).imports[kind][index];
    const from = args.get(entry.module);
    if (from === undefined) {
      throw new ModuleError('invalid', `missing argument ${entry.module}`, module.offset, this.component.file);
    }
    return coreExport(from, entry.name, module.offset, this.component);
  }

  /** The instance that defines what an instance has under an index, and its index there. */
  owner(instance: InstantiatedModule, kind: ExternKind, index: number, depth = 0): Slot | undefined {
    const { imports } = this.decode(instance.module.start, instance.module.end);
    if (index >= imports[kind].length) return { instance, func: index };
    const item = this.argument(instance, kind, index);
    if (item.kind !== 'export' || depth > limits.componentDepth) return undefined;
    const found = findExport(this.module(item.instance), item.name);
    return found?.kind === kind ? this.owner(item.instance, kind, found.index, depth + 1) : undefined;
  }

  /** What active segments of all instances put into a table: the last one wins. */
  private contents({ instance, func: table }: Slot): ReadonlyMap<number, Slot> {
    this.tables ??= this.readTables();
    return this.tables.get(instance)?.get(table) ?? new Map();
  }

  private readTables(): Map<InstantiatedModule, Map<number, Map<number, Slot>>> {
    const tables = new Map<InstantiatedModule, Map<number, Map<number, Slot>>>();
    for (const user of this.graph.instances) {
      for (const { mode, table: into, offset, items } of this.module(user).elements) {
        if (mode !== 'active' || offset?.op !== 'const') continue;
        const owner = this.owner(user, ExternKind.Table, into);
        if (owner === undefined) continue;
        const own = tables.get(owner.instance) ?? new Map<number, Map<number, Slot>>();
        const slots = own.get(owner.func) ?? new Map<number, Slot>();
        tables.set(owner.instance, own.set(owner.func, slots));
        items.forEach((item, i) => {
          if (item.op === 'ref.func') slots.set(offset.lo + i, { instance: user, func: item.index });
          else slots.delete(offset.lo + i);
        });
      }
    }
    return tables;
  }
}

const exportsByName = new WeakMap<Module, ReadonlyMap<string, Export>>();

export function findExport(module: Module, name: string): Export | undefined {
  let map = exportsByName.get(module);
  if (map === undefined) exportsByName.set(module, (map = new Map(module.exports.map((entry) => [entry.name, entry]))));
  return map.get(name);
}

/** The slot of the table that a function calls with its own parameters, when that is all that it does. */
function trampolineOf(module: Module, index: number): { table: number; slot: number } | undefined {
  const body = index - module.importedFuncCount;
  const { params } = module.types[module.funcTypes[index]];
  const reader = new Reader(module.bytes, '', module.bodyStart[body], module.bodyEnd[body]);
  try {
    if (reader.u32() !== 0) return undefined;
    for (let i = 0; i < params.length; i++) if (reader.u8() !== Op.LocalGet || reader.u32() !== i) return undefined;
    if (reader.u8() !== Op.I32Const) return undefined;
    const slot = reader.s32();
    const call = reader.u8();
    if (call !== Op.CallIndirect && call !== Op.ReturnCallIndirect) return undefined;
    if (module.types[reader.u32()] !== module.types[module.funcTypes[index]]) return undefined;
    const table = reader.u32();
    if (reader.u8() !== Op.End || reader.pos !== reader.end) return undefined;
    return { table, slot };
  } catch {
    return undefined; // no valid body: whoever compiles it says so
  }
}

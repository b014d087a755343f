/**
 * The program in a component of the world wasi:cli/command.
 *
 * Tools make such a component of a module for WASI preview 1 and an adapter, a module that turns preview 1 into the
 * interfaces of WASI 0.2:
 *
 *     component's imports, wasi:* --> adapter --preview 1--> main module
 *              wasi:cli/run <-------- adapter <--_start------'
 *
 * Our host layer speaks preview 1, so the main module is the program, and the rest is left out. The structure is proved
 * from the graph, not guessed from names: each of the main module's imports must be the adapter's function of that
 * name, the adapter must start the main module's _start and work on its memory, and must have nothing but the
 * component's imports of wasi:* itself, and no other core module may have a segment that goes into the main one's
 * memory or tables. All other components are linked as they are (native.ts), which always works, but takes a
 * longer way.
 */

import { ModuleError } from '../../base/errors.js';
import { ExternKind, type Module } from '../module.js';
import { checkTypes } from './check-types.js';
import { CoreFunctions } from './core-functions.js';
import { decodeComponent } from './decode.js';
import type { Component } from './definitions.js';
import { flattenExit } from './flatten-exit.js';
import {
  type FunctionItem,
  type Graph,
  type InstanceItem,
  type InstantiatedModule,
  instantiate,
} from './instantiate.js';
import { linkedProgram } from './native.js';
import { commandInterface, worldName } from './world.js';

const PREVIEW1 = 'wasi_snapshot_preview1';
/** What adapters import. */
const OF_WASI = /^wasi:(cli|clocks|filesystem|io|random|sockets)\/[a-z-]+@0\.2\.\d+$/;

export interface Command {
  /** Of the main core module in the file. */
  readonly start: number;
  readonly end: number;
  /** Names it in messages. */
  readonly file: string;
}

/**
 * The module to compile for a component. It ends with 0 or 1, as the component does. What nothing provides stays an
 * import of it, under the names of the interface and its function.
 *
 * @param interfaces those of WASI 0.2, for components that call them
 * @throws ModuleError 'unsupported' with what is missing, else as decoding does; LimitError
 */
export function commandModule(
  bytes: Uint8Array,
  file: string,
  interfaces: () => Module,
): { bytes: Uint8Array; file: string; missing: readonly string[] } {
  const component = decodeComponent(bytes, file);
  const graph = instantiate(component);
  const functions = new CoreFunctions(component, graph);
  checkTypes(graph, functions);
  const adapted = findAdapted(component, graph, functions);
  if (adapted === undefined) return { ...linkedProgram(component, graph, interfaces(), functions), file };
  const { start, end, file: moduleFile } = adapted;
  return { bytes: flattenExit(bytes.subarray(start, end), moduleFile), file: moduleFile, missing: [] };
}

/**
 * The main core module of a component that is made of a module for preview 1 and its adapter; undefined: it is not.
 *
 * @throws ModuleError, LimitError
 */
export function findAdapted(component: Component, graph: Graph, functions: CoreFunctions): Command | undefined {
  try {
    return findCommand(component, graph, functions);
  } catch (error) {
    if (error instanceof ModuleError && error.code === 'unsupported') return undefined;
    throw error;
  }
}

/** @throws ModuleError 'unsupported', with the reason, for a component that is no such one; as decoding does */
export function findCommand(component: Component, graph: Graph, functions: CoreFunctions): Command {
  return new Search(component, graph, functions).run();
}

class Search {
  constructor(
    private readonly component: Component,
    private readonly graph: Graph,
    private readonly functions: CoreFunctions,
  ) {}

  run(): Command {
    this.checkImports();
    const adapter = this.adapter();
    const main = this.mainOf(adapter);
    this.checkMain(main, adapter);
    this.checkAdapter(main, adapter);
    this.checkOthers(main, adapter);
    const { start, end } = main.module;
    return { start, end, file: this.functions.moduleFile(start) };
  }

  private checkImports(): void {
    const other = this.graph.imports.find(({ name }) => !OF_WASI.test(name));
    if (other !== undefined) throw this.refuse(`its import ${other.name} is not of WASI 0.2`, other.offset);
  }

  /** The instance whose function the component exports as wasi:cli/run. */
  private adapter(): InstantiatedModule {
    const name = commandInterface(this.graph);
    if (name === undefined) {
      const world = worldName(this.graph);
      const names = [...this.graph.exports.keys()];
      const exports = names.length === 0 ? 'nothing' : names.slice(0, 8).join(', ');
      const is = world === undefined ? `a component that exports ${exports}` : `a component of the world ${world}`;
      throw this.refuse(`${is}; one of the world wasi:cli/command exports wasi:cli/run@0.2`);
    }
    const { exports } = this.graph.exports.get(name)!.value as InstanceItem;
    const run = exports?.get('run')?.value as FunctionItem | undefined;
    if (run?.kind !== 'lift') throw this.refuse(`${name} is not of the component itself`);
    if (run.options.postReturn !== undefined) throw this.refuse(`${name} has a post-return`, run.offset);
    const found = this.functions.resolve(run.func);
    if (found.kind !== 'function') throw this.refuse(`${name} is not a function of a core module`, run.offset);
    return found.instance;
  }

  private mainOf(adapter: InstantiatedModule): InstantiatedModule {
    const at = importIndex(this.functions.module(adapter), '__main_module__', '_start');
    const start = at < 0 ? undefined : this.functions.resolve(this.functions.argument(adapter, ExternKind.Func, at));
    if (start?.kind === 'function') return start.instance;
    throw this.refuse('its core module has wasi:cli/run itself, as programs that are made for WASI 0.2 do');
  }

  private checkMain(main: InstantiatedModule, adapter: InstantiatedModule): void {
    const module = this.functions.module(main);
    const exported = new Map(this.functions.module(adapter).exports.map(({ name, index }) => [name, index]));
    let at = 0;
    for (const { kind, module: from, name } of module.imports) {
      if (kind !== ExternKind.Func || from !== PREVIEW1) {
        const what = from.startsWith('wasi:') ? 'an interface of WASI 0.2, without the adapter' : 'another core module';
        throw this.refuse(`its main core module imports ${from}.${name}: ${what}`, main.module.offset);
      }
      const found = this.functions.resolve(this.functions.argument(main, ExternKind.Func, at++));
      if (found.kind !== 'function' || found.instance !== adapter || found.index !== exported.get(name)) {
        throw this.refuse(`${from}.${name} is not the adapter's`, main.module.offset);
      }
    }
    const entry = module.exports.find(({ name }) => name === '_start');
    const start = this.functions.resolve({ kind: 'export', instance: main, name: '_start' });
    if (entry?.kind === ExternKind.Func && start.kind === 'function' && start.index === entry.index) return;
    throw this.refuse('its main core module has no _start of its own', main.module.offset);
  }

  /** What the adapter works on: the main module's memory, and imports of the component. */
  private checkAdapter(main: InstantiatedModule, adapter: InstantiatedModule): void {
    const { offset } = adapter.module;
    const module = this.functions.module(adapter);
    const seen = [0, 0, 0, 0, 0];
    for (const { kind, module: from, name } of module.imports) {
      const argument = this.functions.argument(adapter, kind, seen[kind]++);
      if (kind === ExternKind.Func) {
        const found = this.functions.resolve(argument);
        if (found.kind === 'function' && found.instance === main) continue;
        const isImport = found.kind === 'lower' ? found.func.kind === 'import' : found.kind === 'resource';
        if (!isImport) throw this.refuse(`${from}.${name} comes from another component`, offset);
      } else if (kind === ExternKind.Memory) {
        const memory = argument.kind === 'export' ? argument : undefined;
        const owner = memory && this.functions.definition(memory.instance, kind, memory.name);
        if (owner?.instance !== main || owner.func !== 0)
          throw this.refuse(`${from}.${name} is not the main memory`, offset);
      } else throw this.refuse(`the adapter shares ${from}.${name}`, offset);
    }
  }

  /**
   * All others must do nothing by themselves, and leave alone what the main module has. Only the adapter may have a
   * start function: tools give it one that makes its stack.
   */
  private checkOthers(main: InstantiatedModule, adapter: InstantiatedModule): void {
    for (const instance of this.graph.instances) {
      if (instance === main) continue;
      const { start, elements, datas } = this.functions.module(instance);
      const { offset } = instance.module;
      if (start !== undefined && instance !== adapter) {
        throw this.refuse('it has a further core module with a start function', offset);
      }
      const isOfMain = (kind: ExternKind, index: number) => {
        const owner = this.functions.owner(instance, kind, index);
        return owner === undefined || owner.instance === main;
      };
      const writes =
        elements.some(({ mode, table }) => mode === 'active' && isOfMain(ExternKind.Table, table)) ||
        datas.some(({ mode, memory }) => mode === 'active' && isOfMain(ExternKind.Memory, memory));
      if (writes) throw this.refuse('a further core module writes to the main one', offset);
    }
  }

  private refuse(why: string, offset = 0): ModuleError {
    return new ModuleError('unsupported', why, offset, this.component.file);
  }
}

/** The index of an imported function, or -1. */
function importIndex({ imports }: Module, from: string, name: string): number {
  const functions = imports.filter(({ kind }) => kind === ExternKind.Func);
  return functions.findIndex((entry) => entry.module === from && entry.name === name);
}

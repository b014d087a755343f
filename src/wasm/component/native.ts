/**
 * The program in any command component: its core instances, merged to one module together with an instance of ours, the
 * interfaces of WASI 0.2 on top of preview 1 (src/runtime/interfaces).
 *
 *     core instances --lowered functions--> thunks --> interfaces --preview 1--> host layer
 *                    <----- realloc -------
 *
 * A lowered function has the memory and the realloc of its canonical options: a thunk selects them before it calls the
 * interface's function, and three generated functions copy data and allocate there. The handle table is in the
 * interfaces' own memory. So nothing after this knows of components: it is an ordinary module with several memories.
 */

import { LimitError, ModuleError } from '../../base/errors.js';
import { limitError, limits } from '../limits.js';
import type { ByteWriter } from '../merge/byte-writer.js';
import { merge } from '../merge/merge.js';
import type { Binding, Definition, MadeFunction, MadeIndexes, MergedInstance } from '../merge/merge-plan.js';
import type { IndexMaps } from '../merge/rewrite-body.js';
import { ExternKind, type FuncType, type Import, type Module, ValType } from '../module.js';
import { CoreFunctions, findExport } from './core-functions.js';
import type { Component } from './definitions.js';
import type {
  CoreItem,
  FunctionItem,
  Graph,
  InstanceItem,
  InstantiatedModule,
  ResolvedOptions,
} from './instantiate.js';
import { commandInterface, worldName } from './world.js';

const PREVIEW1 = 'wasi_snapshot_preview1';
/** What the interfaces import of the component that they serve. */
const SERVED = 'component';
const INTERFACES = 0; // the first instance

const I32 = ValType.I32;
const type = (params: number, results: number): FuncType => ({
  params: new Uint8Array(params).fill(I32),
  results: new Uint8Array(results).fill(I32),
});

/** The first functions that are made, in this order. */
const MADE = ['to_component', 'from_component', 'allocate', '_start'] as const;
const START = MADE.indexOf('_start');

const enum Op {
  Unreachable = 0x00,
  If = 0x04,
  End = 0x0b,
  Return = 0x0f,
  Call = 0x10,
  LocalGet = 0x20,
  LocalSet = 0x21,
  LocalTee = 0x22,
  GlobalGet = 0x23,
  GlobalSet = 0x24,
  I32Const = 0x41,
  I32Eq = 0x46,
  Misc = 0xfc,
}
const EMPTY_BLOCK = 0x40;
const MEMORY_COPY = 10;

/** A memory and a realloc that lowered functions have. */
interface Served {
  readonly memory: Definition;
  readonly realloc: Definition | undefined;
}

/** @throws ModuleError 'unsupported' with what is missing, 'unlinkable' */
export function linkedProgram(component: Component, graph: Graph, interfaces: Module): Uint8Array {
  return new Linker(component, graph, interfaces).run();
}

class Linker {
  private readonly functions: CoreFunctions;
  private readonly indexes: ReadonlyMap<InstantiatedModule, number>;
  private readonly served: Served[] = [];
  private readonly made: MadeFunction[] = [];
  private readonly thunks = new Map<string, Binding>();

  constructor(
    private readonly component: Component,
    private readonly graph: Graph,
    private readonly interfaces: Module,
  ) {
    this.functions = new CoreFunctions(component, graph);
    this.indexes = new Map(graph.instances.map((instance, i) => [instance, i + 1]));
  }

  run(): Uint8Array {
    const { graph, interfaces, made } = this;
    this.checkSize();
    const run = this.runFunction();
    for (const name of MADE) made.push(this.madeFunction(name, run));
    const instances: MergedInstance[] = [
      {
        module: interfaces,
        file: 'interfaces of WASI',
        bindings: interfaces.imports.map((entry) => ownBinding(entry)),
      },
    ];
    for (const instance of graph.instances) {
      const module = this.functions.module(instance);
      const seen = [0, 0, 0, 0, 0];
      const bindings = module.imports.map((entry) => {
        const item = this.functions.argument(instance, entry.kind, seen[entry.kind]++);
        return this.binding(item, entry, module, instance.module.offset);
      });
      instances.push({ module, file: this.functions.moduleFile(instance.module.start), bindings });
    }
    const memory = interfaces.exports.find(({ name, kind }) => name === 'memory' && kind === ExternKind.Memory);
    return merge({
      name: this.mainName(),
      instances,
      functions: made,
      globals: 1,
      firstMemory: this.served[0]?.memory,
      exports: [
        { name: '_start', kind: ExternKind.Func, of: START },
        { name: 'memory', kind: ExternKind.Memory, of: { instance: INTERFACES, index: memory!.index } },
      ],
    });
  }

  /** A core module is copied as often as it is instantiated: a small component must not become a huge module. */
  private checkSize(): void {
    const { bytes, file } = this.component;
    const { instances } = this.graph;
    if (instances.length > limits.coreInstances) throw limitError('coreInstances', instances.length, 0, file);
    const size = instances.reduce((sum, { module }) => sum + module.end - module.start, 0);
    const most = 4 * bytes.length + (1 << 20);
    if (size <= most) return;
    throw new LimitError(
      'linkedBytes',
      `${file}: its core instances have ${size} bytes, which exceeds ${most} (linkedBytes)`,
    );
  }

  /** Of the core module whose memory the interfaces serve. */
  private mainName(): string {
    const [first] = this.served;
    return (first && this.graph.instances[first.memory.instance - 1].module.name) ?? 'component';
  }

  /** The core function behind wasi:cli/run. */
  private runFunction(): Definition {
    const name = commandInterface(this.graph);
    if (name === undefined) throw this.otherWorld();
    const { exports } = this.graph.exports.get(name)!.value as InstanceItem;
    const run = exports?.get('run')?.value as FunctionItem | undefined;
    if (run?.kind !== 'lift') throw this.unsupported(`${name} that is not of the component itself`, 0);
    const found = this.definition(run.func, ExternKind.Func, run.offset);
    const module =
      found.instance === INTERFACES ? this.interfaces : this.functions.module(this.graph.instances[found.instance - 1]);
    const { params, results } = module.types[module.funcTypes[found.index]];
    if (params.length === 0 && results.length === 1 && results[0] === I32) return found;
    throw new ModuleError(
      'invalid',
      `${name} is not a function without parameters that gives a result`,
      run.offset,
      this.component.file,
    );
  }

  /** What an instance exports, by instance and index of its own. */
  private definition(item: CoreItem, kind: ExternKind, offset: number): Definition {
    if (item.kind === 'export') {
      const module = this.functions.module(item.instance);
      const found = findExport(module, item.name);
      const instance = this.indexes.get(item.instance);
      if (found?.kind === kind && instance !== undefined) return { instance, index: found.index };
      throw new ModuleError('invalid', `a core instance has no such export ${item.name}`, offset, this.component.file);
    }
    throw this.unsupported('canonical functions as functions of a core instance', offset);
  }

  private binding(item: CoreItem, entry: Import, importer: Module, offset: number): Binding {
    switch (item.kind) {
      case 'export':
        return { kind: 'instance', ...this.definition(item, entry.kind, offset) };
      case 'resource':
        if (item.op === 'drop' && item.type.kind === 'import') return this.interfaceFunction('resource_drop')!;
        throw this.unsupported('resources of components', offset);
      case 'lower':
        if (item.func.kind === 'lift') throw this.unsupported('calls between components', item.offset);
        return this.lowered(item.func.path, item.options, entry, importer, item.offset);
    }
  }

  private lowered(
    path: readonly string[],
    options: ResolvedOptions,
    entry: Import,
    importer: Module,
    offset: number,
  ): Binding {
    const [, interfaceName = ''] = /^wasi:(.+)@0\.2\.\d+$/.exec(path[0]) ?? [];
    const name = functionName(interfaceName, path[1] ?? '');
    const found = interfaceName === '' ? undefined : this.interfaceFunction(name);
    if (found === undefined && interfaceName.startsWith('sockets/') && entry.kind === ExternKind.Func) {
      // Nothing makes a socket, so it has nothing to be called with.
      return this.thunk(name, importer.types[entry.typeIndex], (to) => {
        to.byte(Op.Unreachable);
        to.byte(Op.End);
      });
    }
    if (found === undefined) throw this.unsupported(`the import ${path.join(' ')}`, offset);
    if (options.memory === undefined) return found;
    if (options.encoding !== 'utf8') throw this.unsupported(`strings in ${options.encoding}`, offset);
    const served = this.serve(options.memory, options.realloc, offset);
    const { params, results } = this.interfaces.types[this.interfaces.funcTypes[found.index]];
    return this.thunk(`${name} ${served}`, { params, results }, (to, maps, { firstGlobal }) => {
      to.byte(Op.I32Const);
      to.signed(served);
      to.byte(Op.GlobalSet);
      to.unsigned(firstGlobal);
      for (let i = 0; i < params.length; i++) {
        to.byte(Op.LocalGet);
        to.unsigned(i);
      }
      call(to, maps, found);
      to.byte(Op.End);
    });
  }

  private thunk(name: string, of: FuncType, write: MadeFunction['write']): Binding {
    const key = `${name} ${of.params} ${of.results}`;
    const known = this.thunks.get(key);
    if (known !== undefined) return known;
    const binding: Binding = { kind: 'made', index: this.made.push({ name, type: of, locals: [], write }) - 1 };
    this.thunks.set(key, binding);
    return binding;
  }

  /** The number of a memory and realloc. */
  private serve(memoryItem: CoreItem, reallocItem: CoreItem | undefined, offset: number): number {
    const memory = this.owner(memoryItem, offset);
    const realloc = reallocItem && this.definition(reallocItem, ExternKind.Func, offset);
    const same = (a: Definition | undefined, b: Definition | undefined) =>
      a?.instance === b?.instance && a?.index === b?.index;
    const known = this.served.findIndex((one) => same(one.memory, memory) && same(one.realloc, realloc));
    return known >= 0 ? known : this.served.push({ memory, realloc }) - 1;
  }

  /** The instance that defines a memory, and its index there. */
  private owner(item: CoreItem, offset: number): Definition {
    const found =
      item.kind === 'export' ? this.functions.definition(item.instance, ExternKind.Memory, item.name) : undefined;
    const instance = found && this.indexes.get(found.instance);
    if (found !== undefined && instance !== undefined) return { instance, index: found.func };
    throw new ModuleError('invalid', 'a core instance has no such memory', offset, this.component.file);
  }

  private interfaceFunction(name: string): (Binding & { kind: 'instance' }) | undefined {
    const found = findExport(this.interfaces, name);
    if (found?.kind !== ExternKind.Func) return undefined;
    return { kind: 'instance', instance: INTERFACES, index: found.index };
  }

  private madeFunction(name: (typeof MADE)[number], run: Definition): MadeFunction {
    switch (name) {
      case 'to_component':
      case 'from_component':
        return { name, type: type(3, 0), locals: [], write: (to, maps, made) => this.writeCopy(name, to, maps, made) };
      case 'allocate':
        return { name, type: type(2, 1), locals: [I32], write: (to, maps, made) => this.writeAllocate(to, maps, made) };
      case '_start':
        return { name, type: type(0, 0), locals: [I32], write: (to, maps) => this.writeStart(to, maps, run) };
    }
  }

  /** (to, from, length): between the interfaces' memory and that of the component. */
  private writeCopy(name: string, to: ByteWriter, maps: readonly IndexMaps[], { firstGlobal }: MadeIndexes): void {
    const own = maps[INTERFACES].memories[0];
    this.served.forEach(({ memory }, i) => {
      const other = maps[memory.instance].memories[memory.index];
      ifServed(to, firstGlobal, i);
      for (let n = 0; n < 3; n++) {
        to.byte(Op.LocalGet);
        to.unsigned(n);
      }
      to.byte(Op.Misc);
      to.unsigned(MEMORY_COPY);
      to.unsigned(name === 'to_component' ? other : own);
      to.unsigned(name === 'to_component' ? own : other);
      to.byte(Op.Return);
      to.byte(Op.End);
    });
    to.byte(Op.Unreachable);
    to.byte(Op.End);
  }

  /** (alignment, size): where in the component's memory. It may call the interfaces. */
  private writeAllocate(to: ByteWriter, maps: readonly IndexMaps[], { firstGlobal }: MadeIndexes): void {
    this.served.forEach(({ realloc }, i) => {
      if (realloc === undefined) return;
      ifServed(to, firstGlobal, i);
      for (const zero of [0, 0]) {
        to.byte(Op.I32Const);
        to.signed(zero);
      }
      for (const n of [0, 1]) {
        to.byte(Op.LocalGet);
        to.unsigned(n);
      }
      call(to, maps, realloc);
      to.byte(Op.I32Const);
      to.signed(i);
      to.byte(Op.GlobalSet);
      to.unsigned(firstGlobal);
      to.byte(Op.Return);
      to.byte(Op.End);
    });
    to.byte(Op.Unreachable);
    to.byte(Op.End);
  }

  /** Start functions, then run; what it gives is the exit code. */
  private writeStart(to: ByteWriter, maps: readonly IndexMaps[], run: Definition): void {
    this.graph.instances.forEach((instance, i) => {
      const { start } = this.functions.module(instance);
      if (start !== undefined) call(to, maps, { instance: i + 1, index: start });
    });
    call(to, maps, run);
    to.byte(Op.LocalTee);
    to.unsigned(0);
    to.byte(Op.If);
    to.byte(EMPTY_BLOCK);
    to.byte(Op.LocalGet);
    to.unsigned(0);
    call(to, maps, this.interfaceFunction('cli_exit_exit')!);
    to.byte(Op.End);
    to.byte(Op.End);
  }

  private otherWorld(): ModuleError {
    const world = worldName(this.graph);
    const names = [...this.graph.exports.keys()];
    const exports = names.length === 0 ? 'nothing' : names.slice(0, 8).join(', ');
    const is = world === undefined ? `a component that exports ${exports}` : `a component of the world ${world}`;
    return this.unsupported(`${is}; one of the world wasi:cli/command exports wasi:cli/run@0.2`, 0);
  }

  private unsupported(what: string, offset: number): ModuleError {
    return new ModuleError('unsupported', `not supported yet: ${what}`, offset, this.component.file);
  }
}

function ownBinding(entry: Import): Binding {
  if (entry.module === PREVIEW1) return { kind: 'import' };
  return { kind: 'made', index: (MADE as readonly string[]).indexOf(entry.module === SERVED ? entry.name : '') };
}

function call(to: ByteWriter, maps: readonly IndexMaps[], { instance, index }: Definition): void {
  to.byte(Op.Call);
  to.unsigned(maps[instance].funcs[index]);
}

function ifServed(to: ByteWriter, global: number, served: number): void {
  to.byte(Op.GlobalGet);
  to.unsigned(global);
  to.byte(Op.I32Const);
  to.signed(served);
  to.byte(Op.I32Eq);
  to.byte(Op.If);
  to.byte(EMPTY_BLOCK);
}

/** `io/streams`, `[method]output-stream.write`: `io_streams_output_stream_write`. */
function functionName(interfaceName: string, name: string): string {
  return `${interfaceName}_${name.replace(/^\[[a-z-]+\]/, '')}`.replace(/[^a-z0-9]/g, '_');
}

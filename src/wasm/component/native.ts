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

import { ModuleError } from '../../base/errors.js';
import { merge } from '../merge/merge.js';
import type { Binding, Definition, MadeFunction, MergedInstance } from '../merge/merge-plan.js';
import { ExternKind, type Import, type Module } from '../module.js';
import { CoreFunctions, findExport } from './core-functions.js';
import { type Component, coreModules } from './definitions.js';
import type {
  CoreItem,
  FunctionItem,
  Graph,
  InstanceItem,
  InstantiatedModule,
  ResolvedOptions,
} from './instantiate.js';
import { interfaceFunctionName } from './interface-functions.js';
import {
  type Beginning,
  INTERFACES,
  impossible,
  lowering,
  madeFunctions,
  madeIndex,
  type Served,
  START,
  type Started,
} from './made-functions.js';
import { Types } from './type-space.js';
import { TypeText } from './type-text.js';
import { FUNCTIONS } from './wasi-types.js';
import { commandInterface, worldName } from './world.js';

const PREVIEW1 = 'wasi_snapshot_preview1';
/** What the interfaces import of the component that they serve. */
const SERVED = 'component';

export interface LinkedProgram {
  /** The module. */
  readonly bytes: Uint8Array;
  /** Its imports that nothing provides: interface and function. */
  readonly missing: readonly string[];
}

/**
 * @param component whose types have been checked (check-types.ts)
 * @throws ModuleError 'unsupported' with what is missing, 'unlinkable'
 */
export function linkedProgram(
  component: Component,
  graph: Graph,
  interfaces: Module,
  functions = new CoreFunctions(component, graph),
): LinkedProgram {
  return new Linker(component, graph, interfaces, functions).run();
}

class Linker {
  private readonly indexes: ReadonlyMap<InstantiatedModule, number>;
  private readonly served: Served[] = [];
  private readonly made: MadeFunction[] = [];
  private readonly thunks = new Map<string, Binding>();
  private readonly missing = new Set<string>();
  /** The numbers of core modules, by where they start: as `inspect` has them. */
  private readonly modules: ReadonlyMap<number, number>;

  constructor(
    private readonly component: Component,
    private readonly graph: Graph,
    private readonly interfaces: Module,
    private readonly functions: CoreFunctions,
  ) {
    this.modules = new Map(coreModules(component).map(({ start }, i) => [start, i]));
    this.indexes = new Map(graph.instances.map((instance, i) => [instance, i + 1]));
  }

  run(): LinkedProgram {
    const { graph, interfaces, made } = this;
    const beginnings = this.beginnings();
    const exit = this.interfaceFunction('cli_exit_exit')!;
    made.push(...madeFunctions(this.served, { instances: beginnings, ...this.runFunctions(), exit }));
    const instances: MergedInstance[] = [
      {
        module: interfaces,
        file: 'interfaces of WASI',
        label: 'wasi',
        bindings: interfaces.imports.map((entry) => ownBinding(entry)),
      },
    ];
    for (const [i, { module, waits }] of beginnings.entries()) {
      const instance = graph.instances[i];
      const seen = [0, 0, 0, 0, 0];
      const bindings = module.imports.map((entry) => {
        const item = this.functions.argument(instance, entry.kind, seen[entry.kind]++);
        return this.binding(item, entry, module, instance.module.offset);
      });
      const { name = module.names?.module, start } = instance.module;
      const label = name ?? `module-${this.modules.get(start)}`;
      instances.push({ module, file: this.functions.moduleFile(start), label, bindings, waits });
    }
    const memory = interfaces.exports.find(({ name, kind }) => name === 'memory' && kind === ExternKind.Memory);
    const bytes = merge({
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
    return { bytes, missing: [...this.missing] };
  }

  /** What comes after the first start function is instantiated when that has run. */
  private beginnings(): Beginning[] {
    let waits = false;
    return this.graph.instances.map((one, i) => {
      const beginning = { instance: i + 1, module: this.functions.module(one), waits };
      if (beginning.module.start !== undefined) waits = true;
      return beginning;
    });
  }

  /** Of the core module whose memory the interfaces serve. */
  private mainName(): string {
    const [first] = this.served;
    return (first && this.graph.instances[first.memory.instance - 1].module.name) ?? 'component';
  }

  /** The core function behind wasi:cli/run, and what is called after it. */
  private runFunctions(): Pick<Started, 'run' | 'postReturn'> {
    const name = commandInterface(this.graph);
    if (name === undefined) throw this.otherWorld();
    const { exports } = this.graph.exports.get(name)!.value as InstanceItem;
    const run = exports?.get('run')?.value as FunctionItem | undefined;
    if (run?.kind !== 'lift') throw this.unsupported(`${name} that is not of the component itself`, 0);
    const found = this.definition(run.func, ExternKind.Func, run.offset);
    const type = new TypeText(this.component.file).of(new Types(this.graph).resolve(run.type));
    const { postReturn } = run.options;
    if (type === '() -> result') {
      return { run: found, postReturn: postReturn && this.definition(postReturn, ExternKind.Func, run.offset) };
    }
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
        if (item.op === 'drop' && item.type.kind === 'import') return this.dropping(item.type.path);
        throw this.unsupported(`resources of components (${entry.module} ${entry.name})`, offset);
      case 'lower':
        if (item.func.kind === 'lift') {
          const { func } = item.func;
          const name = func.kind === 'export' ? func.name : entry.name;
          throw this.unsupported(`calls between components (of ${name})`, item.offset);
        }
        return this.lowered(item.func.path, item.options, entry, importer, item.offset);
    }
  }

  /** @param path of the resource: the interface, and its name there */
  private dropping(path: readonly string[]): Binding {
    const [name = ''] = path.slice(-1);
    const own = `resource_drop_${name.replaceAll('-', '_')}`;
    const found = this.interfaceFunction(own) ?? this.interfaceFunction('resource_drop_other')!;
    const { params, results } = this.interfaces.types[this.interfaces.funcTypes[found.index]];
    return this.thunk(lowering(own, { params, results }, found, -1));
  }

  private lowered(
    path: readonly string[],
    options: ResolvedOptions,
    entry: Import,
    importer: Module,
    offset: number,
  ): Binding {
    const [, interfaceName = ''] = /^wasi:([a-z-]+\/[a-z-]+)@0\.2\.\d+$/.exec(path[0]) ?? [];
    const func = path.slice(1).join(' ');
    const name = interfaceFunctionName(interfaceName, func);
    const found = FUNCTIONS.has(`${interfaceName} ${func}`) ? this.interfaceFunction(name) : undefined;
    if (found === undefined && interfaceName.startsWith('sockets/') && entry.kind === ExternKind.Func) {
      // Nothing makes a socket, so it has nothing to be called with.
      return this.thunk(impossible(name, importer.types[entry.typeIndex]));
    }
    if (found === undefined) {
      // It stays an import: whoever compiles the module decides about those that nothing provides.
      this.missing.add(path.join(' '));
      return { kind: 'import', as: { module: path[0], name: func } };
    }
    const { memory, realloc } = options;
    if (memory !== undefined && options.encoding !== 'utf8') {
      throw this.unsupported(`string-encoding ${options.encoding}`, offset);
    }
    // Without a memory it must not get that of another function.
    const served = memory === undefined ? -1 : this.serve(memory, realloc, offset);
    const { params, results } = this.interfaces.types[this.interfaces.funcTypes[found.index]];
    return this.thunk(lowering(`${name} ${served}`, { params, results }, found, served));
  }

  private thunk(made: MadeFunction): Binding {
    const key = `${made.name} ${made.type.params} ${made.type.results}`;
    const known = this.thunks.get(key);
    if (known !== undefined) return known;
    const binding: Binding = { kind: 'made', index: this.made.push(made) - 1 };
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
  return { kind: 'made', index: madeIndex(entry.module === SERVED ? entry.name : '') };
}

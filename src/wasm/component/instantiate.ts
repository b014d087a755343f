/**
 * Carries out a component's definitions ahead of time: all that they make is known without running anything. The
 * outcome is a graph: which core modules are instantiated, in which order and with what, and what the component exports.
 *
 * Nested components disappear in it: an instantiation is carried out where it stands, with its arguments. So does every
 * index space, alias and outer reference. Core modules are not looked into: whether an instance has the export that an
 * alias names is checked when the module is read. Types are kept as written, in their scope. Bounds: indexes, the
 * number of all definitions that are carried out (a component may be instantiated often), the depth.
 */

import { ModuleError } from '../../base/errors.js';
import { limitError, limits } from '../limits.js';
import { type CanonOptions, CORE, type Component, type Definition, type Named, Sort, sortName } from './definitions.js';
import { InstanceBudget } from './instance-budget.js';
import type { DefinedType, ExternType } from './types.js';

export interface CoreModuleItem {
  readonly start: number;
  readonly end: number;
  readonly name: string | undefined;
  /** Of its section. */
  readonly offset: number;
}

/** An instantiated core module, or exports that were put together. */
export type CoreInstance = InstantiatedModule | { readonly exports: ReadonlyMap<string, CoreItem> };

export interface InstantiatedModule {
  readonly module: CoreModuleItem;
  readonly args: ReadonlyMap<string, CoreInstance>;
}

/** What an instantiated module exports. */
export interface CoreExport {
  readonly kind: 'export';
  readonly instance: InstantiatedModule;
  readonly name: string;
}

export type CoreItem =
  | CoreExport
  | LoweredFunction
  | { readonly kind: 'resource'; readonly op: 'new' | 'drop' | 'rep'; readonly type: TypeItem };

export interface LoweredFunction {
  readonly kind: 'lower';
  readonly func: FunctionItem;
  readonly options: ResolvedOptions;
  readonly offset: number;
}

export interface LiftedFunction {
  readonly kind: 'lift';
  readonly func: CoreItem;
  readonly options: ResolvedOptions;
  readonly type: TypeItem;
  readonly offset: number;
}

export interface ResolvedOptions {
  readonly encoding: CanonOptions['encoding'];
  readonly memory: CoreItem | undefined;
  readonly realloc: CoreItem | undefined;
  readonly postReturn: CoreItem | undefined;
}

export type FunctionItem = { readonly kind: 'import'; readonly path: readonly string[] } | LiftedFunction;

/** A type of the root's imports has the path of names that leads to it; another one its place in its scope. */
export type TypeItem =
  | { readonly kind: 'import'; readonly path: readonly string[] }
  | {
      readonly kind: 'type';
      readonly type: DefinedType;
      readonly scope: Scope;
      readonly index: number;
      readonly offset: number;
    };

export interface InstanceItem {
  /** Undefined: an instance that the root imports. */
  readonly exports: ReadonlyMap<string, Item> | undefined;
  readonly path: readonly string[];
  /** Of one that the root imports: what its type has; undefined where that is not known. */
  readonly declared?: ReadonlyMap<string, Sort> | undefined;
}

interface ComponentItem {
  readonly component: Component;
  /** Undefined for the root. */
  readonly outer: Scope | undefined;
}

type ItemOf = {
  [Sort.Func]: FunctionItem;
  [Sort.Type]: TypeItem;
  [Sort.Component]: ComponentItem;
  [Sort.Instance]: InstanceItem;
  [Sort.CoreModule]: CoreModuleItem;
  [Sort.CoreInstance]: CoreInstance;
};

/** Something with its sort. */
export interface Item {
  readonly sort: Sort;
  readonly value: unknown;
}

/** What an import of the root is. */
export interface RootImport {
  readonly name: string;
  readonly type: ExternType;
  readonly offset: number;
}

export interface Graph {
  readonly file: string;
  /** In the order in which they are instantiated. */
  readonly instances: readonly InstantiatedModule[];
  readonly imports: readonly RootImport[];
  /** All functions that are lifted or lowered. */
  readonly canonical: readonly (LiftedFunction | LoweredFunction)[];
  readonly exports: ReadonlyMap<string, Item>;
  /** The index spaces of the component itself, for its types. */
  readonly scope: Scope;
}

/** The index spaces of a component that is being instantiated. */
export class Scope {
  private readonly spaces = new Map<Sort, unknown[]>();

  constructor(
    readonly component: Component,
    readonly outer: Scope | undefined,
  ) {}

  add(sort: Sort, value: unknown): void {
    const space = this.spaces.get(sort);
    if (space === undefined) this.spaces.set(sort, [value]);
    else space.push(value);
  }

  count(sort: Sort): number {
    return this.spaces.get(sort)?.length ?? 0;
  }

  get<S extends keyof ItemOf>(sort: S, index: number, offset: number): ItemOf[S] {
    return this.item(sort, index, offset) as ItemOf[S];
  }

  item(sort: Sort, index: number, offset: number): unknown {
    const space = this.spaces.get(sort) ?? [];
    if (index < space.length) return space[index];
    throw invalid(`unknown ${sortName(sort)} ${index}`, offset, this.component);
  }
}

/** @throws ModuleError 'invalid' or 'unsupported', LimitError */
export function instantiate(component: Component): Graph {
  const builder = new Builder(component);
  const { exports, scope } = builder.run({ component, outer: undefined }, undefined, 0, 0);
  const { instances, canonical } = builder;
  return { file: component.file, instances, imports: [...builder.imports.values()], canonical, exports, scope };
}

class Builder {
  readonly instances: InstantiatedModule[] = [];
  readonly imports = new Map<string, RootImport>();
  readonly canonical: (LiftedFunction | LoweredFunction)[] = [];
  private left = limits.componentDefinitions;
  private readonly budget: InstanceBudget;

  constructor(private readonly root: Component) {
    this.budget = new InstanceBudget(root);
  }

  /** @param args undefined for the root, whose imports stay imports */
  run(
    { component, outer }: ComponentItem,
    args: ReadonlyMap<string, Item> | undefined,
    depth: number,
    offset: number,
  ): { exports: ReadonlyMap<string, Item>; scope: Scope } {
    const { definitions, file } = component;
    if (depth > limits.componentDepth) throw limitError('componentDepth', depth, offset, file);
    if ((this.left -= definitions.length) < 0) {
      throw limitError('componentDefinitions', limits.componentDefinitions - this.left, offset, file);
    }
    const scope = new Scope(component, outer);
    const exports = new Map<string, Item>();
    for (const definition of definitions) {
      if (definition.kind === 'import') this.import(scope, definition, args);
      else if (definition.kind === 'export') {
        const { name, sort, index } = definition;
        const value = scope.item(sort, index, definition.offset);
        if (exports.has(name)) throw invalid(`duplicate export ${name}`, definition.offset, component);
        exports.set(name, { sort, value });
        scope.add(sort, value);
      } else this.define(scope, definition, depth);
    }
    return { exports, scope };
  }

  private import(
    scope: Scope,
    { name, type, offset }: Definition & { kind: 'import' },
    args: ReadonlyMap<string, Item> | undefined,
  ): void {
    const sort = sortOf(type);
    if (args === undefined) {
      if (this.imports.has(name)) throw invalid(`duplicate import ${name}`, offset, this.root);
      this.imports.set(name, { name, type, offset });
      if (type.kind === 'component') throw unsupported('components as imports', offset, this.root);
      if (type.kind === 'type' && type.equals !== undefined) {
        return scope.add(Sort.Type, scope.item(Sort.Type, type.equals, offset));
      }
      if (type.kind === 'instance') {
        const declared = exportsOfType(scope.get(Sort.Type, type.index, offset));
        return scope.add(Sort.Instance, { exports: undefined, path: [name], declared });
      }
      return scope.add(sort, imported(sort, [name]));
    }
    const given = args.get(name);
    if (given === undefined) throw invalid(`missing argument ${name}`, offset, this.root);
    if (given.sort !== sort) {
      throw invalid(`argument ${name}: ${sortName(sort)} expected, ${sortName(given.sort)} given`, offset, this.root);
    }
    scope.add(sort, given.value);
  }

  private define(scope: Scope, definition: Definition, depth: number): void {
    const { offset } = definition;
    switch (definition.kind) {
      case 'core module': {
        const name = scope.component.moduleNames.get(scope.count(Sort.CoreModule));
        return scope.add(Sort.CoreModule, { start: definition.start, end: definition.end, name, offset });
      }
      case 'core instance': {
        const module = scope.get(Sort.CoreModule, definition.module, offset);
        const args = new Map<string, CoreInstance>();
        for (const { name, index } of definition.args) {
          if (args.has(name)) throw invalid(`duplicate argument ${name}`, offset, this.root);
          args.set(name, scope.get(Sort.CoreInstance, index, offset));
        }
        const instance = { module, args };
        this.budget.take(module);
        this.instances.push(instance);
        return scope.add(Sort.CoreInstance, instance);
      }
      case 'core exports': {
        const other = definition.exports.find(({ sort }) => sort < Sort.CoreFunc || sort > Sort.CoreTag);
        if (other !== undefined) throw invalid(`a core instance exports no ${sortName(other.sort)}`, offset, this.root);
        const exports = this.named(scope, definition.exports, offset);
        const items = Array.from(exports, ([name, { value }]) => [name, value as CoreItem] as const);
        return scope.add(Sort.CoreInstance, { exports: new Map(items) });
      }
      case 'component':
        return scope.add(Sort.Component, { component: definition.component, outer: scope });
      case 'instance': {
        const component = scope.get(Sort.Component, definition.component, offset);
        const args = this.named(scope, definition.args, offset);
        const { exports } = this.run(component, args, depth + 1, offset);
        return scope.add(Sort.Instance, { exports, path: [] });
      }
      case 'exports':
        return scope.add(Sort.Instance, { exports: this.named(scope, definition.exports, offset), path: [] });
      case 'alias export':
        return scope.add(definition.sort, exportOf(scope, definition));
      case 'alias core export': {
        const instance = scope.get(Sort.CoreInstance, definition.instance, offset);
        if (definition.sort < Sort.CoreFunc || definition.sort > Sort.CoreTag) {
          throw invalid(`a core instance exports no ${sortName(definition.sort)}`, offset, this.root);
        }
        return scope.add(definition.sort, coreExport(instance, definition.name, offset, this.root));
      }
      case 'alias outer': {
        const { sort, count, index } = definition;
        let from: Scope | undefined = scope;
        for (let i = 0; i < count && from !== undefined; i++) from = from.outer;
        if (from === undefined) throw invalid(`no component ${count} levels further out`, offset, this.root);
        return scope.add(sort, from.item(sort, index, offset));
      }
      case 'type':
        return scope.add(Sort.Type, {
          kind: 'type',
          type: definition.type,
          scope,
          index: scope.count(Sort.Type),
          offset,
        });
      case 'lift': {
        const func = scope.item(Sort.CoreFunc, definition.func, offset) as CoreItem;
        const options = this.options(scope, definition.options, offset);
        const type = scope.get(Sort.Type, definition.type, offset);
        const lifted = { kind: 'lift', func, options, type, offset } as const;
        this.canonical.push(lifted);
        return scope.add(Sort.Func, lifted);
      }
      case 'lower': {
        const func = scope.get(Sort.Func, definition.func, offset);
        const options = this.options(scope, definition.options, offset);
        const lowered = { kind: 'lower', func, options, offset } as const;
        this.canonical.push(lowered);
        return scope.add(Sort.CoreFunc, lowered);
      }
      case 'resource': {
        const type = scope.get(Sort.Type, definition.type, offset);
        return scope.add(Sort.CoreFunc, { kind: 'resource', op: definition.op, type });
      }
    }
  }

  private named(scope: Scope, entries: readonly Named[], offset: number): ReadonlyMap<string, Item> {
    const found = new Map<string, Item>();
    for (const { name, sort, index } of entries) {
      if (found.has(name)) throw invalid(`duplicate name ${name}`, offset, this.root);
      found.set(name, { sort, value: scope.item(sort, index, offset) });
    }
    return found;
  }

  private options(scope: Scope, options: CanonOptions, offset: number): ResolvedOptions {
    const item = (sort: Sort, index: number | undefined) =>
      index === undefined ? undefined : (scope.item(sort, index, offset) as CoreItem);
    return {
      encoding: options.encoding,
      memory: item(Sort.CoreMemory, options.memory),
      realloc: item(Sort.CoreFunc, options.realloc),
      postReturn: item(Sort.CoreFunc, options.postReturn),
    };
  }
}

/** An item of that sort that the root imports. */
function imported(sort: Sort, path: readonly string[]): unknown {
  return sort === Sort.Instance ? { exports: undefined, path } : { kind: 'import', path };
}

function exportOf(scope: Scope, { sort, instance, name, offset }: Definition & { kind: 'alias export' }): unknown {
  const { exports, path, declared } = scope.get(Sort.Instance, instance, offset);
  if (declared !== undefined && !declared.has(name)) {
    throw invalid(`instance ${instance} has no export ${name}: ${path.join(' ')}`, offset, scope.component);
  }
  if (exports === undefined) {
    if (sort === Sort.Component || sort >= CORE) {
      throw unsupported(`imports that have a ${sortName(sort)}`, offset, scope.component);
    }
    return imported(sort, [...path, name]);
  }
  const found = exports.get(name);
  if (found === undefined) throw invalid(`instance ${instance} has no export ${name}`, offset, scope.component);
  if (found.sort === sort) return found.value;
  throw invalid(`export ${name}: ${sortName(sort)} expected, it is a ${sortName(found.sort)}`, offset, scope.component);
}

function exportsOfType(item: TypeItem): ReadonlyMap<string, Sort> | undefined {
  if (item.kind !== 'type' || item.type.kind !== 'instance') return undefined;
  const exports = item.type.declarations.flatMap((declaration) =>
    declaration.kind === 'export' ? [[declaration.name, sortOf(declaration.type)] as const] : [],
  );
  return new Map(exports);
}

/** The item that an export of a core instance refers to. */
export function coreExport(instance: CoreInstance, name: string, offset: number, component: Component): CoreItem {
  if ('module' in instance) return { kind: 'export', instance, name };
  const found = instance.exports.get(name);
  if (found === undefined) throw invalid(`the core instance has no export ${name}`, offset, component);
  return found;
}

function sortOf(type: ExternType): Sort {
  switch (type.kind) {
    case 'func':
      return Sort.Func;
    case 'component':
      return Sort.Component;
    case 'instance':
      return Sort.Instance;
    case 'type':
      return Sort.Type;
  }
}

function invalid(detail: string, offset: number, { file }: Component): ModuleError {
  return new ModuleError('invalid', detail, offset, file);
}

function unsupported(what: string, offset: number, { file }: Component): ModuleError {
  return new ModuleError('unsupported', `not supported yet: ${what}`, offset, file);
}

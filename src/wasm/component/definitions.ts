/**
 * A decoded component: its definitions in their order, which is the order in which they are carried out (component
 * model, Binary.md).
 *
 * Indexes are those of the component's own index spaces; what they lead to is for instantiate.ts. Positions are
 * byte offsets from the start of the file, also in nested components. Core modules stay bytes: decode.ts of the core
 * format reads them.
 */

import type { DefinedType, ExternType } from './types.js';

/** Sorts of definitions by their code; those of the core format lie CORE higher. */
export const enum Sort {
  Func = 1,
  Value = 2,
  Type = 3,
  Component = 4,
  Instance = 5,
  CoreFunc = 0x100,
  CoreTable = 0x101,
  CoreMemory = 0x102,
  CoreGlobal = 0x103,
  CoreTag = 0x104,
  CoreType = 0x110,
  CoreModule = 0x111,
  CoreInstance = 0x112,
}

export const CORE = 0x100;

const SORT_NAMES: ReadonlyMap<Sort, string> = new Map([
  [Sort.Func, 'function'],
  [Sort.Value, 'value'],
  [Sort.Type, 'type'],
  [Sort.Component, 'component'],
  [Sort.Instance, 'instance'],
  [Sort.CoreFunc, 'core function'],
  [Sort.CoreTable, 'core table'],
  [Sort.CoreMemory, 'core memory'],
  [Sort.CoreGlobal, 'core global'],
  [Sort.CoreTag, 'core tag'],
  [Sort.CoreType, 'core type'],
  [Sort.CoreModule, 'core module'],
  [Sort.CoreInstance, 'core instance'],
]);

export function sortName(sort: Sort): string {
  return SORT_NAMES.get(sort)!;
}

/** Something under a name: an argument of an instantiation, or an export. */
export interface Named {
  readonly name: string;
  readonly sort: Sort;
  readonly index: number;
}

export interface CanonOptions {
  readonly encoding: 'utf8' | 'utf16' | 'latin1+utf16';
  readonly memory?: number;
  readonly realloc?: number;
  readonly postReturn?: number;
}

export type Definition = { readonly offset: number } & (
  | { readonly kind: 'core module'; readonly start: number; readonly end: number }
  | { readonly kind: 'core instance'; readonly module: number; readonly args: readonly Named[] }
  | { readonly kind: 'core exports'; readonly exports: readonly Named[] }
  | { readonly kind: 'component'; readonly component: Component }
  | { readonly kind: 'instance'; readonly component: number; readonly args: readonly Named[] }
  | { readonly kind: 'exports'; readonly exports: readonly Named[] }
  | { readonly kind: 'alias export'; readonly sort: Sort; readonly instance: number; readonly name: string }
  | { readonly kind: 'alias core export'; readonly sort: Sort; readonly instance: number; readonly name: string }
  | { readonly kind: 'alias outer'; readonly sort: Sort; readonly count: number; readonly index: number }
  | { readonly kind: 'type'; readonly type: DefinedType }
  | { readonly kind: 'lift'; readonly func: number; readonly options: CanonOptions; readonly type: number }
  | { readonly kind: 'lower'; readonly func: number; readonly options: CanonOptions }
  | { readonly kind: 'resource'; readonly op: 'new' | 'drop' | 'rep'; readonly type: number }
  | { readonly kind: 'import'; readonly name: string; readonly type: ExternType }
  | { readonly kind: 'export'; readonly name: string; readonly sort: Sort; readonly index: number }
);

export interface Component {
  readonly file: string;
  /** Of the whole file. */
  readonly bytes: Uint8Array;
  readonly definitions: readonly Definition[];
  /** Names of core modules by index, from the component's name section where it is well formed. */
  readonly moduleNames: ReadonlyMap<number, string>;
}

/** Where a core module is in its file. */
export interface CoreModule {
  readonly start: number;
  readonly end: number;
  readonly name: string | undefined;
}

/** All core modules of a component and of those nested in it, in the order of the file. */
export function coreModules(component: Component): CoreModule[] {
  const found: CoreModule[] = [];
  collect(component, found);
  return found;
}

function collect({ definitions, moduleNames }: Component, found: CoreModule[]): void {
  let index = 0;
  for (const definition of definitions) {
    if (definition.kind === 'component') collect(definition.component, found);
    if (definition.kind !== 'core module') continue;
    const { start, end } = definition;
    found.push({ start, end, name: moduleNames.get(index++) });
  }
}

/**
 * Binds the imports of an image's instances by (module, name), as core spec 4.5.4 instantiates a module, but ahead of
 * time: an image is a closed world. Gives each imported entity the instance and index that defines it.
 *
 * Sources in this order: modules linked under that name (the last one wins, unless the caller says which), then the
 * host layer for WASI and wag_snap. Imports of the host layer itself ("native", "target") are the compiler's and not
 * bound here.
 */

import { ModuleError } from '../../base/errors.js';
import { defineMissing } from '../../wasm/missing.js';
import {
  type Export,
  ExternKind,
  type FuncType,
  type GlobalType,
  type Import,
  type Limits,
  type Module,
} from '../../wasm/module.js';
import { isFuncSubtype, matchesAcross, sameFuncType, sameSignature } from '../../wasm/ref-types.js';
import { formatFuncType, formatGlobalType, formatLimits, formatMemoryType, valTypeName } from '../../wasm/text.js';
import { BUILTINS } from '../convention/environment.js';
import { mayHaveGrown } from './grown.js';
import { checkEmbeddable, type HostImports, isEmbedders } from './host-imports.js';
import { knownHost } from './known-hosts.js';
import { definition, type LinkedInstance, Provider } from './linked-instance.js';

const WASI_MODULES = ['wasi_snapshot_preview1', 'wasi_unstable'];
/** The import module of wag-snap's own functions for guests. */
const OWN_MODULE = 'wag_snap';
const OWN_FUNCTIONS = new Set<string>(['clone', 'generation', 'proc_exit_for_component', 'snapshot']);
/** Exports of the host layer that are not WASI. */
const INTERNAL = new Set<string>([
  ...['boot', 'start', 'on_signal', 'raise', 'memory', 'call_embedder', 'embedder_trap'],
  ...BUILTINS,
  ...OWN_FUNCTIONS,
]);

export interface LinkOptions {
  /** Whether imports that nothing provides get stand-ins (wasm/missing.ts). Default: they are an error. */
  readonly allowMissing?: boolean | undefined;
  /** Which functions that nothing else provides are the embedder's. Default: none. */
  readonly hostImports?: HostImports | undefined;
  /** The instance that an import module name means. Default: the last one of that name. */
  readonly resolve?: ((name: string) => LinkedInstance | undefined) | undefined;
}

/**
 * @param instances those linked so far, the host layer first
 * @throws ModuleError 'unlinkable'
 */
export function linkInstance(
  instances: readonly LinkedInstance[],
  name: string,
  module: Module,
  file: string,
  { allowMissing = false, hostImports, resolve = (from) => findInstance(instances, from) }: LinkOptions = {},
): LinkedInstance {
  const index = instances.length;
  if (index > 0) {
    if (allowMissing) module = defineMissing(module, file, (entry) => findProvided(resolve, entry) !== undefined);
    else if (!isEmbedders(hostImports, THREAD_SPAWN)) refuseThreads(module, file);
  }
  const linked: LinkedInstance = {
    index,
    name,
    file,
    module,
    functionLinks: new Int32Array(module.importedFuncCount * 2),
    providers: new Uint8Array(module.importedFuncCount),
    hostIndexes: new Int32Array(module.importedFuncCount).fill(-1),
    memoryLinks: new Int32Array(module.importedMemoryCount * 2),
    tableLinks: new Int32Array(module.importedTableCount * 2),
    globalLinks: new Int32Array(module.importedGlobalCount * 2),
    tagLinks: new Int32Array(module.importedTagCount * 2),
  };
  if (index === 0) return linked; // the host layer
  const links = [linked.functionLinks, linked.tableLinks, linked.memoryLinks, linked.globalLinks, linked.tagLinks];
  const counts = [0, 0, 0, 0, 0];
  const problems: Problem[] = [];
  for (const entry of module.imports) {
    const at = counts[entry.kind]++;
    const provider = resolve(entry.module);
    const found = provider && findExport(provider.module, entry.name);
    if (provider && found) {
      if (!matches(instances, provider, found, entry, module)) {
        problems.push({ entry, what: INCOMPATIBLE, expected: describeExport(provider.module, found), mendable: false });
        continue;
      }
      const target = definition(provider, found.kind, found.index);
      links[entry.kind].set(target, at * 2);
      continue;
    }
    if (entry.kind === ExternKind.Func) {
      links[ExternKind.Func].set([index, at], at * 2);
      const host = provider ? undefined : findHostExport(instances[0].module, entry);
      const fits = host && sameSignature(funcType(instances[0].module, host.index), module.types[entry.typeIndex]);
      // A module for a JavaScript host may import a WASI function with its i64 parameters cut in two.
      if (host && !fits && !allowMissing) {
        const expected = describeExport(instances[0].module, host);
        problems.push({ entry, what: INCOMPATIBLE, expected, mendable: true });
        continue;
      }
      if (host && fits) {
        linked.providers[at] = Provider.Host;
        linked.hostIndexes[at] = host.index;
        continue;
      }
      if (!host && isEmbedders(hostImports, entry)) {
        checkEmbeddable(entry, module, file);
        linked.providers[at] = Provider.Embedder;
        continue;
      }
      if (allowMissing) {
        linked.providers[at] = Provider.Missing;
        continue;
      }
    }
    problems.push({ entry, what: UNKNOWN, expected: undefined, mendable: !allowMissing });
  }
  if (problems.length > 0) {
    const ofHost = problems.filter(({ entry }) => resolve(entry.module) === undefined);
    const host = knownHost(
      ofHost.map(({ entry }) => entry),
      module,
    );
    throw unlinkableAll(problems, host, module, file);
  }
  return linked;
}

export function funcType(module: Module, index: number): FuncType {
  return module.types[module.funcTypes[index]];
}

const exportsByName = new WeakMap<Module, Map<string, Export>>();

export function findExport(module: Module, name: string): Export | undefined {
  let map = exportsByName.get(module);
  if (map === undefined) exportsByName.set(module, (map = new Map(module.exports.map((entry) => [entry.name, entry]))));
  return map.get(name);
}

function findInstance(instances: readonly LinkedInstance[], name: string): LinkedInstance | undefined {
  for (let i = instances.length - 1; i > 0; i--) if (instances[i].name === name) return instances[i];
  return undefined;
}

function findHostExport(host: Module, entry: Import): Export | undefined {
  const isOwn = entry.module === OWN_MODULE && OWN_FUNCTIONS.has(entry.name);
  if (!isOwn && (!WASI_MODULES.includes(entry.module) || INTERNAL.has(entry.name))) return undefined;
  const found = findExport(host, entry.name);
  return found?.kind === ExternKind.Func ? found : undefined;
}

/** Import matching, core spec 4.5.2 (external types). */
function matches(
  instances: readonly LinkedInstance[],
  provider: LinkedInstance,
  found: Export,
  wanted: Import,
  importer: Module,
): boolean {
  const { module } = provider;
  if (found.kind !== wanted.kind) return false;
  switch (wanted.kind) {
    case ExternKind.Func:
      return isFuncSubtype(funcType(module, found.index), module.types, importer.types[wanted.typeIndex]);
    case ExternKind.Table: {
      const { tables: table, module: owner, definition } = actual(instances, provider, found);
      const same = sameValType(owner, table.element, importer, wanted.table.element);
      const hasGrown = () => mayHaveGrown(instances, ExternKind.Table, definition);
      return same && limitsMatch(table, wanted.table, hasGrown);
    }
    case ExternKind.Memory: {
      const { memories: memory, definition } = actual(instances, provider, found);
      const { shared, pageSize } = wanted.memory;
      const hasGrown = () => mayHaveGrown(instances, ExternKind.Memory, definition);
      return memory.shared === shared && memory.pageSize === pageSize && limitsMatch(memory, wanted.memory, hasGrown);
    }
    case ExternKind.Global:
      return matchesGlobal(module, module.globals[found.index], importer, wanted.global);
    case ExternKind.Tag:
      return sameFuncType(module.types[module.tags[found.index]], importer.types[wanted.typeIndex]);
  }
}

/** The type of the definition itself: an import in between may have asked for less. */
function actual(instances: readonly LinkedInstance[], provider: LinkedInstance, found: Export) {
  const defined = definition(provider, found.kind, found.index);
  const [instance, index] = defined;
  const { module } = instances[instance];
  return { module, definition: defined, tables: module.tables[index], memories: module.memories[index] };
}

/** Core spec 3.2.5 (globals): the type of an immutable global may be a subtype of the expected one. */
function matchesGlobal(provider: Module, found: GlobalType, importer: Module, wanted: GlobalType): boolean {
  if (found.mutable !== wanted.mutable) return false;
  return found.mutable
    ? sameValType(provider, found.type, importer, wanted.type)
    : matchesAcross(provider.refTypes, found.type, importer.refTypes, wanted.type);
}

function sameValType(a: Module, typeA: number, b: Module, typeB: number): boolean {
  return a.refTypes.key(typeA) === b.refTypes.key(typeB);
}

/** @param hasGrown whether it may be larger by then than it is declared to be */
function limitsMatch(actual: Limits, wanted: Limits, hasGrown: () => boolean): boolean {
  if (actual.address !== wanted.address) return false;
  if (wanted.max !== undefined && (actual.max === undefined || actual.max > wanted.max)) return false;
  if (actual.min >= wanted.min) return true;
  return (actual.max ?? Number.POSITIVE_INFINITY) >= wanted.min && hasGrown();
}

/** An import that cannot be bound. */
interface Problem {
  readonly entry: Import;
  readonly what: string;
  /** The type that the importer expects. */
  readonly expected: string | undefined;
  /** Whether --allow-missing-imports would help. */
  readonly mendable: boolean;
}

const HOST_IMPORTS_OPTION = 'compile --host-imports';
const UNKNOWN = 'unknown import';
const INCOMPATIBLE = 'incompatible import type';
/** How many problems are listed at most: a module for JavaScript may have thousands. */
const LISTED = 40;

/** Reports all problems at once, so that nobody has to find them one by one. */
function unlinkableAll(
  problems: readonly Problem[],
  host: string | undefined,
  module: Module,
  file: string,
): ModuleError {
  const about = host === undefined ? [] : [host];
  const [first] = problems;
  if (problems.length === 1) {
    const hint = first.mendable ? hintFor(first) : '';
    return new ModuleError('unlinkable', `${line(first, module)}${hint}`, 0, file, about);
  }
  const lines = problems.slice(0, LISTED).map((problem) => `  ${line(problem, module)}`);
  if (problems.length > LISTED) lines.push(`  ... and ${problems.length - LISTED} more`);
  const isMendable = problems.every(({ mendable }) => mendable);
  const functions = problems.some(({ entry, what }) => entry.kind === ExternKind.Func && what === UNKNOWN);
  const hint = isMendable
    ? [
        '--allow-missing-imports makes calls of functions trap, and the others empty or zero',
        ...(functions ? [`${HOST_IMPORTS_OPTION} leaves functions to the program that starts the process`] : []),
        inLibrary(functions),
      ]
    : [];
  const headline = `${problems.length} imports cannot be provided:`;
  return new ModuleError('unlinkable', headline, 0, file, [...lines, ...about, ...hint]);
}

function line({ what, entry, expected }: Problem, module: Module): string {
  const given = describe(entry, module);
  // Types of recursion groups and subtypes have no text of their own.
  const needs =
    expected === undefined ? '' : `, expected ${given === expected ? 'another type of this form' : expected}`;
  return `${what}: ${entry.module}.${entry.name} ${given}${needs}`;
}

function unlinkable(what: string, entry: Import, module: Module, file: string, hint = ''): ModuleError {
  const detail = `${what}: ${entry.module}.${entry.name} ${describe(entry, module)}${hint}`;
  return new ModuleError('unlinkable', detail, 0, file);
}

function hintFor({ entry: { kind }, what: problem }: Problem): string {
  const what =
    kind === ExternKind.Func
      ? 'makes calls of it trap'
      : kind === ExternKind.Global
        ? 'makes one that is zero'
        : kind === ExternKind.Tag
          ? 'makes one'
          : 'makes an empty one';
  const isEmbeddable = kind === ExternKind.Func && problem === UNKNOWN;
  const embedder = isEmbeddable ? `, ${HOST_IMPORTS_OPTION} leaves it to the program that starts the process` : '';
  return ` (--allow-missing-imports ${what}${embedder}; ${inLibrary(isEmbeddable)})`;
}

/** The same advice for a program that calls the library. */
function inLibrary(isEmbeddable: boolean): string {
  return `in the library: allowMissingImports${isEmbeddable ? ', hostImports, or imports of run' : ''}`;
}

const THREAD_SPAWN = { module: 'wasi', name: 'thread-spawn' };

/**
 * Refuses a module of wasi-threads by its import thread-spawn. Its imported memory comes first, but the error would be
 * about the memory then.
 */
function refuseThreads(module: Module, file: string): void {
  const spawn = module.imports.find(
    (entry) => entry.module === THREAD_SPAWN.module && entry.name === THREAD_SPAWN.name,
  );
  if (spawn === undefined) return;
  const hint = ` (starting threads is not supported yet; --allow-missing-imports makes attempts trap; ${inLibrary(false)})`;
  throw unlinkable('unknown import', spawn, module, file, hint);
}

function findProvided(
  resolve: (name: string) => LinkedInstance | undefined,
  { module, name }: Import,
): Export | undefined {
  const provider = resolve(module);
  return provider && findExport(provider.module, name);
}

function describe(entry: Import, module: Module): string {
  switch (entry.kind) {
    case ExternKind.Func:
      return `(function ${formatFuncType(module.types[entry.typeIndex])})`;
    case ExternKind.Table:
      return `(table ${formatLimits(entry.table)} ${valTypeName(entry.table.element)})`;
    case ExternKind.Memory:
      return `(memory ${formatMemoryType(entry.memory)})`;
    case ExternKind.Global:
      return `(global ${formatGlobalType(entry.global)})`;
    case ExternKind.Tag:
      return `(tag ${formatFuncType(module.types[entry.typeIndex])})`;
  }
}

function describeExport(module: Module, { kind, index }: Export): string {
  switch (kind) {
    case ExternKind.Func:
      return `(function ${formatFuncType(funcType(module, index))})`;
    case ExternKind.Table:
      return `(table ${formatLimits(module.tables[index])} ${valTypeName(module.tables[index].element)})`;
    case ExternKind.Memory:
      return `(memory ${formatMemoryType(module.memories[index])})`;
    case ExternKind.Global:
      return `(global ${formatGlobalType(module.globals[index])})`;
    case ExternKind.Tag:
      return `(tag ${formatFuncType(module.types[module.tags[index]])})`;
  }
}

/**
 * Finds each instance's memories and globals among a coredump's, and its tables among a snapshot's: those that it
 * defines, and those that it imports.
 *
 * A snapshot has each memory and global once, at the instance that defines it. Imports are resolved by the modules'
 * names and exports, as the linker does. What nothing provides is defined by the importing instance itself, before its
 * other definitions (wasm/missing.ts). If a module was left out of the snapshot, its imports are unknown and are not
 * listed.
 */

import { InputError } from '../base/errors.js';
import { ExternKind, type Module } from '../wasm/module.js';
import type { Snapshot } from './snapshot.js';

/** For an instance: its module, and the indexes of its memories and globals in the coredump. */
export interface IndexSpaces {
  readonly module: number;
  readonly memories: readonly number[];
  readonly globals: readonly number[];
  /** The indexes of its tables among all of the snapshot's: coredumps have no tables. */
  readonly tables: readonly number[];
}

type Kind = ExternKind.Memory | ExternKind.Global | ExternKind.Table;

/** For each kind: its list in an instance's index spaces, and its list in the module. */
const LISTS = {
  [ExternKind.Memory]: 'memories',
  [ExternKind.Global]: 'globals',
  [ExternKind.Table]: 'tables',
} as const;

/** @param modules the decoded modules; undefined for those that the snapshot does not carry */
export function indexSpaces({ instances, modules: names }: Snapshot, modules: readonly (Module | undefined)[]) {
  const spaces: IndexSpaces[] = [];
  let memoryCount = 0;
  let globalCount = 0;
  let tableCount = 0;
  for (const { module, memories, globals, tables } of instances) {
    const imported = (kind: Kind, own: number) => importedIndexes(kind, own, module);
    spaces.push({
      module,
      memories: [...imported(ExternKind.Memory, memories.length), ...from(memoryCount, memories.length)],
      globals: [...imported(ExternKind.Global, globals.length), ...from(globalCount, globals.length)],
      tables: [...imported(ExternKind.Table, tables.length), ...from(tableCount, tables.length)],
    });
    memoryCount += memories.length;
    globalCount += globals.length;
    tableCount += tables.length;
  }
  return spaces;

  /** The imports of instance `spaces.length` that another instance provides, without those that are its `own`. */
  function importedIndexes(kind: Kind, own: number, index: number): number[] {
    const module = modules[index];
    if (module === undefined) return [];
    const list = LISTS[kind];
    return module.imports
      .filter((entry) => entry.kind === kind)
      .slice(0, module[list].length - own)
      .map(({ module: provider, name }) => {
        const at = spaces.findLastIndex((space) => names[space.module].name === provider);
        const found = modules[spaces[at]?.module]?.exports.find((entry) => entry.kind === kind && entry.name === name);
        const result = found && spaces[at]?.[list][found.index];
        if (result === undefined) throw new InputError('snapshot', `snapshot: nothing exports ${provider}.${name}`);
        return result;
      });
  }
}

function from(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => first + i);
}

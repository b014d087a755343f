/** An instance of an image whose imports are bound, and where what it imports is defined. */

import { ExternKind, type Module } from '../../wasm/module.js';

/** Who implements an imported function. */
export const enum Provider {
  Instance, // links names another instance's function
  Host, // links names the thunk, which is the importing instance's; `hostIndexes` the host layer's function
  Missing, // the same, but its thunk traps
  Embedder, // the same, but its thunk asks the program that started the process (embedder-table.ts)
}

/** An instance with its imports bound. `...Links` hold (instance, index) of the definition for each imported entity. */
export interface LinkedInstance {
  readonly index: number;
  readonly name: string;
  readonly file: string;
  readonly module: Module;
  readonly functionLinks: Int32Array;
  readonly providers: Uint8Array; // of Provider, per imported function
  readonly hostIndexes: Int32Array; // function index in the host layer, or -1
  readonly memoryLinks: Int32Array;
  readonly tableLinks: Int32Array;
  readonly globalLinks: Int32Array;
  readonly tagLinks: Int32Array;
}

/** (instance, index) of the definition of an entity in an instance's index space; thunks define themselves. */
export function definition(instance: LinkedInstance, kind: ExternKind, index: number): [number, number] {
  const links =
    kind === ExternKind.Func
      ? instance.functionLinks
      : kind === ExternKind.Table
        ? instance.tableLinks
        : kind === ExternKind.Memory
          ? instance.memoryLinks
          : kind === ExternKind.Global
            ? instance.globalLinks
            : instance.tagLinks;
  return index * 2 < links.length ? [links[index * 2], links[index * 2 + 1]] : [instance.index, index];
}

/**
 * What a thread gets of an instance: as much of its module as function bodies are validated and compiled with, in
 * arrays that are cheap to send. The module's bytes are shared, not copied.
 */

import type { Target } from '../../arch/masm/target.js';
import { InstanceLayout } from '../../image/instance-layout.js';
import type { ElementSegment, FuncType, Global, MemoryType, Module, TableType, ValType } from '../../wasm/module.js';
import { exactOf, funcType, RefTypes } from '../../wasm/ref-types.js';
import type { PieceRange } from './piece.js';
import type { PieceContext, PieceInstance } from './piece-compiler.js';

export interface ThreadInput extends SentInstance {
  readonly target: Pick<Target, 'name' | 'cpuNeeds'>;
  readonly ranges: readonly PieceRange[];
  readonly context: PieceContext;
}

export interface SentInstance {
  readonly module: SentModule;
  readonly layout: SentLayout;
  readonly file: string;
}

export interface SentLayout {
  readonly start: number;
  readonly index: number;
  readonly typeIds: Uint32Array;
  /** By id of a type that has any: the ids of its subtypes, its own first. */
  readonly subtypes: ReadonlyMap<number, readonly number[]>;
}

type Kept =
  | 'funcTypes'
  | 'importedFuncCount'
  | 'importedTableCount'
  | 'importedMemoryCount'
  | 'importedGlobalCount'
  | 'importedTagCount'
  | 'tags'
  | 'start'
  | 'dataCount'
  | 'bodyStart'
  | 'bodyEnd'
  | 'declaredFuncs';

interface SentModule extends Pick<Module, Kept> {
  readonly bytes: Uint8Array;
  /** Of each type: how many parameters and results; then their codes. */
  readonly typeCounts: Uint32Array;
  readonly typeCodes: Int32Array;
  readonly identities: readonly (string | undefined)[];
  /** Of each type: the index of its supertype plus 1, or 0 for none; and whether it may have subtypes. */
  readonly supertypes: Uint32Array;
  readonly open: Uint8Array;
  readonly tables: readonly TableType[];
  readonly memories: readonly MemoryType[];
  readonly globalTypes: Int32Array;
  readonly mutable: Uint8Array;
  readonly elementTypes: Int32Array;
  readonly dataSegments: number;
}

/** The bytes are those of the module until they are replaced by shared ones: sharedBytes(). */
export function sendModule(module: Module): SentModule {
  const typeCounts = new Uint32Array(2 * module.types.length);
  const typeCodes = new Int32Array(
    module.types.reduce((sum, { params, results }) => sum + params.length + results.length, 0),
  );
  let at = 0;
  module.types.forEach((type, i) => {
    const { params, results } = exactOf(type);
    typeCounts[2 * i] = params.length;
    typeCounts[2 * i + 1] = results.length;
    typeCodes.set(params, at);
    typeCodes.set(results, at + params.length);
    at += params.length + results.length;
  });
  return {
    bytes: module.bytes,
    typeCounts,
    typeCodes,
    identities: module.types.map(({ identity }) => identity),
    supertypes: Uint32Array.from(module.types, ({ supertype = -1 }) => supertype + 1),
    open: Uint8Array.from(module.types, ({ isOpen = false }) => Number(isOpen)),
    tables: module.tables.map(({ element, address, min, max }) => ({ element, address, min, max })),
    memories: module.memories,
    globalTypes: Int32Array.from(module.globals, ({ type }) => type),
    mutable: Uint8Array.from(module.globals, ({ mutable }) => Number(mutable)),
    elementTypes: Int32Array.from(module.elements, ({ type }) => type),
    dataSegments: module.datas.length,
    funcTypes: module.funcTypes,
    importedFuncCount: module.importedFuncCount,
    importedTableCount: module.importedTableCount,
    importedMemoryCount: module.importedMemoryCount,
    importedGlobalCount: module.importedGlobalCount,
    importedTagCount: module.importedTagCount,
    tags: module.tags,
    start: module.start,
    dataCount: module.dataCount,
    bodyStart: module.bodyStart,
    bodyEnd: module.bodyEnd,
    declaredFuncs: module.declaredFuncs,
  };
}

export function sharedBytes(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  return shared;
}

export function sendLayout(layout: InstanceLayout): SentLayout {
  const { start, index, typeIds, module } = layout;
  const subtypes = new Map<number, readonly number[]>();
  module.types.forEach((_, i) => {
    const accepted = layout.acceptedTypes(i);
    if (accepted.length > 1) subtypes.set(typeIds[i], accepted);
  });
  return { start, index, typeIds, subtypes };
}

/** The instance as it is on the thread that links, but for what no function body depends on. */
export function receiveInstance({ module: sent, layout, file }: SentInstance, Layout = InstanceLayout): PieceInstance {
  const types = receiveTypes(sent);
  const { typeCounts, typeCodes, identities, supertypes, open, ...rest } = sent;
  const { globalTypes, mutable, elementTypes, dataSegments, ...kept } = rest;
  const module: Module = {
    ...kept,
    types,
    refTypes: RefTypes.of(types),
    imports: [],
    exports: [],
    names: undefined,
    globals: Array.from(globalTypes, (type, i) => ({ type, mutable: mutable[i] !== 0 }) as Global),
    elements: Array.from(elementTypes, (type): ElementSegment => segment(type)),
    datas: new Array(dataSegments),
  };
  let next = 0;
  const ids = {
    id: () => layout.typeIds[next++], // asked for each type, in order
    subtypes: (id: number) => layout.subtypes.get(id) ?? [id],
  };
  return { module, layout: new Layout(module, layout.start, layout.index, ids, file), file };
}

function segment(type: ValType): ElementSegment {
  return { mode: 'passive', type, table: 0, offset: undefined, items: [] };
}

function receiveTypes({ typeCounts, typeCodes, identities, supertypes, open }: SentModule): FuncType[] {
  const types: FuncType[] = [];
  let at = 0;
  const list = (count: number) => typeCodes.slice(at, (at += count));
  for (let i = 0; i < typeCounts.length; i += 2) {
    const params = list(typeCounts[i]);
    const type = funcType(params, list(typeCounts[i + 1]));
    const identity = identities[i / 2];
    const supertype = supertypes[i / 2] - 1;
    types.push({
      ...type,
      ...(identity === undefined ? {} : { identity }),
      ...(supertype < 0 ? {} : { supertype }),
      ...(open[i / 2] === 0 ? {} : { isOpen: true }),
    });
  }
  return types;
}

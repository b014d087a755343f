/**
 * What a random module consists of, without its code: types, functions, globals, tables, memory, segments, imports.
 *
 * Global 0 is the fuel: function entries and back edges take from it, so that every run ends. A module may import from
 * one that was generated before it (`library`).
 */

import type { ValType } from '../../src/wasm/module.js';
import type { Encoding } from '../support/function-references.js';
import type { Choices } from './choices.js';
import { addHeaps } from './heap-types.js';
import { referenceTo } from './reference-types.js';
import {
  ExternRef,
  F32,
  F64,
  FuncRef,
  I32,
  I64,
  NUMBERS,
  type Signature,
  Types,
  V128,
  type ValueKinds,
  valueType,
  valueTypes,
} from './types.js';

export * from './types.js';

export interface FunctionShape extends Signature {
  readonly type: number;
  /** Locals after the parameters. */
  readonly locals: readonly ValType[];
}

export interface GlobalShape {
  readonly type: ValType;
  readonly mutable: boolean;
}

export interface TableShape {
  readonly element: ValType;
  readonly min: number;
  readonly max: number;
}

/** How many of each index space are imported, always the first ones; memory: 1 or 0. */
export interface Imported {
  readonly functions: readonly number[]; // their index in the library
  readonly globals: readonly number[];
  readonly tables: readonly number[];
  readonly tags: readonly number[];
  readonly memory: boolean;
}

export interface Shape {
  /** What other modules import it by. */
  readonly name: string;
  readonly library: Shape | undefined;
  /** Whether there are v128 values and SIMD instructions. */
  readonly vectors: boolean;
  /** Whether functions, globals and tags are about them too, not only functions' bodies. */
  readonly vectorTypes: boolean;
  /** Whether there are atomic accesses. */
  readonly atomics: boolean;
  /** Whether there are tail calls. */
  readonly tailCalls: boolean;
  /** How many types there are typed references to: the first ones, and the same in all modules of a case. */
  readonly heaps: number;
  /** Whether those types are a hierarchy, and there are casts. */
  readonly casts: boolean;
  readonly encoding: Encoding;
  /** Values of the globals that constant expressions may use, as far as they are known when they are written. */
  readonly constants: Map<number, bigint>;
  readonly types: Types;
  readonly imported: Imported;
  /** Whole index spaces, imported ones first. */
  readonly functions: readonly FunctionShape[];
  readonly globals: readonly GlobalShape[];
  readonly tables: readonly TableShape[];
  /** What the exceptions of each tag carry. Without tags there are no exceptions. */
  readonly tags: readonly (readonly ValType[])[];
  readonly memory: { readonly min: number; readonly max: number; readonly shared: boolean };
  /** Of table 0, from its start: function indexes, -1 for null. */
  readonly elements: readonly number[];
  readonly passiveElements: readonly number[];
}

export const DATA_SEGMENTS = 2;
export const DATA_SIZE = 48;
/** Index of the fuel global among the module's own globals. */
export function fuelGlobal(shape: Shape): number {
  return shape.imported.globals.length;
}

/** Whether a global is this module's fuel or the library's. */
export function isFuel(shape: Shape, index: number): boolean {
  const { globals } = shape.imported;
  return index < globals.length ? isFuel(shape.library!, globals[index]) : index === globals.length;
}

export interface Sizes {
  readonly functions: number;
  /** Instructions of a function, about. */
  readonly body: number;
  /** With SIMD. */
  readonly vectors?: boolean;
  /** With atomic accesses, some of a shared memory. */
  readonly atomics?: boolean;
  /** With tail calls, and many functions of the same results. */
  readonly tailCalls?: boolean;
  /** With tags, and try in its legacy form. */
  readonly exceptions?: boolean;
  /** With typed function references. */
  readonly references?: boolean;
  /** With casts of such references, whose types are a hierarchy. */
  readonly casts?: boolean;
}

export function randomShape(choices: Choices, sizes: Sizes, encoding: Encoding, name: string, library?: Shape): Shape {
  const types = new Types();
  const { vectors = false, atomics = false, tailCalls = false, exceptions = false, casts = false } = sizes;
  const references = casts || sizes.references === true;
  const vectorTypes = vectors && !choices.oneIn(4);
  const heaps = references ? addHeaps(choices, types, { vectorTypes, casts }, library) : 0;
  const kinds = { vectorTypes, heaps };
  const localKinds = { vectorTypes: vectors, heaps };
  const imported = randomImports(choices, library);
  const functions = imported.functions.map((index): FunctionShape => {
    const { params, results, type } = library!.functions[index];
    return { params, results, type: type < heaps ? type : types.index(params, results), locals: [] };
  });
  const own = 1 + choices.next(sizes.functions);
  for (let heap = 0; heap < heaps; heap++) {
    functions.push({ ...types.list[heap], type: heap, locals: randomLocals(choices, localKinds) });
  }
  for (let i = 0; i < own; i++) {
    functions.push(randomFunction(choices, types, functions.at(-1), kinds, localKinds, tailCalls));
  }
  const globals: GlobalShape[] = imported.globals.map((index) => library!.globals[index]);
  globals.push({ type: I32, mutable: true });
  for (const type of vectorTypes ? [...NUMBERS, V128] : NUMBERS) globals.push({ type, mutable: true });
  for (const type of [I32, I64]) if (choices.oneIn(2)) globals.push({ type, mutable: false });
  for (let i = choices.next(5); i > 0; i--)
    globals.push({ type: valueType(choices, kinds), mutable: !choices.oneIn(4) });
  const constants = new Map<number, bigint>();
  for (const [i, from] of imported.globals.entries()) {
    const value = library!.constants.get(from);
    if (value !== undefined) constants.set(i, value);
  }
  const tables: TableShape[] = imported.tables.map((index) => library!.tables[index]);
  if (tables.length === 0) tables.push({ element: FuncRef, min: 12, max: 20 });
  if (choices.oneIn(2)) tables.push({ element: choices.pick([FuncRef, ExternRef]), min: choices.next(4), max: 8 });
  for (let heap = 0; heap < heaps; heap++) {
    if (choices.oneIn(2)) tables.push({ element: referenceTo(heap, true), min: 1 + choices.next(4), max: 8 });
  }
  const tags = imported.tags.map((index) => library!.tags[index]);
  if (exceptions) for (let i = 1 + choices.next(3); i > 0; i--) tags.push(valueTypes(choices, 5, kinds));
  const min = 1 + choices.next(2);
  const memory = imported.memory
    ? library!.memory
    : { min, max: min + choices.next(3), shared: atomics && choices.oneIn(2) };
  const element = () => (choices.oneIn(6) ? -1 : choices.next(functions.length));
  return {
    name,
    library,
    vectors,
    vectorTypes,
    atomics,
    tailCalls,
    heaps,
    casts,
    encoding,
    constants,
    types,
    imported,
    functions,
    globals,
    tables,
    tags,
    memory,
    elements: Array.from({ length: 8 }, element),
    passiveElements: Array.from({ length: 4 }, element),
  };
}

function randomImports(choices: Choices, library: Shape | undefined): Imported {
  if (library === undefined) return { functions: [], globals: [], tables: [], tags: [], memory: false };
  const some = (count: number, most: number) =>
    Array.from({ length: Math.min(count, choices.next(most + 1)) }, () => choices.next(count));
  return {
    functions: some(library.functions.length, 3),
    globals: some(library.globals.length, 4),
    tables: choices.oneIn(2) ? [0] : [],
    tags: library.tags.length > 0 ? some(library.tags.length, 2) : [],
    memory: choices.oneIn(2),
  };
}

/**
 * Some have the type of the one before. Locals: few, so that each is used often enough to be pinned; many of one class,
 * more than there are registers; any.
 */
function randomFunction(
  choices: Choices,
  types: Types,
  previous: Signature | undefined,
  kinds: ValueKinds,
  localKinds: ValueKinds,
  tailCalls: boolean,
): FunctionShape {
  const like = previous !== undefined && choices.oneIn(3) ? previous : undefined;
  const params = like?.params ?? valueTypes(choices, choices.oneIn(tailCalls ? 2 : 6) ? 24 : 8, kinds);
  const sameResults = tailCalls && previous !== undefined && choices.next(3) > 0 ? previous.results : undefined;
  const results = sameResults ?? (choices.oneIn(2) && like ? like.results : valueTypes(choices, 4, kinds));
  const locals = randomLocals(choices, localKinds);
  return { params, results, type: types.index(params, results), locals };
}

function randomLocals(choices: Choices, kinds: ValueKinds): ValType[] {
  switch (choices.next(6)) {
    case 5:
      return valueTypes(choices, 40, kinds);
    case 4:
      return Array.from({ length: 8 + choices.next(4) }, () => choices.pick([I32, I64]));
    case 3:
      return Array.from({ length: 9 + choices.next(4) }, () =>
        choices.pick(kinds.vectorTypes ? [F64, F32, V128] : [F64, F32]),
      );
    case 2:
      return valueTypes(choices, 10, kinds);
    default:
      return valueTypes(choices, 4, kinds);
  }
}

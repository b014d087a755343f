/**
 * The functions that an embedder provides, by module and name, with or without types.
 *
 * Values are those of JavaScript's WebAssembly API: i32, f32 and f64 are numbers, i64 is a bigint; a v128 is its 16
 * bytes, a reference is null. A function without results gives undefined, one with a single result the value itself,
 * others an array.
 */

import type { CallContext } from './call-context.js';

export type ImportValue = number | bigint | Uint8Array | null;
export type ImportResult = ImportValue | readonly ImportValue[] | undefined;

/**
 * A function that guests call; it may answer later. If it throws, or its answer is no ImportResult of the types that
 * the guest imports, the guest traps.
 *
 * @param context access to the guest's memory, the call's number
 */
// biome-ignore lint/suspicious/noExplicitAny: the guest's import decides number and types of the arguments
export type ImportFunction = (context: CallContext, ...args: any[]) => unknown;

export type ImportType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref';

/** A function with a fixed type. It fits only imports of that type. */
export interface TypedImport {
  readonly params: readonly ImportType[];
  readonly results: readonly ImportType[];
  readonly call: ImportFunction;
}

/** Functions by the import's module name and function name. */
export type Imports = Readonly<Record<string, Readonly<Record<string, ImportFunction | TypedImport>>>>;

type ValueOf<T extends ImportType> = T extends 'i64'
  ? bigint
  : T extends 'v128'
    ? Uint8Array
    : T extends 'funcref' | 'externref'
      ? null
      : number;
type ValuesOf<T extends readonly ImportType[]> = { -readonly [K in keyof T]: ValueOf<T[K]> };
type ResultOf<T extends readonly ImportType[]> = T extends readonly []
  ? unknown
  : T extends readonly [infer One extends ImportType]
    ? ValueOf<One>
    : Readonly<ValuesOf<T>>;

/**
 * Gives a function a type, which is compared with the guest's import before the guest runs.
 *
 *     typedImport(['i32', 'i32'], ['i64'], async (context, pointer, length) => 1n)
 */
export function typedImport<const P extends readonly ImportType[], const R extends readonly ImportType[]>(
  params: P,
  results: R,
  call: (context: CallContext, ...args: ValuesOf<P>) => ResultOf<R> | Promise<ResultOf<R>>,
): TypedImport {
  return { params, results, call: call as ImportFunction };
}

/** Looks up a provided function. Only own properties count, as guests choose the names. */
export function provided(imports: Imports, module: string, name: string): ImportFunction | TypedImport | undefined {
  const functions = Object.hasOwn(imports, module) ? imports[module] : undefined;
  return functions && Object.hasOwn(functions, name) ? functions[name] : undefined;
}

/** All names, in the object's order. */
export function importNames(imports: Imports): { readonly module: string; readonly name: string }[] {
  return Object.entries(imports).flatMap(([module, functions]) =>
    Object.keys(functions).map((name) => ({ module, name })),
  );
}

/**
 * What an embedder provides: functions by module and name, with or without their types.
 *
 * Values are as in JavaScript's own API: i32, f32 and f64 are numbers, i64 is a bigint, a v128 its 16 bytes, a
 * reference null. No result is undefined, one is itself, several are an array.
 */

import type { CallContext } from './call-context.js';

export type ImportValue = number | bigint | Uint8Array | null;
export type ImportResult = ImportValue | readonly ImportValue[] | undefined;

/**
 * A function that guests call, which may answer later. What it throws, and an answer that is no ImportResult of the
 * types that the guest imports, is the guest's trap.
 *
 * @param context of this call: the guest's memory, the call's number
 */
// biome-ignore lint/suspicious/noExplicitAny: arguments are as many and of such types as the guest's import says
export type ImportFunction = (context: CallContext, ...args: any[]) => unknown;

export type ImportType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'funcref' | 'externref';

/** A function that fits imports of one type only. */
export interface TypedImport {
  readonly params: readonly ImportType[];
  readonly results: readonly ImportType[];
  readonly call: ImportFunction;
}

/** By the module's name and the function's. */
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
 * A function with its types, which are compared with the guest's import before the guest runs.
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

/** The provided function of a name, if there is one: own properties only, as names are the guest's choice. */
export function provided(imports: Imports, module: string, name: string): ImportFunction | TypedImport | undefined {
  const functions = Object.hasOwn(imports, module) ? imports[module] : undefined;
  return functions && Object.hasOwn(functions, name) ? functions[name] : undefined;
}

/** All names, in the order of the object. */
export function importNames(imports: Imports): { readonly module: string; readonly name: string }[] {
  return Object.entries(imports).flatMap(([module, functions]) =>
    Object.keys(functions).map((name) => ({ module, name })),
  );
}

/**
 * The core function type of a component's function (Component Model, CanonicalABI.md, "Flattening"), and whether a
 * memory and a realloc are needed to call it.
 */

import { type FuncType, ValType } from '../module.js';
import { TypeMemo } from './type-memo.js';
import { type ResolvedType, referred } from './type-space.js';
import type { FunctionType, ValueType } from './types.js';

const MAX_FLAT_PARAMS = 16;
const MAX_FLAT_RESULTS = 1;
const { I32, I64, F32, F64 } = { I32: ValType.I32, I64: ValType.I64, F32: ValType.F32, F64: ValType.F64 };

const OF_PRIMITIVES: Readonly<Record<string, readonly ValType[]>> = {
  s64: [I64],
  u64: [I64],
  f32: [F32],
  f64: [F64],
  string: [I32, I32],
};

export interface Flat {
  /** Undefined: more than are passed flat. */
  readonly types: readonly ValType[] | undefined;
  /** Has a string or list in it. */
  readonly isDynamic: boolean;
}

export interface CoreSignature {
  readonly type: FuncType;
  /** Of a lowered function: it writes its results there. */
  readonly needsMemory: boolean;
  readonly needsRealloc: boolean;
}

const NOTHING: Flat = { types: [], isDynamic: false };
const A_WORD: Flat = { types: [I32], isDynamic: false };

export class Flattener {
  private readonly flats: TypeMemo<Flat>;

  constructor(file: string) {
    this.flats = new TypeMemo(file, (type) => this.flatten(type));
  }

  /** @param from the function's type @throws ModuleError 'invalid', LimitError */
  signature(from: ResolvedType & { kind: 'type' }, of: 'lift' | 'lower'): CoreSignature {
    const { params, result } = from.type as FunctionType;
    const given = this.all(params.map(({ type }) => this.value(from, type)));
    const given1 = given.types ?? [I32];
    const results = this.optional(from, result);
    const isFlat = results.types !== undefined && results.types.length <= MAX_FLAT_RESULTS;
    const areSpilled = given.types === undefined;
    const [into, out] = of === 'lift' ? [given, results] : [results, given];
    return {
      type: {
        params: Uint8Array.from(isFlat || of === 'lift' ? given1 : [...given1, I32]),
        results: Uint8Array.from(isFlat ? results.types : of === 'lift' ? [I32] : []),
      },
      needsMemory: areSpilled || !isFlat || into.isDynamic || out.isDynamic,
      needsRealloc: into.isDynamic || (of === 'lift' && areSpilled),
    };
  }

  private value(from: ResolvedType & { kind: 'type' }, type: ValueType): Flat {
    if (typeof type === 'string') return { types: OF_PRIMITIVES[type] ?? [I32], isDynamic: type === 'string' };
    return this.flats.of(referred(from, type));
  }

  private flatten(from: ResolvedType): Flat {
    if (from.kind === 'resource') return A_WORD;
    const { type } = from;
    switch (type.kind) {
      case 'primitive':
        return this.value(from, type.type);
      case 'record':
        return this.all(type.fields.map((field) => this.value(from, field.type)));
      case 'tuple':
        return this.all(type.types.map((one) => this.value(from, one)));
      case 'list': {
        const one = this.value(from, type.element);
        if (type.length === undefined) return { types: [I32, I32], isDynamic: true };
        if (one.types === undefined || type.length > MAX_FLAT_PARAMS) {
          return { types: undefined, isDynamic: one.isDynamic };
        }
        return this.all(new Array<Flat>(type.length).fill(one));
      }
      case 'variant':
        return this.cases(type.cases.map((one) => this.optional(from, one.type)));
      case 'option':
        return this.cases([NOTHING, this.value(from, type.type)]);
      case 'result':
        return this.cases([this.optional(from, type.ok), this.optional(from, type.error)]);
      default:
        return A_WORD;
    }
  }

  private optional(from: ResolvedType & { kind: 'type' }, type: ValueType | undefined): Flat {
    return type === undefined ? NOTHING : this.value(from, type);
  }

  private all(parts: readonly Flat[]): Flat {
    const isDynamic = parts.some((part) => part.isDynamic);
    const types: ValType[] = [];
    for (const part of parts) {
      if (part.types === undefined || types.length + part.types.length > MAX_FLAT_PARAMS) {
        return { types: undefined, isDynamic };
      }
      types.push(...part.types);
    }
    return { types, isDynamic };
  }

  /** A discriminant, then room for each case. */
  private cases(cases: readonly Flat[]): Flat {
    const isDynamic = cases.some((one) => one.isDynamic);
    const types: ValType[] = [I32];
    for (const one of cases) {
      if (one.types === undefined || one.types.length >= MAX_FLAT_PARAMS) return { types: undefined, isDynamic };
      one.types.forEach((type, i) => {
        types[i + 1] = types[i + 1] === undefined ? type : join(types[i + 1], type);
      });
    }
    return { types, isDynamic };
  }
}

function join(a: ValType, b: ValType): ValType {
  if (a === b) return a;
  return (a === I32 && b === F32) || (a === F32 && b === I32) ? I32 : I64;
}

/**
 * The decoded module: what the decoder produces, the validator has accepted and the code generator consumes.
 *
 * Is not a syntax tree: function bodies stay bytes. Positions are byte offsets from the start of the module. Columns
 * with an entry per function are typed arrays. Index spaces put imports first (core spec 2.5.1).
 */

import type { RefTypes } from './ref-types.js';
import type { FuncType, ValType } from './types.js';

export * from './types.js';

export const enum ExternKind {
  Func = 0,
  Table = 1,
  Memory = 2,
  Global = 3,
  Tag = 4,
}

/** What a memory or table is indexed with. */
export type AddressType = ValType.I32 | ValType.I64;

/**
 * `max` is undefined when the limit has none. Units: pages for memories, elements for tables. Numbers from 2^53 on are
 * 2^53 - 1.
 */
export interface Limits {
  readonly address: AddressType;
  readonly min: number;
  readonly max: number | undefined;
}

export interface TableType extends Limits {
  readonly element: ValType;
  /** What all elements are at first; absent: null. */
  readonly init?: ConstExpr;
}

export interface MemoryType extends Limits {
  /** Bytes of a page: 64 KiB, or 1 (the proposal for custom page sizes). */
  readonly pageSize: number;
  readonly shared: boolean;
}

export interface GlobalType {
  readonly type: ValType;
  readonly mutable: boolean;
}

export type Import = { readonly module: string; readonly name: string } & (
  | { readonly kind: ExternKind.Func; readonly typeIndex: number }
  | { readonly kind: ExternKind.Table; readonly table: TableType }
  | { readonly kind: ExternKind.Memory; readonly memory: MemoryType }
  | { readonly kind: ExternKind.Global; readonly global: GlobalType }
  | { readonly kind: ExternKind.Tag; readonly typeIndex: number }
);

export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  readonly index: number;
}

/** A constant instruction that takes nothing. Numbers are raw bits, low and high word, both as int32. */
export type ConstOperand =
  | { readonly op: 'const'; readonly type: ValType; readonly lo: number; readonly hi: number }
  | { readonly op: 'v128.const'; readonly words: readonly number[] } // four, lowest lane first
  | { readonly op: 'global.get'; readonly index: number }
  | { readonly op: 'ref.func'; readonly index: number }
  | { readonly op: 'ref.null'; readonly type: ValType };

/** A constant instruction that takes two numbers of the type and gives one. */
export interface ConstOperator {
  readonly op: 'add' | 'sub' | 'mul';
  readonly type: ValType.I32 | ValType.I64;
}

/** A constant expression: as a rule one instruction, else several in the order of the module, operands first. */
export type ConstExpr =
  | ConstOperand
  | { readonly op: 'steps'; readonly steps: readonly (ConstOperand | ConstOperator)[] };

export interface Global extends GlobalType {
  readonly init: ConstExpr;
}

export type SegmentMode = 'active' | 'passive' | 'declarative';

export interface ElementSegment {
  readonly mode: SegmentMode;
  readonly type: ValType;
  readonly table: number; // for active segments
  readonly offset: ConstExpr | undefined; // for active segments
  readonly items: readonly ConstExpr[]; // ref.func, ref.null or global.get
}

export interface DataSegment {
  readonly mode: 'active' | 'passive';
  readonly memory: number;
  readonly offset: ConstExpr | undefined;
  readonly start: number; // the bytes, as positions in the module
  readonly end: number;
}

export interface Module {
  readonly bytes: Uint8Array;
  readonly types: readonly FuncType[];
  readonly refTypes: RefTypes;
  readonly imports: readonly Import[];
  readonly importedFuncCount: number;
  /** Type index of each function, imported ones first. */
  readonly funcTypes: Uint32Array;
  /** All of the index space, imported ones first. */
  readonly tables: readonly TableType[];
  readonly importedTableCount: number;
  readonly memories: readonly MemoryType[];
  readonly importedMemoryCount: number;
  /** All of the index space; imported ones have no `init`. */
  readonly globals: readonly (GlobalType | Global)[];
  readonly importedGlobalCount: number;
  /** Type index of each tag, imported ones first. */
  readonly tags: Uint32Array;
  readonly importedTagCount: number;
  readonly exports: readonly Export[];
  readonly start: number | undefined; // function index
  readonly elements: readonly ElementSegment[];
  readonly datas: readonly DataSegment[];
  readonly dataCount: number | undefined;
  /**
   * Of each defined function (index = function index - importedFuncCount): where its body starts (the first byte of
   * the local declarations, just after the size) and ends. A site's body offset is relative to bodyStart.
   */
  readonly bodyStart: Uint32Array;
  readonly bodyEnd: Uint32Array;
  /** 1 for functions that a ref.func may name: exported, in an element segment or a global's initialiser. */
  readonly declaredFuncs: Uint8Array;
  /** From the custom `name` section where it is well formed; else undefined. */
  readonly names: Names | undefined;
}

export interface Names {
  readonly module: string | undefined;
  readonly functions: ReadonlyMap<number, string>;
  readonly locals: ReadonlyMap<number, ReadonlyMap<number, string>>;
}

/**
 * What validation of one body learns and code generation needs: reused from function to function, valid until the next
 * call of validate. Heights and areas are in slots of 8 bytes (a v128 takes two).
 */
export interface FunctionSummary {
  /** What parameters and locals are represented as; `localCount` entries are valid. */
  localTypes: Uint8Array;
  localCount: number;
  /** Position of the first instruction, after the local declarations. */
  codeStart: number;
  /** Greatest height of the operand stack, in operands. */
  maxHeight: number;
  /** Deepest nesting of control frames, the function's own included. */
  maxControlDepth: number;
  /** Uses (get, set, tee) of each local, each weighing 8^min(loop depth, 4). */
  localWeight: Float64Array;
  /**
   * The same sum over the instructions that leave the function's code: calls, growing, waiting, and bulk operations.
   */
  callWeight: number;
  /**
   * Type indexes of the functions that are called, each once, in the order of the first call; `calledTypeCount` are
   * valid.
   */
  calledTypes: Uint32Array;
  calledTypeCount: number;
  /** How many such instructions there are. */
  callCount: number;
  /**
   * Whether a v128 can be among the locals or operands. True also where no instruction makes one, never the other way.
   */
  usesVectors: boolean;
}

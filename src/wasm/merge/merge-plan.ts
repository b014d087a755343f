/** The input of a merge: instances, what their imports are bound to, and what is generated besides. */

import type { ExternKind, FuncType, Module, ValType } from '../module.js';
import type { ByteWriter } from './byte-writer.js';
import type { IndexMaps } from './rewrite-body.js';

/** What an import is bound to: something of an instance, a made function, or an import that stays, perhaps renamed. */
export type Binding =
  | { readonly kind: 'instance'; readonly instance: number; readonly index: number }
  | { readonly kind: 'made'; readonly index: number }
  | { readonly kind: 'import'; readonly as?: { readonly module: string; readonly name: string } };

export interface MergedInstance {
  readonly module: Module;
  /** For messages. */
  readonly file: string;
  /** Stands before the names of its functions, as in `label!name`; those without a name have an export's, or their index. */
  readonly label?: string;
  /** Of each import in the module's order. */
  readonly bindings: readonly Binding[];
  /** Its active segments are made passive ones: a made function copies them (segments.ts) after a start function. */
  readonly waits?: boolean;
}

/** A function that is made for the merged module. */
export interface MadeFunction {
  readonly name: string;
  readonly type: FuncType;
  /** Types of its locals. */
  readonly locals: readonly ValType[];
  /** Its instructions, `end` included. */
  write(to: ByteWriter, maps: readonly IndexMaps[], made: MadeIndexes): void;
}

/** Where what was made is in the merged module. */
export interface MadeIndexes {
  readonly firstFunction: number;
  readonly firstGlobal: number;
}

export interface Merge {
  readonly name: string;
  readonly instances: readonly MergedInstance[];
  readonly functions: readonly MadeFunction[];
  /** How many mutable i32 globals, of value 0, are made. */
  readonly globals: number;
  /** The memory that becomes memory 0, which is the fastest. */
  readonly firstMemory: Definition | undefined;
  readonly exports: readonly { readonly name: string; readonly kind: ExternKind; readonly of: Definition | number }[];
}

export interface Definition {
  readonly instance: number;
  readonly index: number;
}

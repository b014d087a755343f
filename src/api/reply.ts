/** The reply of a call that a process made instead of its program's entry (`invoke`, `run --invoke`). */

import type { ValType } from '../wasm/module.js';
import type { Value } from './value.js';

type Reference = 'funcref' | 'externref' | 'exnref';

export type InvokeResult =
  | Exclude<Value, { readonly type: Reference }>
  /** Undefined stands for a reference that is not null: it cannot leave its process. */
  | { readonly type: Reference; readonly value: null | undefined };

/** The outcome of a call. */
export type InvokeReply =
  | { readonly kind: 'results'; readonly results: readonly InvokeResult[] }
  /** The trap, in the words of the specification's test suite. */
  | { readonly kind: 'trap'; readonly message: string }
  /** The process ended before it replied: its exit code says why. */
  | { readonly kind: 'ended' };

/** The same, with the results as bits. */
export type RawReply =
  | { readonly kind: 'results'; readonly results: readonly RawResult[] }
  | Exclude<InvokeReply, { readonly kind: 'results' }>;

export interface RawResult {
  readonly type: ValType;
  /** Raw bits: 128 for a v128. */
  readonly bits: bigint;
}

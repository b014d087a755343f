/** The reply of a call that a process made instead of its program's entry (`run --invoke`). */

import type { ValType } from '../wasm/module.js';

/** The outcome of a call. */
export type InvokeReply =
  | { readonly kind: 'results'; readonly results: readonly InvokeResult[] }
  /** The trap, in the words of the specification's test suite. */
  | { readonly kind: 'trap'; readonly message: string }
  /** The process ended before it replied: its exit code says why. */
  | { readonly kind: 'ended' };

export interface InvokeResult {
  readonly type: ValType;
  /** Raw bits: 128 for a v128. */
  readonly bits: bigint;
}

/** The reply of a call that a process makes instead of running its program's entry (`run --invoke`). */

import type { ValType } from '../wasm/module.js';

/** What a call has come to. */
export type InvokeReply =
  | { readonly kind: 'results'; readonly results: readonly InvokeResult[] }
  /** In the words of the specification's test suite. */
  | { readonly kind: 'trap'; readonly message: string }
  /** The process has ended on the way: its exit code says why. */
  | { readonly kind: 'ended' };

export interface InvokeResult {
  readonly type: ValType;
  /** Raw bits, 128 of a v128. */
  readonly bits: bigint;
}

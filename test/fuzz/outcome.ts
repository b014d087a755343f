/** The outcome of a step of a case in any engine, values or a trap; and the comparison of two. */

import * as layout from '../support/layout.js';

export interface Outcome {
  /** TRAP_* that it may have been, empty for none. Engines do not tell all kinds apart. */
  readonly traps: readonly number[];
  /** Raw bits of the results, zero-extended. */
  readonly values: readonly bigint[];
}

export function sameOutcome(a: Outcome, b: Outcome): boolean {
  if (a.traps.length > 0 || b.traps.length > 0) return a.traps.some((kind) => b.traps.includes(kind));
  return a.values.length === b.values.length && a.values.every((value, i) => value === b.values[i]);
}

export function describeOutcome({ traps, values }: Outcome): string {
  if (traps.length > 0) return traps.map(trapName).join(' or ');
  return `[${values.map((value) => `0x${value.toString(16)}`).join(', ')}]`;
}

function trapName(kind: number): string {
  return (
    Object.entries(layout).find(([name, value]) => name.startsWith('TRAP_') && value === kind)?.[0] ?? `trap ${kind}`
  );
}

/** The messages of traps in scripts, by the kinds in src/image/contract/traps.ts. */

import { TRAP_MESSAGES } from '../../src/capture/trap.js';
import { TRAP_FATAL } from '../../src/image/contract/traps.js';

const MESSAGES: Readonly<Record<number, string>> = { ...TRAP_MESSAGES, [TRAP_FATAL]: 'fatal signal' };

/** For messages of the runner; 0 is no trap. */
export function describeTrap(kind: number): string {
  return kind === 0 ? 'no trap' : `trap: ${MESSAGES[kind] ?? `kind ${kind}`}`;
}

/** What scripts say of a null of each kind. */
const NULLS = ['null function reference', 'null exception reference'];

/**
 * Whether a trap is the one that a script expects. Some scripts append which element it was: `uninitialized element 2`.
 */
export function isTrap(kind: number, message: string): boolean {
  const expected = MESSAGES[kind];
  if (expected === 'null reference' && NULLS.includes(message)) return true;
  return expected !== undefined && (message === expected || message.startsWith(`${expected} `));
}

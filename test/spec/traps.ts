/** What scripts call a trap, by its kind in src/runtime/layout.ts. */

import * as layout from '../../src/runtime/layout.js';

const MESSAGES: Readonly<Record<number, string>> = {
  [layout.TRAP_UNREACHABLE]: 'unreachable',
  [layout.TRAP_MEMORY]: 'out of bounds memory access',
  [layout.TRAP_DIVIDE_BY_ZERO]: 'integer divide by zero',
  [layout.TRAP_OVERFLOW]: 'integer overflow',
  [layout.TRAP_INVALID_CONVERSION]: 'invalid conversion to integer',
  [layout.TRAP_TABLE]: 'out of bounds table access',
  [layout.TRAP_UNDEFINED_ELEMENT]: 'undefined element',
  [layout.TRAP_UNINITIALIZED]: 'uninitialized element',
  [layout.TRAP_SIGNATURE]: 'indirect call type mismatch',
  [layout.TRAP_STACK]: 'call stack exhausted',
  [layout.TRAP_MISSING_IMPORT]: 'call of a missing import',
  [layout.TRAP_UNALIGNED]: 'unaligned atomic',
  [layout.TRAP_UNSHARED]: 'expected shared memory',
  [layout.TRAP_FATAL]: 'fatal signal',
  [layout.TRAP_EXCEPTION]: 'uncaught exception',
  [layout.TRAP_NULL_REFERENCE]: 'null reference',
  [layout.TRAP_EXCEPTION_MEMORY]: 'no memory for another exception',
};

/** For messages of the runner; 0 is no trap. */
export function describeTrap(kind: number): string {
  return kind === 0 ? 'no trap' : `trap: ${MESSAGES[kind] ?? `kind ${kind}`}`;
}

/** Whether a trap is the one that a script expects. Some scripts append which element it was: `uninitialized element 2`. */
export function isTrap(kind: number, message: string): boolean {
  const expected = MESSAGES[kind];
  return expected !== undefined && (message === expected || message.startsWith(`${expected} `));
}

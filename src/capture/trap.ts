/** The trap at which a process is parked: its kind in words, and its place. */

import { TAG_INDEX, TAG_NAME, TAG_NAME_LENGTH } from '../image/contract/exception-tables.js';
import {
  TH_TRAP_AT,
  TH_TRAP_CALLER_SP,
  TH_TRAP_KIND,
  TH_TRAP_PLACE,
  TH_TRAP_RETURN,
  TH_TRAP_SP,
  TH_TRAP_TAG,
  TH_TRAP_TEXT,
  TH_TRAP_TEXT_LENGTH,
} from '../image/contract/thread.js';
import {
  TRAP_CAST,
  TRAP_DIVIDE_BY_ZERO,
  TRAP_EMBEDDER,
  TRAP_EXCEPTION,
  TRAP_EXCEPTION_MEMORY,
  TRAP_IMPORT_SIZE,
  TRAP_INVALID_CONVERSION,
  TRAP_MEMORY,
  TRAP_MISSING_IMPORT,
  TRAP_NULL_REFERENCE,
  TRAP_OVERFLOW,
  TRAP_PAGES_LOST,
  TRAP_SIGNATURE,
  TRAP_STACK,
  TRAP_TABLE,
  TRAP_UNALIGNED,
  TRAP_UNDEFINED_ELEMENT,
  TRAP_UNINITIALIZED,
  TRAP_UNREACHABLE,
  TRAP_UNSHARED,
} from '../image/contract/traps.js';
import type { TrapPlace } from './lift.js';
import type { ImageProcess } from './process.js';

/** The messages that the process prints (runtime/process/traps.ts). */
export const TRAP_MESSAGES: Readonly<Record<number, string>> = {
  [TRAP_UNREACHABLE]: 'unreachable',
  [TRAP_MEMORY]: 'out of bounds memory access',
  [TRAP_DIVIDE_BY_ZERO]: 'integer divide by zero',
  [TRAP_OVERFLOW]: 'integer overflow',
  [TRAP_INVALID_CONVERSION]: 'invalid conversion to integer',
  [TRAP_TABLE]: 'out of bounds table access',
  [TRAP_UNDEFINED_ELEMENT]: 'undefined element',
  [TRAP_UNINITIALIZED]: 'uninitialized element',
  [TRAP_SIGNATURE]: 'indirect call type mismatch',
  [TRAP_STACK]: 'call stack exhausted',
  [TRAP_MISSING_IMPORT]: 'call of a missing import',
  [TRAP_EXCEPTION]: 'uncaught exception',
  [TRAP_UNALIGNED]: 'unaligned atomic',
  [TRAP_UNSHARED]: 'expected shared memory',
  [TRAP_NULL_REFERENCE]: 'null reference',
  [TRAP_EXCEPTION_MEMORY]: 'no memory for another exception',
  [TRAP_CAST]: 'cast failure',
  [TRAP_PAGES_LOST]: 'pages lost',
  [TRAP_IMPORT_SIZE]: 'an imported memory or table is smaller than the module asks for',
  [TRAP_EMBEDDER]: 'an import function of the embedder has failed',
};

/** How much of an embedder's error message is kept, in bytes. */
const TRAP_TEXT_SIZE = 2048;
/** How much of a tag's name is kept, in bytes. */
const NAME_MAX = 1024;

export interface ProcessTrap {
  readonly trap: { readonly kind: number; readonly message: string };
  readonly place: TrapPlace;
}

export function readTrap({ memory, thread }: ImageProcess): ProcessTrap {
  const kind = memory.u32(thread + TH_TRAP_KIND);
  const message = TRAP_MESSAGES[kind] ?? 'unknown';
  const tag = kind === TRAP_EXCEPTION ? memory.address(thread + TH_TRAP_TAG) : 0;
  const said = kind === TRAP_EMBEDDER ? embedderText() : undefined;
  return {
    trap: { kind, message: said ?? (tag === 0 ? message : `${message} of tag ${describeTag(tag)}`) },
    place: {
      place: memory.u32(thread + TH_TRAP_PLACE),
      at: memory.address(thread + TH_TRAP_AT),
      sp: memory.address(thread + TH_TRAP_SP),
      returnAddress: memory.address(thread + TH_TRAP_RETURN),
      callerSp: memory.address(thread + TH_TRAP_CALLER_SP),
    },
  };

  /** `module.name: why`, as the process prints it. */
  function embedderText(): string {
    const length = Math.min(Number(memory.u64(thread + TH_TRAP_TEXT_LENGTH)), TRAP_TEXT_SIZE);
    return memory.read(memory.address(thread + TH_TRAP_TEXT), length).toString('utf8');
  }

  function describeTag(record: number): string {
    const index = memory.u32(record + TAG_INDEX);
    const length = Math.min(memory.u32(record + TAG_NAME_LENGTH), NAME_MAX);
    if (length === 0) return `${index}`;
    return `${index}, ${memory.read(memory.address(record + TAG_NAME), length).toString('utf8')}`;
  }
}

/**
 * WAGSNAP_MAX_MEMORY (`run --max-memory`): how many bytes the memories of all guests and their exceptions may have
 * together.
 *
 * AssemblyScript. A program that wants more gets -1 from memory.grow, as when its own maximum is reached, or a trap
 * from throw. A program that starts with more does not start. Exceptions count by the blocks that they ever needed, and
 * by those of a snapshot. The host layer's memory and tables do not count, nor does the stack, which has a limit of its
 * own.
 */

import { MEM_SIZE } from '../../image/contract/instance';
import {
  RT_EXCEPTIONS,
  RT_EXCEPTIONS_END,
  RT_MEMORY_LIMIT,
  RT_RESTORED_EXCEPTIONS_SIZE,
} from '../../image/contract/runtime-block';
import { load64 } from '../native/native';
import { firstInstance, instanceCount, memoriesOf, nextInstance } from './init-plan';
import { flush, put, putDecimal } from './message';
import { exit, setWord, word } from './runtime-block';

const EXIT_LIMIT: i32 = 4;

function guestBytes(): i64 {
  let bytes = word(RT_EXCEPTIONS_END) - word(RT_EXCEPTIONS) + word(RT_RESTORED_EXCEPTIONS_SIZE);
  let entry = nextInstance(firstInstance()); // the host layer comes first
  for (let i = instanceCount() - 1; i > 0; i--) {
    let row = memoriesOf(entry) + 8;
    for (let k = load64(row - 8); k > 0; k--) {
      bytes += load64(load64(row) + MEM_SIZE);
      row += 16;
    }
    entry = nextInstance(entry);
  }
  return bytes;
}

/** Whether the guests may have `more` bytes. */
export function isWithinLimit(more: i64): bool {
  const limit = word(RT_MEMORY_LIMIT);
  return limit === 0 || guestBytes() + more <= limit;
}

/** Sets the limit, 0 for none. Ends the process when it has more already. */
export function limitMemory(limit: i64): void {
  setWord(RT_MEMORY_LIMIT, limit);
  if (isWithinLimit(0)) return;
  put('wag-snap: --max-memory: the program starts with ');
  putDecimal(guestBytes());
  put(' bytes, ');
  putDecimal(limit);
  put(' are allowed\n');
  flush();
  exit(EXIT_LIMIT);
}

/**
 * Traps: reports which and where, then ends the process with 134 or keeps it for inspection (trapped.ts). Under the
 * driver, abandons the invocation instead.
 *
 * AssemblyScript. Wording: the core specification's test suite.
 */

import { TAG_INDEX, TAG_NAME, TAG_NAME_LENGTH } from '../../image/contract/exception-tables';
import { FLAG_DRIVER, FLAG_PARK_ON_TRAP, RT_FLAGS, RT_UNWIND, STATE_TRAPPED } from '../../image/contract/runtime-block';
import {
  TH_GUEST_SP,
  TH_PARK_CONTEXT,
  TH_STATE,
  TH_TRAP_KIND,
  TH_TRAP_TAG,
  TH_TRAP_TEXT,
  TH_TRAP_TEXT_LENGTH,
} from '../../image/contract/thread';
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
} from '../../image/contract/traps';
import { load32_u, load64, store64, unwind } from '../native/native';
import { UCONTEXT_PC } from '../native/target';
import { backtraceFrom, backtraceFromHost, backtraceFromStub } from './backtrace';
import { describeLost } from './lazy-pages';
import { flush, put, putDecimal, putForeign } from './message';
import { exit, half, imageBase, word } from './runtime-block';
import { setThreadHalf, setThreadWord, threadHalf, threadWord } from './thread';
import { EXIT_TRAP, stayTrapped } from './trapped';

/** A trap that host code finds on behalf of the guest that called it. Does not return. */
export function raise(kind: i32): void {
  if (inDriver()) {
    setThreadHalf(TH_TRAP_KIND, kind);
    unwind();
  }
  describe(kind);
  backtraceFromStub(threadWord(TH_GUEST_SP));
  end();
}

/** The same, found by a signal in the middle of host code, outside of the driver. */
export function raiseInHost(kind: i32): void {
  describe(kind);
  backtraceFromHost(threadWord(TH_GUEST_SP));
  end();
}

/** An exception that nothing catches. Does not return. */
export function raiseUncaught(tag: i64): void {
  setThreadWord(TH_TRAP_TAG, tag);
  raise(TRAP_EXCEPTION);
}

/** A guest called an import that nothing provides. */
export function missing_import(): void {
  raise(TRAP_MISSING_IMPORT);
}

/**
 * A trap by signal. Returns in the driver only: then the context continues by abandoning the invocation.
 * @param context ucontext_t
 * @param bodyOffset of the trap in its function, or -1
 */
export function trapInContext(kind: i32, context: i64, bodyOffset: i64): void {
  if (inDriver()) {
    setThreadHalf(TH_TRAP_KIND, kind);
    store64(context + UCONTEXT_PC, imageBase() + word(RT_UNWIND));
    return;
  }
  describe(kind);
  setThreadWord(TH_PARK_CONTEXT, context);
  backtraceFrom(context, bodyOffset);
  end();
}

/** A trap while instantiating: no guest code runs. */
export function trapAtStart(kind: i32): void {
  describe(kind);
  end();
}

/** Whether a trap is an answer for the driver rather than the process's end. */
export function inDriver(): bool {
  return (half(RT_FLAGS) & FLAG_DRIVER) !== 0;
}

function describe(kind: i32): void {
  setThreadHalf(TH_STATE, STATE_TRAPPED);
  setThreadHalf(TH_TRAP_KIND, kind);
  put('wasm trap: ');
  if (kind === TRAP_UNREACHABLE) put('unreachable');
  else if (kind === TRAP_MEMORY) put('out of bounds memory access');
  else if (kind === TRAP_DIVIDE_BY_ZERO) put('integer divide by zero');
  else if (kind === TRAP_OVERFLOW) put('integer overflow');
  else if (kind === TRAP_INVALID_CONVERSION) put('invalid conversion to integer');
  else if (kind === TRAP_TABLE) put('out of bounds table access');
  else if (kind === TRAP_UNDEFINED_ELEMENT) put('undefined element');
  else if (kind === TRAP_UNINITIALIZED) put('uninitialized element');
  else if (kind === TRAP_SIGNATURE) put('indirect call type mismatch');
  else if (kind === TRAP_STACK) put('call stack exhausted');
  else if (kind === TRAP_MISSING_IMPORT) put('call of a missing import');
  else if (kind === TRAP_UNALIGNED) put('unaligned atomic');
  else if (kind === TRAP_NULL_REFERENCE) put('null reference');
  else if (kind === TRAP_CAST) put('cast failure');
  else if (kind === TRAP_UNSHARED) put('expected shared memory');
  else if (kind === TRAP_EXCEPTION) describeUncaught();
  else if (kind === TRAP_EXCEPTION_MEMORY) put('no memory for another exception');
  else if (kind === TRAP_IMPORT_SIZE) put('an imported memory or table is smaller than the module asks for');
  else if (kind === TRAP_PAGES_LOST) describeLost();
  else if (kind === TRAP_EMBEDDER) putForeign(threadWord(TH_TRAP_TEXT), threadWord(TH_TRAP_TEXT_LENGTH));
  else put('unknown');
  put('\n');
}

function describeUncaught(): void {
  const uncaughtTag = threadWord(TH_TRAP_TAG);
  put('uncaught exception of tag ');
  putDecimal(<u32>load32_u(uncaughtTag + TAG_INDEX));
  const length = <i64>load32_u(uncaughtTag + TAG_NAME_LENGTH);
  if (length === 0) return;
  put(', ');
  putForeign(load64(uncaughtTag + TAG_NAME), length);
}

function end(): void {
  flush();
  // without its memory there is nothing to look at
  const isWhole = threadHalf(TH_TRAP_KIND) !== TRAP_PAGES_LOST;
  if (isWhole && (half(RT_FLAGS) & FLAG_PARK_ON_TRAP) !== 0) stayTrapped();
  exit(EXIT_TRAP);
}

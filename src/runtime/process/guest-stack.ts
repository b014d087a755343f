/**
 * The guest's stack: a reservation with a guard below it, whose pages are allocated when they are touched.
 *
 * AssemblyScript. Its size is STACK_SIZE, or more for a snapshot with more in use. WAGSNAP_MAX_STACK (`--max-stack`)
 * sets it, in bytes: then a program that needs more traps ("call stack exhausted"), and a snapshot with more in use is
 * not started.
 */

import { RP_STACK_SIZE } from '../../image/contract/resume-plan';
import { RT_RESUME_PLAN } from '../../image/contract/runtime-block';
import { SEGMENT_ALIGN, STACK_GUARD, STACK_MAX, STACK_MIN, STACK_SIZE } from '../../image/contract/sizes';
import { TH_STACK_LOW, TH_STACK_TOP } from '../../image/contract/thread';
import { load64 } from '../native/native';
import { open, reserve } from './boot';
import { flush, put, putDecimal } from './message';
import { exit, word } from './runtime-block';
import { setThreadWord } from './thread';

/** Without a limit, a resumed stack leaves at least this much below itself. */
const HEADROOM: i64 = 1048576;
const EXIT_USAGE: i32 = 2;
const EXIT_LIMIT: i32 = 4;

/** Maps it and sets TH_STACK_LOW and TH_STACK_TOP. @param limit bytes, 0 for none */
export function mapGuestStack(limit: i64): void {
  const plan = word(RT_RESUME_PLAN);
  const used = plan === 0 ? 0 : load64(plan + RP_STACK_SIZE);
  const size = roundUp(limit === 0 ? max<i64>(STACK_SIZE, used + HEADROOM) : checked(limit, used));
  const low = reserve(STACK_GUARD + size) + STACK_GUARD;
  open(low, size);
  setThreadWord(TH_STACK_LOW, low);
  setThreadWord(TH_STACK_TOP, low + size);
}

function checked(limit: i64, used: i64): i64 {
  if (limit < STACK_MIN || limit > STACK_MAX) {
    put('wag-snap: --max-stack: expected ');
    putDecimal(STACK_MIN);
    put(' to ');
    putDecimal(STACK_MAX);
    put(' bytes (WAGSNAP_MAX_STACK)\n');
    flush();
    exit(EXIT_USAGE);
  }
  if (limit < used) {
    put('wag-snap: --max-stack: the program has ');
    putDecimal(used);
    put(' bytes of stack in use, ');
    putDecimal(limit);
    put(' are allowed\n');
    flush();
    exit(EXIT_LIMIT);
  }
  return limit;
}

/** To whole pages of any kernel. */
function roundUp(size: i64): i64 {
  return (size + SEGMENT_ALIGN - 1) & ~(<i64>SEGMENT_ALIGN - 1);
}

/**
 * Debugging: passing safepoints before the process parks at one (WAGSNAP_PARK=n). Each is passed by a single step in
 * plain text.
 *
 * AssemblyScript, in the signal handler. On ARM64 a process cannot single-step itself: there, it parks at the first
 * safepoint.
 */

import { load64, store64 } from '../native/native';
import { SINGLE_STEP_FLAG, UCONTEXT_FLAGS } from '../native/target';
import { mapPlainText, mapTrapText } from './trap-text';

/** How many safepoints are still to be passed, and whether one is being passed. */
let toPass: i64 = 0;
let stepping: bool = false;

export function passSafepoints(count: i64): void {
  toPass = count;
}

/** At a safepoint: passes it, if it is one of those. Returns whether it was. @param context ucontext_t */
export function beginStep(context: i64): bool {
  if (toPass <= 0 || SINGLE_STEP_FLAG === 0) return false;
  toPass--;
  stepping = true;
  store64(context + UCONTEXT_FLAGS, load64(context + UCONTEXT_FLAGS) | SINGLE_STEP_FLAG);
  mapPlainText();
  return true;
}

/** After the step. Returns whether there was one. */
export function endStep(context: i64): bool {
  if (!stepping) return false;
  stepping = false;
  store64(context + UCONTEXT_FLAGS, load64(context + UCONTEXT_FLAGS) & ~SINGLE_STEP_FLAG);
  mapTrapText();
  return true;
}

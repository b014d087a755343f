/**
 * Throws exceptions: walks the guest's stack by return addresses to the handler that catches, and continues there.
 *
 * AssemblyScript. Builtins of generated code (compile/baseline/exceptions.ts) that do not return. Nothing is undone
 * on the way, so an exception that nobody catches traps with the whole stack still there for a backtrace.
 */

import { EXN_TAG } from '../../image/contract/exception-tables';
import { RT_TEXT } from '../../image/contract/runtime-block';
import { TH_GUEST_SP } from '../../image/contract/thread';
import { TRAP_NULL_REFERENCE } from '../../image/contract/traps';
import { land, load64 } from '../native/native';
import { LEAST_FRAME } from '../native/target';
import { frameSizeAt, handlerAt, landingOf, parentOf } from './exception-tables';
import { makeException } from './exceptions';
import { imageBase, word } from './runtime-block';
import { threadWord } from './thread';
import { raise, raiseUncaught } from './traps';

export function throw_tag(tag: i64, payload: i64, stride: i32): void {
  throw_ref(makeException(tag, payload, stride));
}

/** @param exception null traps; rethrow never passes null, except in a forged snapshot */
export function throw_ref(exception: i64): void {
  if (exception === 0) raise(TRAP_NULL_REFERENCE);
  const text = imageBase() + word(RT_TEXT);
  const tag = load64(exception + EXN_TAG);
  let sp = threadWord(TH_GUEST_SP) + LEAST_FRAME;
  let previous: i64 = -1; // in a recursion most frames return to the same place
  let size: i64 = 0;
  for (;;) {
    const returnOffset = load64(sp) - text;
    sp += 8;
    if (returnOffset !== previous) {
      for (let handler = handlerAt(returnOffset); handler >= 0; handler = parentOf(handler)) {
        const landing = landingOf(handler, tag);
        if (landing >= 0) land(exception, sp, text + landing);
      }
      size = frameSizeAt(returnOffset);
      if (size < 0) raiseUncaught(tag);
      previous = returnOffset;
    }
    sp += size;
  }
}

/**
 * The wasm backtrace of a trap: walks the guest's stack by return addresses and writes a line per frame.
 *
 *     #0 fib (func[12]+0x34)
 *     #1 func-13 (func[13]+0x1c)
 *
 * AssemblyScript. A frame's size is in the function table; the return address lies right above the frame.
 */

import {
  FR_END,
  FR_FRAME,
  FR_INDEX,
  FR_KIND,
  FR_START,
  FUNC_GUEST,
  FUNC_IMPORT,
  FUNC_TRAMPOLINE,
  RT_STACK_LOW,
  RT_STACK_TOP,
  RT_TEXT,
  SR_BODY,
} from '../layout';
import { FRAME_PUSH, LEAST_FRAME, load32_u, load64, UCONTEXT_LINK, UCONTEXT_PC, UCONTEXT_SP } from '../native';
import { put, putDecimal, putForeign, putHex } from './message';
import { imageBase, word } from './runtime-block';
import { callSiteAt, functionAt, nameLength, nameOf, trapSiteAt } from './site-sections';

const MAX_LINES: i64 = 64;
let printed: i64 = 0;

/** Offset in TEXT of a native address; not below RT_TEXT_SIZE when it is none of ours. */
export function textOffsetOf(address: i64): i64 {
  return address - imageBase() - word(RT_TEXT);
}

/**
 * From the instruction that trapped.
 * @param context ucontext_t
 * @param bodyOffset of the trap in its function, or -1 when not known
 */
export function backtraceFrom(context: i64, bodyOffset: i64): void {
  printed = 0;
  const pc = load64(context + UCONTEXT_PC);
  const sp = load64(context + UCONTEXT_SP);
  const row = functionAt(textOffsetOf(pc));
  if (row === 0) return;
  printFrame(row, bodyOffset);
  // in the prologue of a function that ran out of stack the frame may not be there yet
  const above = sp + frameSize(row);
  if (isBeforePush(row, pc)) backtraceBehind(load64(context + UCONTEXT_LINK), sp);
  else if (inStack(above) && isReturn(load64(above))) backtraceBehind(load64(above), above + 8);
  else if (inStack(sp) && isReturn(load64(sp))) backtraceBehind(load64(sp), sp + 8);
}

/** Whether the return address is still in a register: the instruction that stores it is at pc or, behind probes, soon after. */
function isBeforePush(row: i64, pc: i64): bool {
  if (FRAME_PUSH === 0) return false;
  const start = pc - textOffsetOf(pc) + <i64>(<u32>load32_u(row + FR_START));
  let end = start + 64;
  const functionEnd = pc - textOffsetOf(pc) + <i64>(<u32>load32_u(row + FR_END));
  if (functionEnd < end) end = functionEnd;
  for (let at = pc; at < end; at += 4) if (<u32>load32_u(at) === <u32>FRAME_PUSH) return true;
  return false;
}

/** From the frame of a stub that the guest has called. */
export function backtraceFromStub(sp: i64): void {
  printed = 0;
  sp += LEAST_FRAME;
  if (inStack(sp)) backtraceBehind(load64(sp), sp + 8);
}

/** @param sp of the frame returned to */
function backtraceBehind(returnAddress: i64, sp: i64): void {
  for (;;) {
    const text = textOffsetOf(returnAddress);
    const row = functionAt(text);
    if (row === 0 || load32_u(row + FR_KIND) === FUNC_TRAMPOLINE) break;
    printFrame(row, bodyOffsetBehind(text));
    sp += frameSize(row);
    if (!inStack(sp)) break;
    returnAddress = load64(sp);
    sp += 8;
  }
  if (printed > MAX_LINES) {
    put('  ... ');
    putDecimal(printed - MAX_LINES);
    put(' more\n');
  }
}

/** Body offset of the call that returns to a text offset, or of the instruction that throws there; -1 when not known. */
function bodyOffsetBehind(text: i64): i64 {
  const site = callSiteAt(text);
  if (site !== 0) return <i64>(<u32>load32_u(site + SR_BODY));
  const trap = trapSiteAt(text);
  return trap === 0 ? -1 : <i64>(trap & 0x7ffffff);
}

function isReturn(address: i64): bool {
  const text = textOffsetOf(address);
  if (callSiteAt(text) !== 0) return true;
  const row = functionAt(text);
  return row !== 0 && load32_u(row + FR_KIND) === FUNC_TRAMPOLINE;
}

function inStack(sp: i64): bool {
  return sp >= word(RT_STACK_LOW) && sp < word(RT_STACK_TOP);
}

function frameSize(row: i64): i64 {
  return <i64>(<u32>load32_u(row + FR_FRAME));
}

function printFrame(row: i64, bodyOffset: i64): void {
  const kind = load32_u(row + FR_KIND);
  if (kind !== FUNC_GUEST && kind !== FUNC_IMPORT) return;
  printed++;
  if (printed > MAX_LINES) return;
  const index = <u64>(<u32>load32_u(row + FR_INDEX));
  put('  #');
  putDecimal(printed - 1);
  put(' ');
  const length = nameLength(row);
  if (length > 0) {
    putForeign(nameOf(row), length);
  } else {
    put('func-');
    putDecimal(index);
  }
  put(' (func[');
  putDecimal(index);
  put(']');
  if (bodyOffset >= 0) {
    put('+0x');
    putHex(bodyOffset);
  }
  put(')\n');
}

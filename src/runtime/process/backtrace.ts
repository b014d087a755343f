/**
 * The wasm backtrace of a trap: walks the guest's stack by return addresses (backtrace-lines.ts prints), and leaves in
 * the thread record where the innermost frame is (TH_TRAP_*), for the tool that captures a process parked at its trap.
 *
 * AssemblyScript. A frame's size is in the function table; the return address lies right above the frame.
 */

import { RT_TEXT } from '../../image/contract/runtime-block';
import {
  FR_END,
  FR_FRAME,
  FR_KIND,
  FR_START,
  FUNC_GUEST,
  FUNC_IMPORT,
  FUNC_TRAMPOLINE,
} from '../../image/contract/site-tables';
import {
  TH_STACK_LOW,
  TH_STACK_TOP,
  TH_TRAP_AT,
  TH_TRAP_CALLER_SP,
  TH_TRAP_PLACE,
  TH_TRAP_RETURN,
  TH_TRAP_SP,
} from '../../image/contract/thread';
import { AT_INSTRUCTION, AT_NOTHING, AT_RETURN } from '../../image/contract/traps';
import { load32_u, load64 } from '../native/native';
import { FRAME_PUSH, LEAST_FRAME, UCONTEXT_LINK, UCONTEXT_PC, UCONTEXT_SP } from '../native/target';
import { addFrame, beginLines, endLines } from './backtrace-lines';
import { imageBase, word } from './runtime-block';
import { callSiteAt, functionAt, trapSiteAt } from './site-sections';
import { setThreadHalf, setThreadWord, threadHalf, threadWord } from './thread';

/** Offset in TEXT of a native address; RT_TEXT_SIZE or more when the address is outside of TEXT. */
export function textOffsetOf(address: i64): i64 {
  return address - imageBase() - word(RT_TEXT);
}

/**
 * From the instruction that trapped.
 * @param context ucontext_t
 * @param bodyOffset of the trap in its function, or -1 when not known
 */
export function backtraceFrom(context: i64, bodyOffset: i64): void {
  const pc = load64(context + UCONTEXT_PC);
  const sp = load64(context + UCONTEXT_SP);
  const row = functionAt(textOffsetOf(pc));
  if (row === 0) return;
  beginLines();
  // in the prologue of a function that ran out of stack the frame may not be there yet
  let returnAddress: i64 = 0;
  let callerSp: i64 = 0;
  const above = sp + frameSize(row);
  if (isBeforePush(row, pc)) {
    returnAddress = load64(context + UCONTEXT_LINK);
    callerSp = sp;
  } else if (inStack(above) && isReturn(load64(above))) {
    returnAddress = load64(above);
    callerSp = above + 8;
  } else if (inStack(sp) && isReturn(load64(sp))) {
    returnAddress = load64(sp);
    callerSp = sp + 8;
  }
  if (isWasm(row)) {
    record(AT_INSTRUCTION, pc, bodyOffset >= 0 && callerSp === above + 8 ? sp : 0, returnAddress, callerSp);
    addFrame(row, bodyOffset);
  }
  if (returnAddress !== 0) backtraceBehind(returnAddress, callerSp);
  endLines();
}

/**
 * Whether the return address is still in a register: the instruction that stores it is at pc or, after probes, soon
 * after.
 */
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
  sp += LEAST_FRAME;
  if (!inStack(sp)) return;
  beginLines();
  backtraceBehind(load64(sp), sp + 8);
  endLines();
}

/**
 * From within any function of the host layer: its stub or thunk has a frame of some size, with the return address above.
 */
export function backtraceFromHost(sp: i64): void {
  let at = sp + LEAST_FRAME;
  while (inStack(at) && callSiteAt(textOffsetOf(load64(at))) < 0) at += 8;
  if (!inStack(at)) return;
  beginLines();
  backtraceBehind(load64(at), at + 8);
  endLines();
}

/** @param sp of the frame returned to */
function backtraceBehind(returnAddress: i64, sp: i64): void {
  for (;;) {
    const text = textOffsetOf(returnAddress);
    const row = functionAt(text);
    if (row === 0 || load32_u(row + FR_KIND) === FUNC_TRAMPOLINE) break;
    const above = sp + frameSize(row);
    const isInside = inStack(above);
    if (isWasm(row)) {
      record(AT_RETURN, returnAddress, sp, isInside ? load64(above) : 0, above + 8);
      addFrame(row, bodyOffsetBehind(text));
    }
    if (!isInside) break;
    returnAddress = load64(above);
    sp = above + 8;
  }
}

/** Remembers the first wasm frame that is found. */
function record(place: i32, at: i64, sp: i64, returnAddress: i64, callerSp: i64): void {
  if (threadHalf(TH_TRAP_PLACE) !== AT_NOTHING) return;
  setThreadHalf(TH_TRAP_PLACE, place);
  setThreadWord(TH_TRAP_AT, at);
  setThreadWord(TH_TRAP_SP, sp);
  setThreadWord(TH_TRAP_RETURN, returnAddress);
  setThreadWord(TH_TRAP_CALLER_SP, callerSp);
}

/**
 * Body offset of the call that returns to a text offset, or of the instruction that throws there; -1 when not known.
 */
function bodyOffsetBehind(text: i64): i64 {
  const site = callSiteAt(text);
  if (site >= 0) return site;
  const trap = trapSiteAt(text);
  return trap === 0 ? -1 : <i64>(trap & 0x7ffffff);
}

function isReturn(address: i64): bool {
  const text = textOffsetOf(address);
  if (callSiteAt(text) >= 0) return true;
  const row = functionAt(text);
  return row !== 0 && load32_u(row + FR_KIND) === FUNC_TRAMPOLINE;
}

function inStack(sp: i64): bool {
  return sp >= threadWord(TH_STACK_LOW) && sp < threadWord(TH_STACK_TOP);
}

function frameSize(row: i64): i64 {
  return <i64>(<u32>load32_u(row + FR_FRAME));
}

function isWasm(row: i64): bool {
  const kind = load32_u(row + FR_KIND);
  return kind === FUNC_GUEST || kind === FUNC_IMPORT;
}

/**
 * How a tool claims a process that stands still: the protocol of the runtime block's words on which tools and the
 * process agree.
 */

import { ToolError } from '../base/errors.js';
import {
  COMMAND_HOLD,
  FLAG_PARK_ON_TRAP,
  LIFELINE_FAILED,
  RT_COMMAND,
  RT_FLAGS,
  RT_LIFELINE,
  RT_STOP_SENDER,
  STATE_PARKED,
} from '../image/contract/runtime-block.js';
import { TH_STATE, TH_TRAP_PARKED } from '../image/contract/thread.js';
import { Lifeline } from './lifeline.js';
import type { ImageProcess } from './process.js';
import type { ProcessMemory } from './process-memory.js';
import { busy, refuseKept, refuseSuspended } from './refusals.js';

/** A claim on a process that stands still. Has a lifeline when the process is in another pid namespace. */
export interface Claim {
  readonly lifeline?: Lifeline;
}

/**
 * Claims a parked process. Without a claim it continues after 2 s, perhaps at this very moment: it looks for a claim
 * after it has changed its state. test/model explores all interleavings.
 *
 * @param isHeld whether the process still stands still for us
 * @returns undefined when it does not, or when another tool has it
 */
export async function claim(
  process: ImageProcess,
  memory: ProcessMemory,
  isHeld: () => boolean,
): Promise<Claim | undefined> {
  const { folder, runtime } = process;
  const descriptor = memory.u32(runtime + RT_LIFELINE);
  const sender = memory.u32(runtime + RT_STOP_SENDER);
  if (sender !== 0 && sender !== globalThis.process.pid) return undefined; // another tool has claimed it since
  // It may have continued meanwhile, and stopped again for another tool or with another lifeline.
  const standsForUs = () =>
    memory.u32(runtime + RT_STOP_SENDER) === sender &&
    memory.u32(runtime + RT_LIFELINE) === descriptor &&
    (lifeline?.isOf(folder, descriptor) ?? true);
  const foreign = sender === 0 && descriptor !== 0 && descriptor !== LIFELINE_FAILED;
  const lifeline = foreign ? Lifeline.take(folder, descriptor) : undefined;
  if (foreign && !lifeline) return undefined;
  let held = false;
  try {
    memory.writeU32(runtime + RT_COMMAND, COMMAND_HOLD);
    // Parking clears a claim, so the claim must still be there after the process was seen to stand still. A process
    // that has just continued names no sender, like one that stands still for a tool of another namespace. So it must
    // stand still then, too.
    const stays = isHeld() && memory.u32(runtime + RT_COMMAND) === COMMAND_HOLD;
    held = stays && standsForUs() && isHeld();
    if (held && lifeline) await askToStop(process); // it sees the lifeline, and from now on notices our death at once
    return held ? { lifeline } : undefined;
  } finally {
    if (!held) lifeline?.close();
  }
}

/**
 * Whether it is parked without a known sender and is not kept. A process that is just being let go looks the same for a
 * moment. But it runs, and a waiting one sleeps.
 *
 * @throws ToolError 'kept'
 */
export function waitsForAnyone(process: ImageProcess, memory: ProcessMemory): boolean {
  const { runtime, thread } = process;
  const parked = () => memory.u32(thread + TH_STATE) === STATE_PARKED && memory.u32(runtime + RT_STOP_SENDER) === 0;
  if (!parked()) return false;
  refuseSuspended(process);
  if (process.status()?.state !== 'S' || !parked()) return false;
  refuseKept(process); // FLAG_KEPT is set before the process sleeps
  return true;
}

/**
 * Whether a parked process stands still for this tool. Two tools may have asked at the same time: the process names the
 * one that it answers to, or nobody when that tool is in another pid namespace.
 */
export function answersTo(process: ImageProcess, memory: ProcessMemory, own: number): boolean {
  const sender = memory.u32(process.runtime + RT_STOP_SENDER);
  if (sender === 0) return waitsForAnyone(process, memory);
  if (sender === own) return true;
  throw busy(process.pid, sender);
}

/**
 * Whether a trapped process is parked, or is about to park.
 *
 * @throws ToolError when it is ending
 */
export function staysTrapped(process: ImageProcess, memory: ProcessMemory): boolean {
  const { pid, runtime, thread } = process;
  if ((memory.u32(runtime + RT_FLAGS) & FLAG_PARK_ON_TRAP) === 0) {
    throw new ToolError('trapped', `pid ${pid}: the program has trapped and is ending (--on-trap park would keep it)`);
  }
  return memory.u32(thread + TH_TRAP_PARKED) === 1;
}

/** Sends the signal that asks the process to stop, and that wakes a parked one to read its command. */
export function askToStop(process: ImageProcess): Promise<void> {
  return process.signal('SIGUSR2');
}

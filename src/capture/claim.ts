/**
 * Whose a process is that stands still, and how it becomes ours: the words of the runtime block by which tools and the
 * process agree on it.
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

/** That a process stands still for us, with our lifeline when it is of another pid namespace. */
export interface Claim {
  readonly lifeline?: Lifeline;
}

/**
 * Claims a process that is parked. Unclaimed it would continue in 2 s, perhaps just now: it looks for the claim after
 * it has changed its state. test/model walks all that can happen in between.
 *
 * @param isHeld whether it still stands, and for us
 * @returns undefined when it does not, or is another tool's
 */
export async function claim(
  process: ImageProcess,
  memory: ProcessMemory,
  isHeld: () => boolean,
): Promise<Claim | undefined> {
  const { folder, runtime } = process;
  const descriptor = memory.u32(runtime + RT_LIFELINE);
  const sender = memory.u32(runtime + RT_STOP_SENDER);
  if (sender !== 0 && sender !== globalThis.process.pid) return undefined; // another tool's since it was looked at
  // It may have continued meanwhile, and been stopped by another tool, or with another lifeline.
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
    // Parking forgets a claim, so it must still be there when the process has been seen to stand. One that has just
    // continued names nobody, as one does that stands for a tool of another namespace: so it must stand then, too.
    const stays = isHeld() && memory.u32(runtime + RT_COMMAND) === COMMAND_HOLD;
    held = stays && standsForUs() && isHeld();
    if (held && lifeline) await askToStop(process); // it looks up, and from now on notices at once when we die
    return held ? { lifeline } : undefined;
  } finally {
    if (!held) lifeline?.close();
  }
}

/**
 * Whether it is parked without a sender that it knows, and is not kept. For a moment so is one that is just being let go: but that one
 * runs, and one that waits sleeps.
 *
 * @throws ToolError 'kept'
 */
export function waitsForAnyone(process: ImageProcess, memory: ProcessMemory): boolean {
  const { runtime, thread } = process;
  const parked = () => memory.u32(thread + TH_STATE) === STATE_PARKED && memory.u32(runtime + RT_STOP_SENDER) === 0;
  if (!parked()) return false;
  refuseSuspended(process);
  if (process.status()?.state !== 'S' || !parked()) return false;
  refuseKept(process); // it says so before it sleeps
  return true;
}

/**
 * Whether a parked process is ours to take. Two tools may have asked at the same time: it names the one that it answers
 * to, and nobody when that one is in another pid namespace.
 */
export function answersTo(process: ImageProcess, memory: ProcessMemory, own: number): boolean {
  const sender = memory.u32(process.runtime + RT_STOP_SENDER);
  if (sender === 0) return waitsForAnyone(process, memory);
  if (sender === own) return true;
  throw busy(process.pid, sender);
}

/**
 * Whether a trapped process is parked already, or will be.
 *
 * @throws ToolError when it is just ending
 */
export function staysTrapped(process: ImageProcess, memory: ProcessMemory): boolean {
  const { pid, runtime, thread } = process;
  if ((memory.u32(runtime + RT_FLAGS) & FLAG_PARK_ON_TRAP) === 0) {
    throw new ToolError('trapped', `pid ${pid}: the program has trapped and is ending (--on-trap park would keep it)`);
  }
  return memory.u32(thread + TH_TRAP_PARKED) === 1;
}

/** The signal that asks it to stop, and that wakes it to look at its command. */
export function askToStop(process: ImageProcess): Promise<void> {
  return process.signal('SIGUSR2');
}

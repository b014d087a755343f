/**
 * A process that is kept: parked until somebody decides, as another process may have continued its computation. It
 * stays parked when the tool that parked it ends. COMMAND_KEEP and FLAG_KEPT of the runtime block.
 */

import { readFileSync } from 'node:fs';
import { InputError, ToolError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import {
  COMMAND_EXIT,
  COMMAND_KEEP,
  COMMAND_RESUME,
  FLAG_KEPT,
  RT_COMMAND,
  RT_FLAGS,
  RT_MOVER,
  RT_MOVER_START,
} from '../image/contract/runtime-block.js';
import { askToStop } from './claim.js';
import { FIRST_PAUSE, longer, sleep } from './pauses.js';
import type { ImageProcess } from './process.js';
import { startOf } from './process-folder.js';

/** How long to wait for the process's answer, in milliseconds: it only needs to be scheduled. */
const ANSWERS_WITHIN = 10_000;
const SIGNAL_AGAIN = 200;

/** Names this tool as the one that decides, as long as it runs. */
function nameMover({ memory, runtime }: ImageProcess): void {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(startOf(readFileSync('/proc/self/stat', 'latin1'))));
  memory.write(runtime + RT_MOVER_START, bytes);
  memory.writeU32(runtime + RT_MOVER, globalThis.process.pid);
}

/** Another tool may still send its memory: the workload runs elsewhere, and here it must not. @throws ToolError 'busy' */
function refuseMoving({ pid, memory, runtime }: ImageProcess): void {
  const mover = memory.u32(runtime + RT_MOVER);
  if (mover === 0 || mover === globalThis.process.pid) return;
  try {
    if (BigInt(startOf(readFileSync(`/proc/${mover}/stat`, 'latin1'))) !== memory.u64(runtime + RT_MOVER_START)) return;
  } catch {
    return; // it has ended
  }
  throw new ToolError(
    'busy',
    `pid ${pid} is being moved by pid ${mover}, which is not done: wait for it, or end it first`,
  );
}

export function isKept({ memory, runtime }: ImageProcess): boolean {
  return (memory.u32(runtime + RT_FLAGS) & FLAG_KEPT) !== 0;
}

/**
 * Keeps a process that stands still for this tool. Returns when the process has confirmed it.
 *
 * @throws ToolError 'not-kept' for an image of an earlier version, which does not know this state; it still stands
 * still for us
 */
export async function keepParked(process: ImageProcess): Promise<void> {
  trace('stop', () => `tells pid ${process.pid} to stay parked, whatever becomes of this tool`);
  nameMover(process);
  if (await command(process, COMMAND_KEEP, () => isKept(process))) return;
  throw new ToolError(
    'not-kept',
    `pid ${process.pid} cannot be kept parked: its image was compiled by an earlier version of wag-snap`,
  );
}

/**
 * Lets a kept process continue. Call it only when no other process has its computation.
 *
 * @throws InputError 'not-kept' when it is not kept; ToolError when it has ended, does not answer, or is still being moved
 */
export async function resumeKept(process: ImageProcess): Promise<void> {
  const { pid } = process;
  await makeReadable(process);
  if (!isKept(process)) {
    throw new InputError('not-kept', `pid ${pid} is not kept by an unfinished move: there is nothing to resume`);
  }
  refuseMoving(process);
  trace('stop', () => `tells pid ${pid} to continue`);
  if (await command(process, COMMAND_RESUME, () => !isKept(process))) return;
  throw new ToolError('timeout', `pid ${pid} was told to continue, but has not answered: try again`);
}

/**
 * Ends a kept process, without a message about where it continues. Call it only when another process has its
 * computation.
 *
 * @throws InputError 'not-kept' when it is not kept; ToolError when it cannot be ended
 */
export async function endKept(process: ImageProcess): Promise<void> {
  const { pid } = process;
  await makeReadable(process);
  if (!isKept(process)) {
    throw new InputError('not-kept', `pid ${pid} is not kept by an unfinished move: it runs on`);
  }
  refuseMoving(process);
  trace('stop', () => `tells pid ${pid} to end`);
  const isGone = () => !process.memory.isThere();
  if (await command(process, COMMAND_EXIT, isGone)) return;
  await process.signal('SIGKILL');
  if (await until(process, isGone)) return;
  throw new ToolError('not-ended', `pid ${pid} was told to end but is still there`);
}

/** Where Yama restricts ptrace, a kept process allows each signal's sender to read its memory. */
async function makeReadable(process: ImageProcess): Promise<void> {
  if (process.tryMemory()) return;
  await until(process, () => process.tryMemory() !== undefined);
}

/**
 * Repeats a command until it is obeyed. Another tool that looks at the process may overwrite it.
 *
 * @returns whether the process obeyed in time
 */
function command(process: ImageProcess, value: number, obeyed: () => boolean): Promise<boolean> {
  return until(process, obeyed, () => process.memory.writeU32(process.runtime + RT_COMMAND, value));
}

/** Repeats a signal until a condition holds. @param write called before each signal */
async function until(process: ImageProcess, holds: () => boolean, write = () => {}): Promise<boolean> {
  const start = performance.now();
  let asked = -Infinity;
  try {
    for (let pause = FIRST_PAUSE; performance.now() - start < ANSWERS_WITHIN; pause = longer(pause)) {
      if (performance.now() - asked > SIGNAL_AGAIN) {
        asked = performance.now();
        write();
        await askToStop(process);
      }
      if (holds()) return true;
      await sleep(pause);
    }
  } catch (error) {
    // a process that has ended may be the wanted result
    if (!(error instanceof ToolError && error.code === 'process-ended' && holds())) throw error;
  }
  return holds();
}

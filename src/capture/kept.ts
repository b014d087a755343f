/**
 * A process that is kept: parked until somebody decides, as another process may continue its computation. It does not
 * continue when the tool that has parked it ends. COMMAND_KEEP and FLAG_KEPT of the runtime block.
 */

import { InputError, ToolError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import {
  COMMAND_EXIT,
  COMMAND_KEEP,
  COMMAND_RESUME,
  FLAG_KEPT,
  RT_COMMAND,
  RT_FLAGS,
} from '../image/contract/runtime-block.js';
import { askToStop } from './claim.js';
import { FIRST_PAUSE, longer, sleep } from './pauses.js';
import type { ImageProcess } from './process.js';

/** Milliseconds: the process has to come to its turn, no more. */
const ANSWERS_WITHIN = 10_000;
const SIGNAL_AGAIN = 200;

export function isKept({ memory, runtime }: ImageProcess): boolean {
  return (memory.u32(runtime + RT_FLAGS) & FLAG_KEPT) !== 0;
}

/**
 * Of a process that stands still for this tool. Returns when the process has said that it stays.
 *
 * @throws ToolError 'not-kept' of an image of an earlier version, which has no such state; it stands for us as before
 */
export async function keepParked(process: ImageProcess): Promise<void> {
  trace('stop', () => `tells pid ${process.pid} to stay parked, whatever becomes of this tool`);
  if (await command(process, COMMAND_KEEP, () => isKept(process))) return;
  throw new ToolError(
    'not-kept',
    `pid ${process.pid} cannot be kept parked: its image was compiled by an earlier version of wag-snap`,
  );
}

/**
 * Lets a kept process continue. Only who knows that no other process has its computation may say so.
 *
 * @throws InputError 'not-kept' when it is not kept; ToolError when it has ended or does not answer
 */
export async function resumeKept(process: ImageProcess): Promise<void> {
  const { pid } = process;
  await makeReadable(process);
  if (!isKept(process)) {
    throw new InputError('not-kept', `pid ${pid} is not kept by an unfinished move: there is nothing to resume`);
  }
  trace('stop', () => `tells pid ${pid} to continue`);
  if (await command(process, COMMAND_RESUME, () => !isKept(process))) return;
  throw new ToolError('timeout', `pid ${pid} was told to continue, but has not answered: try again`);
}

/**
 * Ends a kept process, which says nothing of where it continues. Only who knows that another process has its computation
 * may say so.
 *
 * @throws InputError 'not-kept' when it is not kept; ToolError when it cannot be ended
 */
export async function endKept(process: ImageProcess): Promise<void> {
  const { pid } = process;
  await makeReadable(process);
  if (!isKept(process)) {
    throw new InputError('not-kept', `pid ${pid} is not kept by an unfinished move: it runs on`);
  }
  trace('stop', () => `tells pid ${pid} to end`);
  const isGone = () => !process.memory.isThere();
  if (await command(process, COMMAND_EXIT, isGone)) return;
  await process.signal('SIGKILL');
  if (await until(process, isGone)) return;
  throw new ToolError('not-ended', `pid ${pid} was told to end but is still there`);
}

/** Where Yama restricts ptrace, a process that is kept lets whoever signals to it read its memory. */
async function makeReadable(process: ImageProcess): Promise<void> {
  if (process.tryMemory()) return;
  await until(process, () => process.tryMemory() !== undefined);
}

/**
 * Gives a command until it is seen to be obeyed. Another tool that looks at the process may overwrite it.
 *
 * @returns whether it was obeyed in time
 */
function command(process: ImageProcess, value: number, obeyed: () => boolean): Promise<boolean> {
  return until(process, obeyed, () => process.memory.writeU32(process.runtime + RT_COMMAND, value));
}

/** Signals to the process now and then, until something holds. @param write before each signal */
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
    // one that has ended is what may have been wanted of it
    if (!(error instanceof ToolError && error.code === 'process-ended' && holds())) throw error;
  }
  return holds();
}

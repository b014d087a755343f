/** Errors for processes that cannot be stopped: why, and what to do. */

import { ToolError } from '../base/errors.js';
import {
  FLAG_KEPT,
  LIFELINE_FAILED,
  RT_EXE_FD,
  RT_FLAGS,
  RT_LIFELINE,
  RT_STOP_SENDER,
  STATE_TRAPPED,
} from '../image/contract/runtime-block.js';
import { TH_STATE, TH_TRAP_PARKED } from '../image/contract/thread.js';
import type { ImageProcess } from './process.js';

const NO_DESCRIPTOR = 0xffff_ffff_ffff_ffffn;

/** Refuses a suspended process: it would take the signal only when it continues, and the tool may be gone by then. */
export function refuseSuspended(process: ImageProcess): void {
  const { pid } = process;
  const { state, tracer } = process.status() ?? {};
  if (state !== 'T' && state !== 't') return;
  if (tracer) {
    throw new ToolError('traced', `pid ${pid} is held by a debugger (pid ${tracer}): let it run there to capture it`);
  }
  throw new ToolError('suspended', `pid ${pid} is suspended: let it run (kill -CONT ${pid}) to capture it`);
}

/**
 * Refuses a kept process: only the user may decide whether it continues, and what is read of it could be torn
 * meanwhile.
 */
export function refuseKept({ pid, memory, runtime }: ImageProcess): void {
  if ((memory.u32(runtime + RT_FLAGS) & FLAG_KEPT) === 0) return;
  throw new ToolError(
    'kept',
    `pid ${pid} is kept parked by a move whose end is not known: wag-snap resume ${pid} lets it continue here, ` +
      `wag-snap resume ${pid} --end ends it`,
  );
}

/** @param sender the other tool's pid; 0 when it has no pid in the process's namespace */
export function busy(pid: number, sender: number): ToolError {
  const who = sender === 0 ? '' : ` (pid ${sender})`;
  return new ToolError('busy', `pid ${pid} is being captured by another process${who}: try again later`);
}

export function noSafepoint(process: ImageProcess, timeout: number): ToolError {
  const { pid } = process;
  if (!process.tryMemory()) {
    // Parked or not, we cannot see it; the getter's error says what to do.
    return new ToolError('permission', permissionMessage(process));
  }
  const { memory, runtime, thread } = process;
  if (memory.u32(thread + TH_STATE) === STATE_TRAPPED && memory.u32(thread + TH_TRAP_PARKED) === 1) {
    return busy(pid, memory.u32(runtime + RT_STOP_SENDER));
  }
  const state = process.status()?.state;
  if (process.memory.u64(process.runtime + RT_EXE_FD) === NO_DESCRIPTOR) {
    return new ToolError('no-image', `pid ${pid} could not open its own image (/proc/self/exe): it cannot be captured`);
  }
  if (memory.u32(runtime + RT_LIFELINE) === LIFELINE_FAILED) {
    return new ToolError(
      'descriptors',
      `pid ${pid} has no file descriptor left (ulimit -n): without one it cannot be captured from another pid namespace`,
    );
  }
  const why = state === 'D' ? 'it is waiting for a disk or a network file system' : 'raise the limit with --timeout';
  return new ToolError('timeout', `pid ${pid} came to no safepoint within ${timeout} ms: ${why}`);
}

function permissionMessage(process: ImageProcess): string {
  try {
    process.memory.u32(process.runtime);
    return `pid ${process.pid}: its memory could not be read in time`;
  } catch (error) {
    return (error as Error).message;
  }
}

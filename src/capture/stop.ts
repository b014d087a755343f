/**
 * Stops a process at its next safepoint (ARCHITECTURE.md, "Stop, capture, continue").
 *
 *     RUNNING --signal--> STOPPING --safepoint--> PARKED --command, signal--> RUNNING, or ended
 *
 * A process that is parked at a trap (TRAPPED) is claimed in the same way, and stays TRAPPED when it is let go. See
 * claim.ts for claims, stopped-process.ts for letting go, refusals.ts for the errors.
 */

import { InputError, ToolError } from '../base/errors.js';
import { trace } from '../base/trace.js';
import {
  COMMAND_RESUME,
  RT_COMMAND,
  RT_LIFELINE,
  RT_STOP_SENDER,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_STARTING,
  STATE_STOPPING,
  STATE_TRAPPED,
  STOP_SIGNAL,
} from '../image/contract/runtime-block.js';
import { TH_STATE } from '../image/contract/thread.js';
import { answersTo, askToStop, type Claim, claim, staysTrapped, waitsForAnyone } from './claim.js';
import { FIRST_PAUSE, longer, sleep } from './pauses.js';
import { type ImageProcess, noSuchProcess, processStatus } from './process.js';
import { busy, noSafepoint, refuseSuspended } from './refusals.js';
import { StoppedProcess } from './stopped-process.js';

/** After this many milliseconds the process is asked again. */
const SIGNAL_AGAIN = 200;
/**
 * How long a process of another pid namespace may take to notice that its capturer is gone, in milliseconds
 * (CLAIM_NANOSECONDS in process/park.ts).
 */
const NOTICED_WITHIN = 4000;

export interface StopOptions {
  /** How long to wait for the process to start, and then for a safepoint, in milliseconds. */
  readonly timeout: number;
  /** Throws when the user gives up. */
  checkCancelled(): void;
  /** Called with each warning for the user. */
  warn?(text: string): void;
}

/**
 * Stops the process at a safepoint and holds it there. A process that is parked without a sender (WAGSNAP_PARK) is
 * taken as it is.
 *
 * @throws ToolError: it ended, another tool captures it, or it reached no safepoint in time; then it continues
 */
export async function stopProcess(process: ImageProcess, options: StopOptions): Promise<StoppedProcess> {
  await process.prepareSignals((text) => options.warn?.(text));
  const waiting = await waitUntilStoppable(process, options);
  if (waiting) {
    trace('stop', () => `pid ${process.pid} waits already: it is ours`);
    return new StoppedProcess(process, performance.now(), waiting.lifeline);
  }
  trace('stop', () => `pid ${process.pid} runs: asks it to stop`);
  refuseSuspended(process);
  const requested = performance.now();
  await askToStop(process);
  try {
    const { lifeline } = await waitUntilParked(process, options, requested);
    trace('stop', () => {
      const how = lifeline ? ' by its lifeline' : '';
      return `pid ${process.pid} stands still after ${(performance.now() - requested).toFixed(2)} ms, ours${how}`;
    });
    return new StoppedProcess(process, requested, lifeline);
  } catch (error) {
    await withdraw(process);
    throw error;
  }
}

/** @returns a claim when the process is parked already and waits for any tool */
async function waitUntilStoppable(process: ImageProcess, options: StopOptions): Promise<Claim | undefined> {
  const { pid } = process;
  const start = performance.now();
  const deadline = start + options.timeout;
  for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
    options.checkCancelled();
    const memory = process.tryMemory();
    if (!memory) {
      // Yama hides the memory until the process has parked, but whether it has its signal handler can be seen.
      const status = process.status();
      if (!status) throw noSuchProcess(pid);
      if (status.caughtSignals & (1n << BigInt(STOP_SIGNAL - 1))) return undefined;
    } else {
      const state = memory.u32(process.thread + TH_STATE);
      const sender = memory.u32(process.runtime + RT_STOP_SENDER);
      if (state === STATE_RUNNING) return undefined;
      if (waitsForAnyone(process, memory)) {
        const claimed = await claim(process, memory, () => memory.u32(process.thread + TH_STATE) === STATE_PARKED);
        if (claimed) return claimed;
        if (performance.now() - start > NOTICED_WITHIN) throw busy(pid, sender);
      }
      if (state === STATE_TRAPPED && staysTrapped(process, memory)) return undefined;
      if (state > STATE_TRAPPED) throw new InputError('damaged-process', `pid ${pid}: unknown state ${state}`);
      const stopping = state === STATE_STOPPING || state === STATE_PARKED;
      const own = sender === globalThis.process.pid; // an earlier capture by this tool has only just let it go
      // Its wake-up may have been lost. Asking also wakes it.
      if (stopping && own && performance.now() - start > SIGNAL_AGAIN) return undefined;
      if (stopping && sender !== 0 && !own && isAlive(sender)) {
        throw busy(pid, sender);
      }
      if (performance.now() > deadline && state === STATE_STARTING) {
        throw new ToolError('timeout', `pid ${pid} has not started within ${options.timeout} ms`);
      }
    }
    if (performance.now() > deadline) throw new ToolError('timeout', `pid ${pid} did not become ready to be captured`);
    await sleep(pause);
  }
}

async function waitUntilParked(process: ImageProcess, options: StopOptions, requested: number): Promise<Claim> {
  const { pid, runtime, thread } = process;
  const own = globalThis.process.pid;
  let signalled = requested;
  for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
    const memory = process.tryMemory();
    let stopping = false;
    if (memory) {
      const state = memory.u32(thread + TH_STATE);
      if (state === STATE_PARKED && answersTo(process, memory, own)) {
        const claimed = await claim(process, memory, () => memory.u32(thread + TH_STATE) === STATE_PARKED);
        if (claimed) return claimed;
        if (performance.now() - requested > NOTICED_WITHIN) throw busy(pid, 0);
      }
      if (state === STATE_TRAPPED && staysTrapped(process, memory)) {
        const sender = memory.u32(runtime + RT_STOP_SENDER);
        const asked = sender === own || (sender === 0 && memory.u32(runtime + RT_LIFELINE) !== 0);
        const claimed = asked && (await claim(process, memory, () => memory.u32(runtime + RT_STOP_SENDER) === sender));
        if (claimed) return claimed;
      }
      stopping = state === STATE_STOPPING;
    }
    // A process that is still starting ignores signals, and we may not be able to see that. A second signal does no
    // harm.
    if (!stopping && performance.now() - signalled > SIGNAL_AGAIN) {
      trace('stop', () => `asks pid ${pid} again`);
      await askToStop(process);
      signalled = performance.now();
    }
    if (performance.now() - requested > options.timeout) throw noSafepoint(process, options.timeout);
    options.checkCancelled();
    const status = pause < 1 ? undefined : process.status();
    if (pause >= 1 && (!status || status.state === 'Z')) {
      throw new ToolError('process-ended', `pid ${pid}: the process ended before it was captured`);
    }
    await sleep(pause);
  }
}

/** Takes a stop request back, as far as possible. Leaves a process alone that another tool has claimed. */
async function withdraw(process: ImageProcess): Promise<void> {
  const { runtime, thread } = process;
  const deadline = performance.now() + 1000;
  try {
    for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
      const memory = process.tryMemory();
      if (!memory) return; // it continues when this tool ends
      const state = memory.u32(thread + TH_STATE);
      const sender = memory.u32(runtime + RT_STOP_SENDER);
      if (state !== STATE_STOPPING && state !== STATE_PARKED) return;
      if (sender !== globalThis.process.pid || performance.now() > deadline) return;
      // The command is lost if the process parks at this very moment: so check again, and repeat.
      trace('stop', () => `takes the request to pid ${process.pid} back`);
      memory.writeU32(runtime + RT_COMMAND, COMMAND_RESUME);
      await askToStop(process);
      await sleep(Math.max(pause, 1));
    }
  } catch {
    // The process has ended: there is nothing to let go.
  }
}

/** Whether a process still exists. Only its status is read. */
function isAlive(pid: number): boolean {
  return (processStatus(pid)?.state ?? 'Z') !== 'Z';
}

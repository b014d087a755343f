/**
 * Stops a process at its next safepoint (ARCHITECTURE.md, "Stop, capture, continue").
 *
 *     RUNNING --signal--> STOPPING --safepoint--> PARKED --command, signal--> RUNNING, or ended
 *
 * A process that is parked at a trap (TRAPPED) is claimed in the same way, and stays what it is when it is let go.
 * Claims are in claim.ts, letting go is in stopped-process.ts, and what is said of those that cannot be stopped in
 * refusals.ts.
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

/** Milliseconds until it is asked again. */
const SIGNAL_AGAIN = 200;
/**
 * Milliseconds. After it a process of another pid namespace has noticed that its capturer is gone (CLAIM_NANOSECONDS in
 * process/park.ts).
 */
const NOTICED_WITHIN = 4000;

export interface StopOptions {
  /** Milliseconds to wait for the process to start, and again for it to reach a safepoint. */
  readonly timeout: number;
  /** Throws when the user wants to give up. */
  checkCancelled(): void;
  /** Told of what the user should know. */
  warn?(text: string): void;
}

/**
 * Brings the process to a safepoint and holds it there. One that is parked without a sender (WAGSNAP_PARK) is taken as
 * it stands.
 *
 * @throws ToolError: it ended, is being captured by another tool, or came to no safepoint in time; then it continues
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

/** @returns a claim when it is parked already, waiting for anyone */
async function waitUntilStoppable(process: ImageProcess, options: StopOptions): Promise<Claim | undefined> {
  const { pid } = process;
  const start = performance.now();
  const deadline = start + options.timeout;
  for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
    options.checkCancelled();
    const memory = process.tryMemory();
    if (!memory) {
      // Yama hides the memory until the process has parked; that its handler is there can be seen without.
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
      const own = sender === globalThis.process.pid; // an earlier capture of this tool has only just let it go
      // One of an older image may have lost its wake-up (CHANGELOG.md): asking wakes it as well.
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
    // A signal is ignored while the process starts, which we may not see; a second one does no harm.
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

/** Takes a stop request back, as well as it goes; a process that is another tool's is left alone. */
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
      // The command is lost when the process parks at this very moment: so look again, and repeat.
      trace('stop', () => `takes the request to pid ${process.pid} back`);
      memory.writeU32(runtime + RT_COMMAND, COMMAND_RESUME);
      await askToStop(process);
      await sleep(Math.max(pause, 1));
    }
  } catch {
    // It has ended: there is nothing to let go.
  }
}

/** Of a process that another one has named: nothing is done to it. */
function isAlive(pid: number): boolean {
  return (processStatus(pid)?.state ?? 'Z') !== 'Z';
}

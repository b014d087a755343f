/**
 * Stops a process at its next safepoint and lets it go again (ARCHITECTURE.md, "Stop, capture, go on").
 *
 *     RUNNING --signal--> STOPPING --safepoint--> PARKED --command, signal--> RUNNING, or ended
 *
 * A process that is parked at a trap (TRAPPED) is claimed in the same way, and stays what it is when it is let go.
 *
 * Whatever happens, the process is let go: release() belongs into a finally. When this tool dies instead, the process
 * sees it (it holds a pidfd of the sender, or in another pid namespace the other end of our lifeline) and goes on by
 * itself.
 */

import { InputError, ToolError } from '../base/errors.js';
import {
  COMMAND_EXIT,
  COMMAND_HOLD,
  COMMAND_RESUME,
  FLAG_PARK_ON_TRAP,
  LIFELINE_FAILED,
  RT_COMMAND,
  RT_EXE_FD,
  RT_FLAGS,
  RT_LIFELINE,
  RT_STATE,
  RT_STOP_SENDER,
  RT_SUCCESSOR,
  RT_SUCCESSOR_LENGTH,
  RT_TRAP_PARKED,
  STATE_PARKED,
  STATE_RUNNING,
  STATE_STARTING,
  STATE_STOPPING,
  STATE_TRAPPED,
  STOP_SIGNAL,
  SUCCESSOR_MAX,
} from '../image/contract/runtime-block.js';
import { Lifeline } from './lifeline.js';
import { type ImageProcess, noSuchProcess, processStatus } from './process.js';
import type { ProcessMemory } from './process-memory.js';

/** Milliseconds. */
const SIGNAL_AGAIN = 200;
const ENDS_WITHIN = 10_000; // it may have to wait for its turn, or for a stalled machine
const GONE_WITHIN = 30_000;
/**
 * After it a process of another pid namespace has noticed that its capturer is gone (CLAIM_NANOSECONDS in
 * process/park.ts).
 */
const NOTICED_WITHIN = 4000;

const NO_DESCRIPTOR = 0xffff_ffff_ffff_ffffn;

export interface StopOptions {
  /** Milliseconds to wait for the process to start, and again for it to reach a safepoint. */
  readonly timeout: number;
  /** Throws when the user wants to give up. */
  checkCancelled(): void;
  /** Told of what the user should know. */
  warn?(text: string): void;
}

/** A process that stands still until it is released. */
export class StoppedProcess {
  private released = false;

  constructor(
    private readonly process: ImageProcess,
    /** When it was asked to stop: performance.now(). */
    readonly stopRequested: number,
    private readonly lifeline: Lifeline | undefined,
  ) {}

  /** Lets it go on; does nothing the second time. */
  async resume(): Promise<void> {
    await this.command(COMMAND_RESUME);
  }

  /**
   * Ends it and waits until it is gone. One that does not end by itself, as it is suspended or held, is killed.
   *
   * @param successor path of the snapshot that goes on for it, which it says as it ends; '' when it is no file
   * @throws ToolError when it cannot even be killed; the snapshot is complete then
   */
  async end(successor = ''): Promise<void> {
    await unlessEnded(async () => this.writeSuccessor(successor));
    await this.command(COMMAND_EXIT);
    const { pid } = this.process;
    const start = performance.now();
    let killed = false;
    for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
      if (this.isGone()) return;
      const waited = performance.now() - start;
      if (!killed && (waited > ENDS_WITHIN || this.process.status()?.state === 'T')) {
        killed = true;
        await unlessEnded(() => this.process.signal('SIGKILL'));
      }
      if (waited > GONE_WITHIN) {
        throw new ToolError('not-ended', `pid ${pid} was told to end but is still there; its snapshot is complete`);
      }
      await sleep(pause);
    }
  }

  /** A path that is too long to say is not said. In a process of an older image nothing reads it. */
  private writeSuccessor(path: string): void {
    const bytes = Buffer.from(path);
    if (bytes.length > SUCCESSOR_MAX) return;
    const { memory, runtime } = this.process;
    memory.write(runtime + RT_SUCCESSOR, bytes);
    memory.writeU32(runtime + RT_SUCCESSOR_LENGTH, bytes.length);
  }

  /** By its memory, too: a zombie has none. */
  private isGone(): boolean {
    const status = this.process.status();
    return !status || status.state === 'Z' || status.state === 'X' || !this.process.memory.isThere();
  }

  private async command(command: number): Promise<void> {
    if (this.released) return;
    this.released = true;
    try {
      await unlessEnded(async () => {
        this.process.memory.writeU32(this.process.runtime + RT_COMMAND, command);
        await askToStop(this.process);
      });
    } finally {
      this.lifeline?.close();
    }
  }
}

/** Whoever lets a process go has all that it wanted of it: that it has just ended, or was killed, is no failure. */
async function unlessEnded(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof ToolError && error.code === 'process-ended')) throw error;
  }
}

/**
 * Brings the process to a safepoint and holds it there. One that is parked without a sender (WAGSNAP_PARK) is taken as
 * it stands.
 *
 * @throws ToolError: it ended, is being captured by another tool, or came to no safepoint in time; then it goes on
 */
export async function stopProcess(process: ImageProcess, options: StopOptions): Promise<StoppedProcess> {
  await process.prepareSignals((text) => options.warn?.(text));
  const waiting = await waitUntilStoppable(process, options);
  if (waiting) return new StoppedProcess(process, performance.now(), waiting.lifeline);
  refuseSuspended(process);
  const requested = performance.now();
  await askToStop(process);
  try {
    const { lifeline } = await waitUntilParked(process, options, requested);
    return new StoppedProcess(process, requested, lifeline);
  } catch (error) {
    await withdraw(process);
    throw error;
  }
}

/** That a process stands still for us, with our lifeline when it is of another pid namespace. */
interface Claim {
  readonly lifeline?: Lifeline;
}

/**
 * Claims a process that is parked. Unclaimed it would go on in 2 s, perhaps just now: it looks for the claim after it
 * has changed its state. test/model walks all that can happen in between.
 *
 * @param isHeld whether it still stands, and for us
 * @returns undefined when it does not, or is another tool's
 */
async function claim(process: ImageProcess, memory: ProcessMemory, isHeld: () => boolean): Promise<Claim | undefined> {
  const { folder, runtime } = process;
  const descriptor = memory.u32(runtime + RT_LIFELINE);
  const sender = memory.u32(runtime + RT_STOP_SENDER);
  // It may have gone on meanwhile, and been stopped by another tool.
  const standsForUs = () =>
    memory.u32(runtime + RT_STOP_SENDER) === sender && (lifeline?.isOf(folder, descriptor) ?? true);
  const foreign = sender === 0 && descriptor !== 0 && descriptor !== LIFELINE_FAILED;
  const lifeline = foreign ? Lifeline.take(folder, descriptor) : undefined;
  if (foreign && !lifeline) return undefined;
  let held = false;
  try {
    memory.writeU32(runtime + RT_COMMAND, COMMAND_HOLD);
    // Parking forgets a claim, so it must still be there when the process has been seen to stand.
    held = isHeld() && memory.u32(runtime + RT_COMMAND) === COMMAND_HOLD && standsForUs();
    if (held && lifeline) await askToStop(process); // it looks up, and from now on notices at once when we die
    return held ? { lifeline } : undefined;
  } finally {
    if (!held) lifeline?.close();
  }
}

/** A suspended process would take the signal only when it is let run: nobody might be there then. */
function refuseSuspended(process: ImageProcess): void {
  const { pid } = process;
  const { state, tracer } = process.status() ?? {};
  if (state !== 'T' && state !== 't') return;
  if (tracer) {
    throw new ToolError('traced', `pid ${pid} is held by a debugger (pid ${tracer}): let it run there to capture it`);
  }
  throw new ToolError('suspended', `pid ${pid} is suspended: let it run (kill -CONT ${pid}) to capture it`);
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
      const state = memory.u32(process.runtime + RT_STATE);
      const sender = memory.u32(process.runtime + RT_STOP_SENDER);
      if (state === STATE_RUNNING) return undefined;
      if (waitsForAnyone(process, memory)) {
        const claimed = await claim(process, memory, () => memory.u32(process.runtime + RT_STATE) === STATE_PARKED);
        if (claimed) return claimed;
        if (performance.now() - start > NOTICED_WITHIN) throw busy(pid, sender);
      }
      if (state === STATE_TRAPPED && staysTrapped(process, memory)) return undefined;
      if (state > STATE_TRAPPED) throw new InputError('damaged-process', `pid ${pid}: unknown state ${state}`);
      const stopping = state === STATE_STOPPING || state === STATE_PARKED;
      const own = sender === globalThis.process.pid; // an earlier capture of this tool has only just let it go
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

/**
 * Whether it is parked without a sender that it knows. For a moment so is one that is just being let go: but that one
 * runs, and one that waits sleeps.
 */
function waitsForAnyone(process: ImageProcess, memory: ProcessMemory): boolean {
  const { runtime } = process;
  const parked = () => memory.u32(runtime + RT_STATE) === STATE_PARKED && memory.u32(runtime + RT_STOP_SENDER) === 0;
  if (!parked()) return false;
  refuseSuspended(process);
  return process.status()?.state === 'S' && parked();
}

async function waitUntilParked(process: ImageProcess, options: StopOptions, requested: number): Promise<Claim> {
  const { pid, runtime } = process;
  const own = globalThis.process.pid;
  let signalled = requested;
  for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
    const memory = process.tryMemory();
    let stopping = false;
    if (memory) {
      const state = memory.u32(runtime + RT_STATE);
      if (state === STATE_PARKED && answersTo(process, memory, own)) {
        const claimed = await claim(process, memory, () => memory.u32(runtime + RT_STATE) === STATE_PARKED);
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

/**
 * Whether a parked process is ours to take. Two tools may have asked at the same time: it names the one that it answers
 * to, and nobody when that one is in another pid namespace.
 */
function answersTo(process: ImageProcess, memory: ProcessMemory, own: number): boolean {
  const sender = memory.u32(process.runtime + RT_STOP_SENDER);
  if (sender === 0) return waitsForAnyone(process, memory);
  if (sender === own) return true;
  throw busy(process.pid, sender);
}

/** @param sender 0 for one that has no pid where the process runs */
function busy(pid: number, sender: number): ToolError {
  const who = sender === 0 ? '' : ` (pid ${sender})`;
  return new ToolError('busy', `pid ${pid} is being captured by another process${who}: try again later`);
}

/**
 * Whether a trapped process is parked already, or will be.
 *
 * @throws ToolError when it is just ending
 */
function staysTrapped(process: ImageProcess, memory: ProcessMemory): boolean {
  const { pid, runtime } = process;
  if ((memory.u32(runtime + RT_FLAGS) & FLAG_PARK_ON_TRAP) === 0) {
    throw new ToolError('trapped', `pid ${pid}: the program has trapped and is ending (--on-trap park would keep it)`);
  }
  return memory.u32(runtime + RT_TRAP_PARKED) === 1;
}

function noSafepoint(process: ImageProcess, timeout: number): ToolError {
  const { pid } = process;
  if (!process.tryMemory()) {
    // Parked or not, we cannot see it: the getter says what to do about it.
    return new ToolError('permission', permissionMessage(process));
  }
  const { memory, runtime } = process;
  if (memory.u32(runtime + RT_STATE) === STATE_TRAPPED && memory.u32(runtime + RT_TRAP_PARKED) === 1) {
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

/** Takes a stop request back, as well as it goes; a process that is another tool's is left alone. */
async function withdraw(process: ImageProcess): Promise<void> {
  const { runtime } = process;
  const deadline = performance.now() + 1000;
  try {
    for (let pause = FIRST_PAUSE; ; pause = longer(pause)) {
      const memory = process.tryMemory();
      if (!memory) return; // it goes on when this tool ends
      const state = memory.u32(runtime + RT_STATE);
      const sender = memory.u32(runtime + RT_STOP_SENDER);
      if (state !== STATE_STOPPING && state !== STATE_PARKED) return;
      if (sender !== globalThis.process.pid || performance.now() > deadline) return;
      // The command is lost when the process parks at this very moment: so look again, and repeat.
      memory.writeU32(runtime + RT_COMMAND, COMMAND_RESUME);
      await askToStop(process);
      await sleep(Math.max(pause, 1));
    }
  } catch {
    // It has ended: there is nothing to let go.
  }
}

/** The signal that asks it to stop, and that wakes it to look at its command. */
function askToStop(process: ImageProcess): Promise<void> {
  return process.signal('SIGUSR2');
}

/** Of a process that another one has named: nothing is done to it. */
function isAlive(pid: number): boolean {
  return (processStatus(pid)?.state ?? 'Z') !== 'Z';
}

/** Milliseconds to sleep between looks: short at first, so that a pause is, in the end 5 ms. */
const FIRST_PAUSE = 0.05;

function longer(pause: number): number {
  return Math.min(pause * 1.2, 5);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Timers are no finer than a millisecond: shorter sleeps hold the thread. */
async function sleep(milliseconds: number): Promise<void> {
  if (milliseconds < 1) Atomics.wait(sleeper, 0, 0, milliseconds);
  else await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Runs an image as a child so that this process behaves like the program itself: its streams, its signals, its exit
 * code.
 *
 * The child is in our process group, and we stand in for it: signals to us are passed on, and we end as it ended. What
 * is sent to the group, the child gets at once. It ignores the signals that are ours alone.
 */

import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { startImage } from '../../src/api/start.js';
import { LimitError } from '../../src/base/errors.js';

export interface WorkloadOptions {
  /** The complete environment of the process. */
  readonly env: Readonly<Record<string, string>>;
  /** argv[0] of the workload. */
  readonly argv0: string;
  readonly args: readonly string[];
  /** Descriptors from 3 on that the workload inherits; 'pipe': one that is connected to us. */
  readonly descriptors?: readonly (number | 'pipe')[];
  /** Milliseconds after which the workload is killed. */
  readonly timeout?: number;
  /**
   * Deletes a temporary image; may be called twice. Called when the workload runs its own code, or when an emulated one
   * has ended.
   */
  readonly release?: () => void;
  /** Signals that the workload ignores. One of them that is passed on ends it all the same. */
  readonly ignored?: readonly NodeJS.Signals[];
  /** @returns whether a signal to us is dealt with, so that it is not passed on */
  readonly takesSignal?: (signal: NodeJS.Signals) => boolean;
  /** Called when the workload has ended by itself. What it throws is thrown in place of ending as the workload did. */
  readonly check?: () => void;
  /** Called when the workload has ended. */
  readonly onEnd?: () => void;
}

/**
 * Signals that are passed on. The terminal sends SIGINT, SIGQUIT and SIGTSTP to the whole group, so the workload gets
 * those twice. A wasm program has no handlers, so the second one changes nothing.
 */
export const FORWARDED: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGCONT'];

/**
 * Runs an image to its end and passes signals on. Sets our own exit code, or dies of the same signal.
 *
 * @param onStart called with its pid once it runs its own code; `endTimeout` cancels its timeout
 */
export async function runWorkload(
  image: string,
  options: WorkloadOptions,
  onStart: (pid: number, emulated: boolean, child: ChildProcess, endTimeout: () => void) => void,
): Promise<void> {
  let child: ChildProcess | undefined;
  let fatal: NodeJS.Signals | null = null;
  let endedBy: NodeJS.Signals | undefined;
  const early: NodeJS.Signals[] = [];
  const passOn = (signal: NodeJS.Signals) => {
    if (child === undefined) early.push(signal);
    else if (options.takesSignal?.(signal)) return;
    else if (!options.ignored?.includes(signal)) child.kill(signal);
    else if (child.kill('SIGKILL')) endedBy ??= signal;
  };
  const suspend = () => {
    passOn('SIGTSTP');
    process.kill(process.pid, 'SIGSTOP');
  };
  for (const signal of FORWARDED) process.on(signal, passOn);
  process.on('SIGTSTP', suspend);
  try {
    const { argv0, args, env, descriptors = [] } = options;
    const started = await startImage(image, {
      argv0,
      args,
      env,
      stdio: ['inherit', 'inherit', 'inherit', ...descriptors],
    });
    child = started.child;
    const timer = new AbortController();
    onStart(child.pid!, started.emulated, child, () => timer.abort());
    if (!started.emulated) options.release?.();
    for (const signal of early) passOn(signal);
    const ending = await endedInTime(child, options.timeout, timer.signal);
    const { code } = ending;
    const signal = ending.signal === 'SIGKILL' ? (endedBy ?? ending.signal) : ending.signal;
    options.check?.();
    if (signal === null) process.exitCode = code ?? 0;
    else process.exitCode = 128 + (constants.signals[signal] ?? 0);
    fatal = signal;
  } finally {
    options.release?.();
    options.onEnd?.();
    // one of those that come too late must not change how we end, unless we end by a signal
    const late = fatal === null ? (options.ignored ?? []) : [];
    for (const signal of FORWARDED) if (!late.includes(signal)) process.off(signal, passOn);
    process.off('SIGTSTP', suspend);
  }
  if (fatal !== null) dieOf(fatal);
}

/** @throws LimitError when it was killed by the timeout */
async function endedInTime(
  child: ChildProcess,
  timeout: number | undefined,
  untimed: AbortSignal,
): ReturnType<typeof ended> {
  if (timeout === undefined) return ended(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeout);
  untimed.addEventListener('abort', () => clearTimeout(timer));
  const ending = await ended(child);
  clearTimeout(timer);
  if (late) throw new LimitError('timeout', `the program was ended after ${timeout / 1000} s: --timeout`);
  return ending;
}

function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
}

/** Ends this process by the signal that the workload died of, unless that would leave a core file of Node. */
function dieOf(signal: NodeJS.Signals): void {
  if (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL', 'SIGPIPE'].includes(signal)) process.kill(process.pid, signal);
}

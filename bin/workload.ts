/**
 * Starting an image so that this process behaves like the program itself: its stdio, its signals, its exit code.
 *
 * Node cannot replace its own process, so the workload is a child in our process group and we stand in for it: signals
 * sent to us are passed on, and we end the way it ended. Needs nothing of wag-snap.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { ToolError } from '../src/errors.js';

export interface WorkloadOptions {
  /** All of the process's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** argv[0] of the workload. */
  readonly argv0: string;
  readonly args: readonly string[];
  /** Descriptors 3 and up that the workload inherits. */
  readonly descriptors?: readonly number[];
}

/** Starts an image. Resolves once it runs its own code: the file may be unlinked then. */
export async function startWorkload(image: string, options: WorkloadOptions): Promise<ChildProcess> {
  const child = spawn(image, options.args, {
    argv0: options.argv0,
    env: { ...options.env },
    stdio: ['inherit', 'inherit', 'inherit', ...(options.descriptors ?? [])],
  });
  await new Promise<void>((done, fail) => {
    child.once('spawn', done);
    child.once('error', (error) => fail(new ToolError('start', `cannot start ${image}: ${error.message}`)));
  });
  return child;
}

/**
 * Signals that are passed on. The terminal sends SIGINT, SIGQUIT and SIGTSTP to the whole group, so the workload gets
 * those twice; a wasm program has no handlers, so the second one changes nothing.
 */
const forwarded: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGCONT'];

/** Waits for the end of a workload, passing signals on, and sets our own exit code, or dies of the same signal. */
export async function standInFor(child: ChildProcess): Promise<void> {
  const handlers = new Map<NodeJS.Signals, () => void>();
  for (const signal of forwarded) handlers.set(signal, () => void child.kill(signal));
  handlers.set('SIGTSTP', () => {
    child.kill('SIGTSTP');
    process.kill(process.pid, 'SIGSTOP');
  });
  for (const [signal, handler] of handlers) process.on(signal, handler);
  const { code, signal } = await ended(child);
  for (const [name, handler] of handlers) process.off(name, handler);
  if (signal === null) process.exitCode = code ?? 0;
  else dieOf(signal);
}

/** Resolves when the child has ended. */
export function ended(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  if (child.exitCode !== null || child.signalCode !== null) {
    return Promise.resolve({ code: child.exitCode, signal: child.signalCode });
  }
  return new Promise((done) => child.once('exit', (code, signal) => done({ code, signal })));
}

/** Ends this process by a signal; where that does not work, with the code a shell would show. */
function dieOf(signal: NodeJS.Signals): void {
  process.exitCode = 128 + (constants.signals[signal] ?? 0);
  // SIGQUIT and the like would leave a core file of Node, not of the workload.
  if (
    signal === 'SIGINT' ||
    signal === 'SIGTERM' ||
    signal === 'SIGHUP' ||
    signal === 'SIGKILL' ||
    signal === 'SIGPIPE'
  ) {
    process.kill(process.pid, signal);
  }
}

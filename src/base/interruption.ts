/**
 * Signals that ask a command to end, held back while it has something to clean up: a stopped process, temporary files.
 *
 * A handler only runs when the event loop does: after work that holds the thread, settle() lets it.
 */

import { ToolError } from './errors.js';

export interface Interruption {
  /** @throws ToolError once the tool was told to end */
  check(): void;
  /** Like check, after work that held the thread. */
  settle(): Promise<void>;
  stop(): void;
}

/** Does something that must not be left half-way. @param done what is true after it, for the message */
export async function uninterrupted<T>(done: string, work: () => T | Promise<T>): Promise<T> {
  const interruption = catchSignals(done);
  try {
    const result = await work();
    await interruption.settle();
    return result;
  } finally {
    interruption.stop();
  }
}

/** Holds SIGINT, SIGTERM and SIGHUP back until stop(). @param done what was or was not done then, for the message */
export function catchSignals(done: string): Interruption {
  let received: string | undefined;
  const handler = (signal: NodeJS.Signals) => {
    received = signal;
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, handler);
  const check = () => {
    if (received) throw new ToolError('interrupted', `interrupted by ${received}: ${done}`);
  };
  return {
    check,
    async settle() {
      await new Promise((resolve) => setImmediate(resolve));
      check();
    },
    stop() {
      for (const signal of signals) process.off(signal, handler);
    },
  };
}

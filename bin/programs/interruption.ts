/**
 * Holds back signals that ask a command to end, while the command has something to clean up: a stopped process,
 * temporary files.
 */

import { Cancellation } from '../../src/base/cancellation.js';

export class Interruption extends Cancellation {
  private readonly handler: (signal: NodeJS.Signals) => void;

  /** Holds SIGINT, SIGTERM and SIGHUP back until stop(). @param done the outcome when interrupted, for the message */
  constructor(
    done: string,
    private readonly controller = new AbortController(),
  ) {
    super(done, controller.signal);
    this.handler = (signal) => controller.abort(signal);
    for (const signal of ENDING_SIGNALS) process.on(signal, this.handler);
  }

  /** Aborted, with the signal's name, after such a signal. For work that can be cancelled. */
  get abortSignal(): AbortSignal {
    return this.controller.signal;
  }

  stop(): void {
    for (const signal of ENDING_SIGNALS) process.off(signal, this.handler);
  }
}

/** Signals that ask a command to end. */
export const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Does something that must not be left half done. @param done the outcome, for the message */
export async function uninterrupted<T>(done: string, work: () => T | Promise<T>): Promise<T> {
  const interruption = new Interruption(done);
  try {
    const result = await work();
    await interruption.settle();
    return result;
  } finally {
    interruption.stop();
  }
}

/**
 * Signals that ask a command to end, held back while it has something to clean up: a stopped process, temporary files.
 */

import { Cancellation } from '../../src/base/cancellation.js';

export class Interruption extends Cancellation {
  private readonly handler: (signal: NodeJS.Signals) => void;

  /** Holds SIGINT, SIGTERM and SIGHUP back until stop(). @param done what was or was not done then, for the message */
  constructor(
    done: string,
    private readonly controller = new AbortController(),
  ) {
    super(done, controller.signal);
    this.handler = (signal) => controller.abort(signal);
    for (const signal of SIGNALS) process.on(signal, this.handler);
  }

  /** Aborted, with the signal's name, once there was one: for work that can be given up. */
  get abortSignal(): AbortSignal {
    return this.controller.signal;
  }

  stop(): void {
    for (const signal of SIGNALS) process.off(signal, this.handler);
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Does something that must not be left half-way. @param done what is true after it, for the message */
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

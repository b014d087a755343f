/**
 * Work that its caller may give up through an AbortSignal.
 *
 * An AbortSignal's events, like those of the process's signals, arrive only when the event loop runs. Work that holds
 * the thread calls settle() now and then to let them in.
 */

import { ToolError } from './errors.js';

export class Cancellation {
  /** @param done the outcome when the work is given up, for the message: `nothing was written` */
  constructor(
    private readonly done: string,
    private readonly signal?: AbortSignal,
  ) {}

  /** @throws ToolError once the work is given up; a reason that is a string is quoted in the message */
  check(): void {
    if (!this.signal?.aborted) return;
    const by = typeof this.signal.reason === 'string' ? ` by ${this.signal.reason}` : '';
    throw new ToolError('interrupted', `interrupted${by}: ${this.done}`);
  }

  /** Like check, but first lets pending events in. For work that holds the thread. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.check();
  }
}

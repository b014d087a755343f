/**
 * Work that its caller may give up, by an AbortSignal.
 *
 * A caller's own events, signals of the process too, come only when the event loop runs: after work that holds the
 * thread, settle() lets them in.
 */

import { ToolError } from './errors.js';

export class Cancellation {
  /** @param done what is or is not done when it is given up, for the message */
  constructor(
    private readonly done: string,
    private readonly signal?: AbortSignal,
  ) {}

  /** @throws ToolError once it is given up; a reason that is a text says by what */
  check(): void {
    if (!this.signal?.aborted) return;
    const by = typeof this.signal.reason === 'string' ? ` by ${this.signal.reason}` : '';
    throw new ToolError('interrupted', `interrupted${by}: ${this.done}`);
  }

  /** Like check, after work that held the thread. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.check();
  }
}

/**
 * What a signal means for `receive --stdio`. Before its program runs, it gives the move up, and the source hears why.
 * Afterwards a key of a terminal, or its end, is for the source alone, which may be in the same one; SIGTERM is for the
 * receiver: the program is detached.
 */

import type { ReceiveEvent } from '../../src/api/receive-options.js';
import { ENDING_SIGNALS } from './interruption.js';

export class ReceiverSignals {
  private readonly controller = new AbortController();
  readonly signal: AbortSignal = this.controller.signal;
  private runs = false;

  constructor() {
    for (const signal of ENDING_SIGNALS) process.on(signal, this.handler);
  }

  readonly onEvent = ({ event }: ReceiveEvent): void => {
    if (event === 'running') this.runs = true;
  };

  stop(): void {
    for (const signal of ENDING_SIGNALS) process.off(signal, this.handler);
  }

  private readonly handler = (signal: NodeJS.Signals): void => {
    if (!this.runs || signal === 'SIGTERM') this.controller.abort(signal);
  };
}

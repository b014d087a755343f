/**
 * A process whose program is still being compiled (ARCHITECTURE.md, "Growing images"): asks it for the rest, which it
 * passes on to the tool that compiles it. The program runs on meanwhile.
 */

import { ToolError } from '../base/errors.js';
import type { ProcessFolder } from './process-folder.js';
import { Signaller } from './signaller.js';

/** How long it may take, in milliseconds: a module of 16 MB takes some three seconds on an idle machine. */
const COMPLETE_WITHIN = 120_000;
/** Time between two requests: a process that has just started ignores them. */
const ASK_AGAIN = 200;

export class Growth {
  private readonly deadline = performance.now() + COMPLETE_WITHIN;
  private asked = -Infinity;

  constructor(private readonly folder: ProcessFolder) {}

  /** @throws ToolError when the process has ended, or waits in vain */
  async ask(): Promise<void> {
    const now = performance.now();
    if (now > this.deadline) {
      throw new ToolError(
        'not-compiled',
        `pid ${this.folder.pid}: a part of its program is not compiled yet: the wag-snap run that compiles it is suspended, has ended, or cannot write it`,
      );
    }
    if (now < this.asked + ASK_AGAIN) return;
    this.asked = now;
    const signaller = new Signaller(this.folder, () => {});
    try {
      await signaller.send('SIGURG'); // TRACK_SIGNAL
    } finally {
      signaller.close();
    }
  }
}

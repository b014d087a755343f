/** Sends no faster than it may: bytes a second, over any tenth of one. */

import { setTimeout as sleep } from 'node:timers/promises';

/** Parts of a second in which what was not sent is not lost. */
const PARTS = 10;
/** Bytes of the smallest piece. */
const LEAST = 4096;

/** In milliseconds. */
export interface Clock {
  now(): number;
  /** Is over early when it is given up. */
  sleep(time: number, signal?: AbortSignal): Promise<void>;
}

const SYSTEM: Clock = {
  now: () => performance.now(),
  sleep: (time, signal) => sleep(time, undefined, signal ? { signal } : {}).catch(() => {}),
};

export class RateLimit {
  /** When what was sent so far may be there: performance.now(). */
  private free: number;

  /** @param rate in bytes a second; undefined: any */
  constructor(
    private readonly rate: number | undefined,
    private readonly clock: Clock = SYSTEM,
  ) {
    this.free = clock.now();
  }

  /** How large pieces may be, so that they do not come in bursts. */
  piece(most: number): number {
    return this.rate === undefined ? most : Math.min(most, Math.max(LEAST, Math.floor(this.rate / PARTS)));
  }

  /** Resolves when as many bytes may be sent. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    if (this.rate === undefined) return;
    const now = this.clock.now();
    const wait = this.free - now;
    this.free = Math.max(this.free, now - 1000 / PARTS) + (bytes / this.rate) * 1000;
    if (wait > 0) await this.clock.sleep(wait, signal);
  }
}

/** Tries again what may succeed later: with pauses that get longer, as long as nothing moves. */

import { setTimeout as sleep } from 'node:timers/promises';
import { trace } from '../../base/trace.js';
import { RegistryError } from './errors.js';

/** Tries without progress, and the first pause between them in milliseconds: in all about half a minute. */
const TRIES = 7;
const FIRST_PAUSE = 300;
const LONGEST_PAUSE = 10_000;

/** Waits for milliseconds. Ends at once when it is given up. */
export type Pause = (time: number, signal: AbortSignal | undefined) => Promise<void>;

export const systemPause: Pause = (time, signal) =>
  sleep(time, undefined, signal === undefined ? {} : { signal }).catch(() => {});

export class Patience {
  private failures = 0;

  constructor(
    private readonly signal: AbortSignal | undefined,
    private readonly pause: Pause = systemPause,
  ) {}

  /** Something has moved: from now on there are as many tries as at first. */
  moved(): void {
    this.failures = 0;
  }

  /** Waits before the next try. @throws the error itself when no other try is worth it */
  async after(error: unknown): Promise<void> {
    if (!(error instanceof RegistryError) || !error.isTransient || this.signal?.aborted) throw error;
    if (++this.failures >= TRIES) throw error;
    const usual = Math.min(FIRST_PAUSE * 2 ** (this.failures - 1), LONGEST_PAUSE);
    const time = error.retryAfter ?? usual * (0.5 + Math.random());
    trace('registry', () => `tries again in ${Math.round(time)} ms: ${error.headline}`);
    await this.pause(time, this.signal);
    if (this.signal?.aborted) throw error;
  }
}

/** Does something that may be done twice, until it succeeds. @throws its last error */
export async function persistently<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await patience.after(error);
    }
  }
}

/**
 * Does something for each, a few at a time. The first error gives up what has begun, and is thrown once that has ended.
 *
 * @param client with which all of it is done
 */
export async function severally<T>(
  client: { abandon(): void },
  all: readonly T[],
  most: number,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const rest = [...all];
  const errors: unknown[] = [];
  const run = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      try {
        await work(next);
      } catch (error) {
        errors.push(error);
        rest.length = 0;
        client.abandon();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, run));
  if (errors.length > 0) throw errors[0];
}

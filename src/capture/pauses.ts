/** How long to sleep between two looks at a process. */

/** Milliseconds to sleep between looks: short at first, so that a pause is, in the end 5 ms. */
export const FIRST_PAUSE = 0.05;

export function longer(pause: number): number {
  return Math.min(pause * 1.2, 5);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Timers are no finer than a millisecond: shorter sleeps hold the thread. */
export async function sleep(milliseconds: number): Promise<void> {
  if (milliseconds < 1) Atomics.wait(sleeper, 0, 0, milliseconds);
  else await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

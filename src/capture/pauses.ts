/** The waits between two looks at a process. */

/** The next wait in milliseconds: short at first, as a short capture needs it, 5 ms in the end. */
export const FIRST_PAUSE = 0.05;

export function longer(pause: number): number {
  return Math.min(pause * 1.2, 5);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Sleeps. Timers have a resolution of one millisecond, so shorter sleeps hold the thread. */
export async function sleep(milliseconds: number): Promise<void> {
  if (milliseconds < 1) Atomics.wait(sleeper, 0, 0, milliseconds);
  else await new Promise((resolve) => setTimeout(resolve, milliseconds));
}

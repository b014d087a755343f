/** The clock that leases are measured by: it never goes back, and counts the time in which the machine was suspended. */

import { closeSync, openSync, readSync } from 'node:fs';

/** Milliseconds since some moment, in steps of ten. All processes of a machine have the same clock. */
export type Clock = () => number;

/** CLOCK_BOOTTIME, as the kernel has it in /proc/uptime; where that cannot be read, the monotonic clock. */
export function bootClock(): Clock {
  let fd: number;
  try {
    fd = openSync('/proc/uptime', 'r');
  } catch {
    return () => Math.floor(performance.now());
  }
  const bytes = Buffer.alloc(64);
  const clock = () => {
    const length = readSync(fd, bytes, 0, bytes.length, 0);
    return Math.round(Number.parseFloat(bytes.toString('latin1', 0, length)) * 1000);
  };
  if (clock() > 0) return clock;
  closeSync(fd);
  return () => Math.floor(performance.now());
}

/** How much work something is, also on a busy machine: tests that bound it must not measure what others do meanwhile. */

/** Milliseconds of CPU time that this process spends in `action`, its garbage collector and compiler threads included. */
export function cpuMilliseconds(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

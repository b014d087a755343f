/** Measures how work grows with the size of its input. A limit on its time would depend on the machine's speed. */

/**
 * How many times the CPU time `work` takes for ten times the size: about 10 when it grows linearly, 100 when with the
 * square. The least of several tries counts, because of other processes, the compiler and the garbage collector.
 */
export function growth(work: (size: number) => void, size: number): number {
  const times = (n: number) => Math.min(...Array.from({ length: 4 }, () => cpuMilliseconds(() => work(n))));
  const small = times(size);
  return times(10 * size) / small;
}

/**
 * Milliseconds of CPU time that this process spends in `action`, its garbage collector and compiler threads included.
 */
function cpuMilliseconds(action: () => void): number {
  const before = process.cpuUsage();
  action();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

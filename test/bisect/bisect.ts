/**
 * The first of `count` things whose presence turns good into bad, or why there is none.
 *
 * @param isGood whether the outcome is good with the first `n` things; it must be good with none and bad with all
 */
export function bisect(count: number, isGood: (n: number) => boolean): number | string {
  if (isGood(count)) return 'nothing is wrong with all functions as usual: the command finds no fault';
  if (!isGood(0)) return 'it is wrong with all functions compiled the plain way, too: the fault is elsewhere';
  let good = 0;
  let bad = count;
  while (bad - good > 1) {
    const middle = (good + bad) >>> 1;
    if (isGood(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

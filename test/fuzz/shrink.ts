/**
 * Makes a failing case small: leaves out pieces of its list of choices, then makes single choices smaller, as long as
 * it keeps failing. Many candidates are tried at once, in one image.
 */

import type { Differential, Failure } from './differential.js';

const CANDIDATES = 24;
const ROUNDS = 60;

export function shrink(differential: Differential, failure: Failure): Failure {
  let best = failure;
  for (let round = 0; round < ROUNDS; round++) {
    const smaller = improve(differential, best);
    if (smaller === undefined) return best;
    best = smaller;
  }
  return best;
}

function improve(differential: Differential, failure: Failure): Failure | undefined {
  const { choices } = failure;
  for (let size = choices.length >> 1; size >= 1; size >>= 1) {
    const scripts: number[][] = [];
    for (let at = 0; at < choices.length; at += size) {
      scripts.push([...choices.slice(0, at), ...choices.slice(at + size)]);
      if (choices.slice(at, at + size).some((value) => value > 0)) {
        scripts.push([
          ...choices.slice(0, at),
          ...choices.slice(at, at + size).map(() => 0),
          ...choices.slice(at + size),
        ]);
      }
    }
    const found = firstFailing(differential, failure, scripts);
    if (found !== undefined) return found;
  }
  const halved = choices.flatMap((value, i) =>
    value > 1 ? [choices.with(i, value >> 1), choices.with(i, value - 1)] : [],
  );
  return firstFailing(differential, failure, halved);
}

function firstFailing(differential: Differential, best: Failure, scripts: readonly number[][]): Failure | undefined {
  for (let at = 0; at < scripts.length; at += CANDIDATES) {
    const failures = differential.run(best.variant, [best.seed], scripts.slice(at, at + CANDIDATES));
    const smaller = failures.filter(({ choices }) => weight(choices) < weight(best.choices));
    smaller.sort((a, b) => weight(a.choices) - weight(b.choices));
    if (smaller.length > 0) return smaller[0];
  }
  return undefined;
}

/** Fewer choices first, then smaller ones. */
function weight(choices: readonly number[]): number {
  return choices.reduce((sum, value) => sum + 1 + Math.log2(1 + value) / 64, 0);
}

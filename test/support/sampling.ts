/**
 * Samples of sweeps: a test run tries only some cases, chosen by a seed that is printed, with some of each kind. `npm
 * test -- --exhaustive` tries all; it sets WAGSNAP_EXHAUSTIVE=1. WAGSNAP_SEED repeats a sample. WAGSNAP_PART=2/10 tries
 * the second tenth of all, for a sweep that takes too long at once.
 */

import { random } from './random.js';

/** Whether everything is to be tried, however long it takes. */
export const exhaustive = process.env['WAGSNAP_EXHAUSTIVE'] === '1';

/** Of this file's samples: for the name of a test, or to be printed. */
export const seed = Number(process.env['WAGSNAP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const [part, parts] = (process.env['WAGSNAP_PART'] ?? '1/1').split('/').map(Number);

/** Of all that there is to try: the part that is this run's. */
export function ownPart<T>(items: readonly T[]): readonly T[] {
  return items.filter((_, i) => i % parts === part - 1);
}

/** `usual` in a test run, `all` where everything is tried. */
export function sized(usual: number, all: number): number {
  return exhaustive ? all : usual;
}

/** The same items by chance. @param next random numbers in [0, 1) */
export function shuffled<T>(items: readonly T[], next: () => number): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const k = Math.floor(next() * (i + 1));
    [list[i], list[k]] = [list[k], list[i]];
  }
  return list;
}

/** Items by chance, taken from each kind in turn: the first ones have all kinds in them. */
export function byKind<T>(items: readonly T[], kindOf: (item: T) => string, next: () => number): T[] {
  const kinds = new Map<string, T[]>();
  for (const item of shuffled(items, next)) {
    const kind = kindOf(item);
    const list = kinds.get(kind);
    if (list) list.push(item);
    else kinds.set(kind, [item]);
  }
  const lists = [...kinds.values()];
  const ordered: T[] = [];
  for (let i = 0; ordered.length < items.length; i++) {
    for (const list of lists) if (i < list.length) ordered.push(list[i]);
  }
  return ordered;
}

/** `count` items by chance, and at least one of each kind; all of them when everything is tried. */
export function sample<T>(
  items: readonly T[],
  count: number,
  kindOf: (item: T) => string,
  next: () => number = random(seed),
): readonly T[] {
  if (exhaustive) return items;
  const kinds = new Set(items.map(kindOf)).size;
  return byKind(items, kindOf, next).slice(0, Math.max(count, kinds));
}

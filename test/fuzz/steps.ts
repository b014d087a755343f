/** What the steps of a random body do, and how likely each is. */

import type { Choices } from './choices.js';
import type { Shape } from './shape.js';

/** By weight. The first must be harmless: it is what an exhausted list of choices gives. */
const STEPS = [
  ['push', 16],
  ['get', 8],
  ['operate', 30],
  ['setLocal', 14],
  ['compare', 5],
  ['load', 5],
  ['store', 5],
  ['block', 9],
  ['branchIf', 4],
  ['select', 3],
  ['call', 3],
  ['callIndirect', 2],
  ['globalSet', 2],
  ['drop', 2],
  ['branch', 1],
  ['branchTable', 1],
  ['bulk', 1],
  ['table', 2],
  ['countedLoop', 2],
  ['leave', 1],
  ['tailCall', 3],
  ['try', 8],
  ['throw', 3],
  ['rethrow', 3],
  ['callRef', 4],
  ['nonNull', 2],
  ['branchOnNull', 3],
  ['branchOnNonNull', 3],
  ['refTest', 3],
  ['refCast', 3],
  ['branchOnCast', 4],
] as const;

export type StepName = (typeof STEPS)[number][0];

const FEATURES: ReadonlyMap<string, (shape: Shape) => boolean> = new Map([
  ['tailCall', ({ tailCalls }) => tailCalls],
  ...['try', 'throw', 'rethrow'].map((name) => [name, ({ tags }: Shape) => tags.length > 0] as const),
  ...['callRef', 'nonNull', 'branchOnNull', 'branchOnNonNull'].map(
    (name) => [name, ({ heaps }: Shape) => heaps > 0] as const,
  ),
  ...['refTest', 'refCast', 'branchOnCast'].map((name) => [name, ({ casts }: Shape) => casts] as const),
]);

const CALLS: readonly string[] = ['call', 'callIndirect', 'callRef'];

/**
 * Characters of functions: of everything; without calls, so that many locals are pinned; with many calls and
 * assignments; with hardly any calls and many uses of locals; with many branches; with some of all.
 */
const CHARACTERS: readonly (readonly number[])[] = [
  STEPS.map(([, weight]) => weight),
  STEPS.map(([name, weight]) => (CALLS.includes(name) || ['bulk', 'table'].includes(name) ? 0 : weight)),
  STEPS.map(([name, weight]) => (CALLS.includes(name) || ['get', 'setLocal'].includes(name) ? 4 * weight : weight)),
  STEPS.map(([name, weight]) =>
    name === 'callIndirect'
      ? 1
      : ['call', 'callRef', 'bulk', 'table'].includes(name)
        ? 0
        : name === 'get'
          ? 24
          : weight,
  ),
  STEPS.map(([name, weight]) => (/block|branch|Loop/.test(name) ? 3 * weight : weight)),
  STEPS.map(([name, weight]) => (['setLocal', 'branchIf', 'call', 'get'].includes(name) ? 3 * weight : weight)),
];

/** The steps of one function. */
export class Steps {
  private readonly weights: readonly number[];

  constructor(
    private readonly choices: Choices,
    shape: Shape,
  ) {
    this.weights = choices
      .pick(CHARACTERS)
      .map((weight, i) => ((FEATURES.get(STEPS[i][0])?.(shape) ?? true) ? weight : 0));
  }

  next(): StepName {
    return STEPS[this.choices.weighted(this.weights)][0];
  }
}

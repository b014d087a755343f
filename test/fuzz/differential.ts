/** Compares native code with V8, case by case: results, traps and hashes of the state after each function's calls. */

import { OF_V8 } from '../support/function-references.js';
import { NanMode } from './code.js';
import { NativeRunner } from './native.js';
import { runInV8 } from './oracle.js';
import { type OtherMemory, withOtherMemory } from './other-memory.js';
import { describeOutcome, type Outcome, sameOutcome } from './outcome.js';
import { type Case, type CaseOptions, randomCase } from './random-module.js';
import type { Sizes } from './shape.js';
import { withTryTables } from './try-tables.js';
import { withWideArithmetic } from './wide-arithmetic.js';

/** What our side's modules have that V8 does not know: it runs the same ones without. */
export interface NewForms {
  /** Which memory is the modules': V8 runs them with memory 0. */
  readonly memory?: OtherMemory;
  /** Exceptions in the form of 3.0: V8 runs the legacy form. */
  readonly tryTables?: boolean;
  /** Part of the arithmetic is of 128 bits. */
  readonly wideArithmetic?: boolean;
}

export interface Variant extends NewForms {
  readonly sizes: Sizes;
  readonly deterministic: boolean;
  readonly arch?: string;
  readonly variation?: number;
}

export interface Failure {
  readonly seed: number;
  readonly variant: Variant;
  readonly choices: readonly number[];
  /** What differs, for people. */
  readonly message: string;
}

export interface Tally {
  cases: number;
  functions: number;
  bytes: number;
  calls: number;
  traps: number;
}

/** One case: as V8 runs it and as we do. They differ in deterministic mode only. */
interface Pair {
  readonly native: Case;
  readonly expected: readonly Outcome[];
}

export class Differential {
  readonly tally: Tally = { cases: 0, functions: 0, bytes: 0, calls: 0, traps: 0 };
  private readonly runner = new NativeRunner();

  close(): void {
    this.runner.remove();
  }

  /** Runs cases of these seeds, or of one seed with each of the scripts. */
  run(variant: Variant, seeds: readonly number[], scripts?: readonly (readonly number[])[]): Failure[] {
    const pairs = scripts
      ? scripts.map((script, i) => this.pair(variant, seeds[0], script, i))
      : seeds.map((seed) => this.pair(variant, seed));
    const results = this.runner.run(
      pairs.map(({ native }) => native),
      variant,
    );
    const failures: Failure[] = [];
    for (const [i, { native, expected }] of pairs.entries()) {
      const result = results[i];
      const message = result instanceof Error ? (result.stack ?? result.message) : difference(native, expected, result);
      if (message !== undefined) failures.push({ seed: native.seed, variant, choices: native.choices, message });
    }
    return failures;
  }

  private pair(variant: Variant, seed: number, script?: readonly number[], suffix = 0): Pair {
    const { sizes, deterministic } = variant;
    const native = randomCase(seed, { sizes, script, suffix, nan: deterministic ? NanMode.Native : NanMode.Guarded });
    const expected = runInV8(caseForV8(seed, { sizes, script, suffix }, deterministic, native));
    const { tally } = this;
    tally.cases++;
    tally.bytes += native.modules.reduce((sum, { bytes }) => sum + bytes.length, 0);
    tally.calls += expected.length;
    tally.traps += expected.filter(({ traps }) => traps.length > 0).length;
    tally.functions += new Set(native.steps.map(({ module, name }) => `${module} ${name}`)).size - 2;
    return { native: rewritten(native, variant), expected };
  }
}

/** What V8 runs, which has typed references in an encoding of its own, and makes NaNs canonical by code. */
export function caseForV8(seed: number, options: Omit<CaseOptions, 'nan'>, deterministic: boolean, native: Case): Case {
  const { references = false, casts = false } = options.sizes;
  if (!deterministic && !references && !casts) return native;
  return randomCase(seed, { ...options, nan: deterministic ? NanMode.Explicit : NanMode.Guarded, encoding: OF_V8 });
}

/** The same case in the forms that V8 does not know. */
export function rewritten(one: Case, { memory, tryTables = false, wideArithmetic = false }: NewForms): Case {
  if (memory === undefined && !tryTables && !wideArithmetic) return one;
  const isAlone = one.modules.length === 1; // who imports a memory wants it narrow, and its pages large
  const wide = memory?.wide === true && isAlone;
  const small = memory?.small === true && isAlone;
  const modules = one.modules.map(({ name, bytes }) => {
    const moved = memory === undefined ? bytes : withOtherMemory(bytes, { ...memory, wide, small });
    const thrown = tryTables ? withTryTables(moved) : moved;
    return { name, bytes: wideArithmetic ? withWideArithmetic(thrown) : thrown };
  });
  return { ...one, modules };
}

function difference(one: Case, expected: readonly Outcome[], actual: readonly Outcome[]): string | undefined {
  const at = expected.findIndex((outcome, i) => !sameOutcome(outcome, actual[i]));
  if (at < 0) return undefined;
  const { module, name, args } = one.steps[at];
  const call = `${one.modules[module].name}.${name}(${args.map((arg) => `0x${arg.toString(16)}`).join(', ')})`;
  return `step ${at}: ${call}: V8 ${describeOutcome(expected[at])}, native ${describeOutcome(actual[at])}`;
}

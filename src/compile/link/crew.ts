/** Decides whether an instance has enough code for more threads, and starts them (compile/parallel). */

import type { MacroAssembler } from '../../arch/masm/masm.js';
import type { InstanceLayout } from '../../image/instance-layout.js';
import { BUILTINS, type Builtin, type CodeEnvironment } from '../convention/environment.js';
import { Crew, threadsFor } from '../parallel/crew.js';
import type { PieceContext } from '../parallel/piece-compiler.js';
import { firstApart } from './bodies.js';
import type { LinkedInstance } from './linked-instance.js';
import type { TextOptions } from './text-options.js';

/** The text that they compile for. */
interface CrewPlace {
  readonly masm: MacroAssembler;
  /** Image offset of TEXT. */
  readonly imageStart: number;
  /** How many bytes text is expected to have. */
  readonly textBytes: number;
  readonly options: TextOptions;
}

/** @returns undefined when one thread is enough */
export function crewFor(
  { module, file }: LinkedInstance,
  layout: InstanceLayout,
  environment: CodeEnvironment,
  { masm, imageStart, textBytes, options }: CrewPlace,
): Crew | undefined {
  const { target, generator, jobs = 1, pieceBytes, variation, deterministic, sites } = options;
  if (jobs < 2 || variation !== undefined) return undefined;
  const first = firstApart(module, masm);
  const bytes = module.bodyEnd.reduce((sum, end, i) => (i < first ? sum : sum + end - module.bodyStart[i]), 0);
  const threads = pieceBytes === undefined ? threadsFor(bytes, jobs) : jobs;
  if (threads < 2) return undefined;
  const { thunkOffset, builtinOffset, tagRecord, constantGlobal, tailSlots } = environment;
  const constantGlobals = new Int32Array(3 * module.globals.length);
  for (let i = 0; i < module.globals.length; i++) {
    const value = constantGlobal(i);
    if (value !== undefined) constantGlobals.set([1, value.lo, value.hi], 3 * i);
  }
  const context: PieceContext = {
    deterministic,
    tableLimits: sites && { tableWords: sites.limit, describedWords: sites.effort },
    tailSlots,
    imageStart,
    textBytes,
    thunks: Int32Array.from({ length: module.importedFuncCount }, (_, i) => thunkOffset(i)),
    builtins: Object.fromEntries(BUILTINS.map((name) => [name, builtinOffset(name)])) as Record<Builtin, number>,
    tagRecords: Array.from(module.tags, (_, i) => tagRecord(i)),
    constantGlobals,
  };
  return new Crew({ target, generator, instance: { module, layout, file }, context, first, threads, pieceBytes });
}

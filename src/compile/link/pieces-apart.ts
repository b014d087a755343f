/**
 * The pieces of an instance's text that are not compiled in their place: those that were compiled while the module was
 * read, and those of other threads if there is enough code for some (compile/parallel).
 */

import type { MacroAssembler } from '../../arch/masm/masm.js';
import { trace } from '../../base/trace.js';
import type { InstanceLayout } from '../../image/instance-layout.js';
import { BUILTINS, type Builtin, type CodeEnvironment } from '../convention/environment.js';
import { Crew, threadsFor } from '../parallel/crew.js';
import type { PlacedPiece } from '../parallel/piece.js';
import type { PieceContext } from '../parallel/piece-compiler.js';
import { sendLayout, sendModule } from '../parallel/thread-input.js';
import { bodyBytesBetween, firstApart } from './bodies.js';
import { fits } from './early-pieces.js';
import type { LinkedInstance } from './linked-instance.js';
import type { TextOptions } from './text-options.js';

/** The text that they are for: TextBuilder. */
interface Text {
  readonly masm: MacroAssembler;
  /** Image offset of TEXT. */
  readonly start: number;
  /** How many bytes text is expected to have. */
  readonly textBytes: number;
  readonly options: TextOptions;
}

export class PiecesApart {
  private readonly early = new Map<number, PlacedPiece>(); // by first function
  private readonly crew: Crew | undefined;

  constructor(
    linked: LinkedInstance,
    layout: InstanceLayout,
    environment: () => CodeEnvironment,
    { masm, start, textBytes, options }: Text,
  ) {
    const { module, file } = linked;
    const { target, generator, jobs = 1, pieceBytes, variation, early } = options;
    if (variation !== undefined || (jobs < 2 && early === undefined)) return;
    const context = pieceContext(linked, environment(), { start, textBytes, options });
    let first = firstApart(module, masm);
    if (early !== undefined) {
      const instance = { module: sendModule(module), layout: sendLayout(layout), file };
      const isUsable = fits(early, target, instance, context);
      trace('compile', () => `${file}: ${early.pieces.length} early pieces ${isUsable ? 'fit' : 'do not fit'}`);
      if (isUsable) {
        for (const piece of early.pieces) this.early.set(piece.first, piece);
        first = early.end;
      }
    }
    const bytes = bodyBytesBetween(module, first, module.bodyStart.length);
    const threads = pieceBytes === undefined ? threadsFor(bytes, jobs) : jobs;
    if (threads < 2) return;
    const part = { module, layout, file };
    this.crew = new Crew({ target, generator, instance: part, context, first, threads, pieceBytes });
  }

  /**
   * The piece that begins with defined function `first`.
   * @returns undefined when the caller has to compile the function
   */
  piece(first: number): PlacedPiece | undefined {
    return this.early.get(first) ?? this.crew?.piece(first);
  }

  /** Ends other threads. */
  stop(): void {
    this.crew?.stop();
  }
}

/** What the code of an instance's functions depends on, besides its module and layout. */
export function pieceContext(
  { module }: LinkedInstance,
  environment: CodeEnvironment,
  { start, textBytes, options }: Omit<Text, 'masm'>,
): PieceContext {
  const { deterministic, sites } = options;
  const { thunkOffset, builtinOffset, tagRecord, constantGlobal, tailSlots } = environment;
  const constantGlobals = new Int32Array(3 * module.globals.length);
  for (let i = 0; i < module.globals.length; i++) {
    const value = constantGlobal(i);
    if (value !== undefined) constantGlobals.set([1, value.lo, value.hi], 3 * i);
  }
  return {
    deterministic,
    tableLimits: sites && { tableWords: sites.limit, describedWords: sites.effort },
    tailSlots,
    imageStart: start,
    textBytes,
    thunks: Int32Array.from({ length: module.importedFuncCount }, (_, i) => thunkOffset(i)),
    builtins: Object.fromEntries(BUILTINS.map((name) => [name, builtinOffset(name)])) as Record<Builtin, number>,
    tagRecords: Array.from(module.tags, (_, i) => tagRecord(i)),
    constantGlobals,
  };
}

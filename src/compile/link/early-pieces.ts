/**
 * The pieces of the main module that were compiled while its bytes were still arriving (early-compiler.ts). Plain data,
 * so that another thread can link them.
 *
 * They were made before the module's end was known. They are used only if what they depend on has turned out to be what
 * was assumed: then they are what the crew (compile/parallel) would make.
 */

import { isDeepStrictEqual } from 'node:util';
import type { Target } from '../../arch/masm/target.js';
import type { PlacedPiece } from '../parallel/piece.js';
import type { PieceContext } from '../parallel/piece-compiler.js';
import type { SentInstance } from '../parallel/thread-input.js';

export interface EarlyPieces {
  readonly target: Pick<Target, 'name' | 'cpuNeeds'>;
  /** What was known of the instance, and what is known of text. */
  readonly instance: InstanceFacts;
  readonly context: PieceContext;
  /** In the order of the functions. Some may be missing: those could not be made apart. */
  readonly pieces: readonly PlacedPiece[];
  /** The first defined function for which none was tried. */
  readonly end: number;
  /** Bytes of the function bodies in the pieces. */
  readonly bodyBytes: number;
}

type InstanceFacts = Pick<SentInstance, 'layout'> & { readonly module: object };

/** What of an instance is known before its bytes are, and functions depend on. */
export function factsOf({ module, layout }: SentInstance): InstanceFacts {
  const { bytes, bodyStart, bodyEnd, dataSegments, ...known } = module;
  return { module: known, layout };
}

/** Whether text of this instance, with this context, may contain the pieces. */
export function fits(early: EarlyPieces, target: Target, instance: SentInstance, context: PieceContext): boolean {
  return (
    early.target.name === target.name &&
    early.target.cpuNeeds === target.cpuNeeds &&
    isDeepStrictEqual(early.instance, factsOf(instance)) &&
    isDeepStrictEqual(relevant(early.context, target), relevant(context, target))
  );
}

/** Limits are checked when a piece is appended, and it is moved to where text begins. */
function relevant({ imageStart, textBytes, tableLimits, ...rest }: PieceContext, { nearText }: Target) {
  return { ...rest, isNear: textBytes <= nearText, hasTables: tableLimits !== undefined };
}

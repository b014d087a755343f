/** What is known of an image's text before it is made. */

import type { Target } from '../../arch/masm/target.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import type { Variation } from '../convention/variation.js';
import type { CodeGenerator } from '../generator.js';
import type { EarlyPieces } from './early-pieces.js';

export interface TextOptions {
  readonly target: Target;
  readonly generator: CodeGenerator;
  readonly deterministic: boolean;
  readonly sites: SiteTables | undefined;
  readonly variation?: Variation;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** How many threads may compile guests' functions; default: one. */
  readonly jobs?: number;
  /** Bytes of function bodies that a thread compiles at a time. When given, threads compile modules of any size. */
  readonly pieceBytes?: number | undefined;
  /** What was compiled while the module was read. */
  readonly early?: EarlyPieces | undefined;
  /** Whether every caller reserves room for any tail call (baseline/tail-calls.ts); default: false. */
  readonly tailRoom?: boolean;
}

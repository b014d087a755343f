/**
 * A piece of an instance's text: a run of functions that were compiled apart from the rest, as if text began with them.
 *
 * text-builder.ts appends it to the text before it: references out of the piece are relocated, and its table rows
 * continue those of the text. The bytes are the same as if the functions had been compiled there. All parts are arrays
 * of their own, so a thread can transfer them.
 */

import type { References } from '../../arch/masm/code-references.js';
import type { HandlerRows } from '../../image/tables/handler-table.js';
import type { SiteRows } from '../../image/tables/site-tables.js';
import type { DirectCallLists } from '../generator.js';

export interface CodePiece {
  readonly code: Uint8Array<ArrayBuffer>;
  /** The image offset of TEXT with which it was made. */
  readonly imageStart: number;
  /** What MacroAssembler.appendCode moves. */
  readonly references: References;
  /** Offset in `code` of each function. */
  readonly functionOffsets: Int32Array<ArrayBuffer>;
  readonly calls: DirectCallLists;
  readonly handlers: HandlerRows;
  /** Undefined when no tables are wanted. */
  readonly sites: SiteRows | undefined;
}

/** The functions of a piece, as indexes of defined functions: from `first`, without `end`. */
export interface PieceRange {
  readonly first: number;
  readonly end: number;
}

/** A piece with its place. */
export type PlacedPiece = CodePiece & PieceRange;

/** Least bytes of function bodies in a piece (the last one may have fewer): some 20 ms of work. */
const PIECE_BYTES = 1 << 18;

/** Cuts the functions from `first` on into pieces. */
export function pieceRanges(
  bodyStart: Uint32Array,
  bodyEnd: Uint32Array,
  first: number,
  pieceBytes = PIECE_BYTES,
): PieceRange[] {
  const ranges: PieceRange[] = [];
  let bytes = 0;
  for (let i = first; i < bodyStart.length; i++) {
    bytes += bodyEnd[i] - bodyStart[i];
    if (bytes < pieceBytes && i + 1 < bodyStart.length) continue;
    ranges.push({ first, end: i + 1 });
    first = i + 1;
    bytes = 0;
  }
  return ranges;
}

/** The memory of a piece, to be transferred with it. */
export function buffersOf(piece: CodePiece): ArrayBuffer[] {
  const { code, references, functionOffsets, calls, handlers, sites } = piece;
  const arrays = [
    code,
    references.text,
    references.data,
    functionOffsets,
    calls.calls,
    calls.jumps,
    ...Object.values(handlers),
  ];
  if (sites !== undefined) {
    arrays.push(sites.functions, sites.locals, sites.sites, sites.traps, sites.pins, sites.shapes.words);
  }
  return arrays.map(({ buffer }) => buffer as ArrayBuffer);
}

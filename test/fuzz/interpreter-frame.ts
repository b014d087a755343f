/** A frame of the interpreter: where it stands, its values and its labels. */

import type { FrameKind } from '../../src/snapshot/snapshot.js';
import { BodyReader } from './body-reader.js';
import type { BlockParts, FunctionEntry } from './machine.js';
import type { Raw } from './numeric-oracle.js';

export interface Label {
  /** Where a branch continues. */
  readonly target: number;
  readonly arity: number;
  readonly height: number;
  /** Of a loop: the body offset of its opcode. */
  readonly loop: number | undefined;
  /** Of a legacy try. */
  readonly legacy?: BlockParts;
  /** Of a try_table: kind, tag and label of each clause. */
  readonly clauses?: readonly number[];
  /** Of a legacy try: the exception, in a catch body. */
  caught?: Raw;
}

export class InterpreterFrame {
  readonly stack: Raw[] = [];
  readonly labels: Label[] = [];
  readonly reader: BodyReader;
  /** Where it stands. */
  kind: FrameKind = 'entry';
  offset = 0;
  /** Body offset of the instruction that runs, or has run last. */
  position = 0;
  /** Whether it waits for a tail call of another instance's function, to return what that does. */
  isLeaving = false;

  constructor(
    readonly entry: FunctionEntry,
    readonly locals: Raw[],
    bytes: Uint8Array,
    at: number,
  ) {
    this.reader = new BodyReader(bytes, at);
  }
}

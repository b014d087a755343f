/** The walk over a random body, for what writes its nested parts. */

export interface Walk {
  steps(most: number): void;
  /** Makes the stack what the innermost block's end wants. */
  finish(): void;
  call(): void;
  blockResults(): readonly number[];
  mayWrite(local: number): boolean;
}

/** Blocks are not nested deeper. */
export const DEEP = 7;

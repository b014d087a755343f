/** Options that several functions of the library share. */

export interface SignalOption {
  /** Cancels the work: nothing is written, and a program that was to be captured or moved continues. */
  readonly signal?: AbortSignal | undefined;
}

export interface WarningOption {
  /** Called with each warning for the user. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

export interface ProgressOption {
  /** Called with the bytes of memories done so far, and the total; when compiling, with those of function bodies. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface OutputOption {
  /** The file to write. An existing one is replaced once all is written. */
  readonly to: string;
}

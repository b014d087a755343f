/** Options that several functions of the library have. */

export interface SignalOption {
  /** Gives it up: nothing is written, and a program that was to be captured or moved runs on. */
  readonly signal?: AbortSignal | undefined;
}

export interface WarningOption {
  /** Told of what the user should know. */
  readonly onWarning?: ((text: string) => void) | undefined;
}

export interface ProgressOption {
  /** Told of the bytes of memories that are done, of all; when compiling, of function bodies. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface OutputOption {
  /** The file that is made; one that is there is replaced, once all is written. */
  readonly to: string;
}

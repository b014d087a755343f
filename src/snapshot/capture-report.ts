/** What a capture tells of itself, for people and for programs. */

export interface TraceEntry {
  readonly instance: number;
  readonly func: number;
  readonly name: string;
  /** Byte offset in the module, where that is known. */
  readonly moduleOffset?: number | undefined;
}

export interface CaptureReport {
  readonly pid: number;
  readonly file: string;
  /** Of the file, holes included. */
  readonly bytes: number;
  /** Wasm pages with anything in them. */
  readonly pages: number;
  readonly frames: number;
  /** Microseconds that the process stood still, at most: from the signal until it was let go. */
  readonly pause: number;
  /** Microseconds of the whole capture. */
  readonly total: number;
  /** Bytes of all globals, of all linear memories (their size) and of the stack in use. */
  readonly globalsSize: number;
  readonly memorySize: number;
  readonly stackSize: number;
  /** Lines about open files that are not found by the name that they had. */
  readonly files: readonly string[];
  /** Innermost first. */
  readonly trace: readonly TraceEntry[];
}

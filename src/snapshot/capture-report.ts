/** What a capture tells of itself, for people and for programs. */

export interface TraceEntry {
  readonly instance: number;
  readonly func: number;
  readonly name: string;
  /** Byte offset in the module, where that is known. */
  readonly moduleOffset?: number | undefined;
}

/** Of a capture that copied while the process ran. */
export interface TrackingReport {
  /** How written pages were tracked. */
  readonly way: string;
  /**
   * Of a capture with a parent: bytes written since that, as the process has tracked it, in blocks of 4 KiB. Null when it
   * has not, or there is no parent: then all was copied, or compared with the parent.
   */
  readonly since: number | null;
  /** Bytes copied in each round while it ran. */
  readonly rounds: readonly number[];
  /** Bytes that it wrote meanwhile, in blocks of 4 KiB: each as often as it was found to be written. */
  readonly written: number;
  /** Bytes copied while it stood still. */
  readonly rest: number;
  /** Microseconds: tracking never interrupted the process for longer. */
  readonly slice: number;
}

export interface CaptureReport {
  readonly pid: number;
  readonly file: string;
  /** Of the file, holes included. */
  readonly bytes: number;
  /** Wasm pages with anything in them. */
  readonly pages: number;
  /** Of one with a parent: bytes of memory that are not the same in it. */
  readonly changed?: number | undefined;
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
  /** What was copied while the process ran; undefined when all was copied while it stood still. */
  readonly tracking: TrackingReport | undefined;
  /** Innermost first. */
  readonly trace: readonly TraceEntry[];
}

/** The report of a capture, for people and for programs. */

export interface TraceEntry {
  readonly instance: number;
  readonly func: number;
  readonly name: string;
  /** Byte offset in the module; absent when it is unknown. */
  readonly moduleOffset?: number | undefined;
}

/** About a capture that copied while the process ran. */
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
  /**
   * Bytes that the program wrote meanwhile, in blocks of 4 KiB; a block counts each time that it was found written. Null
   * when another tool took the tracking over: then everything was copied while the program stood still.
   */
  readonly written: number | null;
  /** Bytes copied while the process stood still. */
  readonly rest: number;
  /** The longest interruption by tracking, in microseconds. */
  readonly slice: number;
}

export interface CaptureReport {
  readonly pid: number;
  readonly file: string;
  /** Size of the file in bytes, holes included. */
  readonly bytes: number;
  /** Wasm pages that are not empty. */
  readonly pages: number;
  /** With a parent: bytes of memory that differ from it. */
  readonly changed?: number | undefined;
  readonly frames: number;
  /** The longest time that the process can have stood still, in microseconds: from the signal until it was let go. */
  readonly pause: number;
  /** Duration of the whole capture, in microseconds. */
  readonly total: number;
  /** Bytes of all globals, of all linear memories (their size), and of the stack in use. */
  readonly globalsSize: number;
  readonly memorySize: number;
  readonly stackSize: number;
  /** Lines about open files that are not found under their recorded names. */
  readonly files: readonly string[];
  /** What was copied while the process ran; undefined when everything was copied while it stood still. */
  readonly tracking: TrackingReport | undefined;
  /** The innermost frame first. */
  readonly trace: readonly TraceEntry[];
}

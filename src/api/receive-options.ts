/** What a host allows a workload that comes from another one. */

export interface ReceiveOptions {
  /** Bytes that the memories of what comes may have. */
  readonly maxMemory?: number | undefined;
  /** The folder for a program's output, when the other side names none. */
  readonly outputDir?: string | undefined;
}

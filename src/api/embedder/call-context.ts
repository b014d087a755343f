/** What a function of the embedder has of the call that it is in. Used up once the call has its answer. */

/** A memory of the guest that waits in the call. */
export interface GuestMemory {
  /** @throws RangeError when it does not lie within the memory; then nothing was read */
  read(address: number | bigint, length: number): Promise<Uint8Array>;
  /** @throws RangeError when it does not lie within the memory; then nothing was written */
  write(address: number | bigint, bytes: Uint8Array): Promise<void>;
  /** Its size in bytes. */
  size(): Promise<number>;
}

export interface CallContext {
  /**
   * The call's number. The program's first call is 1, each has one more than the one before; a call that is made again
   * after a restore has the number that it had.
   */
  readonly call: number;
  /** What names the program across restores: with `call`, it names the call. 32 hexadecimal digits. */
  readonly session: string;
  /** Whether the call was made before, by the process that the snapshot is of: it had no answer then. */
  readonly again: boolean;
  /** What the import is called. */
  readonly module: string;
  readonly name: string;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
  /** A memory of the calling instance, by its index. An i32 address may be negative, as guests' are unsigned. */
  memory(index?: number): GuestMemory;
}

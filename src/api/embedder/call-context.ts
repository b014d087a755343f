/** What an embedder's function knows of the call that it answers. Invalid once the call is answered. */

/** A memory of the guest, which waits in the call. */
export interface GuestMemory {
  /** @throws RangeError when the range is not within the memory; then nothing was read */
  read(address: number | bigint, length: number): Promise<Uint8Array>;
  /** @throws RangeError when the range is not within the memory; then nothing was written */
  write(address: number | bigint, bytes: Uint8Array): Promise<void>;
  /** Its size in bytes. */
  size(): Promise<number>;
}

export interface CallContext {
  /**
   * The call's number: 1 for the program's first call, then one more for each. A call that is repeated after a restore
   * keeps its number.
   */
  readonly call: number;
  /** Identifies the program across restores; together with `call` it identifies the call. 32 hexadecimal digits. */
  readonly session: string;
  /** Whether this call repeats one that was unanswered when the program was captured. */
  readonly again: boolean;
  /** The import's name. */
  readonly module: string;
  readonly name: string;
  /** Aborted when the answer is no longer wanted. */
  readonly signal: AbortSignal;
  /** A memory of the calling instance, by its index. Addresses are unsigned: a negative i32 is taken as such. */
  memory(index?: number): GuestMemory;
}

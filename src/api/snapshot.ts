/** A snapshot: all that a WebAssembly computation is at one moment. Contents of memories are read when asked for. */

import type { DescriptorDescription, SnapshotDescription } from './description.js';
import type { Value } from './value.js';

/**
 * Reading fails with InputError when the file is damaged, or one that it is a difference to is missing, and with ToolError
 * when it cannot be read.
 */
export interface Snapshot {
  readonly kind: 'snapshot';
  readonly path: string;
  /** Bytes of the file. */
  readonly size: number;
  /** What the workload is called; undefined when it has no name. */
  readonly name: string | undefined;
  /** By which it is known, whatever its file is called; undefined for files of early versions. */
  readonly digest: string | undefined;
  /** Digest of the snapshot that it is a difference to; undefined: it is complete. */
  readonly parent: string | undefined;
  /** How often the computation has been captured. */
  readonly generation: number;
  readonly created: Date;
  /** Where it was captured. */
  readonly source: { readonly arch: string; readonly compiler: string; readonly deterministic: boolean };
  /** What it has trapped at: it cannot be restored. Undefined: it was running. */
  readonly trap: { readonly kind: number; readonly message: string } | undefined;
  readonly modules: readonly SnapshotModule[];
  /** The last one is the program's own; others were linked to it. */
  readonly instances: readonly SnapshotInstance[];
  /** The stack, innermost frame first. */
  readonly frames: SnapshotFrames;
  /** The program's arguments, its name first. */
  readonly args: readonly string[];
  /** `NAME=VALUE` each. */
  readonly env: readonly string[];
  /** What it had open. */
  readonly descriptors: readonly DescriptorDescription[];
  /**
   * A memory of the program's own instance.
   *
   * @param memory its index, or the name that it is exported by; default: 0
   * @throws UsageError when there is none
   */
  memory(memory?: number | string): SnapshotMemory;
  /** All that is known of it, as `wag-snap inspect --json` prints it. */
  describe(): SnapshotDescription;
  /**
   * Writes it as a WebAssembly coredump, for debuggers.
   *
   * @param options `to`: the file that becomes it; one that is there is replaced, once all is written
   * @throws InputError, LimitError, ToolError
   */
  coredump(options: { readonly to: string }): Promise<void>;
  /** Closes the file. May be called twice. */
  close(): void;
  [Symbol.dispose](): void;
}

export interface SnapshotModule {
  /** In its name section; else empty. */
  readonly name: string;
  /** Of the binary, in lower-case hex. */
  readonly sha256: string;
  /** Bytes of the binary. */
  readonly size: number;
  /** The binary; undefined when it was captured without. */
  bytes(): Uint8Array | undefined;
}

/**
 * Indexes are those of its module, imports first; of a module that was left out of the snapshot, those without imports.
 * All of these throw UsageError for what is not there.
 */
export interface SnapshotInstance {
  /** Index of its module. */
  readonly module: number;
  readonly memoryCount: number;
  readonly tableCount: number;
  readonly globalCount: number;
  /** @param memory its index, or the name that it is exported by */
  memory(memory: number | string): SnapshotMemory;
  /** @param table its index, or the name that it is exported by */
  table(table: number | string): SnapshotTable;
  /** @param global its index, or the name that it is exported by */
  global(global: number | string): Value;
}

export interface SnapshotMemory {
  /** In pages of 64 KiB, rounded up where its own pages are bytes. */
  readonly pages: number;
  readonly maxPages: number;
  /** Bytes. */
  readonly size: number;
  /**
   * A copy of some bytes of it.
   *
   * @throws UsageError when they are not all within the memory
   */
  read(address: number, length: number): Promise<Uint8Array>;
  /** Where there is anything: all that is between is zero. In ascending order; each begins at a multiple of 4 KiB. */
  ranges(): readonly MemoryRange[];
}

export interface MemoryRange {
  readonly address: number;
  /** Bytes. */
  readonly length: number;
}

export interface SnapshotTable {
  readonly type: 'funcref' | 'externref' | 'exnref';
  /** Elements. */
  readonly length: number;
  readonly maxLength: number;
  /** @throws UsageError when there is no such element */
  get(index: number): Value;
}

/** Frames are made when they are asked for: there may be a million. */
export interface SnapshotFrames extends Iterable<Frame> {
  readonly length: number;
  /** Negative ones count from the outermost. Undefined: there is none. */
  at(index: number): Frame | undefined;
}

export interface Frame {
  /** Index in `instances`. */
  readonly instance: number;
  /** Index in the module, imports first. */
  readonly function: number;
  /** By the module's name section, or `func-3`. */
  readonly name: string;
  /**
   * Where it stands: at its function's `entry`, at a `loop`'s header, in a `call`, after one that has returned its
   * results (`return`), or at the instruction that has trapped.
   */
  readonly kind: 'entry' | 'loop' | 'return' | 'call' | 'trap';
  /** Bytes from the start of the function's body: of the instruction. */
  readonly offset: number;
  /** Bytes from the start of the module; undefined when that was left out. */
  readonly moduleOffset: number | undefined;
  /** Parameters first. */
  readonly locals: readonly Local[];
  /** Bottom first. */
  readonly operands: readonly Value[];
  /** The value of a local by its name; undefined when there is none, or its value is not known. */
  local(name: string): Value | undefined;
}

export interface Local {
  /** In the module's name section. */
  readonly name: string | undefined;
  /** Undefined: not known, as of some locals where a program has trapped. */
  readonly value: Value | undefined;
}

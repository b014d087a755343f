/**
 * A snapshot: the complete state of a WebAssembly computation at one moment. Contents of memories are read on demand.
 */

import type { DescriptorDescription, SnapshotDescription } from './description.js';
import type { Value } from './value.js';

/**
 * Reading throws InputError when the file is damaged or a file that it depends on is missing, and ToolError when it
 * cannot be read.
 */
export interface Snapshot {
  readonly kind: 'snapshot';
  readonly path: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** The workload's name; undefined when it has none. */
  readonly name: string | undefined;
  /** The digest that identifies the snapshot, whatever its file is called; undefined for files of early versions. */
  readonly digest: string | undefined;
  /** The digest of the snapshot that this one is a difference to; undefined: it is complete. */
  readonly parent: string | undefined;
  /** How often the computation has been captured. */
  readonly generation: number;
  readonly created: Date;
  /** Where it was captured. */
  readonly source: { readonly arch: string; readonly compiler: string; readonly deterministic: boolean };
  /**
   * The trap at which the program was captured; such a snapshot cannot be restored. Undefined: the program was running.
   */
  readonly trap: { readonly kind: number; readonly message: string } | undefined;
  readonly modules: readonly SnapshotModule[];
  /** The modules. The last one is the program's own; the others are linked to it. */
  readonly instances: readonly SnapshotInstance[];
  /** The stack, innermost frame first. */
  readonly frames: SnapshotFrames;
  /** The program's arguments; the first is its name. */
  readonly args: readonly string[];
  /** `NAME=VALUE` each. */
  readonly env: readonly string[];
  /** The descriptors that it had open. */
  readonly descriptors: readonly DescriptorDescription[];
  /**
   * A memory of the main instance.
   *
   * @param memory its index, or its export name; default: 0
   * @throws UsageError when there is no such memory
   */
  memory(memory?: number | string): SnapshotMemory;
  /** Describes the snapshot, as `wag-snap inspect --json` does. */
  describe(): SnapshotDescription;
  /**
   * Writes it as a WebAssembly coredump, for debuggers.
   *
   * @param options `to`: the coredump's file; an existing one is replaced once all is written
   * @throws InputError, LimitError, ToolError
   */
  coredump(options: { readonly to: string }): Promise<void>;
  /** Closes the file. May be called twice. */
  close(): void;
  [Symbol.dispose](): void;
}

export interface SnapshotModule {
  /** The name from the name section, else empty. */
  readonly name: string;
  /** The binary's digest, in lower-case hex. */
  readonly sha256: string;
  /** The binary's size in bytes. */
  readonly size: number;
  /** The binary; undefined when the snapshot does not carry it. */
  bytes(): Uint8Array | undefined;
}

/**
 * Indexes are those of the instance's module, imports first; if the module was left out of the snapshot, imports are
 * not counted. All methods throw UsageError for what does not exist.
 */
export interface SnapshotInstance {
  /** The index of the instance's module. */
  readonly module: number;
  readonly memoryCount: number;
  readonly tableCount: number;
  readonly globalCount: number;
  /** @param memory its index, or its export name */
  memory(memory: number | string): SnapshotMemory;
  /** @param table its index, or its export name */
  table(table: number | string): SnapshotTable;
  /** @param global its index, or its export name */
  global(global: number | string): Value;
}

export interface SnapshotMemory {
  /** Size in pages of 64 KiB, rounded up where the memory's own page size is one byte. */
  readonly pages: number;
  readonly maxPages: number;
  /** Size in bytes. */
  readonly size: number;
  /**
   * Copies bytes of the memory.
   *
   * @throws UsageError when the range is not within the memory
   */
  read(address: number, length: number): Promise<Uint8Array>;
  /** The ranges that may hold other bytes than zero, in ascending order. Each begins at a multiple of 4 KiB. */
  ranges(): readonly MemoryRange[];
}

export interface MemoryRange {
  readonly address: number;
  /** Length in bytes. */
  readonly length: number;
}

export interface SnapshotTable {
  readonly type: 'funcref' | 'externref' | 'exnref';
  /** Length in elements. */
  readonly length: number;
  readonly maxLength: number;
  /** @throws UsageError when there is no such element */
  get(index: number): Value;
}

/** Frames are created on demand, as there may be a million. */
export interface SnapshotFrames extends Iterable<Frame> {
  readonly length: number;
  /** Negative indexes count from the outermost frame. Undefined: there is no such frame. */
  at(index: number): Frame | undefined;
}

export interface Frame {
  /** Index in `instances`. */
  readonly instance: number;
  /** The function's index in the module, imports first. */
  readonly function: number;
  /** The function's name from the name section, or `func-3`. */
  readonly name: string;
  /**
   * Where the frame stands: at its function's `entry`, at a `loop`'s header, in a `call`, after a call that has
   * returned its results (`return`), or at the instruction that trapped.
   */
  readonly kind: 'entry' | 'loop' | 'return' | 'call' | 'trap';
  /** Offset of the instruction, in bytes from the start of the function's body. */
  readonly offset: number;
  /** The same in bytes from the start of the module; undefined when the module was left out. */
  readonly moduleOffset: number | undefined;
  /** Parameters come first. */
  readonly locals: readonly Local[];
  /** The bottom of the stack comes first. */
  readonly operands: readonly Value[];
  /** The value of a local by its name; undefined when there is no such local, or its value is unknown. */
  local(name: string): Value | undefined;
}

export interface Local {
  /** The name from the name section. */
  readonly name: string | undefined;
  /** Undefined: the value is unknown, as of some locals at a trap. */
  readonly value: Value | undefined;
}

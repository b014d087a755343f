/**
 * The resume plan: everything that start needs to continue a snapshot, as bytes of the image's .resume segment
 * (image/contract/resume-plan.ts RP_*; read by runtime/process/resume.ts).
 *
 * The segment begins with the RP_* block. Pointers are image offsets. All are listed, so that start adds the load
 * address. The plan holds no page data, only its places.
 */

import {
  CALL_ARGUMENT_CELLS,
  CALL_HEADER,
  CALL_INITIALIZE,
  CALL_RECORD,
  CALL_RESULT_CELLS,
  CALL_RESULTS,
} from '../image/contract/call.js';
import {
  CTX_SIZE,
  PROLOGUE_BYTES,
  RP_ARGC,
  RP_ARGV,
  RP_CALL,
  RP_CAPTURED,
  RP_CONTEXT,
  RP_ENVP,
  RP_FILES,
  RP_HOOK_CONTEXT,
  RP_HOST_STATE,
  RP_HOST_STATE_SIZE,
  RP_LISTINGS,
  RP_MEMORIES,
  RP_MONOTONIC,
  RP_PENDING_TIMEOUT,
  RP_PHASE,
  RP_PIECES,
  RP_SIZE,
  RP_SOURCE_FD,
  RP_SOURCE_PATH,
  RP_SOURCE_PROLOGUE,
  RP_SOURCES,
  RP_STACK,
  RP_STACK_RELOC_COUNT,
  RP_STACK_RELOCS,
  RP_STACK_SIZE,
  RP_SUSPENDED_CALL,
  RP_SUSPENDED_TIMEOUT,
  RP_TABLES,
  SOURCE_FD,
  SOURCE_PATH,
  SOURCE_PROLOGUE,
  SOURCE_SIZE,
} from '../image/contract/resume-plan.js';
import type { SharedContents } from '../snapshot/file-contents.js';
import type { SuspendedState } from '../snapshot/host.js';
import type { Extent } from '../snapshot/snapshot.js';
import type { PlannedCall } from './call.js';
import type { LoweredRegisters, LoweredStack } from './lower.js';
import type { Piece } from './pieces.js';
import type { PlacedExceptions } from './placed-exceptions.js';

/** Offset of the snapshot's exceptions in the resume segment: right after the RP_* block. */
export const EXCEPTIONS_START = (RP_SIZE + 15) & ~15;

export interface PlannedMemory {
  /** Image offset of the memory's record. */
  readonly record: number;
  /** Size in bytes. */
  readonly size: number;
  /** Extents; `fileOffset` is in the file that extents are mapped from. */
  readonly extents: readonly Extent[];
  /** Instead of extents, for pages in several files: see pieces.ts. */
  readonly pieces?: readonly Piece[] | undefined;
}

export interface PlannedTable {
  /** Image offset of the table's record. */
  readonly record: number;
  /** The elements, as pairs of words (lo, hi). */
  readonly elements: Uint32Array;
  /** Indexes of the elements that are image offsets. */
  readonly pointers: Uint32Array;
}

/** A snapshot file that start opens by its path. */
export interface SourceFile {
  /** The absolute path. */
  readonly path: string;
  /** The file's first bytes, to recognize it. */
  readonly prologue: Uint8Array;
}

/** The file of an ancestor. */
export interface FurtherFile extends SourceFile {
  /** The descriptor that it is inherited on, or -1. */
  readonly fd: number;
}

export interface ResumePlan {
  /** They come first, at EXCEPTIONS_START. */
  readonly exceptions?: PlacedExceptions | undefined;
  readonly memories: readonly PlannedMemory[];
  readonly tables: readonly PlannedTable[];
  readonly stack: LoweredStack;
  /** An HS_* block. */
  readonly hostState: Uint8Array;
  readonly args: readonly Uint8Array[];
  readonly env: readonly Uint8Array[];
  /** The descriptor to map extents from; -1: the image's own file. */
  readonly sourceFd: number;
  readonly source?: SourceFile | undefined;
  /** Further files of pieces: file n of a piece is at index n - 1. */
  readonly furtherFiles?: readonly FurtherFile[];
  /** In nanoseconds. */
  readonly monotonic: bigint;
  readonly pendingTimeout: bigint | undefined;
  /** Of the stack that wag_snap_restored runs above of, as `pendingTimeout`; and the call that it repeats. */
  readonly suspended?: SuspendedState | undefined;
  /** PLAN_*: which stacks were captured in wag_snap.snapshot. */
  readonly captured: number;
  /** The value of TH_PHASE. */
  readonly phase: number;
  /** The call that replaces the program's entry. */
  readonly call?: PlannedCall | undefined;
  /** Descriptors whose listing has begun (Descriptor.listed). */
  readonly listings?: readonly { readonly fd: number; readonly listed: Uint8Array }[];
  /** Unlinked files; `fileOffset` is in the file that extents are mapped from. */
  readonly files?: readonly SharedContents[];
}

export interface EncodedPlan {
  readonly bytes: Uint8Array;
  /** Offsets in `bytes` of u64 words that hold image offsets. */
  readonly pointers: Uint32Array;
}

/** @param base image offset of the segment, a multiple of 16 */
export function encodePlan(plan: ResumePlan, base: number): EncodedPlan {
  return new PlanEncoder(plan, base).encode();
}

class PlanEncoder {
  private bytes = Buffer.alloc(65536);
  private length = RP_SIZE;
  private pointers: number[] = [];

  constructor(
    private readonly plan: ResumePlan,
    private readonly base: number,
  ) {}

  encode(): EncodedPlan {
    const { plan } = this;
    const { stack } = plan;
    if (plan.exceptions) {
      const at = this.append(plan.exceptions.bytes);
      if (at !== EXCEPTIONS_START) throw new RangeError('exceptions are not first');
      for (const offset of plan.exceptions.pointers) this.pointers.push(at + offset);
    }
    this.pointer(RP_MEMORIES, this.memories());
    this.pointer(RP_TABLES, this.tables());
    this.pointer(RP_STACK, this.append(stack.bytes));
    this.word(RP_STACK_SIZE, stack.bytes.length);
    this.pointer(RP_STACK_RELOCS, this.append(bytesOf(stack.relocations)));
    this.word(RP_STACK_RELOC_COUNT, stack.relocations.length);
    this.pointer(RP_CONTEXT, this.context(stack));
    if (stack.hook) this.pointer(RP_HOOK_CONTEXT, this.context(stack.hook));
    this.word(RP_CAPTURED, plan.captured);
    this.bigWord(RP_SUSPENDED_TIMEOUT, plan.suspended?.pendingTimeout ?? -1n);
    this.word(RP_SUSPENDED_CALL, plan.suspended?.call ?? 0);
    this.pointer(RP_HOST_STATE, this.append(plan.hostState));
    this.word(RP_HOST_STATE_SIZE, plan.hostState.length);
    this.bigWord(RP_SOURCE_FD, BigInt(plan.sourceFd));
    this.word(RP_ARGC, plan.args.length);
    this.pointer(RP_ARGV, this.strings(plan.args));
    this.pointer(RP_ENVP, this.strings(plan.env, 1));
    this.bigWord(RP_MONOTONIC, plan.monotonic);
    this.bigWord(RP_PENDING_TIMEOUT, plan.pendingTimeout ?? -1n);
    this.word(RP_PHASE, plan.phase);
    if (plan.call) this.pointer(RP_CALL, this.call(plan.call));
    this.pointer(RP_LISTINGS, this.listings());
    this.pointer(RP_FILES, this.files());
    if (plan.source) this.sourceFile(plan.source);
    if (plan.furtherFiles?.length) this.pointer(RP_SOURCES, this.furtherFiles(plan.furtherFiles));
    if (plan.memories.some(({ pieces = [] }) => pieces.length > 0)) this.pointer(RP_PIECES, this.pieces());
    return { bytes: this.bytes.subarray(0, this.length), pointers: Uint32Array.from(this.pointers) };
  }

  private sourceFile({ path, prologue }: SourceFile): void {
    if (prologue.length !== PROLOGUE_BYTES) throw new RangeError('prologue of odd size');
    this.bytes.set(prologue, RP_SOURCE_PROLOGUE);
    this.pointer(RP_SOURCE_PATH, this.append(Buffer.from(`${path}\0`)));
  }

  private furtherFiles(files: readonly FurtherFile[]): number {
    const list = this.reserve(8 + files.length * SOURCE_SIZE);
    this.word(list, files.length);
    for (const [i, { fd, path, prologue }] of files.entries()) {
      if (prologue.length !== PROLOGUE_BYTES) throw new RangeError('prologue of odd size');
      const at = list + 8 + i * SOURCE_SIZE;
      this.bigWord(at + SOURCE_FD, BigInt(fd));
      this.pointer(at + SOURCE_PATH, this.append(Buffer.from(`${path}\0`)));
      this.bytes.set(prologue, at + SOURCE_PROLOGUE);
    }
    return list;
  }

  private pieces(): number {
    const all = this.plan.memories.flatMap(({ record, pieces = [] }) => pieces.map((piece) => ({ record, piece })));
    const list = this.reserve(8 + all.length * 48);
    this.word(list, all.length);
    let at = list + 8;
    for (const { record, piece } of all) {
      this.imagePointer(at, record);
      this.word(at + 8, piece.offset);
      this.word(at + 16, piece.fileOffset);
      this.word(at + 24, piece.bytes);
      this.word(at + 32, piece.file);
      this.word(at + 40, piece.isCopied ? 1 : 0);
      at += 48;
    }
    return list;
  }

  private memories(): number {
    const { memories } = this.plan;
    const words = memories.reduce((sum, { extents }) => sum + 3 + extents.length * 3, 1);
    const list = this.reserve(words * 8);
    this.word(list, memories.length);
    let at = list + 8;
    for (const { record, size, extents } of memories) {
      this.imagePointer(at, record);
      this.word(at + 8, size);
      this.word(at + 16, extents.length);
      at += 24;
      for (const extent of extents) {
        this.word(at, extent.offset);
        this.word(at + 8, extent.fileOffset);
        this.word(at + 16, extent.bytes);
        at += 24;
      }
    }
    return list;
  }

  private call({ record, initialize, results, resultCells, arguments: cells }: PlannedCall): number {
    const at = this.reserve(CALL_HEADER + results.length * 8 + cells.length * 4);
    this.imagePointer(at + CALL_RECORD, record);
    this.word(at + CALL_INITIALIZE, Number(initialize));
    this.word(at + CALL_RESULTS, results.length);
    this.word(at + CALL_RESULT_CELLS, resultCells);
    this.word(at + CALL_ARGUMENT_CELLS, cells.length / 2);
    results.forEach((type, i) => {
      this.word(at + CALL_HEADER + i * 8, type);
    });
    this.bytes.set(bytesOf(cells), at + CALL_HEADER + results.length * 8);
    return at;
  }

  private tables(): number {
    const { tables } = this.plan;
    const list = this.reserve((1 + tables.length * 3) * 8);
    this.word(list, tables.length);
    tables.forEach(({ record, elements, pointers }, i) => {
      const at = list + 8 + i * 24;
      const start = this.append(bytesOf(elements));
      for (const element of pointers) this.pointers.push(start + element * 8);
      this.imagePointer(at, record);
      this.word(at + 8, elements.length / 2);
      this.pointer(at + 16, start);
    });
    return list;
  }

  private listings(): number {
    const { listings = [] } = this.plan;
    const list = this.reserve(listings.reduce((sum, { listed }) => sum + 16 + listed.length, 8));
    this.word(list, listings.length);
    let at = list + 8;
    for (const { fd, listed } of listings) {
      this.word(at, fd);
      this.word(at + 8, listed.length / 8);
      this.bytes.set(listed, at + 16);
      at += 16 + listed.length;
    }
    return list;
  }

  private files(): number {
    const { files = [] } = this.plan;
    const list = this.reserve(files.reduce((sum, { fds }) => sum + (3 + fds.length) * 8, 8));
    this.word(list, files.length);
    let at = list + 8;
    for (const { contents, fds } of files) {
      this.word(at, contents.fileOffset);
      this.word(at + 8, contents.size);
      this.word(at + 16, fds.length);
      at += 24;
      for (const fd of fds) {
        this.word(at, fd);
        at += 8;
      }
    }
    return list;
  }

  private context({ context, contextRelocations }: LoweredRegisters): number {
    if (context.length !== CTX_SIZE) throw new RangeError('context of odd size');
    const at = this.append(context);
    for (const offset of contextRelocations) this.pointers.push(at + offset);
    return at;
  }

  /** An array of pointers that ends with 0, followed by its strings. @param spare how many may still be added */
  private strings(strings: readonly Uint8Array[], spare = 0): number {
    const array = this.reserve((strings.length + spare + 1) * 8);
    strings.forEach((string, i) => {
      const at = this.reserve(string.length + 1);
      this.bytes.set(string, at);
      this.pointer(array + i * 8, at);
    });
    return array;
  }

  private append(part: Uint8Array): number {
    const at = this.reserve(part.length);
    this.bytes.set(part, at);
    return at;
  }

  /** Reserves zeroed space for a part, at a multiple of 16. */
  private reserve(size: number): number {
    const at = (this.length + 15) & ~15;
    this.length = at + size;
    if (this.length > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(this.bytes.length * 2, this.length));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    return at;
  }

  /** Writes a pointer to another part of the segment. */
  private pointer(at: number, to: number): void {
    this.imagePointer(at, this.base + to);
  }

  private imagePointer(at: number, imageOffset: number): void {
    this.word(at, imageOffset);
    this.pointers.push(at);
  }

  private word(at: number, value: number): void {
    this.bigWord(at, BigInt(value));
  }

  private bigWord(at: number, value: bigint): void {
    this.bytes.writeBigInt64LE(value, at);
  }
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}

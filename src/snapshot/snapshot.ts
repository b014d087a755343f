/**
 * A snapshot in memory: the complete state of a WebAssembly computation at one moment, and nothing of a machine.
 *
 * It holds no register, native address or frame size. It is made by lifting a parked process (capture.ts) or decoding a
 * file (format.ts), and used by restore. It holds only guests; the host layer's state is in host.ts, in portable form.
 * So instance i of a snapshot is instance i + 1 of an image. Byte strings of the guest (arguments, environment, paths)
 * stay bytes, as they need not be UTF-8.
 *
 * Memory contents stay in the snapshot's file, where the extents say.
 */

import { ValType } from '../wasm/module.js';
import type { Host } from './host.js';
import type { Packing } from './packing/packed-file.js';

/** One wasm value: its type and its raw bits, as two uint32. References: see `FuncRef`; an externref is 0 or n + 1. */
export interface Value {
  readonly type: ValType;
  readonly lo: number;
  readonly hi: number;
  /** Bits 64 to 127 of a v128, likewise; absent for other types. */
  readonly upper?: { readonly lo: number; readonly hi: number };
}

/** Values are kept in cells of two words (lo, hi): one each, a v128 takes two. */
export function cellsOf(type: number): number {
  return type === ValType.V128 ? 2 : 1;
}

/** Reads a value from its cells. @param at index of its first word */
export function valueAt(type: ValType, words: Uint32Array, at: number): Value {
  const value = { type, lo: words[at], hi: words[at + 1] };
  return type === ValType.V128 ? { ...value, upper: { lo: words[at + 2], hi: words[at + 3] } } : value;
}

/** Writes a value's cells. @returns the index after them */
export function putValue({ lo, hi, upper }: Value, words: Uint32Array, at: number): number {
  words[at++] = lo;
  words[at++] = hi;
  if (upper === undefined) return at;
  words[at++] = upper.lo;
  words[at++] = upper.hi;
  return at;
}

/**
 * Function references as a value's words: (lo, hi) = (function index, instance + 1), or (0, 0) for null. The same in
 * globals, tables, element positions of frames: everywhere in a snapshot.
 */
export interface FuncRef {
  readonly instance: number;
  readonly func: number;
}

export function decodeFuncRef(lo: number, hi: number): FuncRef | null {
  return hi === 0 ? null : { instance: hi - 1, func: lo };
}

/**
 * An exception. References to it are words as well: lo is its index in `Snapshot.exceptions` plus 1, or 0 for null; hi
 * is 0.
 */
export interface SnapshotException {
  /** Its tag: the instance that defines the tag, and the tag's index in that instance's module, imports first. */
  readonly instance: number;
  readonly tag: number;
  /** The types of its values. */
  readonly types: Uint8Array; // of ValType
  /** The values' cells. They refer only to earlier exceptions. */
  readonly words: Uint32Array;
}

export interface SnapshotModule {
  readonly name: string;
  /** sha256 of the wasm binary, in lower-case hex. */
  readonly sha256: string;
  readonly size: number;
  /** Offset of the binary in the file; undefined when it was left out. */
  readonly fileOffset: number | undefined;
  /** The file that has the binary: see Extent. */
  readonly file?: number | undefined;
}

export interface SnapshotTable {
  readonly type: ValType;
  /** The elements, in two words each (lo, hi): function references, or externrefs. */
  readonly elements: Uint32Array;
  /** The most elements that the table may grow to. */
  readonly max: number;
}

/**
 * A contiguous piece of a memory in a file. Its numbers are multiples of 64 KiB, or of 4 KiB in a snapshot with
 * ancestors.
 */
export interface Extent {
  /** Offset in the memory. */
  readonly offset: number;
  readonly fileOffset: number;
  readonly bytes: number;
  /** The file: 0 or absent for the snapshot's own, n for ancestor n - 1. */
  readonly file?: number;
}

export interface SnapshotMemory {
  /** Its present and greatest size in pages of 64 KiB, rounded up where its own page size is one byte. */
  readonly pages: number;
  readonly maxPages: number;
  /** The exact size of a memory whose page size is one byte. */
  readonly bytes?: number;
  /** In ascending order of `offset`, not overlapping. What no extent covers is zero. */
  readonly extents: readonly Extent[];
  /**
   * For each page that an extent has a part of, ascending, once each: bit n is set when 4 KiB block n holds data. Other
   * blocks of an extent are holes of the sparse file and read as zeros.
   */
  readonly blocks: Uint16Array;
}

export interface SnapshotInstance {
  /** Index in `Snapshot.modules`. */
  readonly module: number;
  /** The globals that it defines itself; tables and memories likewise. */
  readonly globals: readonly Value[];
  readonly tables: readonly SnapshotTable[];
  readonly memories: readonly SnapshotMemory[];
  /** For each segment: 1 when it was dropped. */
  readonly droppedData: Uint8Array;
  readonly droppedElements: Uint8Array;
}

/**
 * Where a frame stands. "Innermost" are two frames while wag_snap_restored runs (Frames.suspended).
 *  - entry: before the function's first instruction; the innermost frame only. Locals are the parameters, the others
 *    are still zero. A function index below the imports' count means: about to call this import.
 *  - loop: at a loop header; the innermost frame only. Block parameters are the topmost operands. Or before a
 *    memory.atomic.wait, whose operands are the topmost ones.
 *  - return: after a call that has returned its results, which are the topmost operands; the innermost frame only.
 *  - call: in a call, for all other frames; arguments are consumed, the operands are those below them.
 *  - trap: at an instruction that has trapped, the innermost frame of a trapped program only. Site tables do not describe
 *    such places: locals that were in a register are MISSING, and operands are the lowest ones only, as far as known.
 *    When the stack ran out in the function's prologue, all locals are missing and the offset is 0.
 */
export type FrameKind = 'entry' | 'loop' | 'return' | 'call' | 'trap';
export const FRAME_KINDS: readonly FrameKind[] = ['entry', 'loop', 'return', 'call', 'trap'];

/** The type of a local whose value is unknown, in frames of kind trap. Its cell is zero. */
export const MISSING = 1;

/** What frames at the same site have in common. */
export interface FrameSite {
  readonly instance: number;
  /** Function index in the instance's module, imports first. */
  readonly func: number;
  /**
   * Byte offset in the function body (from the first byte of the local declarations) of the instruction; 0 at entry.
   */
  readonly offset: number;
  readonly kind: FrameKind;
  /** Types of the locals (parameters first) and of the operands (bottom first). */
  readonly locals: Uint8Array; // of ValType
  readonly operands: Uint8Array; // of ValType
}

/**
 * The start of each value in a frame of the site, in cells from the frame's first; the last entry is the number of
 * cells.
 */
export function cellOffsets({ locals, operands }: FrameSite): Uint32Array {
  const offsets = new Uint32Array(locals.length + operands.length + 1);
  let at = 0;
  for (let i = 0; i < locals.length; i++) at = offsets[i + 1] = at + cellsOf(locals[i]);
  for (let i = 0; i < operands.length; i++) at = offsets[locals.length + i + 1] = at + cellsOf(operands[i]);
  return offsets;
}

/**
 * The stack, innermost frame first. Frames of a recursion share their site, so each of 100,000 frames is a number and
 * its values; sites are checked once, however many frames stand at them.
 */
export class Frames {
  /** For each frame: the start of its values in `words`, in cells. Has one entry more than there are frames. */
  readonly starts: Uint32Array;
  /** For each site: see cellOffsets. */
  readonly offsets: readonly Uint32Array[];
  /**
   * The innermost of the frames that continue when wag_snap_restored returns, at a safepoint that is no call; undefined
   * when that function does not run, and all frames but the innermost are in calls.
   */
  readonly suspended: number | undefined;

  /**
   * @param sites the distinct sites
   * @param siteOf for each frame, innermost first: its index in `sites`
   * @param words values frame by frame, locals before operands, in cells of two words
   */
  constructor(
    readonly sites: readonly FrameSite[],
    readonly siteOf: Uint32Array,
    readonly words: Uint32Array,
  ) {
    this.offsets = sites.map(cellOffsets);
    const sizes = Uint32Array.from(this.offsets, (offsets) => offsets[offsets.length - 1]);
    this.starts = new Uint32Array(siteOf.length + 1);
    let at = 0;
    let suspended: number | undefined;
    for (let i = 0; i < siteOf.length; i++) {
      this.starts[i] = at;
      at += sizes[siteOf[i]];
      if (i > 0 && sites[siteOf[i]].kind !== 'call') suspended ??= i;
    }
    this.starts[siteOf.length] = at;
    this.suspended = suspended;
  }

  get count(): number {
    return this.siteOf.length;
  }

  site(frame: number): FrameSite {
    return this.sites[this.siteOf[frame]];
  }

  /** Value n of a frame: its locals, then its operands. */
  value(frame: number, n: number): Value {
    const site = this.site(frame);
    const type = n < site.locals.length ? site.locals[n] : site.operands[n - site.locals.length];
    return valueAt(type, this.words, this.wordOf(frame, n));
  }

  /** Index in `words` of value n of a frame. */
  wordOf(frame: number, n: number): number {
    return (this.starts[frame] + this.offsets[this.siteOf[frame]][n]) * 2;
  }
}

/** Another file that a snapshot has pages or modules in: a snapshot that it is a difference to. */
export interface Ancestor {
  /** Identifies the file: lower-case hex (digest.ts). */
  readonly digest: string;
  /** The file's name without its folder, or empty. Only a hint for the search. */
  readonly name: string;
}

/**
 * What the bottom frame belongs to: an instance's start function, the program's entry, or the function that is called
 * instead.
 */
export const PHASE_KINDS = ['start', 'entry', 'call'] as const;
export type PhaseKind = (typeof PHASE_KINDS)[number];

/** A call of one exported function (`run --invoke`). It may have begun already. */
export interface SnapshotCall {
  /** The instance that defines the function, and the function's index there. */
  readonly instance: number;
  readonly func: number;
  /** Whether the main module's entry, a reactor's _initialize, runs first. */
  readonly initialize: boolean;
  /** The types of its results. */
  readonly results: Uint8Array; // of ValType
  /** The cells of its arguments, two words each; all references are null. */
  readonly arguments: Uint32Array;
}

export interface Snapshot {
  /** The workload's name (image/workload-name.ts); absent when it has none. */
  readonly name?: string | undefined;
  /** How often the computation had been captured and restored before, plus one. */
  readonly generation: number;
  /** Time of the capture, in milliseconds since 1970. */
  readonly created: number;
  /** Digest of the snapshot that this one is a difference to; undefined: it is complete. */
  readonly parent: string | undefined;
  /** Of one that was read: parts of the annex that its header says cannot be done without. */
  readonly needs?: readonly string[] | undefined;
  /** Of one with a parent: the files that it needs besides its own, the newest first. */
  readonly ancestors?: readonly Ancestor[] | undefined;
  /**
   * For the pages in its own file: the sha256 of each span (page-digests.ts), one after the other. Stored in the annex;
   * absent in files of early versions.
   */
  readonly digests?: Uint8Array | undefined;
  /** Of an encrypted one: the age recipients who can read all of its files (readers.ts); absent: not known. */
  readonly readers?: readonly string[] | undefined;
  readonly source: {
    readonly arch: string;
    readonly compiler: string;
    readonly deterministic: boolean;
  };
  readonly state: 'running' | 'trapped';
  /**
   * For a trapped program: TRAP_*, and its message. The stack is empty when no wasm code was running (an active segment
   * did not fit).
   */
  readonly trap?: { readonly kind: number; readonly message: string } | undefined;
  /** Which function the bottom frame belongs to: an instance's start function or the program's entry. */
  readonly phase: { readonly instance: number; readonly kind: PhaseKind };
  /** The function that runs instead of the program's entry; absent for programs. */
  readonly call?: SnapshotCall | undefined;
  readonly modules: readonly SnapshotModule[];
  readonly instances: readonly SnapshotInstance[];
  readonly frames: Frames;
  /** The exceptions that frames, globals, tables and other exceptions refer to; absent when there are none. */
  readonly exceptions?: readonly SnapshotException[] | undefined;
  readonly host: Host;
}

/** A file of a chain that was found. */
export interface LocatedFile {
  readonly path: string;
  /** The file's first bytes (prologue.ts), which identify it: they contain a hash. */
  readonly prologue: Uint8Array;
  /** Page data and modules are before this file offset. */
  readonly dataEnd: number;
  /** What a packed file is read with (opener.ts); undefined for other files. */
  readonly packing?: Packing | undefined;
}

/** A snapshot, and the file that has its page data and modules. */
export interface StoredSnapshot {
  readonly path: string;
  /** Size of the whole file in bytes, holes included. */
  readonly size: number;
  /** See LocatedFile. */
  readonly prologue?: Uint8Array;
  /** The snapshot's digest, in lower-case hex (digest.ts). */
  readonly digest?: string;
  readonly snapshot: Snapshot;
  /** The files of its ancestors in order, once they are found (chain.ts). */
  readonly ancestors?: readonly LocatedFile[];
  /** See LocatedFile. */
  readonly packing?: Packing | undefined;
  /** The public key that has signed the file; undefined when it is not signed. */
  readonly signer?: string | undefined;
  readonly isEncrypted?: boolean | undefined;
  /** Whether it is trusted because of its signature: then its pages are checked before they are used. */
  readonly mustBeSigned?: boolean | undefined;
  /** Whether a policy demands that all of its files are encrypted. */
  readonly mustBeEncrypted?: boolean | undefined;
  /** Of files that are only partly here. */
  readonly absent?: AbsentParts | undefined;
}

/** Brings parts of a snapshot's files before they are read. */
export interface AbsentParts {
  /**
   * Resolves when a range of a file is there, and is what was captured; undefined when it is there already.
   *
   * @param file its path
   * @throws InputError, ToolError
   */
  bring(file: string, offset: number, length: number): Promise<void> | undefined;
  /** Nothing more is needed. May be called twice. */
  close(): void;
}

/** Index in an image of a snapshot's instance: the host layer comes first. */
export const FIRST_GUEST = 1;

export function isReference(type: number): boolean {
  return type === ValType.FuncRef || type === ValType.ExternRef || type === ValType.ExnRef;
}

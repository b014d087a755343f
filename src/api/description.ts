/** What modules, components, images, snapshots, coredumps and running programs are, as data: what `inspect` gives. */

import type { ArchName } from './cpu.js';

export type Description = FileDescription | SnapshotDescription | ProcessDescription;

export type FileDescription = ModuleDescription | ComponentDescription | CoredumpDescription | ImageDescription;

/** Types are in words: `(i32, i32) i32`, `memory 1..16`. */
export interface ModuleDescription {
  readonly kind: 'module';
  readonly file: string;
  /** Of the binary. */
  readonly bytes: number;
  /** In the name section. */
  readonly name: string | null;
  /** Whether it has a name section. */
  readonly hasNames: boolean;
  /** How many it defines, as are globals. */
  readonly functions: number;
  readonly imports: readonly { readonly module: string; readonly name: string; readonly type: string }[];
  readonly exports: readonly { readonly name: string; readonly type: string }[];
  /** Imported ones too. */
  readonly memories: readonly string[];
  readonly tables: readonly string[];
  readonly globals: number;
  /** Index of the start function. */
  readonly start: number | null;
  readonly dataSegments: number;
  readonly elementSegments: number;
}

export interface ComponentDescription {
  readonly kind: 'component';
  readonly file: string;
  readonly bytes: number;
  /** `wasi:cli/command@0.2.6`; null: none of WASI's. */
  readonly world: string | null;
  /** The core module that is compiled alone, an index of `coreModules`; null: all are, or the component cannot be. */
  readonly main: number | null;
  /** Why it cannot be compiled; null: it can. */
  readonly refused: string | null;
  /** Those of nested components too, in the order of the file. Offset in the file and size are in bytes. */
  readonly coreModules: readonly { readonly name: string | null; readonly offset: number; readonly bytes: number }[];
  readonly imports: readonly ComponentEntry[];
  readonly exports: readonly ComponentEntry[];
}

export interface ComponentEntry {
  readonly name: string;
  /** `instance`, `func`, `type`, ... */
  readonly kind: string;
  /** Names of an instance's functions. */
  readonly functions: readonly string[];
}

/** A module in form, whose state is in custom sections. */
export interface CoredumpDescription {
  readonly kind: 'coredump';
  readonly file: string;
  readonly bytes: number;
  readonly memories: readonly string[];
  /** Its custom sections: names, and bytes of what follows the name. */
  readonly sections: readonly { readonly name: string; readonly bytes: number }[];
}

export interface ImageFacts {
  readonly arch: ArchName;
  /** Version of wag-snap that made it. */
  readonly compiler: string;
  readonly deterministic: boolean;
  /** Of the file. */
  readonly bytes: number;
  readonly codeBytes: number;
  /** Whether it continues a snapshot. */
  readonly resumes: boolean;
  /** Functions that whoever starts it must provide. */
  readonly hostImports: readonly { readonly module: string; readonly name: string }[];
  /** Functions, and places at which frames can stand; null when it was compiled without: it cannot be captured. */
  readonly functions: number | null;
  readonly sites: number | null;
  readonly modules: readonly {
    readonly name: string;
    readonly sha256: string;
    readonly size: number;
    /** Whether the image carries it. */
    readonly included: boolean;
  }[];
  /** Each with the index of its module. */
  readonly instances: readonly { readonly name: string; readonly module: number }[];
}

export interface ImageDescription extends ImageFacts {
  readonly kind: 'image';
  readonly file: string;
}

export interface ProcessDescription {
  readonly kind: 'process';
  readonly pid: number;
  /** What the workload is called. */
  readonly name: string | null;
  /** Of the program, its name first. */
  readonly args: readonly string[];
  /**
   * Kept: a move has left it parked. Unknown: it may not be looked into, as long as it has not named us as its tracer.
   */
  readonly state: 'starting' | 'running' | 'stopping' | 'parked' | 'trapped' | 'kept' | 'unknown';
  /** Of one that is parked at it. */
  readonly trap: { readonly kind: number; readonly message: string } | null;
  /** A letter, as in ps: R running, S sleeping, T stopped; ? for one that has ended. */
  readonly systemState: string;
  readonly image: ImageFacts;
}

/** Bits are in hexadecimal: `0x1f`. */
export type ValueDescription =
  | { readonly type: string; readonly bits: string }
  | { readonly type: 'v128'; readonly i32x4: readonly string[] }
  | { readonly type: 'funcref'; readonly function: { readonly instance: number; readonly func: number } | null }
  /** The exception's index. */
  | { readonly type: 'exnref'; readonly exception: number | null };

export interface FrameDescription {
  readonly instance: number;
  /** Index in the instance's module, imports first. */
  readonly func: number;
  readonly name: string;
  /** Byte offset in the module; absent when that was left out. */
  readonly moduleOffset?: number | undefined;
  /** Byte offset in the function's body. */
  readonly offset: number;
  readonly kind: 'entry' | 'loop' | 'return' | 'call' | 'trap';
  /** Types: `i32, f64`. */
  readonly locals: string;
  readonly operands: string;
}

export interface InstanceDescription {
  /** Index of its module. */
  readonly module: number;
  /** Those that it defines, as are tables and memories. */
  readonly globals: readonly ValueDescription[];
  /** Lengths in elements. */
  readonly tables: readonly { readonly type: string; readonly length: number; readonly max: number }[];
  /** In pages of 64 KiB. */
  readonly memories: readonly {
    readonly pages: number;
    readonly maxPages: number;
    readonly usedPages: number;
    /** Its size, of a memory whose own pages are bytes: then the others are rounded up. */
    readonly bytes?: number;
  }[];
  /** Indexes of segments. */
  readonly droppedData: readonly number[];
  readonly droppedElements: readonly number[];
}

export interface DescriptorDescription {
  readonly fd: number;
  readonly kind: 'stdio' | 'preopen' | 'file' | 'directory' | 'listener' | 'socket' | 'null' | 'given';
  /** Where a listener listens: `tcp:127.0.0.1:80`. */
  readonly address?: string;
  /** A directory that it was given: the name that the program sees, and the path. */
  readonly guestName?: string;
  readonly hostPath?: string;
  readonly readOnly?: boolean;
  /** Of files: the path below the directory with descriptor `preopen`. */
  readonly path?: string;
  readonly preopen?: number;
  /** Position in bytes, in decimal. */
  readonly offset?: string;
  readonly type?: string;
  /** Bytes, in decimal. */
  readonly size?: string;
  /** ISO 8601, with nanoseconds. */
  readonly modified?: string;
  readonly sha256?: string;
  /** It had no name any more, and the snapshot has its contents. */
  readonly unlinked?: { readonly bytes: number; readonly sha256: string };
  readonly nameless?: boolean;
}

export interface SnapshotDescription {
  readonly kind: 'snapshot';
  readonly file: string;
  /** What the workload is called. */
  readonly name: string | null;
  /** Of the file. */
  readonly bytes: number;
  /** By which it is known, whatever its file is called. */
  readonly digest: string | null;
  /** How often the computation has been captured. */
  readonly generation: number;
  /** ISO 8601. */
  readonly created: string;
  /** Digest of the snapshot that it is a difference to. */
  readonly parent: string | null;
  /** The files that it needs besides its own, the newest first. */
  readonly ancestors: readonly { readonly digest: string; readonly name: string }[] | null;
  readonly source: { readonly arch: string; readonly compiler: string; readonly deterministic: boolean };
  readonly state: 'running' | 'trapped';
  readonly trap: { readonly kind: number; readonly message: string } | null;
  /** What the outermost frame is of: a start function, the program's entry, or the function of `call`. */
  readonly phase: { readonly instance: number; readonly kind: 'start' | 'entry' | 'call' };
  /** What runs instead of the program's entry (`run --invoke`). */
  readonly call: { readonly instance: number; readonly function: number; readonly results: readonly string[] } | null;
  readonly modules: readonly {
    readonly name: string;
    readonly sha256: string;
    readonly size: number;
    readonly included: boolean;
  }[];
  readonly instances: readonly InstanceDescription[];
  readonly frames: { readonly count: number; readonly innermost: readonly FrameDescription[] };
  readonly exceptions: readonly {
    readonly instance: number;
    readonly tag: number;
    readonly values: readonly ValueDescription[];
  }[];
  readonly host: {
    readonly args: readonly string[];
    readonly env: readonly string[];
    /** The program's monotonic clock, nanoseconds, in decimal. */
    readonly monotonic: string;
    readonly pendingTimeout: string | null;
    /** Of programs that call functions of whoever starts them; the others have null. */
    readonly embedder: {
      /** By which the embedder knows it. */
      readonly session: string;
      /** Number of its last call, and whether that has no answer. */
      readonly lastCall: number;
      readonly isPending: boolean;
      readonly imports: readonly { readonly module: string; readonly name: string }[];
    } | null;
    readonly descriptors: readonly DescriptorDescription[];
  };
}

/** The results of `inspect`: modules, components, images, snapshots, coredumps and running programs as data. */

import type { ArchName } from './cpu.js';

export type Description = FileDescription | SnapshotDescription | ProcessDescription;

export type FileDescription = ModuleDescription | ComponentDescription | CoredumpDescription | ImageDescription;

/** A module. Types are in words: `(i32, i32) i32`, `memory 1..16`. */
export interface ModuleDescription {
  readonly kind: 'module';
  readonly file: string;
  /** Size of the binary in bytes. */
  readonly bytes: number;
  /** The module's name from the name section. */
  readonly name: string | null;
  /** Whether it has a name section. */
  readonly hasNames: boolean;
  /** How many functions it defines itself; globals are counted alike. */
  readonly functions: number;
  readonly imports: readonly { readonly module: string; readonly name: string; readonly type: string }[];
  readonly exports: readonly { readonly name: string; readonly type: string }[];
  /** Types of all memories, imported ones included; tables alike. */
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
  /** The world, `wasi:cli/command@0.2.6`; null: none of WASI's. */
  readonly world: string | null;
  /**
   * The core module that is compiled alone, as an index of `coreModules`; null: all of them are compiled, or the
   * component cannot be.
   */
  readonly main: number | null;
  /** Why the component cannot be compiled; null: it can. */
  readonly refused: string | null;
  /** Functions that it imports and nothing provides: interface and name. They take `allowMissingImports`. */
  readonly missing: readonly string[];
  /** Core modules, also of nested components, in the file's order. Offset and size are in bytes. */
  readonly coreModules: readonly { readonly name: string | null; readonly offset: number; readonly bytes: number }[];
  readonly imports: readonly ComponentEntry[];
  readonly exports: readonly ComponentEntry[];
}

export interface ComponentEntry {
  readonly name: string;
  /** The kind: `instance`, `func`, `type`, ... */
  readonly kind: string;
  /** The functions of an instance. */
  readonly functions: readonly string[];
}

/** A coredump. It has the format of a module, with its state in custom sections. */
export interface CoredumpDescription {
  readonly kind: 'coredump';
  readonly file: string;
  readonly bytes: number;
  readonly memories: readonly string[];
  /** Custom sections: their names, and the bytes that follow each name. */
  readonly sections: readonly { readonly name: string; readonly bytes: number }[];
}

export interface ImageFacts {
  readonly arch: ArchName;
  /** The version of wag-snap that made it. */
  readonly compiler: string;
  readonly deterministic: boolean;
  /** Size of the file in bytes. */
  readonly bytes: number;
  readonly codeBytes: number;
  /** Whether it continues a snapshot. */
  readonly resumes: boolean;
  /** Functions that the embedder must provide. */
  readonly hostImports: readonly { readonly module: string; readonly name: string }[];
  /** Numbers of functions and of sites; null for an image without site tables, which cannot be captured. */
  readonly functions: number | null;
  readonly sites: number | null;
  readonly modules: readonly {
    readonly name: string;
    readonly sha256: string;
    readonly size: number;
    /** Whether the image carries the module. */
    readonly included: boolean;
  }[];
  /** Instances, each with the index of its module. */
  readonly instances: readonly { readonly name: string; readonly module: number }[];
}

export interface ImageDescription extends ImageFacts {
  readonly kind: 'image';
  readonly file: string;
}

export interface ProcessDescription {
  readonly kind: 'process';
  readonly pid: number;
  /** The workload's name. */
  readonly name: string | null;
  /** The program's arguments; the first is its name. */
  readonly args: readonly string[];
  /**
   * `kept`: a move has left it parked. `unknown`: it has not named us as its tracer, so its memory may not be read.
   */
  readonly state: 'starting' | 'running' | 'stopping' | 'parked' | 'trapped' | 'kept' | 'arriving' | 'unknown';
  /** The trap of a program that is parked at one. */
  readonly trap: { readonly kind: number; readonly message: string } | null;
  /** The kernel's state letter, as in ps: R running, S sleeping, T stopped; ? when it has ended. */
  readonly systemState: string;
  readonly image: ImageFacts;
}

/** A value; bits are in hexadecimal: `0x1f`. */
export type ValueDescription =
  | { readonly type: string; readonly bits: string }
  | { readonly type: 'v128'; readonly i32x4: readonly string[] }
  | { readonly type: 'funcref'; readonly function: { readonly instance: number; readonly func: number } | null }
  /** The index of the exception. */
  | { readonly type: 'exnref'; readonly exception: number | null };

export interface FrameDescription {
  readonly instance: number;
  /** The function's index in the instance's module, imports first. */
  readonly func: number;
  readonly name: string;
  /** Byte offset in the module; absent when the module was left out. */
  readonly moduleOffset?: number | undefined;
  /** Byte offset in the function's body. */
  readonly offset: number;
  readonly kind: 'entry' | 'loop' | 'return' | 'call' | 'trap';
  /** The types: `i32, f64`. */
  readonly locals: string;
  readonly operands: string;
}

export interface InstanceDescription {
  /** The index of the instance's module. */
  readonly module: number;
  /** The globals that it defines itself, without imports; tables and memories alike. */
  readonly globals: readonly ValueDescription[];
  /** Lengths of tables, in elements. */
  readonly tables: readonly { readonly type: string; readonly length: number; readonly max: number }[];
  /** Sizes of memories, in pages of 64 KiB. */
  readonly memories: readonly {
    readonly pages: number;
    readonly maxPages: number;
    readonly usedPages: number;
    /** The exact size of a memory whose page size is one byte; `pages` is then rounded up. */
    readonly bytes?: number;
  }[];
  /** Indexes of dropped segments. */
  readonly droppedData: readonly number[];
  readonly droppedElements: readonly number[];
}

export interface DescriptorDescription {
  readonly fd: number;
  readonly kind: 'stdio' | 'preopen' | 'file' | 'directory' | 'listener' | 'socket' | 'null' | 'given';
  /** The address of a listener: `tcp:127.0.0.1:80`. */
  readonly address?: string;
  /** A preopened directory: the name that the program sees, and the host's path. */
  readonly guestName?: string;
  readonly hostPath?: string;
  readonly readOnly?: boolean;
  /** A file: its path below the directory of descriptor `preopen`. */
  readonly path?: string;
  readonly preopen?: number;
  /** The position in bytes, in decimal. */
  readonly offset?: string;
  readonly type?: string;
  /** The size in bytes, in decimal. */
  readonly size?: string;
  /** The modification time, ISO 8601, with nanoseconds. */
  readonly modified?: string;
  readonly sha256?: string;
  /** Whether the file was unlinked; the snapshot then has its contents. */
  readonly unlinked?: { readonly bytes: number; readonly sha256: string };
  readonly nameless?: boolean;
}

export interface SnapshotDescription {
  readonly kind: 'snapshot';
  readonly file: string;
  /** The workload's name. */
  readonly name: string | null;
  /** Size of the file in bytes. */
  readonly bytes: number;
  /**
   * Of a packed file: how its extents are compressed, whether they are encrypted, and the bytes that they unpack to.
   */
  readonly packing: {
    readonly codec: 'none' | 'zstd';
    readonly encrypted: boolean;
    readonly unpacked: number;
  } | null;
  /** The public key that has signed the file. */
  readonly signer: string | null;
  /** The digest that identifies the snapshot, whatever its file is called. */
  readonly digest: string | null;
  /** How often the computation has been captured. */
  readonly generation: number;
  /** Time of the capture, ISO 8601. */
  readonly created: string;
  /** The digest of the snapshot that this one is a difference to. */
  readonly parent: string | null;
  /** The other files that it needs, newest first. */
  readonly ancestors: readonly { readonly digest: string; readonly name: string }[] | null;
  readonly source: { readonly arch: string; readonly compiler: string; readonly deterministic: boolean };
  readonly state: 'running' | 'trapped';
  readonly trap: { readonly kind: number; readonly message: string } | null;
  /** What the outermost frame belongs to: a start function, the program's entry, or the function of `call`. */
  readonly phase: { readonly instance: number; readonly kind: 'start' | 'entry' | 'call' };
  /** The call that replaces the program's entry (`run --invoke`). */
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
    /** The program's monotonic clock in nanoseconds, in decimal. */
    readonly monotonic: string;
    readonly pendingTimeout: string | null;
    /** The embedder's state, of programs that call functions of an embedder; else null. */
    readonly embedder: {
      /** The session by which the embedder knows the program. */
      readonly session: string;
      /** The number of its last call, and whether that call is still unanswered. */
      readonly lastCall: number;
      readonly isPending: boolean;
      readonly imports: readonly { readonly module: string; readonly name: string }[];
    } | null;
    readonly descriptors: readonly DescriptorDescription[];
  };
}

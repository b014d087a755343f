/** What is in a snapshot, as data: everything but the contents of memories. `inspect --json` prints it. */

import type { TraceEntry } from '../snapshot/capture-report.js';
import { formatTime } from '../snapshot/file-facts.js';
import { readSnapshotModule } from '../snapshot/format.js';
import {
  cellsOf,
  type Descriptor,
  type DescriptorKind,
  decodeFuncRef,
  type FileFacts,
  type FrameKind,
  type Frames,
  type FuncRef,
  MISSING,
  type SnapshotException,
  type SnapshotInstance,
  type StoredSnapshot,
  type Value,
  valueAt,
} from '../snapshot/snapshot.js';
import { decodeModule } from '../wasm/decode.js';
import { ExternKind, type Module, ValType } from '../wasm/module.js';
import { formatTypes, valTypeName } from '../wasm/text.js';

/** So many frames are described, the innermost ones. */
export const DESCRIBED_FRAMES = 32;

/** Bits are in hexadecimal: `0x1f`. */
export type ValueDescription =
  | { readonly type: string; readonly bits: string }
  | { readonly type: 'v128'; readonly i32x4: readonly string[] }
  | { readonly type: 'funcref'; readonly function: FuncRef | null }
  /** The exception's index. */
  | { readonly type: 'exnref'; readonly exception: number | null };

export interface FrameDescription extends TraceEntry {
  /** Byte offset in the function's body. */
  readonly offset: number;
  readonly kind: FrameKind;
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
  readonly kind: DescriptorKind;
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
  readonly phase: { readonly instance: number; readonly kind: 'start' | 'entry' };
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
    readonly descriptors: readonly DescriptorDescription[];
  };
}

/**
 * @param file its name, for people
 * @param trace see traceOf
 */
export function snapshotFacts(
  { snapshot, size, digest }: StoredSnapshot,
  file: string,
  trace: readonly TraceEntry[],
): SnapshotDescription {
  const { frames, host, source, modules, instances, phase, exceptions = [] } = snapshot;
  return {
    kind: 'snapshot',
    file,
    name: snapshot.name ?? null,
    bytes: size,
    digest: digest ?? null,
    generation: snapshot.generation,
    created: new Date(snapshot.created).toISOString(),
    parent: snapshot.parent ?? null,
    ancestors: snapshot.ancestors?.map(({ digest, name }) => ({ digest, name })) ?? null,
    source,
    state: snapshot.state,
    trap: snapshot.trap ?? null,
    phase,
    modules: modules.map(({ name, sha256, size, fileOffset }) => ({
      name,
      sha256,
      size,
      included: fileOffset !== undefined,
    })),
    instances: instances.map(describeInstance),
    frames: {
      count: frames.count,
      innermost: trace.slice(0, DESCRIBED_FRAMES).map((entry, i) => ({ ...entry, ...place(frames, i) })),
    },
    exceptions: exceptions.map(describeException),
    host: {
      args: host.args.map(textOf),
      env: host.env.map(textOf),
      monotonic: host.monotonic.toString(),
      pendingTimeout: host.pendingTimeout?.toString() ?? null,
      descriptors: host.descriptors.map(describeDescriptor),
    },
  };
}

/**
 * The stack with the names that the snapshot's own modules give, innermost frame first.
 *
 * @throws InputError when a module in the snapshot is damaged
 */
export function traceOf(stored: StoredSnapshot): TraceEntry[] {
  const { instances, modules, frames } = stored.snapshot;
  const known = modules.map((module) => {
    const bytes = readSnapshotModule(stored, module);
    const decoded = bytes && decodeModule(bytes, module.name);
    return decoded && { names: functionNames(decoded), bodies: decoded.bodyStart, imported: decoded.importedFuncCount };
  });
  const entries = frames.sites.map(({ instance, func, offset }) => {
    const module = known[instances[instance].module];
    const start = module?.bodies[func - module.imported];
    const moduleOffset = start === undefined ? undefined : start + offset;
    return { instance, func, name: module?.names.get(func) || `func-${func}`, moduleOffset };
  });
  return Array.from(frames.siteOf, (site) => entries[site]);
}

/** As in an image's own name table: imports by module and name, the others by the name section. */
export function functionNames({ imports, names }: Module): ReadonlyMap<number, string> {
  const all = new Map(names?.functions);
  const functions = imports.filter(({ kind }) => kind === ExternKind.Func);
  for (const [index, { module, name }] of functions.entries()) all.set(index, `${module}.${name}`);
  return all;
}

function typeNames(types: Uint8Array): string {
  if (!types.includes(MISSING)) return formatTypes(types);
  return Array.from(types, (type) => (type === MISSING ? 'unknown' : valTypeName(type))).join(', ');
}

function place(frames: Frames, frame: number) {
  const { offset, kind, locals, operands } = frames.site(frame);
  return { offset, kind, locals: typeNames(locals), operands: typeNames(operands) };
}

function describeInstance(instance: SnapshotInstance): InstanceDescription {
  return {
    module: instance.module,
    globals: instance.globals.map(describeValue),
    tables: instance.tables.map(({ type, elements, max }) => ({
      type: valTypeName(type),
      length: elements.length / 2,
      max,
    })),
    memories: instance.memories.map(({ pages, maxPages, bytes, blocks }) => ({
      pages,
      maxPages,
      usedPages: blocks.length,
      ...(bytes === undefined ? {} : { bytes }),
    })),
    droppedData: [...instance.droppedData.keys()].filter((i) => instance.droppedData[i] === 1),
    droppedElements: [...instance.droppedElements.keys()].filter((i) => instance.droppedElements[i] === 1),
  };
}

function describeValue({ type, lo, hi, upper }: Value): ValueDescription {
  if (type === ValType.FuncRef) return { type: 'funcref', function: decodeFuncRef(lo, hi) };
  if (type === ValType.ExnRef) return { type: 'exnref', exception: lo === 0 ? null : lo - 1 };
  if (upper === undefined) return { type: valTypeName(type), bits: hex(lo, hi) };
  return { type: 'v128', i32x4: [lo, hi, upper.lo, upper.hi].map((word) => hex(word, 0)) };
}

function describeException({ instance, tag, types, words }: SnapshotException) {
  const values: ValueDescription[] = [];
  let at = 0;
  for (const type of types) {
    values.push(describeValue(valueAt(type, words, at)));
    at += cellsOf(type) * 2;
  }
  return { instance, tag, values };
}

function describeDescriptor(descriptor: Descriptor): DescriptorDescription {
  const { fd, kind, preopen, readOnly, offset } = descriptor;
  if (kind === 'stdio' || kind === 'socket' || kind === 'null') return { fd, kind };
  if (kind === 'listener') return { fd, kind, address: textOf(descriptor.path) };
  if (kind === 'preopen') {
    return { fd, kind, guestName: textOf(descriptor.guestName), hostPath: textOf(descriptor.hostPath), readOnly };
  }
  const { contents, nameless } = descriptor;
  const place = {
    offset: offset.toString(),
    ...describeFacts(descriptor.facts),
    ...(contents === undefined ? {} : { unlinked: { bytes: contents.size, sha256: contents.sha256 } }),
    ...(nameless ? { nameless } : {}),
  };
  if (kind === 'given') return { fd, kind, hostPath: textOf(descriptor.hostPath), ...place };
  return { fd, kind, path: textOf(descriptor.path), preopen, ...place };
}

function describeFacts(facts: FileFacts | undefined) {
  if (facts === undefined) return {};
  const { type, size, modified, sha256 } = facts;
  return { type, size: size.toString(), modified: formatTime(modified), ...(sha256 === undefined ? {} : { sha256 }) };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function hex(lo: number, hi: number): string {
  return `0x${((BigInt(hi) << 32n) | BigInt(lo)).toString(16)}`;
}

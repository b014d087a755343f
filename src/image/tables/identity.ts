/**
 * .wagsnap.ident: an image's description of itself, from which a later wag-snap can read and rebuild it: its modules,
 * the places of their instances in DATA, and how the host enters them. A msgpack map; identity-decoder.ts reads it.
 *
 * All `start`s, `pointers` and `records` follow instance-layout.ts. Entity i is at the block's `start` (image offset)
 * plus `pointers + 8 * i` when i < `imported` (a pointer to another instance's entity), else plus `records + size of
 * one * (i - imported)`. `links` resolve the imported ones: (instance, index) pairs.
 */

import { Packr } from 'msgpackr/pack';
import type { ArchName } from '../../arch/masm/target.js';
import { LimitError } from '../../base/errors.js';
import { type MsgpackLimits, msgpackProblem } from './msgpack-check.js';

/**
 * Limits of an identity, in bytes and in msgpack items: enough for a module with as many types, tags and tables as
 * allowed (wasm/limits.ts). A type takes about 33 bytes and 7 items.
 */
export const IDENTITY_MAX = 1 << 26;
export const IDENTITY_LIMITS: MsgpackLimits = { items: 10_000_000, depth: 8 };
export interface ModuleIdentity {
  name: string;
  /** sha256 in hex. */
  sha256: string;
  /** Size of the module in bytes. */
  size: number;
  /** Offset of its bytes in .wagsnap.wasm, -1 when left out. */
  offset: number;
  /** How many bytes it has there; absent: `size`, it is not packed. */
  stored?: number | undefined;
  /** The host layer is module 0 and instance 0. */
  host: boolean;
}

export interface FunctionsIdentity {
  imported: number;
  count: number;
  /** Block offset of the pointers to imported functions' records, 8 bytes each. */
  pointers: number;
  /** For each function: block offset of its record, or -1. */
  records: Int32Array;
  /**
   * Two words for each imported function: the instance and function index of the record that its pointer names; for a
   * thunk, its own.
   */
  links: Int32Array;
}

export interface MemoriesIdentity {
  imported: number;
  pointers: number;
  records: number;
  /** Sizes in pages, of the whole index space. */
  types: { min: number; max: number | null }[];
  links: Int32Array;
}

export interface TablesIdentity {
  imported: number;
  pointers: number;
  records: number;
  types: { element: number; min: number; max: number | null }[];
  links: Int32Array;
}

export interface GlobalsIdentity {
  imported: number;
  pointers: number;
  /** Block offset of the globals, 16 bytes each. */
  records: number;
  /** ValType codes, of the whole index space. */
  types: Uint8Array;
  mutable: Uint8Array;
  links: Int32Array;
}

export interface TagsIdentity {
  imported: number;
  /** Block offset of the records of the tags that it defines, 32 bytes each. */
  records: number;
  /** For each tag: ValType codes of its exceptions' values. */
  types: Uint8Array[];
}

export interface SegmentsIdentity {
  records: number;
  count: number;
}

export interface InstanceIdentity {
  module: number;
  name: string;
  /** Image offset of the block. */
  start: number;
  size: number;
  functions: FunctionsIdentity;
  memories: MemoriesIdentity;
  tables: TablesIdentity;
  globals: GlobalsIdentity;
  /** Absent when there are none. */
  tags?: TagsIdentity | undefined;
  dataSegments: SegmentsIdentity;
  elementSegments: SegmentsIdentity;
}

export interface TrampolineIdentity {
  /** Type id, index into `types`. */
  type: number;
  /** Text offsets of the trampoline and of its call's return address, the bottom of each guest stack it starts. */
  start: number;
  returnOffset: number;
  /** Slots of the outgoing area: the called function's return address is at TH_STACK_TOP - 8 * slots - 8. */
  slots: number;
}

/** An import that the embedder provides. */
export interface EmbedderImport {
  readonly module: string;
  readonly name: string;
}

export interface Identity {
  format: number;
  /** The TABLES_VERSION of the compiler that made it; absent: 1. */
  siteTables?: number | undefined;
  compiler: string;
  arch: ArchName;
  deterministic: boolean;
  modules: ModuleIdentity[];
  instances: InstanceIdentity[];
  /** By type id: ValType codes, and the slots that a call reserves for arguments and results. */
  types: { params: Uint8Array; results: Uint8Array; slots?: number | undefined }[];
  trampolines: TrampolineIdentity[];
  /** The least slots that callers of guest functions reserve, for tail calls; absent: 0. */
  tailSlots?: number | undefined;
  /** The functions that the embedder provides, each once; absent: none. */
  hostImports?: EmbedderImport[] | undefined;
  /** Image offsets and sizes in bytes; `codeSize` without padding. */
  data: { imageOffset: number; size: number };
  text: { imageOffset: number; size: number; codeSize: number };
}

/**
 * The parts of an identity that do not grow with the module: enough to tell what an image is when many are examined.
 */
export type ImageOutline = Pick<
  Identity,
  'format' | 'siteTables' | 'compiler' | 'arch' | 'deterministic' | 'modules' | 'data' | 'text'
>;

/** @throws LimitError when it would be longer than decodeIdentity accepts */
export function encodeIdentity(identity: Identity): Uint8Array {
  const bytes = pack(identity);
  const problem = bytes.length > IDENTITY_MAX ? `has ${bytes.length} bytes` : msgpackProblem(bytes, IDENTITY_LIMITS);
  if (problem !== undefined) throw new LimitError('identity', `the image's description ${problem}: link fewer modules`);
  return bytes;
}

function pack(identity: Identity): Uint8Array {
  const links = <T extends { links: Int32Array }>(part: T) => ({ ...part, links: raw(part.links) });
  return new Packr({ useRecords: false }).pack({
    ...identity,
    instances: identity.instances.map((instance) => ({
      ...instance,
      functions: { ...links(instance.functions), records: raw(instance.functions.records) },
      memories: links(instance.memories),
      tables: links(instance.tables),
      globals: {
        ...links(instance.globals),
        types: raw(instance.globals.types),
        mutable: raw(instance.globals.mutable),
      },
      ...(instance.tags && { tags: { ...instance.tags, types: instance.tags.types.map(raw) } }),
    })),
    types: identity.types.map((type) => ({ ...type, params: raw(type.params), results: raw(type.results) })),
  });
}

function raw(array: Int32Array | Uint8Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

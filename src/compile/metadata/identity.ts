/**
 * .wagsnap.ident: what an image says about itself, so that a later wag-snap can read and rebuild it: which modules,
 * where their instances lie in DATA, and how the host enters them. A msgpack map; zod checks it after decoding.
 *
 * All `start`s, `pointers` and `records` follow instance-layout.ts: an entity's place is the block's `start` (image
 * offset) plus, for entity i, `pointers + 8 * i` when i < `imported` (a pointer to another instance's), else
 * `records + size of one * (i - imported)`. `links` say whom the imported ones are: (instance, index) pairs.
 */

import { createRequire } from 'node:module';
import type { ArchName } from '../../arch/target.js';
import { damaged } from './site-lookup.js';

export const IDENTITY_FORMAT = 1;

export interface ModuleIdentity {
  name: string;
  /** Hex. */
  sha256: string;
  /** Bytes of the module. */
  size: number;
  /** Where its bytes are in .wagsnap.wasm, -1 when left out. */
  offset: number;
  /** The host layer is module 0 and instance 0. */
  host: boolean;
}

export interface FunctionsIdentity {
  imported: number;
  count: number;
  /** Block offset of the pointers to imported functions' records, 8 bytes each. */
  pointers: number;
  /** Of each function: block offset of its record, or -1. */
  records: Int32Array;
  /** Two words per imported function: instance and function index whose record the pointer names; itself for thunks. */
  links: Int32Array;
}

export interface MemoriesIdentity {
  imported: number;
  pointers: number;
  records: number;
  /** Pages; all of the index space. */
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
  /** 16 bytes each. */
  records: number;
  /** ValType codes; all of the index space. */
  types: Uint8Array;
  mutable: Uint8Array;
  links: Int32Array;
}

export interface TagsIdentity {
  imported: number;
  /** Block offset of the records of the defined ones, 32 bytes each. */
  records: number;
  /** Of each tag: ValType codes of what its exceptions carry. */
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
  /** Outgoing area: the called function's return address lies at RT_STACK_TOP - 8 * slots - 8. */
  slots: number;
}

export interface Identity {
  format: number;
  compiler: string;
  arch: ArchName;
  deterministic: boolean;
  modules: ModuleIdentity[];
  instances: InstanceIdentity[];
  /** By type id: ValType codes, and the slots that a call reserves for arguments and results. */
  types: { params: Uint8Array; results: Uint8Array; slots?: number | undefined }[];
  trampolines: TrampolineIdentity[];
  /** Slots that whoever calls a guest function reserves at least, for tail calls; absent: 0. */
  tailSlots?: number | undefined;
  /** Image offsets and sizes in bytes; `codeSize` without padding. */
  data: { imageOffset: number; size: number };
  text: { imageOffset: number; size: number; codeSize: number };
}

const require = createRequire(import.meta.url);

export function encodeIdentity(identity: Identity): Uint8Array {
  const { pack } = require('msgpackr') as typeof import('msgpackr');
  const links = <T extends { links: Int32Array }>(part: T) => ({ ...part, links: raw(part.links) });
  return pack({
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

/** Throws InputError 'damaged-image' for anything but a well-formed identity of a format we know. */
export function decodeIdentity(bytes: Uint8Array): Identity {
  const { unpack } = require('msgpackr') as typeof import('msgpackr');
  let value: unknown;
  try {
    value = unpack(bytes);
  } catch {
    throw damaged('identity is not msgpack');
  }
  const format = (value as { format?: unknown } | null)?.format;
  if (typeof format === 'number' && format > IDENTITY_FORMAT) {
    throw damaged(`identity format ${format} is newer than this wag-snap reads (${IDENTITY_FORMAT})`);
  }
  const parsed = schema().safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw damaged(`identity: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return parsed.data;
}

function raw(array: Int32Array | Uint8Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

let cached: ReturnType<typeof createSchema> | undefined;

function schema() {
  cached ??= createSchema();
  return cached;
}

/** The mirror of encodeIdentity. Lazy, as loading zod takes as long as compiling a small module. */
function createSchema() {
  const { z } = require('zod') as typeof import('zod');
  const u32 = z.number().int().min(0).max(0xffffffff);
  const bytes = z
    .custom<Uint8Array>((value) => value instanceof Uint8Array)
    .transform((value) => Uint8Array.from(value));
  const int32s = z
    .custom<Uint8Array>((value) => value instanceof Uint8Array && value.length % 4 === 0)
    .transform((value) => new Int32Array(Uint8Array.from(value).buffer));
  const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
  const limits = { min: size, max: size.nullable() };
  const segments = z.object({ records: u32, count: u32 });
  const entities = { imported: u32, pointers: u32, records: u32, links: int32s };
  const instance = z.object({
    module: u32,
    name: z.string(),
    start: u32,
    size: u32,
    functions: z.object({ imported: u32, count: u32, pointers: u32, records: int32s, links: int32s }),
    memories: z.object({ ...entities, types: z.array(z.object(limits)) }),
    tables: z.object({ ...entities, types: z.array(z.object({ element: u32, ...limits })) }),
    globals: z.object({ ...entities, types: bytes, mutable: bytes }),
    tags: z.object({ imported: u32, records: u32, types: z.array(bytes) }).optional(),
    dataSegments: segments,
    elementSegments: segments,
  });
  return z.object({
    format: z.literal(IDENTITY_FORMAT),
    compiler: z.string(),
    arch: z.enum(['x64', 'arm64']),
    deterministic: z.boolean(),
    modules: z.array(
      z.object({
        name: z.string(),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        size: u32,
        offset: z.number().int().min(-1),
        host: z.boolean(),
      }),
    ),
    instances: z.array(instance),
    types: z.array(z.object({ params: bytes, results: bytes, slots: u32.optional() })),
    trampolines: z.array(z.object({ type: u32, start: u32, returnOffset: u32, slots: u32 })),
    tailSlots: u32.optional(),
    data: z.object({ imageOffset: u32, size: u32 }),
    text: z.object({ imageOffset: u32, size: u32, codeSize: u32 }),
  });
}

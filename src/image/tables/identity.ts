/**
 * .wagsnap.ident: an image's description of itself, from which a later wag-snap can read and rebuild it: its modules,
 * the places of their instances in DATA, and how the host enters them. A msgpack map; zod checks it after decoding.
 *
 * All `start`s, `pointers` and `records` follow instance-layout.ts. Entity i is at the block's `start` (image offset)
 * plus `pointers + 8 * i` when i < `imported` (a pointer to another instance's entity), else plus `records + size of
 * one * (i - imported)`. `links` resolve the imported ones: (instance, index) pairs.
 */

import { createRequire } from 'node:module';
import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import type { ArchName } from '../../arch/masm/target.js';
import { LimitError } from '../../base/errors.js';
import { TABLES_VERSION } from '../contract/site-tables.js';
import { damaged } from './damaged.js';
import { type MsgpackLimits, msgpackEntries, msgpackMap, msgpackProblem } from './msgpack-check.js';
import { type ClaimedVersions, checkVersions, IDENTITY_FORMAT } from './versions.js';

/**
 * Limits of an identity, in bytes and in msgpack items: enough for a module with as many types, tags and tables as
 * allowed (wasm/limits.ts). A type takes about 33 bytes and 7 items.
 */
export const IDENTITY_MAX = 1 << 26;
const IDENTITY_LIMITS: MsgpackLimits = { items: 10_000_000, depth: 8 };
/** The most instances of a snapshot, and the host layer. */
const INSTANCES_MAX = 1001;

export interface ModuleIdentity {
  name: string;
  /** sha256 in hex. */
  sha256: string;
  /** Size of the module in bytes. */
  size: number;
  /** Offset of its bytes in .wagsnap.wasm, -1 when left out. */
  offset: number;
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

const require = createRequire(import.meta.url);

/**
 * The parts of an identity that do not grow with the module: enough to tell what an image is when many are examined.
 */
export type ImageOutline = Pick<
  Identity,
  'format' | 'siteTables' | 'compiler' | 'arch' | 'deterministic' | 'modules' | 'data' | 'text'
>;

const OUTLINE: readonly string[] = [
  'format',
  'siteTables',
  'compiler',
  'arch',
  'deterministic',
  'modules',
  'data',
  'text',
];

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

/** @throws InputError 'damaged-image' for a malformed identity, 'newer-image' */
export function decodeIdentity(bytes: Uint8Array): Identity {
  const problem = msgpackProblem(bytes, IDENTITY_LIMITS);
  if (problem !== undefined) throw damaged(`identity ${problem}`);
  return checked(bytes, 'whole');
}

/**
 * Decodes the outline alone. Takes time proportional to the whole, but creates no objects for the rest.
 */
export function decodeOutline(bytes: Uint8Array): ImageOutline {
  const entries = msgpackEntries(bytes, IDENTITY_LIMITS);
  if (typeof entries === 'string') throw damaged(`identity ${entries}`);
  return checked(msgpackMap(entries.filter(({ key }) => OUTLINE.includes(key))), 'outline');
}

function checked<K extends 'whole' | 'outline'>(
  bytes: Uint8Array,
  kind: K,
): K extends 'whole' ? Identity : ImageOutline;
function checked(bytes: Uint8Array, kind: 'whole' | 'outline'): Identity | ImageOutline {
  let value: unknown;
  try {
    value = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(bytes);
  } catch {
    throw damaged('identity is not msgpack');
  }
  if (isObject(value)) checkVersions(value as ClaimedVersions);
  const parsed = schemas()[kind].safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw damaged(`identity: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  return parsed.data;
}

function raw(array: Int32Array | Uint8Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}

let cached: ReturnType<typeof createSchemas> | undefined;

function schemas() {
  cached ??= createSchemas();
  return cached;
}

/**
 * The counterpart of encodeIdentity. Lazy, as loading zod takes as long as compiling a small module. Lists that grow
 * with the module are checked by hand: zod would take 7 us for each element, and describe each wrong one.
 */
function createSchemas() {
  const { z } = require('zod') as typeof import('zod');
  const u32 = z.number().int().min(0).max(0xffffffff);
  const bytes = z
    .custom<Uint8Array>((value) => value instanceof Uint8Array)
    .transform((value) => Uint8Array.from(value));
  const int32s = z
    .custom<Uint8Array>((value) => value instanceof Uint8Array && value.length % 4 === 0)
    .transform((value) => new Int32Array(Uint8Array.from(value).buffer));
  const list = <T>(isOne: (value: T) => boolean) =>
    z.custom<T[]>((value) => Array.isArray(value) && value.every((one) => isObject(one) && isOne(one as T)));
  const few = <T extends import('zod').ZodType>(of: T) =>
    z.custom<unknown[]>((value) => Array.isArray(value) && value.length <= INSTANCES_MAX).pipe(z.array(of));
  const limited = ({ min, max }: { min: number; max: number | null }) => isSize(min) && (max === null || isSize(max));
  const segments = z.object({ records: u32, count: u32 });
  const entities = { imported: u32, pointers: u32, records: u32, links: int32s };
  const instance = z.object({
    module: u32,
    name: z.string(),
    start: u32,
    size: u32,
    functions: z.object({ imported: u32, count: u32, pointers: u32, records: int32s, links: int32s }),
    memories: z.object({ ...entities, types: list<MemoriesIdentity['types'][0]>(limited) }),
    tables: z.object({
      ...entities,
      types: list<TablesIdentity['types'][0]>((table) => isU32(table.element) && limited(table)),
    }),
    globals: z.object({ ...entities, types: bytes, mutable: bytes }),
    tags: z
      .object({ imported: u32, records: u32, types: list<Uint8Array>(isBytes).transform((types) => types.map(plain)) })
      .optional(),
    dataSegments: segments,
    elementSegments: segments,
  });
  const outline = z.object({
    format: z.number().int().min(1).max(IDENTITY_FORMAT),
    siteTables: z.number().int().min(1).max(TABLES_VERSION).optional(),
    compiler: z.string(),
    arch: z.enum(['x64', 'arm64']),
    deterministic: z.boolean(),
    modules: few(
      z.object({
        name: z.string(),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
        size: u32,
        offset: z.number().int().min(-1),
        host: z.boolean(),
      }),
    ),
    data: z.object({ imageOffset: u32, size: u32 }),
    text: z.object({ imageOffset: u32, size: u32, codeSize: u32 }),
  });
  const whole = outline.extend({
    instances: few(instance),
    types: list<Identity['types'][0]>(
      ({ params, results, slots }) => isBytes(params) && isBytes(results) && (slots === undefined || isU32(slots)),
    ).transform((types) => {
      for (const type of types) {
        type.params = plain(type.params);
        type.results = plain(type.results);
      }
      return types;
    }),
    trampolines: list<TrampolineIdentity>(
      ({ type, start, returnOffset, slots }) => isU32(type) && isU32(start) && isU32(returnOffset) && isU32(slots),
    ),
    tailSlots: u32.optional(),
    hostImports: list<EmbedderImport>(
      ({ module, name }) => typeof module === 'string' && typeof name === 'string',
    ).optional(),
  });
  return { outline, whole };
}

/** The decoder returns a Buffer. */
const plain = ({ buffer, byteOffset, length }: Uint8Array) => new Uint8Array(buffer, byteOffset, length);
const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isBytes = (value: unknown) => value instanceof Uint8Array;
const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isU32 = (value: unknown) => isSize(value) && (value as number) <= 0xffffffff;

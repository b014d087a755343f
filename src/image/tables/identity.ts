/**
 * .wagsnap.ident: what an image says about itself, so that a later wag-snap can read and rebuild it: which modules,
 * where their instances lie in DATA, and how the host enters them. A msgpack map; zod checks it after decoding.
 *
 * All `start`s, `pointers` and `records` follow instance-layout.ts: an entity's place is the block's `start` (image
 * offset) plus, for entity i, `pointers + 8 * i` when i < `imported` (a pointer to another instance's), else
 * `records + size of one * (i - imported)`. `links` say whom the imported ones are: (instance, index) pairs.
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
 * How long an identity may be in bytes, and in msgpack's items: a module of as many types, tags and tables as any may
 * have (wasm/limits.ts). A type is about 33 bytes and 7 items.
 */
export const IDENTITY_MAX = 1 << 26;
const IDENTITY_LIMITS: MsgpackLimits = { items: 10_000_000, depth: 8 };
/** As many instances as a snapshot may have, and the host layer. */
const INSTANCES_MAX = 1001;

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
  /** Outgoing area: the called function's return address lies at TH_STACK_TOP - 8 * slots - 8. */
  slots: number;
}

/** A function that whoever starts the process provides. */
export interface EmbedderImport {
  readonly module: string;
  readonly name: string;
}

export interface Identity {
  format: number;
  /** TABLES_VERSION of whoever made it; absent: 1. */
  siteTables?: number | undefined;
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
  /** The functions that whoever starts the process provides, each once; absent: none. */
  hostImports?: EmbedderImport[] | undefined;
  /** Image offsets and sizes in bytes; `codeSize` without padding. */
  data: { imageOffset: number; size: number };
  text: { imageOffset: number; size: number; codeSize: number };
}

const require = createRequire(import.meta.url);

/** What of an identity does not grow with the module: enough to tell what an image is, for whoever looks at many. */
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

/** @throws LimitError when it would be longer than what decodeIdentity takes */
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

/** @throws InputError 'damaged-image' for anything but a well-formed identity, 'newer-image' */
export function decodeIdentity(bytes: Uint8Array): Identity {
  const problem = msgpackProblem(bytes, IDENTITY_LIMITS);
  if (problem !== undefined) throw damaged(`identity ${problem}`);
  return checked(bytes, 'whole');
}

/**
 * Its first part, by itself: in a time that depends on the length of the whole, but without making anything of the
 * rest.
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
 * The mirror of encodeIdentity. Lazy, as loading zod takes as long as compiling a small module. Lists that grow with
 * the module are checked by hand: zod would take 7 us for each element, and describe each that is wrong.
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

/** What the decoder gives is a Buffer. */
const plain = ({ buffer, byteOffset, length }: Uint8Array) => new Uint8Array(buffer, byteOffset, length);
const isObject = (value: unknown) => typeof value === 'object' && value !== null;
const isBytes = (value: unknown) => value instanceof Uint8Array;
const isSize = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
const isU32 = (value: unknown) => isSize(value) && (value as number) <= 0xffffffff;

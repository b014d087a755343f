/**
 * Reads an image's description of itself (identity.ts); zod checks it after decoding. A file of its own, as whoever
 * only compiles needs neither.
 */

import { Unpackr } from 'msgpackr/unpack';
import * as z from 'zod';
import { TABLES_VERSION } from '../contract/site-tables.js';
import { damaged } from './damaged.js';
import {
  type EmbedderImport,
  IDENTITY_LIMITS,
  type Identity,
  type ImageOutline,
  type MemoriesIdentity,
  type TablesIdentity,
  type TrampolineIdentity,
} from './identity.js';
import { msgpackEntries, msgpackMap, msgpackProblem } from './msgpack-check.js';
import { type ClaimedVersions, checkVersions, IDENTITY_FORMAT } from './versions.js';

/** The most instances of a snapshot, and the host layer. */
const INSTANCES_MAX = 1001;

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

let cached: ReturnType<typeof createSchemas> | undefined;

function schemas() {
  cached ??= createSchemas();
  return cached;
}

/**
 * The counterpart of encodeIdentity. Lists that grow with the module are checked by hand: zod would take 7 us for each
 * element, and describe each wrong one.
 */
function createSchemas() {
  const u32 = z.number().int().min(0).max(0xffffffff);
  const bytes = z
    .custom<Uint8Array>((value) => value instanceof Uint8Array)
    .transform((value) => Uint8Array.from(value));
  const int32s = z
    .custom<Uint8Array>((value) => value instanceof Uint8Array && value.length % 4 === 0)
    .transform((value) => new Int32Array(Uint8Array.from(value).buffer));
  const list = <T>(isOne: (value: T) => boolean) =>
    z.custom<T[]>((value) => Array.isArray(value) && value.every((one) => isObject(one) && isOne(one as T)));
  const few = <T extends z.ZodType>(of: T) =>
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
        stored: u32.optional(),
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

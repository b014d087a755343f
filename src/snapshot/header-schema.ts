/**
 * The msgpack form of a .wsnap file's header. zod checks it before anything reads it.
 *
 * This file checks only types and ranges; header.ts checks that the parts (extents, counts, references) match. Long
 * columns are binary, little-endian.
 */

import * as z from 'zod';
import { CALL_WORDS_MAX } from '../image/contract/call.js';
import { MEMORY64_PAGES, TABLE_MAX } from '../image/contract/sizes.js';
import { PHASE_KINDS } from './snapshot.js';

const MAX_FD = 1024;
/** The most other files that a snapshot may need: restoring opens all of them at once. */
export const ANCESTORS_MAX = 64;

/** A file name, or an empty string when there was none. */
function isFileName(name: string): boolean {
  return name !== '.' && name !== '..' && !/[/\0]/.test(name);
}

const u32 = z.number().int().min(0).max(0xffffffff);
const size = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const bin = z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be binary');
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a sha256 in hex');
const text = (max: number) => z.string().max(max);
/** Guest strings become C strings again, so they must not contain NUL. */
const cString = (max: number) =>
  bin.refine((bytes) => bytes.length <= max && !bytes.includes(0), `must have at most ${max} bytes and no NUL`);
const u64 = z
  .union([z.number().int().min(0), z.bigint().min(0n).max(0xffffffffffffffffn)])
  .transform((value) => BigInt(value));
const offset = u64.refine((value) => value < 1n << 63n, 'must be below 2^63');

/** The words of a call's values. */
const words = bin.refine((bytes) => bytes.length <= CALL_WORDS_MAX * 8);

/** `file` is there only where the snapshot has ancestors. */
const module = z.strictObject({ name: text(4096), sha256, size, at: size.nullable(), file: u32.optional() });

const memory = z.strictObject({
  pages: u32.max(MEMORY64_PAGES),
  max: u32.max(MEMORY64_PAGES),
  /** The exact size of a memory whose page size is one byte. */
  bytes: size.optional(),
  /** See memory-codec.ts. */
  extents: bin,
  blocks: bin,
});

const table = z.strictObject({
  type: u32.max(255),
  max: u32,
  elements: bin.refine((bytes) => bytes.length <= TABLE_MAX * 8),
});

const instance = z.strictObject({
  module: u32,
  globalTypes: bin,
  globalWords: bin,
  tables: z.array(table).max(100_000),
  memories: z.array(memory).max(1000),
  droppedData: bin,
  droppedElements: bin,
});

const descriptor = z.strictObject({
  fd: u32.max(MAX_FD - 1),
  kind: z.enum(['stdio', 'preopen', 'file', 'directory', 'listener', 'socket', 'null', 'given']),
  path: cString(4095),
  preopen: u32.max(MAX_FD - 1),
  guestName: cString(4095),
  hostPath: cString(4095),
  readOnly: z.boolean(),
  flags: u32.max(0x1f),
  openFlags: u32.max(3),
  rights: u64,
  rightsInheriting: u64,
  offset,
  cookie: u64,
  stream: u32.max(2).optional(),
});

const host = z.strictObject({
  descriptors: z.array(descriptor).max(MAX_FD),
  args: z.array(cString(1 << 21)).max(1 << 20),
  env: z.array(cString(1 << 21)).max(1 << 20),
  monotonic: offset,
  pendingTimeout: offset.nullable(),
});

export const headerSchema = z.strictObject({
  generation: u32,
  created: size.max(8.64e15), // milliseconds: the range of Date (ECMA-262 21.4.1.1)
  parent: sha256.nullable(),
  ancestors: z
    .array(z.strictObject({ digest: sha256, name: text(255).refine(isFileName, 'is no name of a file') }))
    .max(ANCESTORS_MAX)
    .optional(),
  source: z.strictObject({ arch: text(32), compiler: text(64), deterministic: z.boolean() }),
  state: z.enum(['running', 'trapped']),
  trap: z.strictObject({ kind: u32.max(31), message: text(4096) }).optional(),
  phase: z.strictObject({ instance: u32, kind: z.enum(PHASE_KINDS) }),
  /** What is in the annex, and yet has to be known: header.ts, NEEDS. */
  needs: z
    .array(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'is no name of a feature'))
    .min(1)
    .max(32)
    .optional(),
  call: z
    .strictObject({ instance: u32, func: u32, initialize: z.boolean(), results: words, arguments: words })
    .optional(),
  modules: z.array(module).min(1).max(1000),
  instances: z.array(instance).min(1).max(1000),
  frames: z.strictObject({ places: bin, counts: bin, types: bin, of: bin, words: bin }),
  exceptions: z.strictObject({ places: bin, counts: bin, types: bin, words: bin }).optional(),
  host,
});

export type Header = z.output<typeof headerSchema>;
export type RawHeader = z.input<typeof headerSchema>;

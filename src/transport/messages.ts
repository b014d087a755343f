/**
 * The messages between the two sides of a move (docs/migration.md has their order). All are small and, except `bytes`,
 * msgpack checked by zod.
 */

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import * as z from 'zod';
import { InputError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { msgpackProblem } from '../image/tables/msgpack-check.js';
import { CODECS, type Codec } from './codec.js';

/** The protocol's version. Each side reports a version that it does not know in plain words. */
export const PROTOCOL = 6;
/** A lazy move counts the snapshot's file in units of 64 KiB: it has fewer than this. */
export const UNITS_MAX = 2 ** 28;
/** Bytes of a file in one `bytes` message. */
export const PIECE = 1 << 20;

const text = z.string().max(8192);
const texts = z.array(text).max(4096);
const offset = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const unit = z.number().int().min(0).max(UNITS_MAX);
const directory = z.strictObject({ host: text, guest: text, readOnly: z.boolean() });
const policy = z.union([z.enum(['reopen', 'ignore', 'close', 'fail']), z.strictObject({ path: text })]);

/** Each message by its name: its kind (one byte) and its fields. */
const SCHEMAS = {
  // -- from the source
  /** The first message: who speaks, and how the program is to be continued. */
  hello: {
    kind: 1,
    fields: z.strictObject({
      protocol: z.number().int(),
      version: text,
      arch: z.enum(['x64', 'arm64']).nullable(), // null: the target's own
      workload: text.nullable(), // the workload's name
      dirs: z.array(directory).max(1024),
      listen: texts,
      fds: z.array(z.tuple([z.number().int().min(0), policy])).max(4096),
      sameDirs: z.boolean(),
      strictFiles: z.boolean(),
      maxMemory: offset.nullable(),
      outputDir: text.nullable(),
      attach: z.boolean(), // its streams are this side's as long as the link lasts
      from: text, // who sends it, in words
      codecs: z.array(text).max(64), // that what comes may be compressed with, best first; none: as it is
      move: z.strictObject({ job: text, id: text }).optional(), // a move of the lattice: its records decide, no commit
    }),
  },
  /** The outline is complete: what the program is and what it has open, without its modules and its memory. */
  look: { kind: 2, fields: z.strictObject({ size: offset, memory: offset }) }, // bytes of memory that it uses
  /** All that had changed was sent: say so when it is there. */
  round: { kind: 8, fields: z.strictObject({ round: unit }) },
  /** The snapshot is complete, but for the units whose bits are set: they come later. The program stands still. */
  prepare: {
    kind: 3,
    fields: z.strictObject({ size: offset, missing: z.instanceof(Uint8Array).nullable() }),
  },
  /** The program does not continue on the source: begin. */
  commit: { kind: 4, fields: z.strictObject({ pid: offset }) }, // the pid from `prepared`
  /** Discard everything. */
  cancel: { kind: 5, fields: z.strictObject({ reason: text }) },
  /** The target needs them: the binaries of all modules are complete, one after the other, in the outline's order. */
  modules: { kind: 7, fields: z.strictObject({ size: offset }) },
  /** After `running`: all of these units has been sent. */
  arrived: { kind: 6, fields: z.strictObject({ unit, count: unit }) },
  // -- from the target
  /** Both speak the same protocol. */
  welcome: { kind: 32, fields: z.strictObject({ version: text, codec: z.enum(CODECS).nullable() }) },
  /** Everything that the program needs is here, except its modules if `needsModules`. */
  ready: {
    kind: 33,
    fields: z.strictObject({
      version: text,
      arch: z.enum(['x64', 'arm64']),
      host: text,
      warnings: texts,
      needsModules: z.boolean(),
    }),
  },
  /** Nothing yet, as it takes long: a sign of life. */
  busy: { kind: 41, fields: z.strictObject({ with: z.enum(['receiving', 'compiling', 'preparing']) }) },
  /** The image is compiled, while pages have come: the remaining steps do not need the compiler. */
  compiled: {
    kind: 34,
    fields: z.strictObject({ cached: z.boolean(), preparing: offset }), // milliseconds from `prepare` to `prepared`
  },
  /** The round is there: what the link had buffered, too. */
  received: { kind: 42, fields: z.strictObject({ round: unit }) },
  /** The process is complete, and held before its first instruction. */
  prepared: { kind: 35, fields: z.strictObject({ pid: offset }) },
  /** The program runs here. */
  running: { kind: 36, fields: z.strictObject({ pid: offset, output: text }) },
  /** The program waits for a unit. */
  want: { kind: 39, fields: z.strictObject({ unit }) },
  /** All of its memory is here, or the program has ended: the source is not needed any more. */
  whole: { kind: 40, fields: z.strictObject({ pid: offset }) },
  /** It has ended, and all that it has printed was sent. */
  ended: {
    kind: 38,
    fields: z.strictObject({ code: z.number().int().min(0).max(255).nullable(), signal: text.nullable() }),
  },
  /** It does not, and never will by this move. */
  failed: {
    kind: 37,
    fields: z.strictObject({ code: text, exitCode: z.number().int().min(1).max(255), headline: text, details: texts }),
  },
} as const;

type Name = keyof typeof SCHEMAS;
type Fields<N extends Name> = z.infer<(typeof SCHEMAS)[N]['fields']>;
/** A message, typed by its name. */
export type Message = { [N in Name]: { readonly name: N } & Fields<N> }[Name] | Bytes | Packed | Output | Input;
export type MessageOf<N extends Message['name']> = Extract<Message, { name: N }>;
export type Hello = MessageOf<'hello'>;

/** What a move sends, in the order of their numbers. */
const FILES = ['outline', 'snapshot', 'modules'] as const;

/** A piece of one of the files that a move sends. */
export interface Bytes {
  readonly name: 'bytes';
  readonly file: (typeof FILES)[number];
  readonly offset: number;
  readonly data: Uint8Array;
}

/** A piece that is compressed. */
export interface Packed {
  readonly name: 'packed';
  readonly file: Bytes['file'];
  readonly offset: number;
  readonly codec: Codec;
  /** Bytes of the file that it stands for. */
  readonly length: number;
  readonly data: Uint8Array;
}

/** From the target: what the program has printed. */
export interface Output {
  readonly name: 'output';
  /** 1 or 2. */
  readonly stream: number;
  readonly data: Uint8Array;
}

/** From the source: input of the program; nothing is its end. */
export interface Input {
  readonly name: 'input';
  readonly data: Uint8Array;
}

const BYTES = 16;
const BYTES_HEAD = 9;
const INPUT = 18;
const OUTPUT = 19;
const PACKED = 17;
const PACKED_HEAD = BYTES_HEAD + 5;
const ITEMS_MAX = 1 << 16;
const BY_KIND = new Map(Object.entries(SCHEMAS).map(([name, schema]) => [schema.kind as number, name as Name]));

/** The kind and the payload's parts of a message's frame. */
export function encodeMessage(message: Message): { kind: number; parts: Uint8Array[] } {
  if (message.name === 'bytes' || message.name === 'packed') {
    const head = Buffer.alloc(message.name === 'bytes' ? BYTES_HEAD : PACKED_HEAD);
    head[0] = FILES.indexOf(message.file);
    head.writeBigUInt64LE(BigInt(message.offset), 1);
    if (message.name === 'bytes') return { kind: BYTES, parts: [head, message.data] };
    head[BYTES_HEAD] = CODECS.indexOf(message.codec);
    head.writeUInt32LE(message.length, BYTES_HEAD + 1);
    return { kind: PACKED, parts: [head, message.data] };
  }
  if (message.name === 'input') return { kind: INPUT, parts: [message.data] };
  if (message.name === 'output') return { kind: OUTPUT, parts: [Buffer.of(message.stream), message.data] };
  const { name, ...fields } = message;
  return { kind: SCHEMAS[name].kind, parts: [new Packr({ useRecords: false, variableMapSize: true }).pack(fields)] };
}

/** Of pieces of files, the bytes are the payload's own. @throws InputError 'stream' */
export function decodeMessage(kind: number, payload: Buffer): Message {
  if (kind === BYTES) return decodeBytes(payload);
  if (kind === PACKED) return decodePacked(payload);
  if (kind === INPUT) return { name: 'input', data: Buffer.from(payload) }; // streams keep it
  if (kind === OUTPUT) return decodeOutput(payload);
  const name = BY_KIND.get(kind);
  if (name === undefined) throw foreign(`a message of kind ${kind}`);
  const problem = msgpackProblem(payload, { items: ITEMS_MAX });
  if (problem !== undefined) throw foreign(`its message ${name} ${problem}`);
  let raw: unknown;
  try {
    raw = new Unpackr({ useRecords: false, copyBuffers: true }).unpack(payload);
  } catch {
    throw foreign(`its message ${name} is no msgpack`);
  }
  if (name === 'hello') refuseOtherProtocol(raw);
  const result = SCHEMAS[name].fields.safeParse(raw);
  if (result.success) return { name, ...result.data } as Message;
  const [{ path, message }] = result.error.issues;
  throw foreign(`its message ${name}: ${path.join('.')}: ${message}`);
}

function decodeBytes(payload: Buffer): Bytes {
  const file = FILES[payload[0]];
  if (payload.length < BYTES_HEAD || file === undefined) throw foreign('a piece of an unknown file');
  const at = payload.readBigUInt64LE(1);
  if (at > BigInt(Number.MAX_SAFE_INTEGER)) throw foreign('a piece of a file at an offset beyond any file');
  return { name: 'bytes', file, offset: Number(at), data: payload.subarray(BYTES_HEAD) };
}

function decodeOutput(payload: Buffer): Output {
  const stream = payload[0];
  if (stream !== 1 && stream !== 2) throw foreign('output of no stream');
  return { name: 'output', stream, data: Buffer.from(payload.subarray(1)) }; // streams keep it
}

function decodePacked(payload: Buffer): Packed {
  if (payload.length < PACKED_HEAD) throw foreign('a piece of no file');
  const { file, offset } = decodeBytes(payload);
  const codec = CODECS[payload[BYTES_HEAD]];
  const length = payload.readUInt32LE(BYTES_HEAD + 1);
  if (codec === undefined || length > PIECE) throw foreign('a piece that is compressed in no way');
  return { name: 'packed', file, offset, codec, length, data: payload.subarray(PACKED_HEAD) };
}

/** Before its fields are looked at, as those of another protocol may be others. */
function refuseOtherProtocol(raw: unknown): void {
  const known = z.object({ protocol: z.number().int(), version: text }).safeParse(raw);
  if (!known.success || known.data.protocol === PROTOCOL) return;
  const { protocol, version } = known.data;
  const what = `the source (wag-snap ${version}) speaks protocol ${protocol} of moves, the target (${ownPackage().version}) ${PROTOCOL}`;
  throw new InputError('protocol', `${what}: install the same version on both sides`);
}

function foreign(what: string): InputError {
  return new InputError('stream', `what the other side sends cannot be understood: ${what}`);
}

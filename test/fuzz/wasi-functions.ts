/** Functions of WASI 0.2 that random components call: their types as text, and as random programs use them. */

import { type Kind, option, result, type Type } from './component-report.js';

/** A parameter, flat or as text and list of bytes. */
export type Param =
  | { readonly handle: Kind }
  | { readonly number: 'i32' | 'i64'; readonly values: readonly (number | bigint)[] }
  | { readonly text: 'path' | 'bytes' }
  | { readonly handles: Kind };

export interface Interface {
  readonly name: string;
  readonly resources: readonly string[];
  readonly uses: readonly string[];
  /** Text by name, those that others need first. */
  readonly types?: Readonly<Record<string, string>>;
}

export interface WasiFunction {
  readonly interface: string;
  readonly name: string;
  /** Its type in text, where $name is a resource or a type of its interface. */
  readonly type: string;
  readonly params: readonly Param[];
  /** What it gives, in memory or flat; undefined: nothing. */
  readonly result: Type | undefined;
}

export const ERROR_CODES = (
  'access would-block already bad-descriptor busy deadlock quota exist file-too-large illegal-byte-sequence ' +
  'in-progress interrupted invalid io is-directory loop too-many-links message-size name-too-long no-device no-entry ' +
  'no-lock insufficient-memory insufficient-space not-directory not-empty not-recoverable unsupported no-tty ' +
  'no-such-device overflow not-permitted pipe read-only invalid-seek text-file-busy cross-device'
).split(' ');
const DESCRIPTOR_TYPES = 'unknown block-device character-device directory fifo symbolic-link regular-file socket'.split(
  ' ',
);
const DESCRIPTOR_FLAGS =
  'read write file-integrity-sync data-integrity-sync requested-write-sync mutate-directory'.split(' ');

function enumOf(names: readonly string[]): string {
  return `(enum ${names.map((name) => `"${name}"`).join(' ')})`;
}

function flagsOf(names: readonly string[]): string {
  return `(flags ${names.map((name) => `"${name}"`).join(' ')})`;
}

/** Interfaces in the order in which they need each other: what they define, and resources of others that they use. */
export const INTERFACES: readonly Interface[] = [
  { name: 'io/error', resources: ['error'], uses: [] },
  { name: 'io/poll', resources: ['pollable'], uses: [] },
  {
    name: 'io/streams',
    resources: ['input-stream', 'output-stream'],
    uses: ['error', 'pollable'],
    types: { 'stream-error': '(variant (case "last-operation-failed" (own $error)) (case "closed"))' },
  },
  { name: 'cli/environment', resources: [], uses: [] },
  { name: 'cli/exit', resources: [], uses: [] },
  { name: 'cli/stdin', resources: [], uses: ['input-stream'] },
  { name: 'cli/stdout', resources: [], uses: ['output-stream'] },
  { name: 'cli/stderr', resources: [], uses: ['output-stream'] },
  { name: 'clocks/monotonic-clock', resources: [], uses: ['pollable'] },
  {
    name: 'filesystem/types',
    resources: ['descriptor'],
    uses: ['input-stream', 'output-stream'],
    types: {
      datetime: '(record (field "seconds" u64) (field "nanoseconds" u32))',
      'error-code': enumOf(ERROR_CODES),
      'descriptor-type': enumOf(DESCRIPTOR_TYPES),
      'descriptor-flags': flagsOf(DESCRIPTOR_FLAGS),
      'path-flags': flagsOf(['symlink-follow']),
      'open-flags': flagsOf(['create', 'directory', 'exclusive', 'truncate']),
      'descriptor-stat': `(record (field "type" $descriptor-type) (field "link-count" u64) (field "size" u64)
        (field "data-access-timestamp" (option $datetime)) (field "data-modification-timestamp" (option $datetime))
        (field "status-change-timestamp" (option $datetime)))`,
    },
  },
  { name: 'filesystem/preopens', resources: [], uses: ['descriptor'] },
];

const BYTES: Type = { list: 'byte' };
const STREAM_ERROR: Type = { cases: [{ own: 'error' }, undefined] };
const TEXT_LENGTHS = [0n, 1n, 7n, 100n, 5000n, 65536n, 70000n];
const WRITTEN = [0n, 1n, 100n, 4096n];
const OFFSETS = [0n, 1n, 5n, 1000n];
const length = (...values: readonly bigint[]): Param => ({ number: 'i64', values });
const choice = (...values: readonly number[]): Param => ({ number: 'i32', values });

function streams(kind: 'input' | 'output', name: string, type: string, params: readonly Param[], gives?: Type) {
  return {
    interface: 'io/streams',
    name: `[method]${kind}-stream.${name}`,
    type,
    params: [{ handle: kind }, ...params],
    result: gives,
  };
}

function descriptor(name: string, type: string, params: readonly Param[], gives: Type) {
  return {
    interface: 'filesystem/types',
    name: `[method]descriptor.${name}`,
    type,
    params: [{ handle: 'descriptor' } as const, ...params],
    result: gives,
  };
}

const INPUT = '(param "self" (borrow $input-stream))';
const OUTPUT = '(param "self" (borrow $output-stream))';
const DESCRIPTOR = '(param "self" (borrow $descriptor))';
const PATH = '(param "path" string)';
const DONE = '(result (result (error $stream-error)))';
const COUNT = '(result (result u64 (error $stream-error)))';
const LENGTH = '(param "len" u64)';
const read = [
  `${INPUT} ${LENGTH} (result (result (list u8) (error $stream-error)))`,
  [length(...TEXT_LENGTHS)],
  result(BYTES, STREAM_ERROR),
] as const;
const skip = [`${INPUT} ${LENGTH} ${COUNT}`, [length(...TEXT_LENGTHS)], result('u64', STREAM_ERROR)] as const;
const write = [
  `${OUTPUT} (param "contents" (list u8)) ${DONE}`,
  [{ text: 'bytes' }],
  result(undefined, STREAM_ERROR),
] as const;
const flush = [`${OUTPUT} ${DONE}`, [], result(undefined, STREAM_ERROR)] as const;
const zeroes = [`${OUTPUT} ${LENGTH} ${DONE}`, [length(...WRITTEN)], result(undefined, STREAM_ERROR)] as const;
const splice = [
  `${OUTPUT} (param "src" (borrow $input-stream)) ${LENGTH} ${COUNT}`,
  [{ handle: 'input' }, length(...WRITTEN)],
  result('u64', STREAM_ERROR),
] as const;
const failing = (type: string) => `(result (result ${type} (error $error-code)))`;
const STAT: Type = {
  fields: ['byte', 'u64', 'u64', ...new Array<Type>(3).fill(option({ hidden: { fields: ['u64', 'u32'] } }))],
};

export const FUNCTIONS: readonly WasiFunction[] = [
  {
    interface: 'cli/environment',
    name: 'get-environment',
    type: '(result (list (tuple string string)))',
    params: [],
    result: { list: { fields: ['string', 'string'] } },
  },
  {
    interface: 'cli/environment',
    name: 'get-arguments',
    type: '(result (list string))',
    params: [],
    result: { list: 'string' },
  },
  {
    interface: 'cli/environment',
    name: 'initial-cwd',
    type: '(result (option string))',
    params: [],
    result: option('string'),
  },
  {
    interface: 'cli/stdin',
    name: 'get-stdin',
    type: '(result (own $input-stream))',
    params: [],
    result: { own: 'input' },
  },
  {
    interface: 'cli/stderr',
    name: 'get-stderr',
    type: '(result (own $output-stream))',
    params: [],
    result: { own: 'output' },
  },
  streams('input', 'read', ...read),
  streams('input', 'blocking-read', ...read),
  streams('input', 'skip', ...skip),
  streams('input', 'blocking-skip', ...skip),
  streams('input', 'subscribe', `${INPUT} (result (own $pollable))`, [], { own: 'pollable' }),
  streams('output', 'check-write', `${OUTPUT} ${COUNT}`, [], result('u64', STREAM_ERROR)),
  streams('output', 'write', ...write),
  streams('output', 'blocking-write-and-flush', ...write),
  streams('output', 'flush', ...flush),
  streams('output', 'blocking-flush', ...flush),
  streams('output', 'write-zeroes', ...zeroes),
  streams('output', 'blocking-write-zeroes-and-flush', ...zeroes),
  streams('output', 'splice', ...splice),
  streams('output', 'blocking-splice', ...splice),
  streams('output', 'subscribe', `${OUTPUT} (result (own $pollable))`, [], { own: 'pollable' }),
  {
    interface: 'clocks/monotonic-clock',
    name: 'subscribe-duration',
    type: '(param "when" u64) (result (own $pollable))',
    params: [length(0n)],
    result: { own: 'pollable' },
  },
  {
    interface: 'io/poll',
    name: '[method]pollable.ready',
    type: '(param "self" (borrow $pollable)) (result bool)',
    params: [{ handle: 'pollable' }],
    result: 'byte',
  },
  {
    interface: 'io/poll',
    name: '[method]pollable.block',
    type: '(param "self" (borrow $pollable))',
    params: [{ handle: 'pollable' }],
    result: undefined,
  },
  {
    interface: 'io/poll',
    name: 'poll',
    type: '(param "in" (list (borrow $pollable))) (result (list u32))',
    params: [{ handles: 'pollable' }],
    result: { list: 'u32' },
  },
  {
    interface: 'filesystem/preopens',
    name: 'get-directories',
    type: '(result (list (tuple (own $descriptor) string)))',
    params: [],
    result: { list: { fields: [{ own: 'descriptor' }, 'string'] } },
  },
  descriptor(
    'open-at',
    `${DESCRIPTOR} (param "path-flags" $path-flags) ${PATH} (param "open-flags" $open-flags) (param "flags" $descriptor-flags) ${failing('(own $descriptor)')}`,
    [choice(0, 1), { text: 'path' }, choice(0, 1, 2, 5, 8), choice(1, 3)],
    result({ own: 'descriptor' }, 'byte'),
  ),
  descriptor(
    'read-via-stream',
    `${DESCRIPTOR} (param "offset" u64) ${failing('(own $input-stream)')}`,
    [length(...OFFSETS)],
    result({ own: 'input' }, 'byte'),
  ),
  descriptor(
    'write-via-stream',
    `${DESCRIPTOR} (param "offset" u64) ${failing('(own $output-stream)')}`,
    [length(...OFFSETS)],
    result({ own: 'output' }, 'byte'),
  ),
  descriptor(
    'append-via-stream',
    `${DESCRIPTOR} ${failing('(own $output-stream)')}`,
    [],
    result({ own: 'output' }, 'byte'),
  ),
  descriptor(
    'read',
    `${DESCRIPTOR} (param "length" u64) (param "offset" u64) ${failing('(tuple (list u8) bool)')}`,
    [length(...TEXT_LENGTHS), length(...OFFSETS)],
    result({ fields: [BYTES, 'byte'] }, 'byte'),
  ),
  descriptor(
    'write',
    `${DESCRIPTOR} (param "buffer" (list u8)) (param "offset" u64) ${failing('u64')}`,
    [{ text: 'bytes' }, length(...OFFSETS)],
    result('u64', 'byte'),
  ),
  descriptor(
    'set-size',
    `${DESCRIPTOR} (param "size" u64) (result (result (error $error-code)))`,
    [length(0n, 3n, 900n)],
    result(undefined, 'byte'),
  ),
  descriptor('get-type', `${DESCRIPTOR} ${failing('$descriptor-type')}`, [], result('byte', 'byte')),
  descriptor('stat', `${DESCRIPTOR} ${failing('$descriptor-stat')}`, [], result(STAT, 'byte')),
  descriptor(
    'stat-at',
    `${DESCRIPTOR} (param "path-flags" $path-flags) ${PATH} ${failing('$descriptor-stat')}`,
    [choice(0, 1), { text: 'path' }],
    result(STAT, 'byte'),
  ),
];

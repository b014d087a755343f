/**
 * Mutations of a decoded snapshot: what an attacker who knows the format would try. Each works on a copy and reports
 * what it did.
 *
 * Values of frames, references, sites, the order and number of frames, exceptions, globals, tables, sizes of memories,
 * extents, dropped segments, descriptors, the phase.
 */

import { WASM_PAGE } from '../../src/image/contract/sizes.js';
import type { Descriptor } from '../../src/snapshot/host.js';
import {
  cellsOf,
  FRAME_KINDS,
  type FrameSite,
  Frames,
  type Snapshot,
  type SnapshotException,
  type SnapshotInstance,
  type Value,
} from '../../src/snapshot/snapshot.js';
import { ValType } from '../../src/wasm/module.js';

type Random = () => number;
type Writable<T> = { -readonly [K in keyof T]: T[K] };

const ODD_WORDS = [0, 1, 2, 7, 0x7f, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];
const TYPES = [
  ValType.I32,
  ValType.I64,
  ValType.F32,
  ValType.F64,
  ValType.V128,
  ValType.FuncRef,
  ValType.ExternRef,
  ValType.ExnRef,
  0,
];

/** @param log gets a line per mutation */
export function mutateSnapshot(original: Snapshot, next: Random, log: string[]): Snapshot {
  const snapshot = copy(original);
  for (let k = next() < 0.7 ? 1 : 2; k > 0; k--) {
    const mutation = pick(MUTATIONS, next);
    log.push(`${mutation.name}: ${mutation(snapshot, next) ?? 'nothing to change'}`);
  }
  return snapshot;
}

function copy(snapshot: Snapshot): Writable<Snapshot> {
  const { frames } = snapshot;
  const sites = frames.sites.map((site) => ({ ...site, locals: site.locals.slice(), operands: site.operands.slice() }));
  return {
    ...snapshot,
    phase: { ...snapshot.phase },
    frames: new Frames(sites, frames.siteOf.slice(), frames.words.slice()),
    ...(snapshot.exceptions && {
      exceptions: snapshot.exceptions.map((exception) => ({
        ...exception,
        types: exception.types.slice(),
        words: exception.words.slice(),
      })),
    }),
    instances: snapshot.instances.map((instance) => ({
      ...instance,
      globals: instance.globals.map((global) => ({ ...global })),
      tables: instance.tables.map((table) => ({ ...table, elements: table.elements.slice() })),
      memories: instance.memories.map((memory) => ({ ...memory, extents: memory.extents.map((e) => ({ ...e })) })),
      droppedData: instance.droppedData.slice(),
      droppedElements: instance.droppedElements.slice(),
    })),
    host: { ...snapshot.host, descriptors: snapshot.host.descriptors.map((descriptor) => ({ ...descriptor })) },
  };
}

const MUTATIONS: readonly ((snapshot: Writable<Snapshot>, next: Random) => string | undefined)[] = [
  frameWord,
  frameWord,
  frameWord,
  frameReference,
  siteField,
  siteField,
  siteTypes,
  siteOfFrame,
  dropFrames,
  repeatFrames,
  innermostKind,
  calledFunction,
  exceptionPlace,
  exceptionWord,
  exceptionTypes,
  exceptionCount,
  global,
  tableElement,
  tableLength,
  memoryPages,
  extent,
  dropped,
  descriptor,
  phase,
];

function frameWord({ frames }: Snapshot, next: Random): string | undefined {
  if (frames.words.length === 0) return undefined;
  const at = index(frames.words, next);
  frames.words[at] = word(frames.words[at], next);
  return `${at} = ${frames.words[at]}`;
}

function frameReference({ frames }: Snapshot, next: Random): string | undefined {
  const places: number[] = [];
  for (let i = 0; i < Math.min(frames.count, 1000); i++) {
    const { locals, operands } = frames.site(i);
    [...locals, ...operands].forEach((type, n) => {
      if (type === ValType.FuncRef || type === ValType.ExnRef) places.push(frames.wordOf(i, n));
    });
  }
  if (places.length === 0) return undefined;
  const at = pick(places, next);
  frames.words[at] = next() < 0.3 ? Math.floor(next() * 4) : next() < 0.5 ? Math.floor(next() * 100) : word(0, next);
  frames.words[at + 1] = next() < 0.8 ? Math.floor(next() * 2) : word(1, next);
  return `${at} = ${frames.words[at]}, ${frames.words[at + 1]}`;
}

function siteField({ frames }: Snapshot, next: Random): string {
  const site = pick(frames.sites, next) as Writable<FrameSite>;
  const field = pick(['instance', 'func', 'offset', 'kind'] as const, next);
  if (field === 'kind') site.kind = pick(FRAME_KINDS, next);
  else if (next() < 0.4) {
    const other = pick(frames.sites, next);
    site[field] = other[field];
  } else site[field] = next() < 0.5 ? Math.max(0, site[field] + Math.floor(next() * 9) - 4) : word(site[field], next);
  return `${field} = ${site[field]}`;
}

/** Changes types, not their number; where a v128 comes or goes, the words move. */
function siteTypes(snapshot: Writable<Snapshot>, next: Random): string | undefined {
  const { frames } = snapshot;
  const { locals, operands } = pick(frames.sites, next);
  const types = next() < 0.5 ? locals : operands;
  if (types.length === 0) return undefined;
  const at = index(types, next);
  types[at] = pick(TYPES, next);
  rebuild(snapshot, frames.siteOf, frames.words);
  return `${at} = ${types[at]}`;
}

/** The innermost frame becomes one at the entry of any function, as a tail call could have led there. */
function calledFunction(snapshot: Writable<Snapshot>, next: Random): string | undefined {
  const { frames } = snapshot;
  if (frames.count === 0) return undefined;
  const func = Math.floor(next() * 40);
  const others = frames.sites.filter((site) => site.func === func);
  const locals = others.length > 0 ? others[0].locals : frames.site(0).locals;
  const count = next() < 0.3 ? locals.length : Math.floor(next() * (locals.length + 1));
  const types =
    next() < 0.3 ? Uint8Array.from(locals.subarray(0, count), () => pick(TYPES, next)) : locals.slice(0, count);
  const { instance } = frames.site(0);
  const site: FrameSite = { instance, func, offset: 0, kind: 'entry', locals: types, operands: new Uint8Array(0) };
  const siteOf = frames.siteOf.slice();
  siteOf[0] = frames.sites.length;
  (snapshot as { frames: Frames }).frames = new Frames([...frames.sites, site], frames.siteOf, frames.words);
  rebuild(snapshot, siteOf, frames.words);
  return `entry of ${func} with ${count} parameters`;
}

type OwnException = Writable<SnapshotException>;

function exceptionPlace({ exceptions = [] }: Snapshot, next: Random): string | undefined {
  if (exceptions.length === 0) return undefined;
  const exception = pick(exceptions, next) as OwnException;
  const field = pick(['instance', 'tag'] as const, next);
  exception[field] = next() < 0.7 ? Math.floor(next() * 4) : word(exception[field], next);
  return `${field} = ${exception[field]}`;
}

function exceptionWord({ exceptions = [] }: Snapshot, next: Random): string | undefined {
  const others = exceptions.filter(({ words }) => words.length > 0);
  if (others.length === 0) return undefined;
  const { words } = pick(others, next);
  const at = index(words, next);
  words[at] = next() < 0.5 ? Math.floor(next() * (exceptions.length + 3)) : word(words[at], next);
  return `${at} = ${words[at]}`;
}

/** One value more or less, or another type; words that fit. */
function exceptionTypes({ exceptions = [] }: Snapshot, next: Random): string | undefined {
  if (exceptions.length === 0) return undefined;
  const exception = pick(exceptions, next) as OwnException;
  const types = [...exception.types];
  const at = Math.floor(next() * (types.length + 1));
  types.splice(at, next() < 0.6 ? 1 : 0, ...(next() < 0.6 ? [pick(TYPES, next)] : []));
  const words = new Uint32Array(types.reduce((sum, type) => sum + cellsOf(type) * 2, 0));
  words.set(exception.words.subarray(0, words.length));
  exception.types = Uint8Array.from(types);
  exception.words = words;
  return types.join();
}

/** None, fewer, some twice, other orders, very many. */
function exceptionCount(snapshot: Writable<Snapshot>, next: Random): string | undefined {
  const { exceptions } = snapshot;
  if (exceptions === undefined || exceptions.length === 0) return undefined;
  const kind = next();
  if (kind < 0.2) delete (snapshot as { exceptions?: unknown }).exceptions;
  else if (kind < 0.4) snapshot.exceptions = exceptions.slice(0, index(exceptions, next));
  else if (kind < 0.6) snapshot.exceptions = [...exceptions].reverse();
  else
    snapshot.exceptions = Array(kind < 0.95 ? 3 : 30_000)
      .fill(exceptions)
      .flat();
  return `${snapshot.exceptions?.length}`;
}

/** Another site for a frame: the words of the frames above it then mean something else. */
function siteOfFrame(snapshot: Writable<Snapshot>, next: Random): string | undefined {
  const { frames } = snapshot;
  if (frames.count === 0) return undefined;
  const at = index(frames.siteOf, next);
  frames.siteOf[at] = index(frames.sites, next);
  rebuild(snapshot, frames.siteOf, frames.words);
  return `frame ${at} at site ${frames.siteOf[at]}`;
}

function dropFrames(snapshot: Writable<Snapshot>, next: Random): string | undefined {
  const { frames } = snapshot;
  if (frames.count === 0) return undefined;
  const from = index(frames.siteOf, next);
  const to = Math.min(frames.count, from + 1 + Math.floor(next() * 3));
  const kept = [...frames.siteOf.subarray(0, from), ...frames.siteOf.subarray(to)];
  const words = [...frames.words.subarray(0, frames.starts[from] * 2), ...frames.words.subarray(frames.starts[to] * 2)];
  rebuild(snapshot, Uint32Array.from(kept), Uint32Array.from(words));
  return `${from} to ${to}`;
}

/** A stack that is deeper than any run could make it, up to the limit and beyond. */
function repeatFrames(snapshot: Writable<Snapshot>, next: Random): string | undefined {
  const { frames } = snapshot;
  if (frames.count === 0) return undefined;
  const at = index(frames.siteOf, next);
  const times = next() < 0.9 ? 1 + Math.floor(next() * 5) : 300_000;
  const own = frames.words.subarray(frames.starts[at] * 2, frames.starts[at + 1] * 2);
  const siteOf = new Uint32Array(frames.count + times);
  siteOf.set(frames.siteOf.subarray(0, at + 1));
  siteOf.fill(frames.siteOf[at], at + 1, at + 1 + times);
  siteOf.set(frames.siteOf.subarray(at + 1), at + 1 + times);
  const words = new Uint32Array(frames.words.length + own.length * times);
  words.set(frames.words.subarray(0, frames.starts[at + 1] * 2));
  for (let k = 0; k < times; k++) words.set(own, frames.starts[at + 1] * 2 + k * own.length);
  words.set(frames.words.subarray(frames.starts[at + 1] * 2), frames.starts[at + 1] * 2 + times * own.length);
  rebuild(snapshot, siteOf, words);
  return `frame ${at} ${times} times more`;
}

function innermostKind({ frames }: Snapshot, next: Random): string | undefined {
  if (frames.count === 0) return undefined;
  const site = frames.site(0) as Writable<FrameSite>;
  site.kind = pick(FRAME_KINDS, next);
  if (site.kind === 'entry') site.offset = 0;
  return site.kind;
}

function global({ instances }: Snapshot, next: Random): string | undefined {
  const { globals } = pick(instances, next);
  if (globals.length === 0) return undefined;
  const at = index(globals, next);
  const value = globals[at] as Writable<Value>;
  value.lo = word(value.lo, next);
  if (next() < 0.3) value.hi = word(value.hi, next);
  if (value.upper && next() < 0.5) value.upper = { lo: word(value.upper.lo, next), hi: value.upper.hi };
  if (next() < 0.1) value.type = pick(TYPES, next);
  return `${at} = ${value.lo}, ${value.hi}, type ${value.type}`;
}

function tableElement({ instances }: Snapshot, next: Random): string | undefined {
  const { tables } = pick(instances, next);
  const table = tables.length > 0 ? pick(tables, next) : undefined;
  if (table === undefined || table.elements.length === 0) return undefined;
  const at = index(table.elements, next) & ~1;
  table.elements[at] = next() < 0.5 ? Math.floor(next() * 100) : word(table.elements[at], next);
  table.elements[at + 1] = next() < 0.7 ? 1 : word(table.elements[at + 1], next);
  return `${at / 2} = ${table.elements[at]}, ${table.elements[at + 1]}`;
}

function tableLength({ instances }: Snapshot, next: Random): string | undefined {
  const { tables } = pick(instances, next);
  if (tables.length === 0) return undefined;
  const table = pick(tables, next) as Writable<(typeof tables)[number]>;
  const length = Math.floor(next() * (next() < 0.5 ? 30 : 100_000));
  const elements = new Uint32Array(length * 2);
  elements.set(table.elements.subarray(0, length * 2));
  table.elements = elements;
  return `${length}`;
}

function memoryPages({ instances }: Snapshot, next: Random): string | undefined {
  const { memories } = pick(instances, next);
  if (memories.length === 0) return undefined;
  const memory = pick(memories, next) as Writable<(typeof memories)[number]>;
  memory.pages = next() < 0.5 ? Math.floor(next() * 70_000) : word(memory.pages, next);
  if (next() < 0.5) memory.maxPages = Math.max(memory.pages, memory.maxPages);
  return `${memory.pages}`;
}

/** Only within what the decoder lets through: extents of hostile files are bytes in the memory at worst. */
function extent({ instances }: Snapshot, next: Random): string | undefined {
  const { memories } = pick(instances, next);
  const memory = memories.length > 0 ? pick(memories, next) : undefined;
  if (memory === undefined || memory.extents.length === 0) return undefined;
  const { extents } = memory;
  const at = index(extents, next);
  const other = pick(extents, next);
  (extents as Writable<(typeof extents)[number]>[])[at] = {
    ...extents[at],
    ...(next() < 0.5 ? { fileOffset: other.fileOffset } : { offset: Math.floor(next() * 100_000) * WASM_PAGE }),
    bytes: Math.min(extents[at].bytes, other.bytes),
  };
  return `${at}: ${JSON.stringify(extents[at])}`;
}

function dropped({ instances }: Snapshot, next: Random): string | undefined {
  const instance = pick(instances, next) as Writable<SnapshotInstance>;
  const which = next() < 0.5 ? 'droppedData' : 'droppedElements';
  if (next() < 0.2) instance[which] = new Uint8Array(Math.floor(next() * 10));
  else if (instance[which].length > 0) instance[which][index(instance[which], next)] ^= 1;
  return which;
}

function descriptor({ host }: Snapshot, next: Random): string | undefined {
  if (host.descriptors.length === 0) return undefined;
  const entry = pick(host.descriptors, next) as Writable<Descriptor>;
  const change = pick(
    ['fd', 'kind', 'path', 'preopen', 'hostPath', 'openFlags', 'flags', 'offset', 'rights'] as const,
    next,
  );
  if (change === 'kind') entry.kind = pick(['stdio', 'preopen', 'file', 'directory', 'null', 'given'] as const, next);
  else if (change === 'path')
    entry.path = Buffer.from(pick(['../../../etc/passwd', '/etc/passwd', '', 'a/../../..', '.'], next));
  else if (change === 'hostPath') entry.hostPath = Buffer.from(pick(['/', '', '/etc'], next));
  else if (change === 'offset') entry.offset = BigInt(word(0, next)) << 31n;
  else if (change === 'rights') entry.rights = entry.rightsInheriting = 0xffffffffffffffffn;
  else entry[change] = next() < 0.5 ? Math.floor(next() * 8) : word(0, next);
  return change;
}

function phase(snapshot: Writable<Snapshot>, next: Random): string {
  snapshot.phase = {
    instance: next() < 0.7 ? 0 : word(0, next),
    kind: pick(['start', 'entry', 'call'] as const, next),
  };
  return `${snapshot.phase.instance} ${snapshot.phase.kind}`;
}

function rebuild(snapshot: Writable<Snapshot>, siteOf: Uint32Array, words: Uint32Array): void {
  const frames = new Frames(snapshot.frames.sites, siteOf, words);
  const needed = frames.starts[frames.count] * 2;
  const fitting = new Uint32Array(needed);
  fitting.set(words.subarray(0, needed));
  snapshot.frames = new Frames(snapshot.frames.sites, siteOf, fitting);
}

function word(value: number, next: Random): number {
  const kind = next();
  if (kind < 0.3) return (value ^ (1 << Math.floor(next() * 32))) >>> 0;
  if (kind < 0.6) return pick(ODD_WORDS, next);
  if (kind < 0.8) return (value + Math.floor(next() * 17) - 8) >>> 0;
  return Math.floor(next() * 0x100000000);
}

function index(items: ArrayLike<unknown>, next: Random): number {
  return Math.floor(next() * items.length);
}

function pick<T>(items: readonly T[], next: Random): T {
  return items[index(items, next)];
}

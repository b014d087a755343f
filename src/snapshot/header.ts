/**
 * Converts a snapshot to header bytes and back: msgpack, checked by zod (header-schema.ts) and then by hand for
 * everything that can be checked without the module (restore checks the rest).
 *
 * A decoded header is consistent: extents are within the file and their memory and do not overlap, and every instance,
 * module and descriptor that is named exists.
 */

import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { InputError } from '../base/errors.js';
import { MEMORY32_PAGES } from '../image/contract/sizes.js';
import { msgpackProblem } from '../image/tables/msgpack-check.js';
import { ValType } from '../wasm/module.js';
import { decodeExceptions, encodeExceptions } from './exceptions-codec.js';
import { bytesOf, checkType, decodeFrames, encodeFrames, type Fail, valueProblem, words32 } from './frames-codec.js';
import { type Header, headerSchema, type RawHeader } from './header-schema.js';
import type { Descriptor } from './host.js';
import { checkRanges, decodeMemory, encodeMemory, type FileRange } from './memory-codec.js';
import { PROLOGUE_SIZE } from './prologue.js';
import {
  cellsOf,
  type Frames,
  isReference,
  putValue,
  type Snapshot,
  type SnapshotCall,
  type SnapshotInstance,
  type SnapshotTable,
  type Value,
  valueAt,
} from './snapshot.js';

/**
 * Limits of all maps and arrays in a header: arguments, variables, descriptors, tables. A column counts as one item.
 */
const ITEMS_MAX = 1 << 22;

/**
 * What stands in the annex, which readers may skip, though one that does not know it would continue with something else.
 * The header names it, so that such a reader refuses the snapshot.
 */
export const NEEDS_EMBEDDER = 'embedder';
/** The frames are two stacks, or a call of the embedder is repeated that is not the last (SuspendedState). */
export const NEEDS_SUSPENDED = 'suspended';
const NEEDS: ReadonlySet<string> = new Set([NEEDS_EMBEDDER, NEEDS_SUSPENDED]);

type RawInstance = Header['instances'][number];

// NOTE: msgpackr/pack and /unpack leave out the native string decoder, which must not see hostile input.
export function encodeHeader(snapshot: Snapshot): Uint8Array {
  const needs = needsOf(snapshot);
  const raw: RawHeader = {
    generation: snapshot.generation,
    created: snapshot.created,
    parent: snapshot.parent ?? null,
    ...(snapshot.ancestors ? { ancestors: snapshot.ancestors.map((ancestor) => ({ ...ancestor })) } : {}),
    source: { ...snapshot.source },
    state: snapshot.state,
    ...(snapshot.trap ? { trap: { ...snapshot.trap } } : {}),
    phase: { ...snapshot.phase },
    ...(needs.length > 0 ? { needs } : {}),
    ...(snapshot.call ? { call: { ...snapshot.call, arguments: bytesOf(snapshot.call.arguments) } } : {}),
    modules: snapshot.modules.map(({ name, sha256, size, fileOffset, file = 0 }) => ({
      name,
      sha256,
      size,
      at: fileOffset ?? null,
      ...(file === 0 ? {} : { file }),
    })),
    instances: snapshot.instances.map((instance) => encodeInstance(instance, snapshot.ancestors !== undefined)),
    frames: encodeFrames(snapshot.frames),
    ...(snapshot.exceptions ? { exceptions: encodeExceptions(snapshot.exceptions) } : {}),
    host: {
      descriptors: snapshot.host.descriptors.map(withoutAnnex),
      args: [...snapshot.host.args],
      env: [...snapshot.host.env],
      monotonic: snapshot.host.monotonic,
      pendingTimeout: snapshot.host.pendingTimeout ?? null,
    },
  };
  return new Packr({ useRecords: false, variableMapSize: true }).pack(raw);
}

/** The part of a descriptor that is in the header; the rest is in the annex. */
function withoutAnnex(descriptor: Descriptor): RawHeader['host']['descriptors'][number] {
  const {
    facts: _facts,
    listed: _listed,
    identity: _identity,
    contents: _contents,
    nameless: _nameless,
    ...rest
  } = descriptor;
  return rest;
}

/**
 * @param fileOffset the header's; page data and modules must be below it
 * @throws InputError
 */
export function decodeHeader(bytes: Uint8Array, fileOffset: number, path: string): Snapshot {
  const fail: Fail = (where, what) => {
    throw new InputError('snapshot', `${path}: ${where}: ${what}`);
  };
  const header = parse(bytes, fail);
  const count = header.instances.length;
  const exceptions = header.exceptions && decodeExceptions(header.exceptions, count, fail);
  const exceptionCount = exceptions?.length ?? 0;
  const { ancestors } = header;
  if (ancestors !== undefined && header.parent === null) fail('ancestors', 'but there is no parent');
  const ranges: FileRange[] = [];
  const modules = header.modules.map(({ name, sha256, size, at, file = 0 }, i) => {
    if (file > (ancestors?.length ?? 0)) fail(`modules[${i}]`, `is in file ${file} of ${(ancestors?.length ?? 0) + 1}`);
    if (at !== null) ranges.push([file, at, at + size, `modules[${i}]`]);
    return { name, sha256, size, fileOffset: at ?? undefined, ...(file === 0 ? {} : { file }) };
  });
  const instances = header.instances.map((raw, i) =>
    decodeInstance(raw, `instances[${i}]`, header, exceptionCount, ranges, fail),
  );
  checkRanges(ranges, PROLOGUE_SIZE, fileOffset, fail);
  if (header.phase.instance >= count) fail('phase', `names instance ${header.phase.instance} of ${count}`);
  if (header.phase.kind === 'call' && header.call === undefined) fail('call', 'is missing');
  checkHost(header.host, fail);
  const { host, needs } = header;
  for (const need of needs ?? []) {
    if (NEEDS.has(need)) continue;
    throw new InputError('snapshot-version', `${path}: needs "${need}", which this wag-snap does not know`);
  }
  const frames = decodeFrames(header.frames, count, fail, exceptionCount);
  checkTrap(header, frames, fail);
  return {
    generation: header.generation,
    created: header.created,
    parent: header.parent ?? undefined,
    ...(ancestors ? { ancestors } : {}),
    source: header.source,
    state: header.state,
    trap: header.trap,
    phase: header.phase,
    ...(needs ? { needs } : {}),
    ...(header.call ? { call: decodeCall(header.call, count, fail) } : {}),
    modules,
    instances,
    frames,
    ...(exceptions ? { exceptions } : {}),
    host: { ...host, pendingTimeout: host.pendingTimeout ?? undefined },
  };
}

/** What a reader must know to continue with the snapshot. */
function needsOf({ host }: Snapshot): string[] {
  return [...(host.embedder ? [NEEDS_EMBEDDER] : []), ...(host.suspended ? [NEEDS_SUSPENDED] : [])];
}

/** The function and values are checked against the module by restore/call.ts. */
function decodeCall(raw: NonNullable<Header['call']>, count: number, fail: Fail): SnapshotCall {
  const { instance, func, initialize, results } = raw;
  if (instance >= count) fail('call', `names instance ${instance} of ${count}`);
  results.forEach((type, i) => {
    checkType(type as ValType, `call.results[${i}]`, fail);
  });
  const words = words32(raw.arguments, 'call.arguments', fail);
  if (words.length % 2 !== 0) fail('call.arguments', 'is not pairs of words');
  return { instance, func, initialize, results, arguments: words };
}

/** Checks that a trapped program, and only such a one, stands at a trap. */
function checkTrap({ state, trap }: Header, frames: Frames, fail: Fail): void {
  const trapped = state === 'trapped';
  if (trapped !== (trap !== undefined)) fail('trap', trapped ? 'is missing' : 'but the program has not trapped');
  if (frames.count === 0) {
    if (!trapped) fail('frames', 'the stack is empty');
  } else if ((frames.site(0).kind === 'trap') !== trapped) {
    fail('frames.of[0]', trapped ? 'is not at the trap' : 'is at a trap');
  }
}

/** The oldest format that can hold the snapshot (prologue.ts). */
export function formatNeeded(snapshot: Snapshot): number {
  const { ancestors, needs, call, instances, frames, exceptions, host, state } = snapshot;
  if (ancestors !== undefined) return 3;
  if (needs !== undefined || needsOf(snapshot).length > 0) return 3;
  if (call !== undefined) return 3;
  const isNew = (type: number) => type === ValType.V128 || type === ValType.ExnRef;
  const news =
    exceptions !== undefined ||
    state === 'trapped' ||
    host.descriptors.some(({ kind }) => kind === 'null' || kind === 'given') ||
    instances.some((instance) => [...instance.globals, ...instance.tables].some(({ type }) => isNew(type))) ||
    instances.some(({ memories }) =>
      memories.some(({ maxPages, bytes }) => maxPages > MEMORY32_PAGES || bytes !== undefined),
    ) ||
    frames.sites.some(({ locals, operands }) => locals.some(isNew) || operands.some(isNew));
  return news ? 2 : 1;
}

function parse(bytes: Uint8Array, fail: Fail): Header {
  const problem = msgpackProblem(bytes, { items: ITEMS_MAX });
  if (problem !== undefined) fail('header', problem);
  let raw: unknown;
  try {
    raw = new Unpackr({ useRecords: false, mapsAsObjects: true }).unpack(bytes);
  } catch (error) {
    return fail('header', `is not msgpack: ${(error as Error).message}`);
  }
  const result = headerSchema.safeParse(raw);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  return fail(`header.${issue.path.join('.')}`, issue.message);
}

function encodeInstance(instance: SnapshotInstance, isChain: boolean): RawHeader['instances'][number] {
  const cells = instance.globals.reduce((sum, { type }) => sum + cellsOf(type), 0);
  const globalWords = new Uint32Array(cells * 2);
  let at = 0;
  for (const value of instance.globals) at = putValue(value, globalWords, at);
  return {
    module: instance.module,
    globalTypes: Uint8Array.from(instance.globals, (global) => global.type),
    globalWords: bytesOf(globalWords),
    tables: instance.tables.map(({ type, max, elements }) => ({ type, max, elements: bytesOf(elements) })),
    memories: instance.memories.map((memory) => encodeMemory(memory, isChain)),
    droppedData: instance.droppedData,
    droppedElements: instance.droppedElements,
  };
}

function decodeInstance(
  raw: RawInstance,
  where: string,
  header: Header,
  exceptionCount: number,
  ranges: FileRange[],
  fail: Fail,
): SnapshotInstance {
  const fileCount = header.ancestors && header.ancestors.length + 1;
  if (raw.module >= header.modules.length) fail(where, `names module ${raw.module} of ${header.modules.length}`);
  for (const flag of raw.droppedData) if (flag > 1) fail(`${where}.droppedData`, 'must be zeros and ones');
  for (const flag of raw.droppedElements) if (flag > 1) fail(`${where}.droppedElements`, 'must be zeros and ones');
  return {
    module: raw.module,
    globals: decodeGlobals(raw, header.instances.length, exceptionCount, where, fail),
    tables: raw.tables.map((table, i) =>
      decodeTable(table, header.instances.length, exceptionCount, `${where}.tables[${i}]`, fail),
    ),
    memories: raw.memories.map((memory, i) => decodeMemory(memory, `${where}.memories[${i}]`, fileCount, ranges, fail)),
    droppedData: Uint8Array.from(raw.droppedData),
    droppedElements: Uint8Array.from(raw.droppedElements),
  };
}

function decodeGlobals(
  raw: RawInstance,
  instanceCount: number,
  exceptionCount: number,
  where: string,
  fail: Fail,
): Value[] {
  const words = words32(raw.globalWords, `${where}.globalWords`, fail);
  const cells = raw.globalTypes.reduce((sum, type) => sum + cellsOf(type), 0);
  if (words.length !== cells * 2) fail(`${where}.globalWords`, 'does not match globalTypes');
  let at = 0;
  return Array.from(raw.globalTypes, (type, i) => {
    checkType(type, `${where}.globalTypes[${i}]`, fail);
    const value = valueAt(type as ValType, words, at);
    const problem = valueProblem(type, value.lo, value.hi, instanceCount, exceptionCount);
    if (problem) fail(`${where}.globalWords[${i}]`, problem);
    at += cellsOf(type) * 2;
    return value;
  });
}

function decodeTable(
  raw: RawInstance['tables'][number],
  instanceCount: number,
  exceptionCount: number,
  where: string,
  fail: Fail,
): SnapshotTable {
  if (!isReference(raw.type as ValType)) fail(`${where}.type`, `0x${raw.type.toString(16)} is not a reference type`);
  const elements = words32(raw.elements, `${where}.elements`, fail);
  if (elements.length % 2 !== 0) fail(`${where}.elements`, 'is not pairs of words');
  if (elements.length / 2 > raw.max)
    fail(where, `has ${elements.length / 2} elements, more than its maximum ${raw.max}`);
  for (let i = 0; i < elements.length; i += 2) {
    const problem = valueProblem(raw.type, elements[i], elements[i + 1], instanceCount, exceptionCount);
    if (problem) fail(`${where}.elements[${i / 2}]`, problem);
  }
  return { type: raw.type as ValType, max: raw.max, elements };
}

function checkHost(host: Header['host'], fail: Fail): void {
  const kinds = new Map<number, string>();
  for (const [i, { fd, kind }] of host.descriptors.entries()) {
    if (kinds.has(fd)) fail(`host.descriptors[${i}]`, `descriptor ${fd} is there twice`);
    kinds.set(fd, kind);
  }
  for (const [i, { kind, preopen, path, fd }] of host.descriptors.entries()) {
    if (kind !== 'file' && kind !== 'directory') continue;
    if (kinds.get(preopen) !== 'preopen')
      fail(`host.descriptors[${i}]`, `descriptor ${fd} is below ${preopen}, not a preopen`);
    if (Buffer.from(path).toString('latin1').startsWith('/')) fail(`host.descriptors[${i}].path`, 'is absolute');
  }
}

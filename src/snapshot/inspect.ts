/**
 * Snapshots and captures for people: what is in them, sizes, and the stack trace, innermost frame first.
 *
 *     #1 func-3 (0x4f)
 *     #2 fib (0x2a1)
 *     ... 99,960 more frames ...
 *     #100,000 _start (0x310)
 */

import { terminalLines, terminalText } from '../base/terminal-text.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { decodeModule } from '../wasm/decode.js';
import { ExternKind, type Module, ValType } from '../wasm/module.js';
import { formatTypes, valTypeName } from '../wasm/text.js';
import type { CaptureReport, TraceEntry } from './capture-report.js';
import { formatTime } from './file-facts.js';
import { readSnapshotModule } from './format.js';
import {
  cellsOf,
  type Descriptor,
  decodeFuncRef,
  type FileFacts,
  type Frames,
  MISSING,
  type SnapshotException,
  type SnapshotInstance,
  type StoredSnapshot,
  type Value,
  valueAt,
} from './snapshot.js';

const FIRST_LINES = 32;
const LAST_LINES = 8;

export interface SnapshotDescription {
  /** Everything but page data; what `inspect --json` prints. */
  readonly json: object;
  readonly text: string;
}

/**
 * @param name of the file, for people
 * @throws InputError when a module in the snapshot is damaged
 */
export function describeSnapshot(stored: StoredSnapshot, name = stored.path): SnapshotDescription {
  const { snapshot } = stored;
  const trace = traceOf(stored);
  const { frames, host, source, modules, instances, phase, exceptions = [] } = snapshot;
  const memoryPages = sum(instances, ({ memories }) => sum(memories, ({ pages }) => pages));
  const usedPages = sum(instances, ({ memories }) => sum(memories, ({ blocks }) => blocks.length));
  const json = {
    kind: 'snapshot',
    file: name,
    name: snapshot.name ?? null,
    bytes: stored.size,
    generation: snapshot.generation,
    created: new Date(snapshot.created).toISOString(),
    parent: snapshot.parent ?? null,
    source,
    state: snapshot.state,
    trap: snapshot.trap ?? null,
    phase,
    modules: modules.map(({ name, sha256, size, fileOffset }) => ({
      name,
      sha256,
      size,
      included: fileOffset !== undefined,
    })),
    instances: instances.map(describeInstance),
    frames: {
      count: frames.count,
      innermost: trace.slice(0, FIRST_LINES).map((entry, i) => ({ ...entry, ...place(frames, i) })),
    },
    exceptions: exceptions.map(describeException),
    host: {
      args: host.args.map(textOf),
      env: host.env.map(textOf),
      monotonic: host.monotonic.toString(),
      pendingTimeout: host.pendingTimeout?.toString() ?? null,
      descriptors: host.descriptors.map(describeDescriptor),
    },
  };
  const lines = [
    `snapshot ${name}`,
    `  taken       ${json.created} on ${source.arch}, wag-snap ${source.compiler}${source.deterministic ? ', deterministic' : ''}`,
    ...(snapshot.name === undefined ? [] : [`  name        ${snapshot.name}`]),
    ...(snapshot.trap ? [`  trapped     ${snapshot.trap.message}`] : []),
    ...modules.map(
      ({ name, sha256, size, fileOffset }) =>
        `  module      ${name === '' ? '(no name)' : name}, ${count(size)} bytes, sha256 ${sha256.slice(0, 16)}…${fileOffset === undefined ? ' (left out)' : ''}`,
    ),
    `  globals     ${count(sum(instances, ({ globals }) => globals.length))}`,
    `  tables      ${count(sum(instances, ({ tables }) => tables.length))}`,
    `  memory      ${plural(memoryPages, 'page')} of 64 KiB, ${count(usedPages)} of them in use`,
    ...instances.flatMap(memoryLines),
    `  arguments   ${host.args.map(textOf).join(' ')}`,
    ...host.descriptors.map((descriptor) => `  descriptor  ${descriptorLine(descriptor)}`),
    ...(exceptions.length > 0 ? [`  exceptions  ${count(exceptions.length)}`] : []),
    `  frames      ${count(frames.count)}`,
    ...traceLines(trace).map((line) => `    ${line}`),
  ];
  return { json, text: terminalLines(lines) };
}

/** What `capture -v` prints: sizes and the stack trace. */
export function describeCapture(report: CaptureReport): string {
  return terminalLines([
    `globals ${count(report.globalsSize)} bytes`,
    `memory ${count(report.memorySize)} bytes, ${count(report.pages * WASM_PAGE)} in use`,
    `stack ${count(report.stackSize)} bytes, ${plural(report.frames, 'frame')}`,
    ...report.files,
    ...traceLines(report.trace),
  ]);
}

/** Lines of a stack trace, innermost first; the middle of a deep one is left out. */
export function traceLines(trace: readonly TraceEntry[]): string[] {
  const line = ({ name, moduleOffset }: TraceEntry, n: number) =>
    `#${count(n + 1)} ${terminalText(name)}${moduleOffset === undefined ? '' : ` (0x${moduleOffset.toString(16)})`}`;
  if (trace.length <= FIRST_LINES + LAST_LINES) return trace.map(line);
  const last = trace.length - LAST_LINES;
  return [
    ...trace.slice(0, FIRST_LINES).map(line),
    `... ${count(last - FIRST_LINES)} more frames ...`,
    ...trace.slice(last).map((entry, i) => line(entry, last + i)),
  ];
}

/** The stack with the names that the snapshot's own modules give. */
function traceOf(stored: StoredSnapshot): TraceEntry[] {
  const { instances, modules, frames } = stored.snapshot;
  const known = modules.map((module) => {
    const bytes = readSnapshotModule(stored, module);
    const decoded = bytes && decodeModule(bytes, module.name);
    return decoded && { names: functionNames(decoded), bodies: decoded.bodyStart, imported: decoded.importedFuncCount };
  });
  const entries = frames.sites.map(({ instance, func, offset }) => {
    const module = known[instances[instance].module];
    const start = module?.bodies[func - module.imported];
    const moduleOffset = start === undefined ? undefined : start + offset;
    return { instance, func, name: module?.names.get(func) || `func-${func}`, moduleOffset };
  });
  return Array.from(frames.siteOf, (site) => entries[site]);
}

/** As in an image's own name table: imports by module and name, the others by the name section. */
function functionNames({ imports, names }: Module): ReadonlyMap<number, string> {
  const all = new Map(names?.functions);
  const functions = imports.filter(({ kind }) => kind === ExternKind.Func);
  for (const [index, { module, name }] of functions.entries()) all.set(index, `${module}.${name}`);
  return all;
}

/** Of an instance with several: its own memories, in order. */
function memoryLines({ memories }: SnapshotInstance, instance: number): string[] {
  if (memories.length < 2) return [];
  return memories.map(({ pages, blocks }, i) => {
    return `    #${i} of instance ${instance}: ${plural(pages, 'page')}, ${count(blocks.length)} in use`;
  });
}

function plural(number: number, what: string): string {
  return `${count(number)} ${what}${number === 1 ? '' : 's'}`;
}

function typeNames(types: Uint8Array): string {
  if (!types.includes(MISSING)) return formatTypes(types);
  return Array.from(types, (type) => (type === MISSING ? 'unknown' : valTypeName(type))).join(', ');
}

function place(frames: Frames, frame: number) {
  const { offset, kind, locals, operands } = frames.site(frame);
  return { offset, kind, locals: typeNames(locals), operands: typeNames(operands) };
}

function describeInstance(instance: SnapshotInstance): object {
  return {
    module: instance.module,
    globals: instance.globals.map(describeGlobal),
    tables: instance.tables.map(({ type, elements, max }) => ({
      type: valTypeName(type),
      length: elements.length / 2,
      max,
    })),
    memories: instance.memories.map(({ pages, maxPages, blocks }) => ({ pages, maxPages, usedPages: blocks.length })),
    droppedData: [...instance.droppedData.keys()].filter((i) => instance.droppedData[i] === 1),
    droppedElements: [...instance.droppedElements.keys()].filter((i) => instance.droppedElements[i] === 1),
  };
}

function describeGlobal({ type, lo, hi, upper }: Value): object {
  const name = { type: valTypeName(type) };
  if (type === ValType.FuncRef) return { ...name, function: decodeFuncRef(lo, hi) };
  if (type === ValType.ExnRef) return { ...name, exception: lo === 0 ? null : lo - 1 };
  if (upper === undefined) return { ...name, bits: hex(lo, hi) };
  return { ...name, i32x4: [lo, hi, upper.lo, upper.hi].map((word) => hex(word, 0)) };
}

function describeException({ instance, tag, types, words }: SnapshotException): object {
  const values: object[] = [];
  let at = 0;
  for (const type of types) {
    values.push(describeGlobal(valueAt(type, words, at)));
    at += cellsOf(type) * 2;
  }
  return { instance, tag, values };
}

function describeDescriptor(descriptor: Descriptor): object {
  const { fd, kind, preopen, readOnly, offset } = descriptor;
  if (kind === 'stdio' || kind === 'socket' || kind === 'null') return { fd, kind };
  if (kind === 'listener') return { fd, kind, address: textOf(descriptor.path) };
  if (kind === 'preopen') {
    return { fd, kind, guestName: textOf(descriptor.guestName), hostPath: textOf(descriptor.hostPath), readOnly };
  }
  const { contents, nameless } = descriptor;
  const place = {
    offset: offset.toString(),
    ...describeFacts(descriptor.facts),
    ...(contents === undefined ? {} : { unlinked: { bytes: contents.size, sha256: contents.sha256 } }),
    ...(nameless ? { nameless } : {}),
  };
  if (kind === 'given') return { fd, kind, hostPath: textOf(descriptor.hostPath), ...place };
  return { fd, kind, path: textOf(descriptor.path), preopen, ...place };
}

function describeFacts(facts: FileFacts | undefined): object {
  if (facts === undefined) return {};
  const { type, size, modified, sha256 } = facts;
  return { type, size: size.toString(), modified: formatTime(modified), ...(sha256 === undefined ? {} : { sha256 }) };
}

/** A descriptor for people, with names as they are: `4: file moved/data below 3 at offset 5`. */
export function descriptorLine(descriptor: Descriptor): string {
  const { fd, kind, preopen, readOnly, offset, path, guestName, hostPath, stream } = descriptor;
  if (kind === 'stdio') return `${fd}: standard stream${stream === undefined ? '' : ` ${stream}`}`;
  if (kind === 'socket') return `${fd}: connection`;
  if (kind === 'listener') return `${fd}: listens at ${textOf(descriptor.path)}`;
  if (kind === 'preopen') return `${fd}: ${textOf(guestName)} = ${textOf(hostPath)}${readOnly ? ' (read-only)' : ''}`;
  if (kind === 'null') return `${fd}: nothing (ignored)`;
  const offsetText = kind === 'directory' ? '' : ` at offset ${count(Number(offset))}`;
  const place = `${offsetText}${stateText(descriptor)}`;
  if (kind === 'given') return `${fd}: file ${textOf(hostPath)}${place}`;
  return `${fd}: ${kind} ${textOf(path)} below ${preopen}${place}`;
}

function stateText({ facts, contents, nameless }: Descriptor): string {
  if (contents !== undefined) return `, unlinked, ${count(contents.size)} bytes in the snapshot`;
  return `${factsText(facts)}${nameless ? ', without a name when it was captured' : ''}`;
}

function factsText(facts: FileFacts | undefined): string {
  if (facts === undefined) return '';
  const { type, size, modified, sha256 } = facts;
  const what = type === 'file' ? `${count(Number(size))} bytes` : type;
  return `, ${what}, modified ${formatTime(modified)}${sha256 === undefined ? '' : `, sha256 ${sha256.slice(0, 16)}…`}`;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function hex(lo: number, hi: number): string {
  return `0x${((BigInt(hi) << 32n) | BigInt(lo)).toString(16)}`;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Describes a snapshot as data: everything but the contents of memories. `inspect --json` prints it. */

import type { TraceEntry } from '../snapshot/capture-report.js';
import { formatTime } from '../snapshot/file-facts.js';
import { readSnapshotModule } from '../snapshot/format.js';
import type { Descriptor, FileFacts } from '../snapshot/host.js';
import type { Packing } from '../snapshot/packing/packed-file.js';
import { unpackedBytes } from '../snapshot/packing/packed-header.js';
import {
  cellsOf,
  decodeFuncRef,
  type Frames,
  MISSING,
  type SnapshotCall,
  type SnapshotException,
  type SnapshotInstance,
  type StoredSnapshot,
  type Value,
  valueAt,
} from '../snapshot/snapshot.js';
import { decodeModule } from '../wasm/decode.js';
import { ExternKind, type Module, ValType } from '../wasm/module.js';
import { formatTypes, valTypeName } from '../wasm/text.js';
import type {
  DescriptorDescription,
  InstanceDescription,
  SnapshotDescription,
  ValueDescription,
} from './description.js';

function describePacking(packing: Packing | undefined): SnapshotDescription['packing'] {
  if (packing === undefined) return null;
  const { index, key } = packing;
  return { codec: index.codec, encrypted: key !== undefined, unpacked: unpackedBytes(index) };
}

/** The number of frames that are described, counted from the innermost. */
export const DESCRIBED_FRAMES = 32;

/**
 * @param file the snapshot's name, for people
 * @param trace see traceOf
 */
export function snapshotFacts(
  { snapshot, size, digest, packing, signer }: StoredSnapshot,
  file: string,
  trace: readonly TraceEntry[],
): SnapshotDescription {
  const { frames, host, source, modules, instances, phase, exceptions = [] } = snapshot;
  return {
    kind: 'snapshot',
    file,
    name: snapshot.name ?? null,
    bytes: size,
    packing: describePacking(packing),
    signer: signer ?? null,
    digest: digest ?? null,
    generation: snapshot.generation,
    created: new Date(snapshot.created).toISOString(),
    parent: snapshot.parent ?? null,
    ancestors: snapshot.ancestors?.map(({ digest, name }) => ({ digest, name })) ?? null,
    source,
    state: snapshot.state,
    trap: snapshot.trap ?? null,
    phase,
    call: describeCall(snapshot.call),
    modules: modules.map(({ name, sha256, size, fileOffset }) => ({
      name,
      sha256,
      size,
      included: fileOffset !== undefined,
    })),
    instances: instances.map(describeInstance),
    frames: {
      count: frames.count,
      innermost: trace.slice(0, DESCRIBED_FRAMES).map((entry, i) => ({ ...entry, ...place(frames, i) })),
    },
    exceptions: exceptions.map(describeException),
    host: {
      args: host.args.map(textOf),
      env: host.env.map(textOf),
      monotonic: host.monotonic.toString(),
      pendingTimeout: host.pendingTimeout?.toString() ?? null,
      embedder: host.embedder ?? null,
      descriptors: host.descriptors.map(describeDescriptor),
    },
  };
}

/**
 * The stack with the names that the snapshot's own modules give, innermost frame first.
 * The stack, innermost frame first, with names from the snapshot's own modules.
 * @throws InputError when a module in the snapshot is damaged
 */
export function traceOf(stored: StoredSnapshot): TraceEntry[] {
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

/** Names as in an image's own name table: imports by module and name, other functions by the name section. */
export function functionNames({ imports, names }: Module): ReadonlyMap<number, string> {
  const all = new Map(names?.functions);
  const functions = imports.filter(({ kind }) => kind === ExternKind.Func);
  for (const [index, { module, name }] of functions.entries()) all.set(index, `${module}.${name}`);
  return all;
}

function typeNames(types: Uint8Array): string {
  if (!types.includes(MISSING)) return formatTypes(types);
  return Array.from(types, (type) => (type === MISSING ? 'unknown' : valTypeName(type))).join(', ');
}

function place(frames: Frames, frame: number) {
  const { offset, kind, locals, operands } = frames.site(frame);
  return { offset, kind, locals: typeNames(locals), operands: typeNames(operands) };
}

function describeCall(call: SnapshotCall | undefined): SnapshotDescription['call'] {
  if (call === undefined) return null;
  const { instance, func, results } = call;
  return { instance, function: func, results: Array.from(results, (type) => valTypeName(type)) };
}

function describeInstance(instance: SnapshotInstance): InstanceDescription {
  return {
    module: instance.module,
    globals: instance.globals.map(describeValue),
    tables: instance.tables.map(({ type, elements, max }) => ({
      type: valTypeName(type),
      length: elements.length / 2,
      max,
    })),
    memories: instance.memories.map(({ pages, maxPages, bytes, blocks }) => ({
      pages,
      maxPages,
      usedPages: blocks.length,
      ...(bytes === undefined ? {} : { bytes }),
    })),
    droppedData: [...instance.droppedData.keys()].filter((i) => instance.droppedData[i] === 1),
    droppedElements: [...instance.droppedElements.keys()].filter((i) => instance.droppedElements[i] === 1),
  };
}

function describeValue({ type, lo, hi, upper }: Value): ValueDescription {
  if (type === ValType.FuncRef) return { type: 'funcref', function: decodeFuncRef(lo, hi) };
  if (type === ValType.ExnRef) return { type: 'exnref', exception: lo === 0 ? null : lo - 1 };
  if (upper === undefined) return { type: valTypeName(type), bits: hex(lo, hi) };
  return { type: 'v128', i32x4: [lo, hi, upper.lo, upper.hi].map((word) => hex(word, 0)) };
}

function describeException({ instance, tag, types, words }: SnapshotException) {
  const values: ValueDescription[] = [];
  let at = 0;
  for (const type of types) {
    values.push(describeValue(valueAt(type, words, at)));
    at += cellsOf(type) * 2;
  }
  return { instance, tag, values };
}

function describeDescriptor(descriptor: Descriptor): DescriptorDescription {
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

function describeFacts(facts: FileFacts | undefined) {
  if (facts === undefined) return {};
  const { type, size, modified, sha256 } = facts;
  return { type, size: size.toString(), modified: formatTime(modified), ...(sha256 === undefined ? {} : { sha256 }) };
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

function hex(lo: number, hi: number): string {
  return `0x${((BigInt(hi) << 32n) | BigInt(lo)).toString(16)}`;
}

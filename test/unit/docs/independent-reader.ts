/**
 * Reads a .wsnap file by docs/snapshot-format.md alone. Nothing of src is used here: what the document leaves out, or
 * says wrong, this reader cannot know. It describes a snapshot in the words of `wag-snap inspect --json`.
 */

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { bytes, fail, list, Msgpack, type Raw, record, require, text, words } from './independent-msgpack.js';
import { signerOf, type UnpackedByTheDocument } from './independent-packed.js';

const PAGE = 65536;
const BLOCK = 4096;
const FILE_TYPES = ['file', 'directory', 'pipe', 'character device', 'block device', 'socket'];
const KINDS = ['entry', 'loop', 'return', 'call', 'trap'];
const TYPES: Readonly<Record<number, string>> = {
  127: 'i32',
  126: 'i64',
  125: 'f32',
  124: 'f64',
  123: 'v128',
  112: 'funcref',
  111: 'externref',
  105: 'exnref',
  1: 'unknown',
};

export interface ReadByTheDocument {
  readonly version: number;
  /** As `inspect --json` prints it, without names and offsets that come from the module's own sections. */
  readonly description: Record<string, unknown>;
  /** Of each instance, of each of its memories: the contents. */
  readonly memories: readonly (readonly Buffer[])[];
  /** Blocks that are said to have something in them and have not, or the other way round. */
  readonly wrongBlocks: number;
  /** Of unlinked files, by the descriptors that have them. */
  readonly contents: readonly { readonly fds: readonly number[]; readonly bytes: Buffer }[];
}

/**
 * @param name of the file, as it was given to `inspect`
 * @param unpacked what is in files of format 4, by path
 */
export function readByTheDocument(
  path: string,
  name: string,
  unpacked: ReadonlyMap<string, UnpackedByTheDocument | undefined> = new Map(),
): ReadByTheDocument {
  const stored = readFileSync(path);
  const packed = unpacked.get(path);
  const file = packed?.contents ?? stored;
  require(file.subarray(0, 8).equals(Buffer.from('7f57534e41500d0a', 'hex')), 'magic');
  const version = file.readUInt32LE(8);
  require(version >= 1 && version <= 3, 'version');
  require(file.readUInt32LE(12) === 0, 'reserved');
  const headerOffset = Number(file.readBigUInt64LE(16));
  const headerSize = Number(file.readBigUInt64LE(24));
  require(headerOffset >= 64 && headerOffset + headerSize === file.length, 'place of the header');
  const headerBytes = file.subarray(headerOffset);
  require(sha256(file.subarray(0, 32), headerBytes) === file.subarray(32, 64).toString('hex'), 'hash of the header');
  const header = record(new Msgpack(headerBytes).document());
  const annex = annexOf(file, headerOffset);
  const instances = list(header.instances).map(record);
  const frames = framesOf(record(header.frames));
  const isNew = header.ancestors !== undefined || header.call !== undefined || header.needs !== undefined;
  require((version === 3) === isNew, 'format 3 is for ancestors, calls and needs');
  const ancestors = header.ancestors === undefined ? undefined : list(header.ancestors).map(record);
  const files = [file, ...(ancestors ?? []).map(({ digest }) => fileWith(String(digest), path, unpacked))];
  const modules = list(header.modules).map((raw) => moduleOf(record(raw), files));
  let wrongBlocks = 0;
  const memories = instances.map((instance) =>
    list(instance.memories).map((raw) => {
      const { bytes, wrong } = memoryOf(record(raw), files, ancestors !== undefined);
      wrongBlocks += wrong;
      return bytes;
    }),
  );
  checkDigests(annex, instances, file, ancestors !== undefined);
  return {
    version: stored.readUInt32LE(8),
    memories,
    wrongBlocks,
    contents: list(annex.contents ?? []).map((raw) => contentsOf(record(raw), file)),
    description: {
      kind: 'snapshot',
      file: name,
      name: annex.name ?? null,
      bytes: stored.length,
      packing: packed?.packing ?? null,
      signer: signerOf(stored),
      digest: digestOf(file),
      generation: header.generation,
      created: new Date(Number(header.created)).toISOString(),
      parent: header.parent,
      ancestors: ancestors ?? null,
      source: record(header.source),
      state: header.state,
      trap: header.trap === undefined ? null : record(header.trap),
      phase: record(header.phase),
      call: header.call === undefined ? null : callOf(record(header.call)),
      modules,
      instances: instances.map(instanceOf),
      frames,
      exceptions: header.exceptions === undefined ? [] : exceptionsOf(record(header.exceptions)),
      host: hostOf(record(header.host), annex),
    },
  };
}

function annexOf(file: Buffer, headerOffset: number): Record<string, Raw> {
  if (headerOffset < 120 || file.toString('latin1', 64, 72) !== 'WSANNEX\0') return {};
  const offset = Number(file.readBigUInt64LE(72));
  const bytes = file.subarray(offset, offset + Number(file.readBigUInt64LE(80)));
  require(sha256(bytes) === file.subarray(88, 120).toString('hex'), 'hash of the annex');
  return record(new Msgpack(bytes).document());
}

function digestOf(file: Buffer): string {
  return sha256(file.subarray(0, 120));
}

/** The file beside a snapshot that has a digest. */
function fileWith(
  digest: string,
  path: string,
  unpacked: ReadonlyMap<string, UnpackedByTheDocument | undefined>,
): Buffer {
  const folder = path.replace(/[^/]*$/, '');
  for (const name of readdirSync(folder).filter((each) => each.endsWith('.wsnap'))) {
    const file = unpacked.get(`${folder}${name}`)?.contents ?? readFileSync(`${folder}${name}`);
    if (digestOf(file) === digest) return file;
  }
  return fail(`a file with digest ${digest}`);
}

function moduleOf({ name, sha256: hash, size, at, file = 0 }: Record<string, Raw>, files: readonly Buffer[]): object {
  const bytes = files[Number(file)]?.subarray(Number(at), Number(at) + Number(size)) ?? fail('the file of a module');
  if (at !== null) require(sha256(bytes) === hash, 'hash of a module');
  return { name, sha256: hash, size, included: at !== null };
}

interface ExtentRow {
  readonly first: number;
  readonly count: number;
  readonly file: number;
  readonly place: number;
}

/** In blocks. */
function extentsOf(column: Raw | undefined, isDifference: boolean): ExtentRow[] {
  const rows = words(column);
  const width = isDifference ? 4 : 3;
  return Array.from({ length: rows.length / width }, (_, i) => {
    const row = rows.slice(i * width, i * width + width);
    if (isDifference) return { first: row[0] ?? 0, count: row[1] ?? 0, file: row[2] ?? 0, place: row[3] ?? 0 };
    const [first = 0, count = 0, slot = 0] = row.map((pages) => pages * 16);
    return { first, count, file: 0, place: slot };
  });
}

/** Whether a block of an extent has something in it, by block of the memory. */
function usedBlocks(extents: readonly ExtentRow[], column: Raw | undefined): (block: number) => boolean {
  const maps = bytes(column);
  const pages = new Set(
    extents.flatMap(({ first, count }) => Array.from({ length: count }, (_, n) => (first + n) >> 4)),
  );
  require(maps.length === pages.size * 2, 'blocks of a memory');
  const map = new Map([...pages].map((page, i) => [page, maps.readUInt16LE(i * 2)]));
  return (block) => (((map.get(block >> 4) ?? 0) >> (block & 15)) & 1) === 1;
}

function memoryOf(
  { pages, extents, blocks }: Record<string, Raw>,
  files: readonly Buffer[],
  isDifference: boolean,
): { bytes: Buffer; wrong: number } {
  const memory = Buffer.alloc(Number(pages) * PAGE);
  const rows = extentsOf(extents, isDifference);
  const isUsed = usedBlocks(rows, blocks);
  let wrong = 0;
  for (const { first, count, file, place } of rows) {
    for (let n = 0; n < count; n++) {
      const from = files[file]?.subarray((place + n) * BLOCK, (place + n + 1) * BLOCK) ?? fail('a file');
      if (isUsed(first + n)) from.copy(memory, (first + n) * BLOCK);
      if (from.some((byte) => byte !== 0) !== isUsed(first + n)) wrong++;
    }
  }
  return { bytes: memory, wrong };
}

function checkDigests(
  { digests }: Record<string, Raw>,
  instances: readonly Record<string, Raw>[],
  file: Buffer,
  isDifference: boolean,
): void {
  if (digests === undefined) return;
  const found: string[] = [];
  for (const { extents, blocks } of instances.flatMap((instance) => list(instance.memories).map(record))) {
    const rows = extentsOf(extents, isDifference);
    const isUsed = usedBlocks(rows, blocks);
    for (const { first, count, place } of rows.filter((row) => row.file === 0)) {
      for (let from = 0; from < count; from += 256) {
        const span = Array.from({ length: Math.min(256, count - from) }, (_, n) => from + n);
        const used = span.filter((n) => isUsed(first + n));
        found.push(sha256(...used.map((n) => file.subarray((place + n) * BLOCK, (place + n + 1) * BLOCK))));
      }
    }
  }
  require(bytes(digests).toString('hex') === found.join(''), 'digests of pages');
}

function contentsOf({ fds, at, size, sha256: hash }: Record<string, Raw>, file: Buffer) {
  const contents = file.subarray(Number(at), Number(at) + Number(size));
  require(sha256(contents) === hash, 'hash of a file');
  return { fds: list(fds).map(Number), bytes: contents };
}

function instanceOf(instance: Record<string, Raw>): object {
  const globalWords = words(instance.globalWords);
  let at = 0;
  const globals = [...bytes(instance.globalTypes)].map((type) => {
    const value = describeValue(type, globalWords.slice(at));
    at += type === 0x7b ? 4 : 2;
    return value;
  });
  require(at === globalWords.length, 'words of globals');
  const dropped = (flags: Raw | undefined) => [...bytes(flags)].flatMap((flag, i) => (flag === 1 ? [i] : []));
  return {
    module: instance.module,
    globals,
    tables: list(instance.tables)
      .map(record)
      .map(({ type, elements, max }) => ({ type: typeName(Number(type)), length: bytes(elements).length / 8, max })),
    memories: list(instance.memories)
      .map(record)
      .map(({ pages, max, blocks }) => ({ pages, maxPages: max, usedPages: bytes(blocks).length / 2 })),
    droppedData: dropped(instance.droppedData),
    droppedElements: dropped(instance.droppedElements),
  };
}

function describeValue(type: number, [a = 0, b = 0, c = 0, d = 0]: readonly number[]): object {
  const hex = (word: number) => `0x${word.toString(16)}`;
  const named = { type: typeName(type) };
  if (type === 0x7b) return { ...named, i32x4: [a, b, c, d].map(hex) };
  if (type === 0x70) return { ...named, function: b === 0 ? null : { instance: b - 1, func: a } };
  if (type === 0x69) return { ...named, exception: a === 0 ? null : a - 1 };
  return { ...named, bits: `0x${((BigInt(b) << 32n) | BigInt(a)).toString(16)}` };
}

function framesOf({ places, counts, types, of, words: values }: Record<string, Raw>): object {
  const placeWords = words(places);
  const countWords = words(counts);
  const typeBytes = bytes(types);
  let at = 0;
  const sites: { entry: object; cells: number }[] = [];
  for (let i = 0; i * 4 < placeWords.length; i++) {
    const [instance, func, offset, kind = 0] = placeWords.slice(i * 4, i * 4 + 4);
    const [localCount = 0, operandCount = 0] = countWords.slice(i * 2, i * 2 + 2);
    const own = [...typeBytes.subarray(at, at + localCount + operandCount)];
    at += own.length;
    const names = own.map(typeName);
    sites.push({
      entry: {
        instance,
        func,
        offset,
        kind: KINDS[kind],
        locals: names.slice(0, localCount).join(', '),
        operands: names.slice(localCount).join(', '),
      },
      cells: own.reduce((sum, type) => sum + (type === 0x7b ? 2 : 1), 0),
    });
  }
  require(at === typeBytes.length, 'types of sites');
  const stack = words(of).map((n) => sites[n] ?? fail(`site ${n}`));
  require(words(values).length === stack.reduce((sum, { cells }) => sum + 2 * cells, 0), 'words of frames');
  return { count: stack.length, innermost: stack.slice(0, 32).map(({ entry }) => entry) };
}

function exceptionsOf({ places, counts, types, words: values }: Record<string, Raw>): object[] {
  const placeWords = words(places);
  const typeBytes = [...bytes(types)];
  const valueWords = words(values);
  return words(counts).map((count, i) => ({
    instance: placeWords[i * 2],
    tag: placeWords[i * 2 + 1],
    values: typeBytes.splice(0, count).map((type) => describeValue(type, valueWords.splice(0, type === 0x7b ? 4 : 2))),
  }));
}

function hostOf(host: Record<string, Raw>, annex: Record<string, Raw>): object {
  const files = list(annex.files ?? []).map(record);
  const contents = list(annex.contents ?? []).map(record);
  const nameless = list(annex.nameless ?? []);
  const describe = (raw: Raw): object => {
    const { fd, kind, path, preopen, guestName, hostPath, readOnly, offset } = record(raw);
    if (kind === 'stdio' || kind === 'socket' || kind === 'null') return { fd, kind };
    if (kind === 'listener') return { fd, kind, address: text(path) };
    if (kind === 'preopen') return { fd, kind, guestName: text(guestName), hostPath: text(hostPath), readOnly };
    const facts = files.find((row) => row.fd === fd);
    const unlinked = contents.find((row) => list(row.fds).includes(fd ?? null));
    return {
      fd,
      kind,
      ...(kind === 'given' ? { hostPath: text(hostPath) } : { path: text(path), preopen }),
      offset: String(offset),
      ...(facts === undefined ? {} : factsOf(facts)),
      ...(unlinked === undefined ? {} : { unlinked: { bytes: unlinked.size, sha256: unlinked.sha256 } }),
      ...(nameless.includes(fd ?? null) ? { nameless: true } : {}),
    };
  };
  return {
    args: list(host.args).map(text),
    env: list(host.env).map(text),
    monotonic: String(host.monotonic),
    pendingTimeout: host.pendingTimeout === null ? null : String(host.pendingTimeout),
    embedder: annex.embedder === undefined ? null : embedderOf(record(annex.embedder)),
    descriptors: list(host.descriptors).map(describe),
  };
}

function embedderOf({ session, lastCall, isPending, imports }: Record<string, Raw>): object {
  return {
    session: Buffer.from(bytes(session)).toString('hex'),
    lastCall,
    isPending,
    imports: list(imports).map(record),
  };
}

function factsOf({ type, size, modified, sha256: hash }: Record<string, Raw>): object {
  require(FILE_TYPES.includes(String(type)), 'type of a file');
  const time = BigInt(String(modified));
  const nanoseconds = String(time % 1_000_000_000n).padStart(9, '0');
  const seconds = new Date(Number(time / 1_000_000_000n) * 1000).toISOString().replace('.000Z', '');
  const facts = { type, size: String(size), modified: `${seconds}.${nanoseconds}Z` };
  return hash === null ? facts : { ...facts, sha256: hash };
}

function callOf({ instance, func, initialize, results, arguments: values }: Record<string, Raw>): object {
  require(typeof initialize === 'boolean' && bytes(values).length % 8 === 0, 'a call');
  return { instance, function: func, results: Array.from(bytes(results), typeName) };
}

function typeName(type: number): string {
  return TYPES[type] ?? fail(`type 0x${type.toString(16)}`);
}

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

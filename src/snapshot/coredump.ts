/**
 * Writes a snapshot as a WebAssembly coredump (tool-conventions, Coredump.md): a binary module for debuggers, with the
 * stack in custom sections and the state in ordinary ones.
 *
 *     "core"            0x00, the main module's name
 *     "coremodules"     per module 0x00, its name
 *     "coreinstances"   per instance 0x00, its module, its memories and globals by index in this file
 *     "corestack"       0x00, "main", the frames, innermost first: 0x00, instance, function, body offset, locals, operands
 *     memory, global    all memories with the size they have, all globals as constants
 *     data              an active segment per run of 4 KiB blocks that are not zero
 *
 * The format has i32, i64, f32 and f64. In frames, v128 values and references are marked as missing (0x01), and so are
 * locals that were in a register at a trap. References in globals are null. Memories of up to 4 GiB get 32-bit
 * addresses, whatever they have in their module. The format has no tables. Page data is copied in pieces.
 */

import { LimitError } from '../base/errors.js';
import { type Destination, streamOutput } from '../base/output.js';
import { WASM_PAGE } from '../image/contract/sizes.js';
import { decodeModule } from '../wasm/decode.js';
import { ValType } from '../wasm/module.js';
import { ChainFiles } from './chain-files.js';
import { WasmFile } from './coredump-file.js';
import { type IndexSpaces, indexSpaces } from './coredump-instances.js';
import { readSnapshotModule } from './format.js';
import { BLOCK, BLOCKS_PER_PAGE } from './page-blocks.js';
import type { PageSource } from './pages.js';
import type { Frames, SnapshotMemory, StoredSnapshot, Value } from './snapshot.js';
import { StoredMemory } from './stored-pages.js';

const enum Section {
  Memory = 5,
  Global = 6,
  Data = 11,
}

const enum Code {
  End = 0x0b,
  I32Const = 0x41,
  I64Const = 0x42,
  F32Const = 0x43,
  F64Const = 0x44,
  RefNull = 0xd0,
  VectorPrefix = 0xfd,
  V128Const = 0x0c,
}

const MISSING_VALUE = 0x01;
/** The pages that 32-bit addresses reach. */
const PAGES32 = 65536;
/** The most segments that other engines accept in a module. */
const SEGMENTS_MAX = 100_000;
/** The limit for a section, whose size is a u32, without the segments' own headers. */
const BYTES_MAX = 0xffff_ffff - 32 * SEGMENTS_MAX;
const CHUNK = 1 << 20;
/** Permissions of a coredump: it holds the guest's memory, so only its owner may read it. */
const MODE = 0o600;

/** A run of blocks in a memory. */
export interface Run {
  readonly offset: number;
  readonly bytes: number;
}

/** @throws InputError when the snapshot is damaged, ToolError when the file cannot be written, LimitError */
export async function writeCoredump(stored: StoredSnapshot, output: Destination | string): Promise<void> {
  const { modules, frames, instances } = stored.snapshot;
  const spaces = indexSpaces(
    stored.snapshot,
    modules.map((module) => {
      const bytes = readSnapshotModule(stored, module);
      return bytes && decodeModule(bytes, module.name);
    }),
  );
  const memories = instances.flatMap((instance) => instance.memories);
  const globals = instances.flatMap((instance) => instance.globals);
  const names = modules.map(({ name, sha256 }) => name || sha256.slice(0, 16));
  await streamOutput(
    output,
    async (fd) => {
      const file = new WasmFile(fd);
      file.custom('core', () => {
        file.byte(0);
        file.name(names.at(-1) ?? '');
      });
      file.custom('coremodules', () => {
        file.u32(names.length);
        for (const name of names) {
          file.byte(0);
          file.name(name);
        }
      });
      file.custom('coreinstances', () => writeInstances(file, spaces));
      file.custom('corestack', () => writeStack(file, frames));
      file.section(Section.Memory, () => writeMemories(file, memories));
      file.section(Section.Global, () => {
        file.u32(globals.length);
        for (const global of globals) writeGlobal(file, global);
      });
      await writeData(file, memories, stored);
      file.end();
    },
    MODE,
  );
}

function writeInstances(file: WasmFile, spaces: readonly IndexSpaces[]): void {
  file.u32(spaces.length);
  for (const { module, memories, globals } of spaces) {
    file.byte(0);
    file.u32(module);
    for (const indexes of [memories, globals]) {
      file.u32(indexes.length);
      for (const index of indexes) file.u32(index);
    }
  }
}

function writeStack(file: WasmFile, frames: Frames): void {
  file.byte(0);
  file.name('main');
  file.u32(frames.count);
  for (let frame = 0; frame < frames.count; frame++) {
    const { instance, func, offset, locals, operands } = frames.site(frame);
    file.byte(0);
    file.u32(instance);
    file.u32(func);
    file.u32(offset);
    file.u32(locals.length);
    for (let i = 0; i < locals.length; i++) writeValue(file, locals[i], frames.words, frames.wordOf(frame, i));
    file.u32(operands.length);
    for (let i = 0; i < operands.length; i++) {
      writeValue(file, operands[i], frames.words, frames.wordOf(frame, locals.length + i));
    }
  }
}

function writeValue(file: WasmFile, type: number, words: Uint32Array, at: number): void {
  switch (type) {
    case ValType.I32:
      file.byte(type);
      return file.i32(words[at]);
    case ValType.I64:
      file.byte(type);
      return file.i64(words[at], words[at + 1]);
    case ValType.F32:
      file.byte(type);
      return file.word(words[at]);
    case ValType.F64:
      file.byte(type);
      file.word(words[at]);
      return file.word(words[at + 1]);
    default:
      file.byte(MISSING_VALUE);
  }
}

function writeMemories(file: WasmFile, memories: readonly SnapshotMemory[]): void {
  file.u32(memories.length);
  for (const { pages } of memories) {
    file.byte(pages > PAGES32 ? 4 : 0); // no maximum
    file.u32(pages);
  }
}

function writeGlobal(file: WasmFile, { type, lo, hi, upper }: Value): void {
  file.byte(type);
  file.byte(0); // constant
  switch (type) {
    case ValType.I32:
      file.byte(Code.I32Const);
      file.i32(lo);
      break;
    case ValType.I64:
      file.byte(Code.I64Const);
      file.i64(lo, hi);
      break;
    case ValType.F32:
      file.byte(Code.F32Const);
      file.word(lo);
      break;
    case ValType.F64:
      file.byte(Code.F64Const);
      file.word(lo);
      file.word(hi);
      break;
    case ValType.V128:
      file.byte(Code.VectorPrefix);
      file.byte(Code.V128Const);
      for (const word of [lo, hi, upper!.lo, upper!.hi]) file.word(word);
      break;
    default:
      file.byte(Code.RefNull);
      file.byte(type);
  }
  file.byte(Code.End);
}

async function writeData(file: WasmFile, memories: readonly SnapshotMemory[], stored: StoredSnapshot): Promise<void> {
  const snapshot = new ChainFiles(stored);
  const sources = memories.map((memory) => new StoredMemory(snapshot, memory));
  let runs = sources.map((source) => usedRuns(source, BLOCK));
  if (count(runs) > SEGMENTS_MAX) runs = sources.map((source) => usedRuns(source, WASM_PAGE));
  if (count(runs) > SEGMENTS_MAX) {
    throw new LimitError('coredump', `a coredump holds at most ${SEGMENTS_MAX} pieces of memory: this one has more`);
  }
  if (runs.flat().reduce((sum, { bytes }) => sum + bytes, 0) > BYTES_MAX) {
    throw new LimitError('coredump', 'a coredump holds less than 4 GiB of memory that is not zero: this one has more');
  }
  const buffer = Buffer.allocUnsafe(CHUNK);
  try {
    file.beginSection(Section.Data);
    file.u32(count(runs));
    for (const [memory, { pages }] of memories.entries()) {
      for (const { offset, bytes } of runs[memory]) {
        file.byte(memory === 0 ? 0 : 2);
        if (memory !== 0) file.u32(memory);
        if (pages > PAGES32) {
          file.byte(Code.I64Const);
          file.i64(offset % 2 ** 32, Math.floor(offset / 2 ** 32));
        } else {
          file.byte(Code.I32Const);
          file.i32(offset);
        }
        file.byte(Code.End);
        file.u32(bytes);
        for (let at = 0; at < bytes; at += CHUNK) {
          const length = Math.min(CHUNK, bytes - at);
          const pending = sources[memory].read(offset + at, length, buffer, 0);
          if (pending !== undefined) await pending;
          file.bytes(buffer.subarray(0, length));
        }
      }
    }
    file.endSection();
  } finally {
    snapshot.close();
  }
}

function count(runs: readonly (readonly Run[])[]): number {
  return runs.reduce((sum, { length }) => sum + length, 0);
}

/** Runs of used blocks, or of pages that have any. @param unit BLOCK or WASM_PAGE */
export function usedRuns(source: PageSource, unit: number): Run[] {
  const runs: Run[] = [];
  for (const { first, blocks } of source.runs()) {
    const start = first * WASM_PAGE;
    const units = (blocks.length * WASM_PAGE) / unit;
    const isUsed = (n: number) =>
      unit === WASM_PAGE || ((blocks[Math.floor(n / BLOCKS_PER_PAGE)] >>> (n % BLOCKS_PER_PAGE)) & 1) === 1;
    for (let n = 0; n < units; ) {
      const from = n;
      while (n < units && isUsed(n)) n++;
      if (n > from) runs.push({ offset: start + from * unit, bytes: (n - from) * unit });
      else n++;
    }
  }
  return runs;
}

/**
 * An image whose functions are compiled while its process runs (ARCHITECTURE.md, "Growing images"). The caller has the
 * file and the process; this is what is in the file, and when.
 *
 *     constructor   links, emits all text but the guest's functions
 *     begin         writes what the process starts with
 *     add           compiles functions and appends them to TEXT
 *     complete      adds tables and headers: an image like any other
 */

import { align } from '../../base/align.js';
import { LimitError } from '../../base/errors.js';
import {
  LOG_COMPLETE,
  LOG_COUNT,
  LOG_END,
  LOG_FUNCTION,
  LOG_GROWING,
  LOG_HEAD,
  LOG_OFFSET,
  LOG_ROW,
  LOG_STATE,
  RT_CELLS,
  RT_GROWTH_FD,
  RT_GROWTH_LOG,
  RT_GROWTH_START,
  RT_SLOT_COUNT,
  RT_SLOTS,
  SLOT_SIZE,
} from '../../image/contract/growing-text.js';
import {
  RT_BASE_RELOC_COUNT,
  RT_BASE_RELOCS,
  RT_TEXT_FILE,
  RT_TEXT_SIZE,
  RT_TRAP_TEXT_FILE,
  RUNTIME_BLOCK_SIZE,
} from '../../image/contract/runtime-block.js';
import { SEGMENT_ALIGN } from '../../image/contract/sizes.js';
import { PF_R, PF_W, PF_X, SHF_EXECINSTR, SHF_WRITE } from '../../image/elf.js';
import { encodeIdentity } from '../../image/tables/identity.js';
import { SECTION } from '../../image/tables/sections.js';
import type { SiteTables } from '../../image/tables/site-tables.js';
import { outputLimits } from '../../wasm/limits.js';
import { FUNCTION_ALIGN } from '../convention/function-align.js';
import type { DirectCallLists, InstanceCode } from '../generator.js';
import { emitSlot } from '../stubs/slot.js';
import { starter } from '../stubs/starter.js';
import { blockingWindows } from './blocking-windows.js';
import { type CompileOptions, chooseGenerator, type ModuleInput, sitesFor } from './compile.js';
import { DATA_START, DataLayout } from './data-layout.js';
import { describe, functionNames, functionPlaces } from './describe.js';
import { dataSegmentBytes, finishData } from './finish-data.js';
import { loadHostLayer } from './host-layer.js';
import { addTables, FileBuilder, HEADERS_SIZE, loadSegment, STACK_SEGMENT, trapText } from './image-file.js';
import { linkInstance } from './imports.js';
import { LikelyFunctions } from './likely-functions.js';
import type { LinkedInstance } from './linked-instance.js';
import { TextBuilder } from './text-builder.js';

/** The guest's instance. */
const GUEST = 1;
/** Bytes of function bodies that are compiled at a time: with one that is called, and when all are wanted. */
const FEW_BYTES = 512;
const MANY_BYTES = 1 << 16;
/** As in text-builder.ts. */
const MAX_TEXT = 0x3f000000;
/** What a call of ARM64 reaches, when it is not one of those that reach everything. */
const NEAR_TEXT = 1 << 27;

/** Writes bytes to the image's file. */
export type WriteAt = (bytes: Uint8Array, fileOffset: number) => void;

export class GrowingImage {
  private readonly layout: DataLayout;
  private readonly text: TextBuilder;
  private readonly sites: SiteTables;
  private readonly instance: LinkedInstance;
  private readonly code: InstanceCode;
  /** Text offset of each function; -1 before it is there. */
  private readonly offsets: Int32Array;
  private readonly traps: Int32Array; // text offset of each slot's trap
  private readonly slots: number; // text offset
  /** Image offsets. */
  private readonly textEnd: number;
  private readonly cells: number;
  private readonly rodata: number;
  private rodataSize = 0;
  /** File offsets. */
  private log = 0;
  private trapTextStart = 0;
  private rows = 0;
  private pageSize = SEGMENT_ALIGN;
  private next = 0; // the first function that may be missing
  private readonly likely: LikelyFunctions;
  /** What has been compiled and is not in the file yet: functions, and their direct calls. */
  private added: number[] = [];
  private pending: DirectCallLists[] = [];

  /**
   * @param descriptor the number by which the process inherits the file; the next one leads to us
   * @throws ModuleError when it cannot be linked, LimitError
   */
  constructor(
    private readonly input: ModuleInput,
    private readonly options: Pick<CompileOptions, 'target' | 'deterministic' | 'allowMissingImports'>,
    private readonly descriptor: number,
    private readonly write: WriteAt,
  ) {
    const { target, deterministic = false, allowMissingImports } = options;
    const host = linkInstance([], 'host', loadHostLayer(), 'host layer');
    const instance = linkInstance([host], '', input.module, input.file, { allowMissing: allowMissingImports });
    const { module, file } = instance;
    const layout = new DataLayout([host, instance]);
    const generator = chooseGenerator();
    const sites = sitesFor([host, instance]);
    // every caller reserves room for any tail call: text cannot be built again
    const text = new TextBuilder(layout, { target, generator, deterministic, sites, tailRoom: true });
    for (const _ of text.buildBeforeGuests());
    this.layout = layout;
    this.text = text;
    this.sites = sites;
    this.instance = instance;
    const environment = text.environment(instance);
    this.code = generator.begin(text.masm, { module, layout: layout.layouts[GUEST], file, environment });
    this.offsets = this.code.functionOffsets as Int32Array;
    this.likely = new LikelyFunctions(module, this.offsets);
    this.traps = new Int32Array(module.bodyStart.length);
    const size = this.greatestSize();
    text.masm.codeLimit = size;
    this.textEnd = text.start + size;
    this.cells = this.textEnd;
    this.rodata = align(this.cells + 8 * this.offsets.length, SEGMENT_ALIGN);
    this.slots = this.emitSlots();
  }

  /** Bytes of TEXT to reserve. */
  private greatestSize(): number {
    const { module } = this.instance;
    const { target } = this.options;
    const { codeBytes } = outputLimits(module.bytes.length);
    const isNear = target.name === 'arm64' && this.text.textBytes < NEAR_TEXT / 2;
    const wanted = this.text.masm.offset + SLOT_SIZE * this.offsets.length + codeBytes + 4096 * this.offsets.length;
    return align(Math.min(wanted, isNear ? NEAR_TEXT - SEGMENT_ALIGN : MAX_TEXT - SEGMENT_ALIGN), SEGMENT_ALIGN);
  }

  /** @returns text offset of the first slot */
  private emitSlots(): number {
    const { masm } = this.text;
    return this.text.stubs.emit('slots', () => {
      masm.align(SLOT_SIZE);
      const start = masm.offset;
      for (let i = 0; i < this.traps.length; i++) {
        masm.align(SLOT_SIZE);
        this.traps[i] = emitSlot(masm, this.cells + 8 * i);
      }
      masm.align(SLOT_SIZE);
      return start;
    });
  }

  /** The program to execute in place of the image. */
  starter(): Uint8Array {
    const { start } = this.layout.data;
    const { text } = this;
    const parts = [
      { start: 0, size: HEADERS_SIZE, flags: PF_R },
      { start, size: this.layout.data.bytes.length, flags: PF_R | PF_W },
      { start: text.start, size: this.grownFrom() - text.start, flags: PF_R | PF_X },
      { start: this.cells, size: 8 * this.offsets.length, flags: PF_R | PF_W },
      { start: this.rodata, size: this.rodataSize, flags: PF_R },
    ];
    const size = align(this.rodata + this.rodataSize, SEGMENT_ALIGN);
    return starter(this.options.target, {
      descriptor: this.descriptor,
      size,
      parts,
      entry: text.start + text.stubs.offset('start'),
    });
  }

  /** Image offset from which on functions are appended: it begins pages of its own. */
  private grownFrom(): number {
    const { masm, start } = this.text;
    return start + align(Math.max(this.slots + SLOT_SIZE * this.offsets.length, masm.settledFrom), SEGMENT_ALIGN);
  }

  /** Writes all that the process starts with. Functions may be added afterwards. */
  begin(): void {
    const { layout, text, offsets, slots } = this;
    const { data } = layout;
    text.functionOffsets[GUEST] = offsets.map((_, i) => slots + SLOT_SIZE * i); // for records
    finishData(layout, text, this.rodata);
    const constants = [dataSegmentBytes(layout)];
    const end = () => constants.reduce((sum, { length }) => sum + length, this.rodata);
    constants.push(blockingWindows(layout, text.windows, end()));
    const cells = new BigUint64Array(offsets.length);
    for (let i = 0; i < cells.length; i++) {
      cells[i] = BigInt(text.start + this.traps[i]);
      data.relocations.push(this.cells + 8 * i);
    }
    const word = (field: number, value: number) => data.u64(DATA_START + field, value);
    word(RT_BASE_RELOCS, end());
    word(RT_BASE_RELOC_COUNT, data.relocations.length);
    constants.push(data.relocations.bytes());
    this.rodataSize = end() - this.rodata;
    this.log = align(end(), SEGMENT_ALIGN);
    this.trapTextStart = align(this.log + LOG_HEAD + LOG_ROW * offsets.length, SEGMENT_ALIGN);
    word(RT_TEXT_SIZE, this.textEnd - text.start);
    word(RT_TEXT_FILE, text.start);
    word(RT_TRAP_TEXT_FILE, this.trapTextStart);
    word(RT_SLOTS, text.start + slots);
    word(RT_SLOT_COUNT, offsets.length);
    word(RT_CELLS, this.cells);
    word(RT_GROWTH_LOG, this.log);
    word(RT_GROWTH_START, this.grownFrom());
    word(RT_GROWTH_FD, this.descriptor);
    this.write(data.bytes, data.start);
    text.masm.align(this.grownFrom() - text.start);
    this.write(text.masm.code(), text.start);
    this.write(new Uint8Array(cells.buffer), this.cells);
    let at = this.rodata;
    for (const bytes of constants) {
      this.write(bytes, at);
      at += bytes.length;
    }
    this.writeHead(LOG_GROWING);
  }

  /** Must be called before the first function is added. @param bytes the size of a page in the process */
  setPageSize(bytes: number): void {
    this.pageSize = bytes;
  }

  get functionCount(): number {
    return this.offsets.length;
  }

  /**
   * Compiles a function, and some that it calls, unless it is there.
   *
   * @param defined its index among the functions that the module defines
   * @throws ModuleError, LimitError of the function that is at fault, which may be another one than compileImage's
   */
  add(defined: number): void {
    if (this.offsets[defined] >= 0) return;
    const start = this.text.masm.offset;
    const { known } = this.likely;
    this.compile(defined);
    this.compileSome(FEW_BYTES, () => this.likely.takeCallee(known));
    this.append(start);
    this.likely.called(defined);
  }

  /**
   * Compiles some that are likely to be called soon: a page of code or so, as pages are what is appended. Half of the
   * text is left to those that are called.
   *
   * @returns whether any are known
   */
  addLikely(): boolean {
    const { offset: start, codeLimit } = this.text.masm;
    if (start > codeLimit / 2) return false;
    this.compileSome(this.pageSize / 8, () => this.likely.takeCallee(0) ?? this.likely.takeNeighbour());
    return this.append(start);
  }

  /** Compiles some that are missing, in the order of the file. @returns whether any were */
  addNext(): boolean {
    const start = this.text.masm.offset;
    this.compileSome(MANY_BYTES, () => this.takeMissing());
    return this.append(start);
  }

  private takeMissing(): number | undefined {
    while (this.offsets[this.next] >= 0) this.next++;
    return this.next < this.offsets.length ? this.next : undefined;
  }

  /** Compiles functions until they have so many bytes of bodies. */
  private compileSome(bytes: number, take: () => number | undefined): void {
    const { bodyStart, bodyEnd } = this.instance.module;
    for (let done = 0; done <= bytes; ) {
      const defined = take();
      if (defined === undefined) return;
      this.compile(defined);
      done += bodyEnd[defined] - bodyStart[defined];
    }
  }

  private compile(defined: number): void {
    const { code, likely } = this;
    this.text.masm.align(FUNCTION_ALIGN);
    code.compile(this.instance.module.importedFuncCount + defined);
    this.added.push(defined);
    const calls = code.takeCalls();
    this.pending.push(calls);
    likely.addCalls(calls);
  }

  /** Writes what was compiled from text offset `start` on. @returns whether anything was */
  private append(start: number): boolean {
    const { masm } = this.text;
    const { added } = this;
    if (added.length === 0) return false;
    this.link();
    masm.align(this.pageSize);
    if (this.text.start + masm.offset > this.textEnd) {
      throw new LimitError('text-size', `${this.input.file}: the code exceeds ${masm.codeLimit} bytes`);
    }
    this.added = [];
    this.write(masm.code().subarray(start), this.text.start + start);
    this.writeRows(added);
    return true;
  }

  /** Calls go to functions that are there, or to slots. */
  private link(): void {
    const { masm } = this.text;
    const target = (defined: number) =>
      this.offsets[defined] >= 0 ? this.offsets[defined] : this.slots + SLOT_SIZE * defined;
    for (const { calls, jumps } of this.pending) {
      for (let i = 0; i < calls.length; i += 2) masm.patchCall(calls[i], target(calls[i + 1]));
      for (let i = 0; i < jumps.length; i += 2) masm.patchJump(jumps[i], target(jumps[i + 1]));
    }
    this.pending = [];
  }

  /** The process reads rows only up to the head's count, which is written last. */
  private writeRows(added: readonly number[]): void {
    const bytes = new Uint8Array(LOG_ROW * added.length);
    const view = new DataView(bytes.buffer);
    added.forEach((defined, i) => {
      view.setUint32(LOG_ROW * i + LOG_FUNCTION, defined, true);
      view.setUint32(LOG_ROW * i + LOG_OFFSET, this.text.start + this.offsets[defined], true);
    });
    this.write(bytes, this.log + LOG_HEAD + LOG_ROW * this.rows);
    this.rows += added.length;
    this.writeHead(LOG_GROWING);
  }

  private writeHead(state: number): void {
    const bytes = new Uint8Array(LOG_HEAD);
    const view = new DataView(bytes.buffer);
    view.setUint32(LOG_STATE, state, true);
    view.setUint32(LOG_COUNT, this.rows, true);
    view.setUint32(LOG_END, this.text.start + this.text.masm.offset, true);
    this.write(bytes, this.log);
  }

  /** Makes the file an image of the functions that are there. Nothing can be added afterwards. */
  complete(): void {
    const { text, sites, layout, options, input } = this;
    const { target, deterministic = false } = options;
    const { data, instances } = layout;
    const code = text.masm.code();
    const size = this.textEnd - text.start;
    text.codeSize = code.length;
    const identity = describe(layout, text, { target, deterministic, carried: [input.module.bytes] });
    const file = new FileBuilder();
    const names = functionNames(instances, text, sites);
    file.loaded(SECTION.data, SHF_WRITE, data.start, [], data.bytes.length);
    file.loaded(SECTION.text, SHF_EXECINSTR, text.start, [], code.length);
    file.loaded(SECTION.rodata, 0, this.rodata, [], this.rodataSize);
    file.skipTo(this.trapTextStart);
    file.add(SECTION.trapText, [trapText({ text: code, target }, sites)], SEGMENT_ALIGN);
    file.skipTo(this.trapTextStart + size);
    addTables(file, data, sites, names, functionPlaces(instances, sites));
    file.add(SECTION.identity, [encodeIdentity(identity)]);
    file.add(SECTION.wasm, [input.module.bytes]);
    file.addSymbols(sites.functions.words, names, text.start);
    const segments = [
      loadSegment(PF_R, 0, HEADERS_SIZE),
      loadSegment(PF_R | PF_W, data.start, data.bytes.length),
      loadSegment(PF_R | PF_X, text.start, size),
      loadSegment(PF_R | PF_W, this.cells, 8 * this.offsets.length),
      loadSegment(PF_R, this.rodata, this.rodataSize),
      STACK_SEGMENT,
    ];
    const entry = text.start + text.stubs.offset('start');
    const [headers, ...parts] = file.finish(target.elfMachine, entry, segments).parts;
    for (const { bytes, fileOffset } of parts) this.write(bytes, fileOffset);
    this.write(data.bytes.subarray(0, RUNTIME_BLOCK_SIZE), DATA_START);
    this.write(headers.bytes, headers.fileOffset);
    this.writeHead(LOG_COMPLETE);
  }
}

/** Whether a module can start before it is compiled: not with exceptions, whose tables are needed while they run. */
export function canGrow(module: ModuleInput['module']): boolean {
  return module.tags.length === 0;
}

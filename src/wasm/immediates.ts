/**
 * Immediates of instructions and what they refer to: read, checked against the module's index spaces (core spec 5.4).
 *
 * Only for immediates that name something: reader.ts reads plain numbers. Knows no operands. Needs reader.ts, whose
 * position it moves, and control-stack.ts for labels.
 */

import { ModuleError } from '../base/errors.js';
import type { ControlStack } from './control-stack.js';
import { type Module, ValType } from './module.js';
import { alignmentOf } from './opcodes.js';
import { EMPTY_BLOCK, readValType } from './read-types.js';
import type { Reader } from './reader.js';
import { isShortRefType, laterType, REF, REF_NULL } from './ref-types.js';
import { EMPTY_LIST, paramList, plainList, resultList, singleList } from './type-lists.js';

/** In a memory argument's first number: the memory's index follows. */
export const EXPLICIT_MEMORY = 0x40;

export class Immediates {
  /** Whether there is a memory 0 with i32 addresses. */
  readonly hasMemory32: boolean;
  /** What the last memoryArgument said: log2 of the bytes. */
  alignment = 0;
  /** What the table of the last indirectType is indexed with. */
  address: ValType = ValType.I32;
  /** What the last blockType said: lists of what the block takes and gives. */
  startList = EMPTY_LIST;
  endList = EMPTY_LIST;
  private readonly globalTypes: Int32Array;
  private readonly memoryAddresses: Uint8Array;
  private readonly tableAddresses: Uint8Array;
  private readonly tableTypes: Int32Array;
  private readonly elementTypes: Int32Array;

  constructor(
    private readonly module: Module,
    private readonly reader: Reader,
    private readonly control: ControlStack,
  ) {
    this.globalTypes = Int32Array.from(module.globals, (global) => global.type);
    this.memoryAddresses = Uint8Array.from(module.memories, (memory) => memory.address);
    this.tableAddresses = Uint8Array.from(module.tables, (table) => table.address);
    this.hasMemory32 = this.memoryAddresses[0] === ValType.I32;
    this.tableTypes = Int32Array.from(module.tables, (table) => table.element);
    this.elementTypes = Int32Array.from(module.elements, (segment) => segment.type);
  }

  invalid(detail: string): ModuleError {
    return new ModuleError('invalid', detail, this.reader.mark, this.reader.file);
  }

  unsupported(what: string): ModuleError {
    return this.reader.unsupported(what, this.reader.mark);
  }

  malformed(detail: string): ModuleError {
    return new ModuleError('malformed', detail, this.reader.mark, this.reader.file);
  }

  /** A block type (core spec 5.4.1): sets `startList` and `endList`. */
  blockType(): void {
    const { reader } = this;
    const byte = reader.u8();
    this.startList = EMPTY_LIST;
    this.endList = plainList(byte);
    if (byte === EMPTY_BLOCK || this.endList !== EMPTY_LIST) return;
    reader.pos--;
    if (byte === REF || byte === REF_NULL || isShortRefType(byte))
      this.endList = singleList(readValType(reader), this.module.types.length);
    else {
      const index = this.blockTypeIndex();
      this.startList = paramList(index);
      this.endList = resultList(index);
    }
  }

  private blockTypeIndex(): number {
    const { reader, module } = this;
    const offset = reader.pos;
    const index = reader.s33();
    const later = index < 0 && index >= -0x40 ? laterType(index + 0x80) : undefined;
    if (later !== undefined) throw reader.unsupported(later, offset);
    if (index < 0) throw reader.malformed(`malformed block type 0x${reader.bytes[offset].toString(16)}`, offset);
    if (index >= module.types.length) throw this.invalid(`unknown type ${index}`);
    return index;
  }

  /** A label: the index of its frame, of which the innermost `hidden` ones cannot be named. */
  label(hidden = 0): number {
    const label = this.reader.u32();
    const frame = this.control.depth - 1 - hidden - label;
    if (frame < 0) throw this.invalid(`unknown label ${label}`);
    return frame;
  }

  /** A label: the list of what a branch to it passes. */
  labelList(): number {
    return this.control.labelList[this.label()];
  }

  func(): number {
    const index = this.reader.u32();
    if (index >= this.module.funcTypes.length) throw this.invalid(`unknown function ${index}`);
    return index;
  }

  global(): number {
    const index = this.reader.u32();
    if (index >= this.globalTypes.length) throw this.invalid(`unknown global ${index}`);
    return index;
  }

  globalTypeOf(index: number): number {
    return this.globalTypes[index];
  }

  /** A tag's index: the list of what its exceptions carry. */
  tag(): number {
    const index = this.reader.u32();
    const { tags } = this.module;
    if (index >= tags.length) throw this.invalid(`unknown tag ${index}`);
    return paramList(tags[index]);
  }

  /** The type of a select that has one (core spec 3.3.4.2): a list, but of exactly one. */
  selectType(): number {
    const { reader } = this;
    const count = reader.u32();
    if (count !== 1) throw this.invalid(`invalid result arity ${count} of select`);
    return readValType(reader);
  }

  /** A table's index. */
  table(): number {
    const index = this.reader.u32();
    this.tableTypeOf(index);
    return index;
  }

  /** What the table is indexed with. */
  tableAddressOf(index: number): ValType {
    return this.tableAddresses[index];
  }

  /** The type of the table's elements. */
  tableTypeOf(index: number): number {
    if (index >= this.tableTypes.length) throw this.invalid(`unknown table ${index}`);
    return this.tableTypes[index];
  }

  /** The type of a call through a reference. */
  typeIndex(): number {
    const index = this.reader.u32();
    if (index >= this.module.types.length) throw this.invalid(`unknown type ${index}`);
    return index;
  }

  /** The type's index of an indirect call, and the table's, which must hold functions; sets `address`. */
  indirectType(): number {
    const typeIndex = this.reader.u32();
    const table = this.reader.u32();
    if (!this.module.refTypes.matches(this.tableTypeOf(table), ValType.FuncRef)) {
      throw this.invalid(`type mismatch: table ${table} holds no functions`);
    }
    if (typeIndex >= this.module.types.length) throw this.invalid(`unknown type ${typeIndex}`);
    this.address = this.tableAddressOf(table);
    return typeIndex;
  }

  /** A memory's index (core spec 5.4.6): what the memory is indexed with. */
  memoryAddress(): ValType {
    return this.memoryAddressOf(this.reader.u32());
  }

  private memoryAddressOf(index: number): ValType {
    if (index >= this.memoryAddresses.length) throw this.invalid(`unknown memory ${index}`);
    return this.memoryAddresses[index];
  }

  /**
   * Alignment, with bit 6 set the memory's index, and the offset (core spec 5.4.6): what the memory is indexed with.
   */
  memoryArgument(op: number): ValType {
    const { reader } = this;
    const flags = reader.u32();
    const alignment = flags & ~EXPLICIT_MEMORY;
    if (flags >= 2 * EXPLICIT_MEMORY) {
      throw this.malformed(`malformed memop flags 0x${flags.toString(16)}`);
    }
    this.alignment = alignment;
    const memory = (flags & EXPLICIT_MEMORY) === 0 ? 0 : reader.u32();
    const offset = reader.u64();
    const address = this.memoryAddressOf(memory);
    if (alignment > alignmentOf[op]) {
      throw this.invalid(`alignment must not be larger than natural: 2**${alignment}`);
    }
    if (offset >= 2 ** 32 && address === ValType.I32) throw this.invalid(`offset out of range: ${offset}`);
    return address;
  }

  /** A data segment's index, which needs the data count section (core spec 5.5.16). */
  dataIndex(): void {
    const index = this.reader.u32();
    const { dataCount } = this.module;
    if (dataCount === undefined) throw this.malformed('data count section required');
    if (index >= dataCount) throw this.invalid(`unknown data segment ${index}`);
  }

  /** The index of one of `count` lanes. */
  lane(count: number): void {
    const lane = this.reader.u8();
    if (lane >= count) throw this.invalid(`invalid lane index ${lane}: there are ${count}`);
  }

  /** The type of an element segment's items. */
  elementType(index: number): number {
    if (index >= this.elementTypes.length) throw this.invalid(`unknown elem segment ${index}`);
    return this.elementTypes[index];
  }
}

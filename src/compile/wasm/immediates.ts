/**
 * Immediates of instructions and what they refer to: read, checked against the module's index spaces (core spec 5.4).
 *
 * For those that take more than a byte or need a lookup; the validator's loop reads the common short ones itself. Knows
 * no operands. Needs reader.ts, whose position it moves.
 */

import { ModuleError } from '../../errors.js';
import { type Module, ValType } from './module.js';
import { alignmentOf, illegalOpcode, Prefix } from './opcodes.js';
import { readValType } from './read-types.js';
import type { Reader } from './reader.js';

/** In a memory argument's first number: the memory's index follows. */
export const EXPLICIT_MEMORY = 0x40;

export class Immediates {
  /** Whether there is a memory 0 with i32 addresses. */
  readonly hasMemory32: boolean;
  /** What the last memoryArgument said: log2 of the bytes. */
  alignment = 0;
  /** What the table of the last indirectType is indexed with. */
  address: ValType = ValType.I32;
  private readonly memoryAddresses: Uint8Array;
  private readonly tableAddresses: Uint8Array;
  private readonly tableTypes: Uint8Array;
  private readonly elementTypes: Uint8Array;

  constructor(
    private readonly module: Module,
    private readonly reader: Reader,
  ) {
    this.memoryAddresses = Uint8Array.from(module.memories, (memory) => memory.address);
    this.tableAddresses = Uint8Array.from(module.tables, (table) => table.address);
    this.hasMemory32 = this.memoryAddresses[0] === ValType.I32;
    this.tableTypes = Uint8Array.from(module.tables, (table) => table.element);
    this.elementTypes = Uint8Array.from(module.elements, (segment) => segment.type);
  }

  invalid(detail: string): ModuleError {
    return new ModuleError('invalid', detail, this.reader.mark, this.reader.file);
  }

  malformed(detail: string): ModuleError {
    return new ModuleError('malformed', detail, this.reader.mark, this.reader.file);
  }

  /** An error about an opcode that is not in the table; prefixes have a second number at `pos`. */
  illegal(op: number, pos: number): ModuleError {
    if (op < Prefix.Misc - 1) return this.malformed(illegalOpcode(op));
    this.reader.pos = pos;
    return this.malformed(illegalOpcode(op, this.reader.u32()));
  }

  /** A block type that is a type index (core spec 5.4.1). */
  blockTypeIndex(): number {
    const { reader, module } = this;
    const offset = reader.pos;
    const index = reader.s33();
    if (index < 0) throw reader.malformed(`malformed block type 0x${reader.bytes[offset]!.toString(16)}`, offset);
    if (index >= module.types.length) throw this.invalid(`unknown type ${index}`);
    return index;
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
    return this.tableAddresses[index]!;
  }

  /** The type of the table's elements. */
  tableTypeOf(index: number): number {
    if (index >= this.tableTypes.length) throw this.invalid(`unknown table ${index}`);
    return this.tableTypes[index]!;
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
    return this.memoryAddresses[index]!;
  }

  /**
   * Alignment, with bit 6 set the memory's index, and the offset (core spec 5.4.6): what the memory is indexed with.
   */
  memoryArgument(op: number): ValType {
    const { reader } = this;
    const flags = reader.u32();
    const alignment = flags & ~EXPLICIT_MEMORY;
    if (flags >= 2 * EXPLICIT_MEMORY || alignment >= 32) {
      throw this.malformed(`malformed memop flags 0x${flags.toString(16)}`);
    }
    this.alignment = alignment;
    const memory = (flags & EXPLICIT_MEMORY) === 0 ? 0 : reader.u32();
    if (this.memoryAddresses[memory] === ValType.I64) reader.u64();
    else reader.u32();
    const address = this.memoryAddressOf(memory);
    if (alignment > alignmentOf[op]!) {
      throw this.invalid(`alignment must not be larger than natural: 2**${alignment}`);
    }
    return address;
  }

  /** A data segment's index, which needs the data count section (core spec 5.5.16). */
  dataIndex(): void {
    const index = this.reader.u32();
    const { dataCount } = this.module;
    if (dataCount === undefined) throw this.malformed('data count section required');
    if (index >= dataCount) throw this.invalid(`unknown data segment ${index}`);
  }

  /** The type of an element segment's items. */
  elementType(index: number): number {
    if (index >= this.elementTypes.length) throw this.invalid(`unknown elem segment ${index}`);
    return this.elementTypes[index]!;
  }
}

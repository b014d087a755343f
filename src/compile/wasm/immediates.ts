/**
 * Immediates of instructions and what they refer to: read, checked against the module's index spaces (core spec 5.4).
 *
 * For those that take more than a byte or need a lookup; the validator's loop reads the common short ones itself. Knows
 * no operands. Needs reader.ts, whose position it moves.
 */

import { ModuleError } from '../../errors.js';
import type { Module } from './module.js';
import { alignmentOf, illegalOpcode, Prefix } from './opcodes.js';
import { readValType } from './read-types.js';
import type { Reader } from './reader.js';

export class Immediates {
  readonly hasMemory: boolean;
  /** What the last memoryArgument said: log2 of the bytes. */
  alignment = 0;
  private readonly tableTypes: Uint8Array;
  private readonly elementTypes: Uint8Array;

  constructor(
    private readonly module: Module,
    private readonly reader: Reader,
  ) {
    this.hasMemory = module.memories.length > 0;
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

  /** A table's index: the type of its elements. */
  tableType(): number {
    return this.tableTypeOf(this.reader.u32());
  }

  tableTypeOf(index: number): number {
    if (index >= this.tableTypes.length) throw this.invalid(`unknown table ${index}`);
    return this.tableTypes[index]!;
  }

  /** A memory's index: without multiple memories a reserved byte of zero (core spec 5.4.6). */
  memoryIndex(): void {
    this.reader.zero();
    if (!this.hasMemory) throw this.invalid('unknown memory 0');
  }

  /** Alignment and offset (core spec 5.4.6). */
  memoryArgument(op: number): void {
    const { reader } = this;
    const alignment = reader.u32();
    if (alignment >= 32) throw this.malformed(`malformed memop flags 0x${alignment.toString(16)}`);
    this.alignment = alignment;
    reader.u32();
    if (!this.hasMemory) throw this.invalid('unknown memory 0');
    if (alignment > alignmentOf[op]!) {
      throw this.invalid(`alignment must not be larger than natural: 2**${alignment}`);
    }
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

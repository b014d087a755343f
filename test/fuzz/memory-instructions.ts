/** Random instructions that access memories, tables and segments: mostly inside of them. */

import { Op, type Opcode, opcodes } from '../../src/wasm/opcodes.js';
import { AtomicOpcode } from '../../src/wasm/opcodes-atomic.js';
import type { Choices } from './choices.js';
import { type Code, laneCount } from './code.js';
import { DATA_SEGMENTS, DATA_SIZE, FuncRef, I32 } from './shape.js';
import type { Values } from './values.js';

/** Instructions with only an address as operand, and those with one more: stores, and loads of a lane. */
interface Accesses {
  readonly loads: readonly Opcode[];
  readonly stores: readonly Opcode[];
}

const SCALAR = accesses(/^mvp$/);
const WITH_VECTORS = accesses(/^(mvp|simd)$/);

function accesses(features: RegExp): Accesses {
  const rows = opcodes.filter(({ alignment, feature }) => alignment !== undefined && features.test(feature));
  return {
    loads: rows.filter(({ operands }) => operands!.length === 1),
    stores: rows.filter(({ operands }) => operands!.length === 2),
  };
}

/** Atomic accesses and notify. Not wait: V8's compilers differ in what it gives. */
const ATOMICS = opcodes.filter(
  ({ alignment, feature, name }) => feature === 'threads' && alignment !== undefined && !name.includes('wait'),
);

const OFFSETS = [0, 1, 4, 8, 12, 127, 128, 1000, 65528];
const FAR_OFFSETS = [0x7fffffff, 0x80000000, 0x80000008, 0xfffffff0, 0xffffffff, 131072];

export class MemoryInstructions {
  private readonly accesses: Accesses;

  constructor(
    private readonly choices: Choices,
    private readonly code: Code,
    private readonly values: Values,
  ) {
    this.accesses = code.vectors ? WITH_VECTORS : SCALAR;
  }

  load(): void {
    const { code, choices } = this;
    this.address();
    const { code: op, alignment } = choices.pick(this.accesses.loads);
    code.access(op, choices.next(alignment! + 1), this.offset());
  }

  store(): void {
    const { code, choices, values } = this;
    const { code: op, alignment, operands } = choices.pick(this.accesses.stores);
    const type = operands![1];
    const local = code.top === type ? values.localOf(type, this.mayWrite) : -1;
    if (local >= 0) code.localSet(local);
    this.address();
    if (local >= 0) code.localGet(local);
    else values.push(type);
    const lanes = laneCount(op);
    code.access(op, choices.next(alignment! + 1), this.offset(), lanes > 0 ? [choices.next(lanes)] : []);
  }

  /** Not aligned or beyond the memory, but not both: engines look for the one or the other first. */
  atomic(): void {
    const { code, choices, values } = this;
    if (choices.oneIn(16)) {
      code.out.op(AtomicOpcode.AtomicFence);
      code.out.byte(0);
    }
    const { code: op, alignment, operands } = choices.pick(ATOMICS);
    const mayBeUnaligned = choices.oneIn(24);
    if (choices.oneIn(3)) code.i32(mayBeUnaligned ? choices.small(30000) : 8 * choices.small(8191));
    else {
      if (code.top !== I32) values.push(I32);
      code.i32(mayBeUnaligned ? 0x7fff : 0xfff8);
      code.op(Op.I32And);
    }
    for (const type of operands!.slice(1)) {
      if (type === operands![1] && choices.oneIn(4)) values.constant(type);
      else values.push(type);
    }
    const offset = mayBeUnaligned ? choices.next(9) : choices.pick([0, 0, 8, 16, 1000, 65528]);
    code.access(op, alignment!, offset);
  }

  /** Set by whoever protects locals. */
  mayWrite: (local: number) => boolean = () => true;

  /** Pushes an address or masks the i32 on top. */
  private address(): void {
    const { choices, code, values } = this;
    switch (choices.next(8)) {
      case 7:
        if (choices.oneIn(3)) return values.push(I32);
        break;
      case 6:
      case 5:
      case 4:
        return code.i32(choices.small(65536 - 8));
    }
    if (code.top !== I32) values.push(I32);
    code.i32(choices.pick([0x7fff, 0xff, 0xfff8, 0xffff]));
    code.op(Op.I32And);
  }

  private offset(): number {
    const { choices } = this;
    return choices.oneIn(100) ? choices.pick(FAR_OFFSETS) : choices.next(4) < 2 ? 0 : choices.pick(OFFSETS);
  }

  /** A number in [0, limit), or once in 32 times any. */
  private below(limit: number): void {
    const { choices, code, values } = this;
    if (choices.oneIn(32)) return values.push(I32);
    if (choices.oneIn(2)) return code.i32(choices.next(limit));
    values.push(I32);
    code.i32(limit);
    code.op(Op.I32RemU);
  }

  bulk(): void {
    const { choices, code, values } = this;
    switch (choices.next(6)) {
      case 0:
        return code.instruction(Op.MemorySize, 0, [I32], 0);
      case 1:
        code.i32(choices.next(2));
        return code.instruction(Op.MemoryGrow, 1, [I32], 0);
      case 2:
        this.below(60000);
        values.push(I32);
        this.below(300);
        return code.instruction(Op.MemoryFill, 3, [], 0);
      case 3:
        this.below(60000);
        this.below(60000);
        this.below(300);
        return code.instruction(Op.MemoryCopy, 3, [], 0, 0);
      case 4:
        this.below(60000);
        this.below(DATA_SIZE / 2);
        this.below(DATA_SIZE / 2);
        return code.instruction(Op.MemoryInit, 3, [], choices.next(DATA_SEGMENTS), 0);
      default:
        if (choices.oneIn(10)) code.instruction(Op.DataDrop, 0, [], choices.next(DATA_SEGMENTS));
    }
  }

  table(): void {
    const { choices, code, values } = this;
    const { tables } = code.shape;
    const table = choices.next(tables.length);
    const { element, min } = tables[table];
    const limit = min + 1;
    switch (choices.next(9)) {
      case 0:
        return code.instruction(Op.TableSize, 0, [I32], table);
      case 1:
        values.push(element);
        code.i32(choices.next(3));
        return code.instruction(Op.TableGrow, 2, [I32], table);
      case 2:
      case 3:
        this.below(limit);
        return code.instruction(Op.TableGet, 1, [element], table);
      case 4:
        this.below(limit);
        values.push(element);
        return code.instruction(Op.TableSet, 2, [], table);
      case 5:
        this.below(limit);
        values.push(element);
        this.below(2);
        return code.instruction(Op.TableFill, 3, [], table);
      case 6: {
        const other = choices.next(tables.length);
        const source = tables[other].element === element ? other : table;
        for (let i = 0; i < 3; i++) this.below(3);
        return code.instruction(Op.TableCopy, 3, [], table, source);
      }
      case 7:
        if (element !== FuncRef) return;
        for (let i = 0; i < 3; i++) this.below(3);
        return code.instruction(Op.TableInit, 3, [], 1, table);
      default:
        if (code.top !== undefined && !choices.oneIn(3)) return;
        values.push(element);
        code.instruction(Op.RefIsNull, 1, [I32]);
    }
  }
}

/**
 * Rewrites a module with one memory into one that does the same with its memory after others, or with 64-bit addresses:
 * so that V8 can tell what a program with several memories must do before it knows of them.
 *
 * Addresses are extended right before they are used; values above them wait in locals of their own. Imported memories
 * stay what they are.
 */

import { decodeModule } from '../../src/wasm/decode.js';
import { ExternKind, type Module, ValType } from '../../src/wasm/module.js';
import { Op, opcodeOf, Prefix } from '../../src/wasm/opcodes.js';
import { Reader } from '../../src/wasm/reader.js';
import { REF, REF_NULL } from '../../src/wasm/ref-types.js';
import { skipInstruction } from '../../src/wasm/skip.js';
import { evaluate, link, PAGE } from './machine.js';
import { WasmWriter } from './wasm-writer.js';

export interface OtherMemory {
  /** What the memory's index becomes. */
  readonly index: number;
  /** Whether its addresses become i64. */
  readonly wide: boolean;
  /** Whether its pages become bytes. */
  readonly small?: boolean;
}

const MEMORY_SECTION = 5;
const EXPORT_SECTION = 7;
const CODE_SECTION = 10;
const DATA_SECTION = 11;
const EXPLICIT_MEMORY = 0x40;
const INDEX64 = 4;
const PAGE_SIZE = 8;

/** Extra locals of a rewritten function, after its own: the second i32 and so on are for several at a time. */
const TEMPORARIES = [ValType.I32, ValType.I32, ValType.I64, ValType.I64, ValType.F32, ValType.F64, ValType.V128];

const MEMORIES: readonly (OtherMemory | undefined)[] = [
  undefined,
  { index: 0, wide: true },
  undefined,
  { index: 2, wide: true },
  { index: 1, wide: false },
  { index: 0, wide: false, small: true },
  { index: 1, wide: true, small: true },
];

/** What the modules of a seed have instead of a plain memory 0. */
export function memoryOf(seed: number): OtherMemory | undefined {
  return MEMORIES[seed % MEMORIES.length];
}

export function withOtherMemory(bytes: Uint8Array, other: OtherMemory): Uint8Array {
  const module = decodeModule(bytes);
  return module.importedMemoryCount > 0 ? bytes : new Rewriter(module, other).rewrite();
}

class Rewriter {
  private readonly reader: Reader;
  private readonly out = new WasmWriter();

  constructor(
    private readonly module: Module,
    private readonly other: OtherMemory,
  ) {
    this.reader = new Reader(module.bytes);
  }

  rewrite(): Uint8Array {
    const { reader, out } = this;
    const { bytes } = reader;
    out.append(bytes.subarray(0, 8));
    for (reader.pos = 8; reader.pos < bytes.length; ) {
      const from = reader.pos;
      const id = reader.u8();
      const start = reader.span();
      const end = reader.pos;
      if (id === MEMORY_SECTION) this.memories();
      else if (id === EXPORT_SECTION) this.exports();
      else if (id === CODE_SECTION) this.bodies();
      else if (id === DATA_SECTION) this.datas(start, end);
      else out.append(bytes.subarray(from, end));
    }
    return out.bytes;
  }

  private memories(): void {
    const { index, wide, small = false } = this.other;
    const size = (pages: number) => (small ? pages * PAGE : pages);
    const [{ min, max, shared }] = this.module.memories;
    this.out.section(MEMORY_SECTION, (to) => {
      to.u32(index + 1);
      for (let i = 0; i < index; i++) to.byte(1, 1, 1);
      to.byte((max === undefined ? 0 : 1) | (shared ? 2 : 0) | (wide ? INDEX64 : 0) | (small ? PAGE_SIZE : 0));
      to.u32(size(min));
      if (max !== undefined) to.u32(size(max));
      if (small) to.byte(0);
    });
  }

  private exports(): void {
    this.out.list(EXPORT_SECTION, this.module.exports, (to, { name, kind, index }) => {
      to.sized((inner) => inner.append(Buffer.from(name)));
      to.byte(kind);
      to.u32(kind === ExternKind.Memory ? this.other.index : index);
    });
  }

  private datas(start: number, end: number): void {
    const { reader, other } = this;
    const { bytes } = reader;
    this.out.section(DATA_SECTION, (to) => {
      reader.pos = start;
      const count = reader.u32();
      to.u32(count);
      for (let i = 0; i < count; i++) {
        const active = reader.u32() === 0;
        to.u32(active ? 2 : 1);
        if (active) {
          to.u32(other.index);
          const from = reader.pos;
          while (bytes[reader.pos] !== Op.End) reader.pos = skipInstruction(bytes, reader.pos);
          reader.pos++;
          if (other.wide) this.wideOffset(to, i);
          else to.append(bytes.subarray(from, reader.pos));
        }
        const from = reader.pos;
        reader.span();
        to.append(bytes.subarray(from, reader.pos));
      }
      reader.pos = end;
    });
  }

  /** The same as an i64, by some sum: there is no constant instruction that extends. */
  private wideOffset(to: WasmWriter, segment: number): void {
    const { module } = this;
    const [instance] = link([module], [''], {});
    const offset = BigInt(evaluate(instance, module.datas[segment].offset!));
    to.byte(Op.I64Const);
    to.signed(offset + 1n);
    to.byte(Op.I64Const);
    to.signed(1n);
    to.byte(Op.I64Sub, Op.End);
  }

  private bodies(): void {
    const { module } = this;
    const functions = Array.from(module.bodyStart, (_, i) => i);
    this.out.list(CODE_SECTION, functions, (to, i) => {
      to.sized((inner) => this.body(inner, i));
    });
  }

  private body(to: WasmWriter, defined: number): void {
    const { module, reader } = this;
    const { bytes } = reader;
    const end = module.bodyEnd[defined];
    const code = new WasmWriter();
    const resume = reader.pos;
    reader.pos = module.bodyStart[defined];
    let locals = module.types[module.funcTypes[module.importedFuncCount + defined]].params.length;
    const groups = reader.u32();
    const from = reader.pos;
    for (let i = 0; i < groups; i++) {
      locals += reader.u32();
      if (skipsHeap(reader.u8())) reader.u32();
    }
    const to64 = new Addresses(code, locals);
    const declared = bytes.subarray(from, reader.pos);
    for (let at = reader.pos; at < end; ) {
      const next = skipInstruction(bytes, at);
      this.instruction(to64, at, next);
      at = next;
    }
    reader.pos = resume;
    to.u32(groups + to64.declared);
    to.append(declared);
    for (const type of TEMPORARIES.slice(0, to64.declared)) to.byte(1, type);
    to.append(code.bytes);
  }

  private instruction(to: Addresses, at: number, end: number): void {
    const { reader } = this;
    const { index, wide, small = false } = this.other;
    const { bytes } = reader;
    reader.pos = at;
    const byte = reader.u8();
    let code = byte;
    if (byte === Prefix.Simd) code = 0xfd000 + reader.u32();
    else if (byte >= Prefix.Object) code = (byte << 8) | reader.u32();
    const head = bytes.subarray(at, reader.pos);
    const { immediates, operands = [] } = opcodeOf(code)!;
    switch (immediates) {
      case 'memarg':
      case 'memarg lane': {
        if (wide) to.extend(operands, 1);
        to.code.append(head);
        to.code.u32(reader.u32() | EXPLICIT_MEMORY);
        to.code.u32(index);
        to.code.append(bytes.subarray(reader.pos, end));
        return;
      }
      case 'memory':
        if (small && code === Op.MemoryGrow) to.pagesToBytes();
        if (wide && code === Op.MemoryFill) to.extend(operands, 1, 2);
        else if (wide && code === Op.MemoryGrow) to.extend([ValType.I32], 1);
        to.code.append(head);
        to.code.u32(index);
        if (wide && code !== Op.MemoryFill) to.code.byte(Op.I32WrapI64);
        if (small && code !== Op.MemoryFill) to.code.byte(Op.I32Const, 16, Op.I32ShrS);
        return;
      case 'memory memory':
        if (wide) to.extend(operands, 1, 2, 3);
        to.code.append(head);
        to.code.u32(index);
        to.code.u32(index);
        return;
      case 'data memory':
        if (wide) to.extend(operands, 1);
        to.code.append(head);
        to.code.u32(reader.u32());
        to.code.u32(index);
        return;
      default:
        to.code.append(bytes.subarray(at, end));
    }
  }
}

/** Whether the type that begins with a byte continues with what it refers to. */
function skipsHeap(type: number): boolean {
  return type === REF || type === REF_NULL;
}

/** Makes i32 operands wider where they are on the stack. */
class Addresses {
  /** How many of TEMPORARIES are used. */
  declared = 0;

  constructor(
    readonly code: WasmWriter,
    private readonly locals: number,
  ) {}

  /** A count of pages to grow by, which is on top; what is too many in pages is in bytes, too. */
  pagesToBytes(): void {
    const { code } = this;
    this.declared = Math.max(this.declared, 1);
    const local = (op: Op) => {
      code.byte(op);
      code.u32(this.locals);
    };
    const constant = (value: bigint) => {
      code.byte(Op.I32Const);
      code.signed(value);
    };
    local(Op.LocalTee);
    constant(16n);
    code.byte(Op.I32Shl);
    constant(-1n);
    local(Op.LocalGet);
    constant(0x4000n);
    code.byte(Op.I32LtU, Op.Select);
  }

  /** `operands` are on top, bottom first. Extends the first one, and of memory.fill and copy the others named. */
  extend(operands: readonly number[], ...which: readonly number[]): void {
    const { code } = this;
    const used = new Set<number>();
    const places = operands.map((type, i) => {
      if (i === 0) return -1;
      const place = TEMPORARIES.findIndex((other, at) => other === type && !used.has(at));
      used.add(place);
      this.declared = Math.max(this.declared, place + 1);
      return this.locals + place;
    });
    const isFill = which.length === 2;
    for (let i = operands.length - 1; i > 0; i--) {
      code.byte(Op.LocalSet);
      code.u32(places[i]);
    }
    code.byte(Op.I64ExtendI32U);
    for (let i = 1; i < operands.length; i++) {
      code.byte(Op.LocalGet);
      code.u32(places[i]);
      if (which.length === 3 || (isFill && i === 2)) code.byte(Op.I64ExtendI32U);
    }
  }
}

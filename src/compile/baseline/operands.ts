/**
 * The value stack at compile time.
 *
 * An operand is a lazy descriptor: a slot, a constant, an alias of a local, or a register. Operand n owns frame slot n
 * from birth, so a spill is one store. A v128 is in a floating point register; it is never a constant here.
 *
 * Registers come from operand-registers.ts, where acquired ones are locked; the pinned ones, which aliases of locals
 * name, are in pins.ts.
 */

import { type MacroAssembler, NO_REG, type Reg } from '../../arch/masm/masm.js';
import { ValType } from '../../wasm/module.js';
import { isFloat, isWide, widthOf } from '../convention/call-layout.js';
import { copySlots } from '../convention/slot-copies.js';
import type { Frame } from './frame.js';
import { FREE, OperandRegisters } from './operand-registers.js';
import { Pins } from './pins.js';

export const enum Kind {
  Slot,
  Const, // raw bits in lo, hi
  Local, // alias of local `lo`, whose value it has
  Reg, // in register `lo`
}

export class Operands {
  height = 0;
  kinds = new Uint8Array(256);
  types = new Uint8Array(256);
  lo = new Int32Array(256);
  hi = new Int32Array(256);
  readonly registers: OperandRegisters;
  readonly pins: Pins;
  private readonly owner: Int32Array; // of registers
  private aliases = new Int32Array(64); // how many operands alias a local

  constructor(
    private readonly masm: MacroAssembler,
    readonly frame: Frame,
  ) {
    this.registers = new OperandRegisters(masm.plan);
    this.pins = new Pins(masm, frame);
    this.owner = this.registers.owner;
  }

  reset(maxHeight: number): void {
    this.height = 0;
    this.registers.reset();
    this.pins.reset();
    if (maxHeight + 2 > this.kinds.length) {
      const size = (maxHeight + 2) * 2;
      this.kinds = new Uint8Array(size);
      this.types = new Uint8Array(size);
      this.lo = new Int32Array(size);
      this.hi = new Int32Array(size);
    }
    if (this.frame.localCount > this.aliases.length) this.aliases = new Int32Array(this.frame.localCount * 2);
    else this.aliases.fill(0, 0, this.frame.localCount);
  }

  // -- pushing and popping

  pushConst(type: ValType, lo: number, hi: number): void {
    this.push(Kind.Const, type, lo, hi);
  }

  pushLocal(local: number): void {
    this.aliases[local]++;
    this.push(Kind.Local, this.frame.types[local], local, 0);
  }

  pushReg(type: ValType, reg: Reg): void {
    this.owner[reg] = this.height;
    this.push(Kind.Reg, type, reg, 0);
  }

  pushSlot(type: ValType): void {
    this.push(Kind.Slot, type, 0, 0);
  }

  private push(kind: Kind, type: ValType, lo: number, hi: number): void {
    const at = this.height++;
    this.kinds[at] = kind;
    this.types[at] = type;
    this.lo[at] = lo;
    this.hi[at] = hi;
  }

  /** Forgets the topmost operand; its register, if it has one, is free but keeps its value until it is allocated. */
  pop(): void {
    const at = --this.height;
    if (this.kinds[at] === Kind.Reg) this.owner[this.lo[at]] = FREE;
    else if (this.kinds[at] === Kind.Local) this.aliases[this.lo[at]]--;
  }

  popTo(height: number): void {
    while (this.height > height) this.pop();
  }

  /** Changes where operand `at` lives: to its slot, or to a register, which must be free. */
  private become(at: number, kind: Kind, reg: Reg): void {
    if (this.kinds[at] === Kind.Reg) this.owner[this.lo[at]] = FREE;
    else if (this.kinds[at] === Kind.Local) this.aliases[this.lo[at]]--;
    this.kinds[at] = kind;
    if (kind === Kind.Reg) {
      this.lo[at] = reg;
      this.owner[reg] = at;
    }
  }

  // -- registers

  /** A free operand register of the class of `type`, evicting the deepest operand if need be. Not locked. */
  allocate(type: ValType): Reg {
    const reg = this.registers.choose(type);
    if (this.owner[reg] !== FREE) this.spill(this.owner[reg]);
    return reg;
  }

  /**
   * Like allocate, preferring `reg` if it is a free operand register of the class (it may be locked: its reader comes
   * first).
   */
  allocatePreferring(type: ValType, reg: Reg): Reg {
    return this.registers.isFree(reg, type) ? reg : this.allocate(type);
  }

  /** Makes a particular operand register free, moving what it holds elsewhere. */
  evict(reg: Reg): void {
    const at = this.owner[reg];
    if (at === FREE) return;
    const other = this.registers.alternative(reg);
    if (other === NO_REG) {
      this.spill(at);
      return;
    }
    this.moveReg(this.types[at], other, reg);
    this.become(at, Kind.Reg, other);
  }

  moveReg(type: ValType, dst: Reg, src: Reg): void {
    if (dst === src) return;
    if (type === ValType.V128) this.masm.moveVector(dst, src);
    else if (isFloat(type)) this.masm.moveFloat(dst, src, isWide(type));
    else this.masm.moveInt(isWide(type), dst, src);
  }

  /** Stores a register operand in its own slot. */
  spill(at: number): void {
    this.masm.storeSlot(widthOf(this.types[at]), this.lo[at], this.frame.operandSlot(at));
    this.become(at, Kind.Slot, NO_REG);
  }

  /** Whether operand `at` can be read as a memory operand: it is in a slot and not in a register. */
  inMemory(at: number): boolean {
    const kind = this.kinds[at];
    if (kind === Kind.Slot) return true;
    return kind === Kind.Local && this.frame.pins[this.lo[at]] < 0;
  }

  /** Byte offset from sp of an operand for which inMemory holds, or of a local's home that is clean. */
  memorySlot(at: number): number {
    return this.kinds[at] === Kind.Slot ? this.frame.operandSlot(at) : this.frame.homes[this.lo[at]];
  }

  isConst(at: number): boolean {
    return this.kinds[at] === Kind.Const;
  }

  /** A register that holds operand `at`, locked; only to be read (it may be a pinned one). */
  acquire(at: number): Reg {
    const type = this.types[at];
    let reg: Reg;
    switch (this.kinds[at] as Kind) {
      case Kind.Reg:
        reg = this.lo[at];
        break;
      case Kind.Local: {
        const local = this.lo[at];
        reg = this.frame.registers[local];
        if (reg === NO_REG) {
          reg = this.allocate(type);
          this.masm.loadSlot(widthOf(type), reg, this.frame.homes[local]);
          this.become(at, Kind.Reg, reg);
        } else this.pins.reload(this.frame.pins[local]);
        break;
      }
      default:
        reg = this.allocate(type);
        this.load(at, reg);
        this.become(at, Kind.Reg, reg);
    }
    this.registers.lock(reg);
    return reg;
  }

  /** A register that operand `at` alone is in, locked: an instruction may leave its result there. */
  acquireOwn(at: number): Reg {
    if (this.kinds[at] !== Kind.Reg) {
      const reg = this.allocate(this.types[at]);
      this.load(at, reg);
      this.become(at, Kind.Reg, reg);
    }
    const reg = this.lo[at];
    this.registers.lock(reg);
    return reg;
  }

  /** Copies operand `at` into a register without changing where it lives. */
  load(at: number, reg: Reg): void {
    const type = this.types[at];
    switch (this.kinds[at] as Kind) {
      case Kind.Reg:
        this.moveReg(type, reg, this.lo[at]);
        break;
      case Kind.Const:
        if (isFloat(type)) this.masm.floatConstant(reg, isWide(type), this.lo[at], this.hi[at]);
        else this.masm.constant(reg, isWide(type), this.lo[at], this.hi[at]);
        break;
      case Kind.Local: {
        const local = this.lo[at];
        const pin = this.frame.pins[local];
        if (pin >= 0 && this.pins.isValid(pin)) this.moveReg(type, reg, this.frame.registers[local]);
        else this.masm.loadSlot(widthOf(type), reg, this.frame.homes[local]);
        break;
      }
      default:
        this.masm.loadSlot(widthOf(type), reg, this.frame.operandSlot(at));
    }
  }

  /** Moves operand `at` into a particular operand register, evicting whoever owns it. */
  moveTo(at: number, reg: Reg): void {
    if (this.owner[reg] === at) return;
    this.evict(reg);
    this.load(at, reg);
    this.become(at, Kind.Reg, reg);
  }

  /** Stores operand `at` at a byte offset from sp, leaving it where it lives. */
  storeAt(at: number, slot: number): void {
    const type = this.types[at];
    const { masm } = this;
    switch (this.kinds[at] as Kind) {
      case Kind.Reg:
        masm.storeSlot(widthOf(type), this.lo[at], slot);
        return;
      case Kind.Const:
        masm.storeSlotConstant(isWide(type), slot, this.lo[at], this.hi[at]);
        return;
      case Kind.Local: {
        const local = this.lo[at];
        const pin = this.frame.pins[local];
        if (pin >= 0 && this.pins.isValid(pin)) {
          masm.storeSlot(widthOf(type), this.frame.registers[local], slot);
          return;
        }
        break;
      }
    }
    const from = this.memorySlot(at);
    if (from === slot) return;
    copySlots(masm, type, from, slot);
  }

  /** Moves the operands below `height` to their slots; constants stay unless `constantsFrom` <= their index. */
  flush(height: number, constantsFrom = height): void {
    for (let at = 0; at < height; at++) {
      const kind = this.kinds[at];
      if (kind === Kind.Slot || (kind === Kind.Const && at < constantsFrom)) continue;
      this.storeAt(at, this.frame.operandSlot(at));
      this.become(at, Kind.Slot, NO_REG);
    }
  }

  /** Moves the register operands below `height` to their slots: what a call asks for. */
  spillBelow(height: number): void {
    this.spillPool(this.registers.ints, height);
    this.spillPool(this.registers.floats, height);
  }

  private spillPool(pool: Uint8Array, height: number): void {
    for (let i = 0; i < pool.length; i++) {
      const at = this.owner[pool[i]];
      if (at !== FREE && at < height) this.spill(at);
    }
  }

  // -- locals

  /** Whether no operand aliases the local. */
  hasNoAlias(local: number): boolean {
    return this.aliases[local] === 0;
  }

  /** Gives every operand that aliases the local a place of its own, before the local changes. */
  materializeAliases(local: number): void {
    for (let at = this.height - 1; this.aliases[local] > 0; at--) {
      if (this.kinds[at] !== Kind.Local || this.lo[at] !== local) continue;
      const reg = this.allocate(this.types[at]);
      this.load(at, reg);
      this.become(at, Kind.Reg, reg);
    }
  }

  /** local.set: pops the topmost operand into the local. */
  setLocal(local: number): void {
    const { frame, masm } = this;
    const at = this.height - 1;
    if (this.kinds[at] === Kind.Local && this.lo[at] === local) {
      this.pop();
      return;
    }
    if (this.aliases[local] > 0) this.materializeAliases(local);
    const pin = frame.pins[local];
    if (pin >= 0) {
      this.load(at, frame.registers[local]);
      this.pins.wrote(pin);
    } else if (this.kinds[at] === Kind.Slot || this.kinds[at] === Kind.Local) {
      const reg = this.acquire(at);
      masm.storeSlot(widthOf(frame.types[local]), reg, frame.homes[local]);
      this.registers.unlock();
    } else this.storeAt(at, frame.homes[local]);
    this.pop();
  }
}

/**
 * The value stack at compile time, the registers it occupies, and where each pinned local's value is.
 *
 * An operand is a lazy descriptor: a slot, a constant, an alias of a local, or a register. Operand n owns frame slot n
 * from birth, so a spill is one store. A pinned local is in its register (`valid`), in its home slot (`clean`), or both;
 * never in neither. Is not about control flow: control.ts joins states at labels.
 *
 * A v128 is in a floating point register; it is never a constant here.
 *
 * Registers come from the plan's operand pools. An acquired register is locked until the instruction calls `unlock`,
 * so that acquiring the next one cannot evict it.
 */

import { type MacroAssembler, NO_REG, type Reg, Width } from '../../arch/masm.js';
import { BugError } from '../../errors.js';
import { ValType } from '../wasm/module.js';
import { isFloat, widthOf } from './call-layout.js';
import type { Frame } from './frame.js';

export const enum Kind {
  Slot,
  Const, // raw bits in lo, hi
  Local, // alias of local `lo`, whose value it has
  Reg, // in register `lo`
}

const FREE = -1;

export function isWide(type: ValType): number {
  return type === ValType.I32 || type === ValType.F32 ? 0 : 1;
}

/** Copies a value of a type from one slot to another, through the scratch register. */
export function copySlots(masm: MacroAssembler, type: ValType, from: number, to: number): void {
  const width = isWide(type) ? Width.Int64 : Width.Int32;
  masm.loadSlot(width, masm.scratch, from);
  masm.storeSlot(width, masm.scratch, to);
  if (type !== ValType.V128) return;
  masm.loadSlot(width, masm.scratch, from + 8);
  masm.storeSlot(width, masm.scratch, to + 8);
}

/** Copies a value of a type from a field to a slot, through the scratch register. */
export function copyPayload(masm: MacroAssembler, type: ValType, base: Reg, offset: number, slot: number): void {
  const width = isWide(type) ? Width.Int64 : Width.Int32;
  masm.loadField(width, masm.scratch, base, offset);
  masm.storeSlot(width, masm.scratch, slot);
  if (type !== ValType.V128) return;
  masm.loadField(width, masm.scratch, base, offset + 8);
  masm.storeSlot(width, masm.scratch, slot + 8);
}

export class Operands {
  height = 0;
  kinds = new Uint8Array(256);
  types = new Uint8Array(256);
  lo = new Int32Array(256);
  hi = new Int32Array(256);
  /** Masks of pins: in its register; in its slot. */
  valid = 0;
  clean = 0;
  /** Which operand owns a register, FREE for none. */
  private readonly owner = new Int32Array(64);
  private readonly isOperandReg = new Uint8Array(64);
  private readonly locks = new Uint8Array(64);
  private readonly locked = new Uint8Array(64); // the registers locked, to undo
  private lockCount = 0;
  private aliases = new Int32Array(64); // how many operands alias a local
  private readonly ints: Uint8Array;
  private readonly floats: Uint8Array;

  constructor(
    private readonly masm: MacroAssembler,
    readonly frame: Frame,
  ) {
    this.ints = Uint8Array.from(masm.plan.operandInts);
    this.floats = Uint8Array.from(masm.plan.operandFloats);
    for (const reg of [...this.ints, ...this.floats]) this.isOperandReg[reg] = 1;
  }

  reset(maxHeight: number): void {
    this.height = 0;
    this.owner.fill(FREE);
    this.unlock();
    this.valid = this.clean = 0;
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

  /** Makes operand `at` a register operand; the register must be free. */
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

  lock(reg: Reg): void {
    if (this.locks[reg]++ === 0) this.locked[this.lockCount++] = reg;
  }

  /** Takes back one lock of a register that the instruction needs no more. */
  unlockOne(reg: Reg): void {
    this.locks[reg]--;
  }

  /** Ends an instruction: all locks go. */
  unlock(): void {
    while (this.lockCount > 0) this.locks[this.locked[--this.lockCount]] = 0;
  }

  /** A free operand register of the class of `type`, evicting the deepest operand if need be. Not locked. */
  allocate(type: ValType): Reg {
    const pool = isFloat(type) ? this.floats : this.ints;
    let victim = NO_REG;
    let deepest = 0x7fffffff;
    for (let i = 0; i < pool.length; i++) {
      const reg = pool[i];
      if (this.locks[reg] !== 0) continue;
      const owner = this.owner[reg];
      if (owner === FREE) return reg;
      if (owner < deepest) {
        deepest = owner;
        victim = reg;
      }
    }
    if (victim === NO_REG) throw new BugError('no operand register left');
    this.spill(deepest);
    return victim;
  }

  /** Like allocate, preferring `reg` if it is a free operand register of the class (it may be locked: its reader comes first). */
  allocatePreferring(type: ValType, reg: Reg): Reg {
    if (reg !== NO_REG && this.isOperandReg[reg] && this.owner[reg] === FREE && reg >= 32 === isFloat(type)) return reg;
    return this.allocate(type);
  }

  /** Makes a particular operand register free, moving what it holds elsewhere. */
  evict(reg: Reg): void {
    const at = this.owner[reg];
    if (at === FREE) return;
    const pool = reg >= 32 ? this.floats : this.ints;
    for (let i = 0; i < pool.length; i++) {
      const other = pool[i];
      if (other === reg || this.owner[other] !== FREE || this.locks[other] !== 0) continue;
      this.moveReg(this.types[at], other, reg);
      this.become(at, Kind.Reg, other);
      return;
    }
    this.spill(at);
  }

  /** Whether the register is not one of the operand pools: it must not be written on behalf of an operand. */
  isPinned(reg: Reg): boolean {
    return this.isOperandReg[reg] === 0;
  }

  /** The register of a pinned local will be overwritten; the local is in its slot. */
  forget(reg: Reg): void {
    const { frame } = this;
    for (let pin = 0; pin < frame.pinCount; pin++) {
      if (frame.pinnedRegisters[pin] === reg) this.valid &= ~(1 << pin);
    }
  }

  moveReg(type: ValType, dst: Reg, src: Reg): void {
    if (dst === src) return;
    if (type === ValType.V128) this.masm.moveVector(dst, src);
    else if (isFloat(type)) this.masm.moveFloat(dst, src, isWide(type));
    else this.masm.move(dst, src);
  }

  /** The register of a pinned local will be overwritten: the local goes to its slot. */
  releasePin(reg: Reg): void {
    const { frame } = this;
    for (let pin = 0; pin < frame.pinCount; pin++) {
      if (frame.pinnedRegisters[pin] === reg) this.storePins(1 << pin);
    }
    this.forget(reg);
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
        } else this.reload(this.frame.pins[local]);
        break;
      }
      default:
        reg = this.allocate(type);
        this.load(at, reg);
        this.become(at, Kind.Reg, reg);
    }
    this.lock(reg);
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
        if (pin >= 0 && (this.valid >>> pin) & 1) this.moveReg(type, reg, this.frame.registers[local]);
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
        if (pin >= 0 && (this.valid >>> pin) & 1) {
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
    for (let i = 0; i < this.ints.length; i++) {
      const at = this.owner[this.ints[i]];
      if (at !== FREE && at < height) this.spill(at);
    }
    for (let i = 0; i < this.floats.length; i++) {
      const at = this.owner[this.floats[i]];
      if (at !== FREE && at < height) this.spill(at);
    }
  }

  // -- locals

  private reload(pin: number): void {
    if ((this.valid >>> pin) & 1) return;
    const { frame } = this;
    const local = frame.pinnedLocals[pin];
    this.masm.loadSlot(widthOf(frame.types[local]), frame.pinnedRegisters[pin], frame.homes[local]);
    this.valid |= 1 << pin;
  }

  /** Makes the pins of a mask valid / clean. */
  loadPins(mask: number): void {
    mask &= ~this.valid & this.frame.allPins;
    while (mask !== 0) {
      const pin = 31 - Math.clz32(mask);
      this.reload(pin);
      mask &= ~(1 << pin);
    }
  }

  storePins(mask: number): void {
    const { frame } = this;
    mask &= ~this.clean & frame.allPins;
    this.clean |= mask;
    while (mask !== 0) {
      const pin = 31 - Math.clz32(mask);
      const local = frame.pinnedLocals[pin];
      this.masm.storeSlot(widthOf(frame.types[local]), frame.pinnedRegisters[pin], frame.homes[local]);
      mask &= ~(1 << pin);
    }
  }

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

  /** The local's register has just got its new value. */
  wrotePin(pin: number): void {
    this.valid |= 1 << pin;
    this.clean &= ~(1 << pin);
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
      this.wrotePin(pin);
    } else if (this.kinds[at] === Kind.Slot || this.kinds[at] === Kind.Local) {
      const reg = this.acquire(at);
      masm.storeSlot(widthOf(frame.types[local]), reg, frame.homes[local]);
      this.unlock();
    } else this.storeAt(at, frame.homes[local]);
    this.pop();
  }
}

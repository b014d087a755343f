/**
 * The macro-assembler of x86-64, its last layer: functions, calls and what stubs need.
 *
 * One class, written in layers that each are one noun and extend the one before: code-buffer, emitter, labels, moves,
 * integers, conditions, floats, conversions, memory, constants, vectors, atomics. A single class at run time, so every
 * call is monomorphic and nothing is forwarded. Scratch registers: rcx, xmm6, xmm7.
 */

import { BugError } from '../../base/errors.js';
import { FN_CODE, FN_INSTANCE, FN_TYPE, INST_MEMORY_BASE } from '../../image/contract/instance.js';
import { CTX_FLOAT, CTX_GENERAL, CTX_PC } from '../../image/contract/resume-plan.js';
import type { References } from '../masm/code-references.js';
import { Cond, IntOp, type Label, type MacroAssembler, type Reg, type RegisterPlan } from '../masm/masm.js';
import { plan as ownPlan, SCRATCH, syscallRegisters } from './abi.js';
import { CC } from './encoding.js';
import { X } from './encodings.js';
import { AtomicMasm } from './masm-atomic.js';
import { RAX, RCX, RDI, RDX, RSI, RSP, XMM0 } from './registers.js';

/** Distance of the touches that find the stack's guard. */
const PROBE = 65536;
/** Up to here probes are a line of code, above a loop. */
const UNROLLED_PROBES = 4;
/** Bytes of callThunk. */
const THUNK_CALL = 14;
const INT3 = 0xcc;

/** OSXSAVE and AVX in CPUID.1:ECX; what XCR0 must have for it. */
const CPUID_AVX = (1 << 27) | (1 << 28);
const XCR0_XMM_YMM = 6;

export class X64MacroAssembler extends AtomicMasm implements MacroAssembler {
  readonly scratch: Reg = SCRATCH;
  readonly syscallRegisters: readonly Reg[] = syscallRegisters;
  readonly callCRegisters: readonly Reg[] = [RAX, RDI, RSI];
  readonly copyRegisters: readonly Reg[] = [RDI, RSI, RCX];
  readonly fillRegisters: readonly Reg[] = [RDI, RAX, RCX];

  constructor(
    initialBytes: number,
    readonly plan: RegisterPlan = ownPlan,
  ) {
    super(initialBytes);
  }

  align(bytes: number): void {
    this.fill(INT3, (bytes - (this.at % bytes)) % bytes);
  }

  // -- frames

  /** The stack pointer moves after the last probe: a frame that overflows the stack does not exist yet. */
  enter(frameSize: number): void {
    const probes = Math.floor(frameSize / PROBE);
    if (frameSize > PROBE) {
      if (probes <= UNROLLED_PROBES) {
        for (let i = 1; i <= probes; i++) this.rm(X.test_mr, 0, RAX, RSP, -i * PROBE);
      } else {
        this.ri(X.mov_mi, 1, SCRATCH, -PROBE);
        const loop = this.at;
        this.rx(X.test_mr, 0, RAX, RSP, SCRATCH, 0, 0);
        this.ri(X.sub_i32, 1, SCRATCH, PROBE);
        this.ri(X.cmp_i32, 1, SCRATCH, -probes * PROBE);
        this.i(X.jcc_rel8[CC.GE], loop - (this.at + 2));
      }
    }
    this.adjustSp(-frameSize);
  }

  leave(frameSize: number): void {
    this.adjustSp(frameSize);
  }

  ret(): void {
    this.none(X.ret);
  }

  // -- calls

  call(): number {
    this.i(X.call_rel32, 0);
    return this.at - 4;
  }

  patchCall(handle: number, target: number): void {
    this.references?.text.add(handle);
    this.writeInt32(handle, target - (handle + 4));
  }

  /** lea, push and jmp: the branch predictor knows better where leaveThunk jumps than an emptied return stack does. */
  callThunk(): number {
    const start = this.at;
    this.rp(X.lea, 1, SCRATCH, start + THUNK_CALL);
    this.r(X.push_m, 0, SCRATCH);
    const handle = this.jumpTo();
    if (this.at !== start + THUNK_CALL) throw new BugError('the call of a thunk is of another length');
    return handle;
  }

  leaveThunk(frameSize: number): void {
    this.rm(X.mov_rm, 1, SCRATCH, RSP, frameSize);
    this.adjustSp(frameSize + 8);
    this.jumpReg(SCRATCH);
  }

  jumpTo(): number {
    this.i(X.jmp_rel32, 0);
    return this.at - 4;
  }

  patchJump(handle: number, target: number): void {
    this.references?.text.add(handle);
    this.writeInt32(handle, target - (handle + 4));
  }

  /** A reference is a displacement, counted from the end of its instruction. */
  appendCode(piece: Uint8Array, { text, data }: References, imageStart: number): void {
    const start = this.at;
    this.emitBytes(piece);
    const move = (references: Int32Array, distance: number) => {
      for (const reference of references) {
        const field = start + reference;
        this.writeInt32(field, this.readInt32(field) - distance);
      }
    };
    move(text, start);
    move(data, start + this.imageStart - imageStart);
  }

  callReg(target: Reg): void {
    this.r(X.call_m, 0, target);
  }

  callRecord(record: Reg): void {
    this.rm(X.mov_rm, 1, ownPlan.instance, record, FN_INSTANCE);
    this.rm(X.mov_rm, 1, ownPlan.memoryBase, ownPlan.instance, INST_MEMORY_BASE);
    this.m(X.call_m, 0, record, FN_CODE);
  }

  loadTableRecord(
    record: Reg,
    table: Reg,
    index: Reg,
    typeId: number,
    outOfBounds: Label,
    uninitialized: Label,
    mismatch: Label,
  ): void {
    this.elementAddress(SCRATCH, table, 0, index, outOfBounds);
    this.rm(X.mov_rm, 1, record, SCRATCH, 0);
    this.rr(X.test_mr, 1, record, record);
    this.jumpIf(CC.E, uninitialized);
    if (typeId === -1) return;
    this.compareFieldImm(0, record, FN_TYPE, typeId);
    this.jumpIf(CC.NE, mismatch);
  }

  trap(): void {
    this.faultOffset = this.at;
    this.none(X.ud2);
  }

  nop(): void {
    this.none(X.nop);
  }

  // -- stubs

  move64Sp(dst: Reg): void {
    this.move(dst, RSP);
  }

  setSp(src: Reg): void {
    this.move(RSP, src);
  }

  adjustSp(delta: number): void {
    if (delta === 128) this.ri(X.sub_i8, 1, RSP, -128);
    else if (delta < 0 && delta !== -128) this.updateImm(IntOp.Sub, 1, RSP, -delta);
    else if (delta !== 0) this.updateImm(IntOp.Add, 1, RSP, delta);
  }

  syscall(): void {
    this.none(X.syscall);
  }

  /**
   * AVX may be used when CPUID.1:ECX has it and OSXSAVE, and XCR0 says that the operating system saves xmm and ymm
   * (Intel SDM volume 1, 14.3).
   */
  cpuFeatures(): void {
    const done = this.newLabel();
    this.constant(RAX, 0, 1, 0);
    this.none(X.cpuid);
    this.updateImm(IntOp.And, 0, RCX, CPUID_AVX);
    this.compareImm(0, RCX, CPUID_AVX);
    this.jumpIf(CC.NE, done);
    this.constant(RCX, 0, 0, 0);
    this.none(X.xgetbv);
    this.updateImm(IntOp.And, 0, RAX, XCR0_XMM_YMM);
    this.compareImm(0, RAX, XCR0_XMM_YMM);
    this.bind(done);
    this.setCondition(Cond.Eq, RAX); // CPU_AVX or 0
  }

  /** System V: rdi, rsi, rdx; ours: rax, rdx, rsi. */
  signalArguments(): void {
    this.move(RAX, RDI);
    this.exchange(RDX, RSI);
  }

  jumpReg(target: Reg): void {
    this.r(X.jmp_m, 0, target);
  }

  jumpField(base: Reg, offset: number): void {
    this.m(X.jmp_m, 0, base, offset);
  }

  copyBytes(): void {
    this.none(X.rep_movsb);
  }

  fillBytes(): void {
    this.none(X.rep_stosb);
  }

  /** The pc is pushed below the new stack pointer, where nothing lives, and taken from there by ret. */
  restoreContext(base: Reg): void {
    for (let i = 0; i < 16; i++) this.rm(X.movups_rm, 0, XMM0 + i, base, CTX_FLOAT + 16 * i);
    this.rm(X.mov_rm, 1, RSP, base, CTX_GENERAL + 8 * RSP);
    this.m(X.push_m, 0, base, CTX_PC);
    for (let reg = 0; reg < 16; reg++) {
      if (reg !== RSP && reg !== base) this.rm(X.mov_rm, 1, reg, base, CTX_GENERAL + 8 * reg);
    }
    this.rm(X.mov_rm, 1, base, base, CTX_GENERAL + 8 * base);
    this.none(X.ret);
  }
}

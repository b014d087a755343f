/**
 * The macro-assembler of AArch64, its last layer: functions, calls and what stubs need.
 *
 * One class, written in layers that each are one noun and extend the one before: code-buffer, emitter, labels,
 * literals, moves, integers, conditions, floats, conversions, memory, constants, vectors, atomics. A single class at
 * run time, so every call is monomorphic and nothing is forwarded. Scratch registers: x16, x17, v30, v31.
 *
 * bl reaches 128 MiB. When more text than that is expected, all calls go through a register.
 */

import { BugError, LimitError } from '../../base/errors.js';
import { FN_CODE, FN_INSTANCE, FN_TYPE, INST_MEMORY_BASE } from '../../image/contract/instance.js';
import { CTX_FLOAT, CTX_GENERAL, CTX_PC, CTX_SP } from '../../image/contract/resume-plan.js';
import type { References } from '../masm/code-references.js';
import type { Label, MacroAssembler, Reg, RegisterPlan } from '../masm/masm.js';
import { ADDRESS_SCRATCH, plan as ownPlan, SCRATCH, syscallRegisters } from './abi.js';
import { CC } from './encoding.js';
import { A } from './encodings.js';
import { AtomicMasm } from './masm-atomic.js';
import { SP, V0, X0, X1, X2, X8, X16, X17, X30, ZR } from './registers.js';

/** Distance of the touches that find the stack's guard. */
const PROBE = 65536;
/** Up to here probes are a line of code, above a loop. */
const UNROLLED_PROBES = 4;
/** The size of text from which calls are far: half of what bl reaches. */
export const FAR_CALLS = 1 << 26;
const CALL_REACH = 1 << 27;
const PAGE = 4096;

/** Of bl and b, and of adrp. */
const CALL_FIELD = 0x3ffffff;
const ADRP_FIELD = 0x60ffffe0;
const ADRP_MASK = 0x9f000000 | 0;

export class Arm64MacroAssembler extends AtomicMasm implements MacroAssembler {
  readonly scratch: Reg = SCRATCH;
  readonly syscallRegisters: readonly Reg[] = syscallRegisters;
  readonly callCRegisters: readonly Reg[] = [X8, X0, X1];
  readonly copyRegisters: readonly Reg[] = [X0, X1, X2];
  readonly fillRegisters: readonly Reg[] = [X0, X1, X2];
  private readonly farCalls: boolean;

  constructor(
    initialBytes: number,
    farCalls = initialBytes > FAR_CALLS,
    readonly plan: RegisterPlan = ownPlan,
  ) {
    super(initialBytes);
    this.farCalls = farCalls;
  }

  align(bytes: number): void {
    this.grow(bytes);
    while (this.at % bytes !== 0) this.words[this.advance()] = A.udf;
  }

  private advance(): number {
    this.at += 4;
    return (this.at >> 2) - 1;
  }

  // -- frames

  /**
   * The return address comes to lie where x86-64 has it, right above the frame; sp stays a multiple of 16, so frameSize
   * is 8 more than one. The first store is the one that finds the guard, and it moves sp only when it succeeds; nothing
   * ever lies below sp, where a signal would overwrite it.
   */
  enter(frameSize: number): void {
    if (frameSize % 16 !== 8) throw new BugError(`arm64: a frame of ${frameSize} bytes`);
    const probes = Math.floor(frameSize / PROBE);
    if (frameSize > PROBE) {
      if (probes <= UNROLLED_PROBES) {
        for (let i = 1; i <= probes; i++) {
          this.addSubImmediate(A.sub_i, 1, SCRATCH, SP, 4096 | ((i * PROBE) >> 12));
          this.loadStore(A.ldr_w, ZR, SCRATCH, 0);
        }
      } else {
        this.constant(ADDRESS_SCRATCH, 0, probes, 0);
        this.move(SCRATCH, SP);
        const loop = this.reserve();
        this.addSubImmediate(A.sub_i, 1, SCRATCH, SCRATCH, 4096 | (PROBE >> 12));
        this.loadStore(A.ldr_w, ZR, SCRATCH, 0);
        this.addSubImmediate(A.subs_i, 1, ADDRESS_SCRATCH, ADDRESS_SCRATCH, 1);
        this.conditionalBranch(A.b_cond, CC.NE, loop - this.reserve());
      }
    }
    this.loadStorePair(A.stp_pre, ZR, X30, SP, -16); // host-constants.ts FRAME_PUSH
    this.adjustSp(8 - frameSize);
  }

  leave(frameSize: number): void {
    this.adjustSp(frameSize - 8);
    this.loadStorePair(A.ldp_post, ZR, X30, SP, 16);
  }

  ret(): void {
    this.branchRegister(A.ret, X30);
  }

  // -- calls

  call(): number {
    if (!this.farCalls) {
      this.branchImmediate(A.bl, 0);
      return this.at - 4;
    }
    return this.far(A.blr);
  }

  patchCall(handle: number, target: number): void {
    this.patch(handle, target);
  }

  callThunk(): number {
    return this.call();
  }

  leaveThunk(frameSize: number): void {
    this.leave(frameSize);
    this.ret();
  }

  jumpTo(): number {
    if (!this.farCalls) {
      this.branchImmediate(A.b, 0);
      return this.at - 4;
    }
    return this.far(A.br);
  }

  patchJump(handle: number, target: number): void {
    this.patch(handle, target);
  }

  /** adrp, add, branch: patch() fills in the address. Three words that no island parts. */
  private far(branch: typeof A.blr | typeof A.br): number {
    this.reserve();
    this.grow(12);
    const handle = this.at;
    this.words[this.advance()] = A.adrp | ADDRESS_SCRATCH;
    this.words[this.advance()] = A.add_i | (1 << 31) | (ADDRESS_SCRATCH << 5) | ADDRESS_SCRATCH;
    this.words[this.advance()] = branch | (ADDRESS_SCRATCH << 5);
    return handle;
  }

  private patch(handle: number, target: number): void {
    this.references?.text.add(handle);
    if (this.farCalls) {
      const to = this.imageStart + target;
      const pages = Math.floor(to / PAGE) - Math.floor((this.imageStart + handle) / PAGE);
      this.words[handle >> 2] |= pageField(pages);
      this.words[(handle >> 2) + 1] |= (to & (PAGE - 1)) << 10;
      return;
    }
    this.words[handle >> 2] |= callField(target - handle);
  }

  appendCode(piece: Uint8Array, { text, data }: References, imageStart: number): void {
    const start = this.at;
    this.emitBytes(piece);
    for (const reference of text) this.moveReference(start, reference, this.imageStart);
    for (const reference of data) this.moveReference(start, reference, imageStart);
  }

  /**
   * A reference is a bl or b, or the adrp of an address.
   *
   * @param start where the piece begins now
   * @param imageStart the image offset from which it was counted
   */
  private moveReference(start: number, reference: number, imageStart: number): void {
    const { words } = this;
    const at = start + reference;
    const word = words[at >> 2];
    if ((word & ADRP_MASK) === (A.adrp | 0)) {
      const pages = (((word << 8) >> 13) << 2) | ((word >>> 29) & 3);
      const from = Math.floor((imageStart + reference) / PAGE);
      const moved = pages + from - Math.floor((this.imageStart + at) / PAGE);
      words[at >> 2] = (word & ~ADRP_FIELD) | pageField(moved);
    } else words[at >> 2] = (word & ~CALL_FIELD) | callField(((word << 6) >> 4) - start);
  }

  callReg(target: Reg): void {
    this.branchRegister(A.blr, target);
  }

  callRecord(record: Reg): void {
    this.loadStore(A.ldr_x, ownPlan.instance, record, FN_INSTANCE);
    this.loadStore(A.ldr_x, SCRATCH, record, FN_CODE);
    this.loadStore(A.ldr_x, ownPlan.memoryBase, ownPlan.instance, INST_MEMORY_BASE);
    this.branchRegister(A.blr, SCRATCH);
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
    this.elementAddress(ADDRESS_SCRATCH, table, 0, index, outOfBounds);
    this.loadStore(A.ldr_x, record, ADDRESS_SCRATCH, 0);
    this.jumpIfZero(A.cbz, 1, record, uninitialized);
    if (typeId === -1) return;
    this.compareFieldImm(0, record, FN_TYPE, typeId);
    this.jumpIf(CC.NE, mismatch);
  }

  trap(): void {
    this.none(A.udf);
    this.faultOffset = this.at - 4;
  }

  nop(): void {
    this.none(A.nop);
  }

  // -- stubs

  move64Sp(dst: Reg): void {
    this.move(dst, SP);
  }

  setSp(src: Reg): void {
    this.move(SP, src);
  }

  adjustSp(delta: number): void {
    if (delta === 0) return;
    const low = Math.abs(delta) & 0xfff;
    const high = Math.abs(delta) - low;
    const op = delta < 0 ? A.sub_i : A.add_i;
    if (high >= 0x1000000) {
      this.addConstant(1, SP, SP, delta);
      return;
    }
    if (high !== 0) this.addSubImmediate(op, 1, SP, SP, 4096 | (high >> 12));
    if (low !== 0) this.addSubImmediate(op, 1, SP, SP, low);
  }

  syscall(): void {
    this.exception(A.svc, 0);
  }

  /** Nothing beyond ARMv8.0 is used. */
  cpuFeatures(): void {
    this.constant(this.plan.resultInt, 1, 0, 0);
  }

  /** The C ABI's are x0, x1, x2, as ours. */
  signalArguments(): void {}

  jumpReg(target: Reg): void {
    this.branchRegister(A.br, target);
  }

  jumpField(base: Reg, offset: number): void {
    this.access(A.ldr_x, 3, SCRATCH, base, offset);
    this.branchRegister(A.br, SCRATCH);
  }

  /** 16 bytes at a time, then single ones: also right when the destination is less than 16 below the source. */
  copyBytes(): void {
    const [to, from, count] = this.copyRegisters as [Reg, Reg, Reg];
    this.chunks(
      count,
      () => {
        this.loadStorePair(A.ldp_post, X16, X17, from, 16);
        this.loadStorePair(A.stp_post, X16, X17, to, 16);
      },
      () => {
        this.loadStorePost(A.ldrb, SCRATCH, from, 1);
        this.loadStorePost(A.strb, SCRATCH, to, 1);
      },
    );
  }

  fillBytes(): void {
    const [to, value, count] = this.fillRegisters as [Reg, Reg, Reg];
    this.bitfield(A.ubfm, 1, value, value, 0, 7);
    this.constant(SCRATCH, 1, 0x01010101, 0x01010101);
    this.threeSource(A.madd, 1, value, value, SCRATCH, ZR);
    this.chunks(
      count,
      () => this.loadStorePair(A.stp_post, value, value, to, 16),
      () => this.loadStorePost(A.strb, value, to, 1),
    );
  }

  /** Runs `sixteen` while count >= 16, then `one` for each that is left; count is overwritten. */
  private chunks(count: Reg, sixteen: () => void, one: () => void): void {
    this.addSubImmediate(A.subs_i, 1, count, count, 16);
    const few = this.skipIf(CC.LO);
    const loop = this.at;
    sixteen();
    this.addSubImmediate(A.subs_i, 1, count, count, 16);
    this.conditionalBranch(A.b_cond, CC.HS, loop - this.reserve());
    this.skipTo(few);
    this.addSubImmediate(A.adds_i, 1, count, count, 16);
    const none = this.skipIf(CC.EQ);
    const rest = this.at;
    one();
    this.addSubImmediate(A.subs_i, 1, count, count, 1);
    this.conditionalBranch(A.b_cond, CC.NE, rest - this.reserve());
    this.skipTo(none);
  }

  /** The pc goes by way of x16, which no frame keeps anything in; x18 is not ours. */
  restoreContext(base: Reg): void {
    const from = base === X16 ? X17 : base;
    this.move(from, base);
    for (let i = 0; i < 32; i++) this.loadStore(A.ldr_q, V0 + i, from, CTX_FLOAT + 16 * i);
    this.loadStore(A.ldr_x, X16, from, CTX_SP);
    this.move(SP, X16);
    this.loadStore(A.ldr_x, X16, from, CTX_PC);
    for (let reg = 0; reg <= X30; reg++) {
      if (reg === X16 || reg === X17 || reg === 18 || reg === from) continue;
      this.loadStore(A.ldr_x, reg, from, CTX_GENERAL + 8 * reg);
    }
    if (from !== X17) this.loadStore(A.ldr_x, from, from, CTX_GENERAL + 8 * from);
    this.branchRegister(A.br, X16);
  }
}

/** @throws LimitError when a call does not reach that far */
function callField(offset: number): number {
  if (offset >= -CALL_REACH && offset < CALL_REACH) return (offset >> 2) & CALL_FIELD;
  throw new LimitError('text-size', 'the code is more than a call can reach');
}

function pageField(pages: number): number {
  return ((pages & 3) << 29) | (((pages >> 2) & 0x7ffff) << 5);
}

/** The compiler: encodings, labels and literals, the macro-assemblers of both CPUs, code generation, stubs, linking. */

import type { Area } from '../mutant.js';

const ARM64_LABELS = ['test/unit/arch/arm64/labels.test.ts'];
const INTEGERS = ['test/unit/arch/masm-integers.test.ts'];
const FLOATS = ['test/unit/arch/masm-floats.test.ts'];
const MEMORY = ['test/unit/arch/masm-memory.test.ts'];
const FUNCTIONS = ['test/unit/arch/masm-functions.test.ts'];
const OPERANDS = ['test/unit/compile/baseline/operand-forms.test.ts'];
const LISTINGS = ['test/listings/listings.test.ts'];
const APPENDED = ['test/unit/arch/append-code.test.ts'];
const IMPORTS = ['test/unit/compile/link/imports.test.ts'];
const LINKED_RUN = ['test/unit/compile/link/linked-run.test.ts'];
const RUN = ['test/unit/compile/link/run.test.ts'];

export const compiler: Area = {
  name: 'compiler',
  files: [
    {
      file: 'src/arch/arm64/labels.ts',
      tests: ARM64_LABELS,
      changes: [
        ['const ISLAND_AGE = SHORT_REACH / 2;', 'const ISLAND_AGE = SHORT_REACH;'],
        ['A.b | longField(target - (this.at + 4))', 'A.b | longField(target - this.at)'],
        ['this.overFar(A.b_cond | (code ^ 1), target);', 'this.overFar(A.b_cond | code, target);'],
        ['(op === A.cbz ? A.cbnz : A.cbz) | (wide << 31) | reg', '(op === A.cbz ? A.cbnz : A.cbz) | reg'],
        ['(op === A.cbz ? A.cbnz : A.cbz) | (wide << 31)', 'op | (wide << 31)'],
        ['this.fixups[fixup] = RESOLVED;', ''],
        ['cond <= Cond.Ne', 'true'],
        ['offset < -SHORT_REACH || offset >= SHORT_REACH', 'false'],
        ['this.fixups[fixup] = this.at | LONG;', 'this.fixups[fixup] = this.at | SHORT;'],
        ['longField(4 * (count + 1))', 'longField(4 * count)'],
        ['|= shortField(this.at - (skip - 4));', '|= shortField(this.at - skip);', { tests: FLOATS }],
        [
          'if (kind === WORD) this.words[at >> 2] = offset;',
          'if (kind === WORD) this.words[at >> 2] = offset + 4;',
          { tests: FUNCTIONS },
        ],
        ['if (this.unbound !== 0) throw', 'if (this.unbound > 1) throw'],
      ],
    },
    {
      file: 'src/arch/arm64/literals.ts',
      tests: ['test/unit/arch/arm64/literals.test.ts'],
      changes: [
        ['const LITERAL_AGE = 1 << 18;', 'const LITERAL_AGE = 1 << 21;'],
        ['if (this.literalCount === MAX_LITERALS) this.literalDeadline = at;', ''],
        ['this.hash.fill(0);', ''],
        ['literals[at + 2] === w2 && literals[at + 3] === w3)', 'literals[at + 2] === w2)'],
        ['while (this.at % BYTES !== 0) {', 'while (this.at % 8 !== 0) {'],
        ['this.words[jump >> 2] = A.b | ((this.at - jump) >> 2);', 'this.words[jump >> 2] = A.nop;'],
      ],
    },
    {
      file: 'src/arch/arm64/encoding.ts',
      tests: ['test/encoders/arm64.test.ts'],
      changes: [
        ['offset > 4095 << log2Size', 'offset > 4096 << log2Size'],
        ['offset >= -256 &&', 'offset >= -257 &&'],
        ['offset < 256;', 'offset <= 256;'],
        ['value < 0x1000000 &&', 'value <= 0x1000000 &&'],
        ['if ((run & (run + 1)) !== 0) return -1;', ''],
        ['if ((value & (value + 1n)) !== 0n) return -1;', ''],
        ['(lo & 0x7ffff) !== 0', '(lo & 0x3ffff) !== 0'],
        ['(hi & 0xffff) !== 0 ||', ''],
        ['(((64 - rotation) & 63) << 6)', '((rotation & 63) << 6)'],
      ],
    },
    {
      file: 'src/arch/arm64/masm-moves.ts',
      tests: MEMORY,
      changes: [
        ['A.movn, 1, dst, half ^ fill, hw', 'A.movn, 1, dst, half, hw', { tests: INTEGERS }],
        ['if (first) this.moveWide(A.movn, 1, dst, 0, 0); // all ones', ''],
        ['const word = hw < 2 ? lo : hi;', 'const word = hw < 3 ? lo : hi;'],
        ['if (wide === 0) hi = 0;', ''],
        ['if (lo === 0 && (wide === 0 || hi === 0)) return ZR;', 'if (lo === 0) return ZR;'],
        ['if (lo === 0 && (wide === 0 || hi === 0)) {', 'if (lo === 0) {'],
        [
          'offset | 0, offset < 0 ? -1 : 0);\n        this.loadStoreRegister',
          'offset | 0, 0);\n        this.loadStoreRegister',
        ],
        ['this.moveVector(b, FLOAT_SCRATCH);', ''],
      ],
      equivalent: [
        [
          'if (dst === SP || lhs === SP) this.addSubExtended',
          'if (dst === SP) this.addSubExtended',
          'only adjustSp is about the stack pointer, and it is both',
        ],
      ],
    },
    {
      file: 'src/arch/arm64/masm-integers.ts',
      tests: INTEGERS,
      slow: true,
      changes: [
        ['A.and_i, A.and_r, imm > 0 ? 0 : wide, dst', 'A.and_i, A.and_r, 0, dst'],
        ['imm, imm >> 31);\n      this.logicalShifted', 'imm, 0);\n      this.logicalShifted'],
        ['isSub ? A.subs_r : A.adds_r, 1,', 'isSub ? A.sub_r : A.add_r, 1,'],
        ['isSigned ? A.smulh : A.umulh', 'A.umulh'],
        ['A.ccmp_i, wide, lhs, 1, 0, CC.EQ', 'A.ccmp_i, wide, lhs, 1, 0, CC.NE'],
        ['this.faultOffset = this.at - 4;\n      this.skipTo(fits);', 'this.skipTo(fits);', { tests: ARM64_LABELS }],
        ['lhs, lhs, bits - imm);', 'lhs, lhs, imm);'],
        ['index, SCRATCH, CC.LO);', 'index, SCRATCH, CC.HS);', { tests: FUNCTIONS }],
        ['negative >= 0) this.addSubImmediate(A.adds_i', 'negative >= 0) this.addSubImmediate(A.subs_i'],
        ['this.zeroTestWide = wide;', 'this.zeroTestWide = 0;', { tests: ARM64_LABELS }],
        ['this.keepTogether(4 * count + TABLE_CODE);', '', { tests: ['test/unit/arch/arm64/literals.test.ts'] }],
        ['A.msub, wide, dst, SCRATCH, rhs, lhs', 'A.msub, wide, dst, rhs, SCRATCH, rhs'],
        ['this.jumpIf(CC.HS, outOfBounds);', 'this.jumpIf(CC.HI, outOfBounds);', { tests: MEMORY }],
        [
          'this.compare(1, index, SCRATCH);\n    this.jumpIf(CC.HS',
          'this.compare(0, index, SCRATCH);\n    this.jumpIf(CC.HS',
          { tests: MEMORY },
        ],
        ['this.guardedSelect(SCRATCH, index, ZR, CC.LO);', 'this.move(SCRATCH, index);', { tests: LISTINGS }],
      ],
    },
    {
      file: 'src/arch/arm64/masm-conversions.ts',
      tests: FLOATS,
      slow: true,
      changes: [
        ['unsigned !== 0 ? UXTW : SXTW', 'SXTW'],
        ['this.jumpIf(CC.LE, overflow);', 'this.jumpIf(CC.LT, overflow);'],
        ['A.ccmn_i, 1, dst, 1, 1, CC.VC', 'A.ccmn_i, 1, dst, 1, 0, CC.VC'],
        ['(op >> 1) & 1, op >> 2', '1, op >> 2'],
      ],
    },
    {
      file: 'src/arch/arm64/masm-memory.ts',
      tests: MEMORY,
      changes: [
        ['if (op !== StoreOp.Int8) this.probeStore();', '', { tests: LISTINGS }],
        ['distance < NEAR && (distance & 3) === 0', 'distance < NEAR', { tests: ARM64_LABELS }],
        ['this.constantOrZero(wide, imm, imm >> 31), base', 'this.constantOrZero(wide, imm, 0), base'],
        [
          'this.constant(ADDRESS_SCRATCH, 0, offset | 0, 0); // zero-extended',
          'this.constant(ADDRESS_SCRATCH, 1, offset | 0, offset >> 31);',
        ],
      ],
    },
    {
      file: 'src/arch/arm64/masm.ts',
      tests: FUNCTIONS,
      changes: [
        ['(((pages >> 2) & 0x7ffff) << 5)', '(((pages >> 2) & 0x3ff) << 5)', { tests: ARM64_LABELS }],
        ['(to & (PAGE - 1)) << 10', '(to & 0x7ff) << 10', { tests: ARM64_LABELS }],
        ['offset >= -CALL_REACH && offset < CALL_REACH', 'offset >= -CALL_REACH', { tests: ARM64_LABELS }],
        ['callField(((word << 6) >> 4) - start)', 'callField((word << 6) >> 4)', { tests: APPENDED }],
        ['- Math.floor((imageStart + at) / PAGE)', '- Math.floor(imageStart / PAGE)', { tests: APPENDED }],
        [
          'this.constant(ADDRESS_SCRATCH, 0, probes, 0);',
          'this.constant(ADDRESS_SCRATCH, 0, probes - 1, 0);',
          { tests: ARM64_LABELS },
        ],
        ['SCRATCH, 1, 0x01010101, 0x01010101', 'SCRATCH, 1, 0x01010101, 0'],
        ['if (high !== 0) this.addSubImmediate(op, 1, SP', 'if (high > 4096) this.addSubImmediate(op, 1, SP'],
      ],
    },
    {
      file: 'src/arch/x64/labels.ts',
      tests: ['test/unit/arch/x64/labels.test.ts'],
      changes: [
        ['near >= -128) this.i(X.jmp_rel8', 'near >= -129) this.i(X.jmp_rel8'],
        ['near >= -128) this.i(X.jcc_rel8', 'near >= -129) this.i(X.jcc_rel8'],
        [
          'else this.i(X.jcc_rel32[code], target - (this.at + 6));',
          'else this.i(X.jcc_rel32[code], target - (this.at + 5));',
        ],
        ['if (distance > 127) throw', 'if (distance > 255) throw'],
        ['if (cond === Cond.FNe) this.jumpIf(CC.P, label);', '', { tests: FLOATS }],
        ['const unordered = this.skipIf(CC.P);', 'const unordered = this.skipIf(CC.NP);', { tests: FLOATS }],
        ['if (previous === 0) this.unbound++;', 'this.unbound++;'],
      ],
    },
    {
      file: 'src/arch/x64/emitter.ts',
      tests: ['test/encoders/x64.test.ts'],
      changes: [
        ['if (disp === 0 && (base & 7) !== 5) {', 'if (disp === 0 && base !== 5) {'],
        ['disp === 0 && low !== 5 ?', 'disp === 0 && base !== 5 ?'],
        ['if (low === 4) bytes[at++] = 0x24;', 'if (base === 4) bytes[at++] = 0x24;'],
        ['((index & 8) >> 2)', '0'],
        ['} else if (disp === (disp << 24) >> 24) {', '} else if (disp <= 128 && disp >= -128) {'],
        ['target - (at + 5 + e.immediate)', 'target - (at + 5)'],
        ['if ((rex | byteRex) !== 0)', 'if (rex !== 0)'],
      ],
    },
    {
      file: 'src/arch/x64/masm-moves.ts',
      tests: MEMORY,
      changes: [
        ['if (wide === 0 || hi === 0) this.oi', 'if (wide === 0 || hi >= 0) this.oi'],
        ['else if (hi === lo >> 31) this.ri', 'else if (hi === -1) this.ri'],
        ['if (wide === 0 || hi === lo >> 31) {', 'if (wide === 0 || hi === 0) {'],
        ['if (lo === 0 && (wide === 0 || hi === 0)) {', 'if (lo === 0) {'],
        ['if (a < FLOAT_BASE) this.rr(X.xchg, 1, a, b);', 'if (a < FLOAT_BASE) this.rr(X.xchg, 0, a, b);'],
      ],
    },
    {
      file: 'src/arch/x64/masm-integers.ts',
      tests: INTEGERS,
      slow: true,
      changes: [
        ['if (imm !== -0x80000000) {', 'if (imm !== 0) {'],
        ['isSub ? X.sbb_i8 : X.adc_i8', 'X.adc_i8'],
        ['isSub ? X.sbb_rm : X.adc_rm', 'isSub ? X.sub_rm : X.add_rm'],
        ['this.r(isSigned ? X.imul : X.mul, 1, rhs);', 'this.r(X.mul, 1, rhs);'],
        ['if (imm > 0) wide = 0; // the upper', 'wide = 0; // the upper'],
        ['this.r(X.neg, wide, dst);', ''],
        ['this.ri(X.cmp_i8, wide, rhs, -1);', 'this.ri(X.cmp_i8, 0, rhs, -1);'],
        ['wide !== 0 ? 127 : 63', 'wide !== 0 ? 63 : 63'],
        ['this.none(wide !== 0 ? X.cqo : X.cdq);', 'this.none(X.cdq);'],
        [
          'this.rr(X.cmovcc[CC.A], 0, index, SCRATCH);',
          'this.rr(X.cmovcc[CC.G], 0, index, SCRATCH);',
          { tests: FUNCTIONS },
        ],
        [
          'this.faultOffset = this.at;\n    this.r(op === DivOp.DivU',
          'this.r(op === DivOp.DivU',
          { tests: ['test/unit/arch/x64/labels.test.ts'] },
        ],
        ['imm === 128) this.ri(X.sub_i8', 'imm === 127) this.ri(X.sub_i8'],
        ['this.jumpIf(CC.AE, outOfBounds);', 'this.jumpIf(CC.A, outOfBounds);', { tests: MEMORY }],
        [
          'this.rm(X.cmp_rm, 1, index, table, offset + TAB_LENGTH);',
          'this.rm(X.cmp_rm, 0, index, table, offset + TAB_LENGTH);',
          { tests: MEMORY },
        ],
        ['this.rm(X.cmovcc[CC.AE], 1, dst, table, offset + TAB_BASE);', '', { tests: LISTINGS }],
      ],
    },
    {
      file: 'src/arch/x64/masm-conversions.ts',
      tests: FLOATS,
      slow: true,
      changes: [
        ['this.ri(X.or_i8, 1, SCRATCH, 1);', ''],
        ['const big = this.skipIf(CC.AE);', 'const big = this.skipIf(CC.A);'],
        ['0x5f000000, 0x43e00000', '0x5f000000, 0x43d00000'],
        ['this.jumpIf(CC.NE, overflow);', ''],
        ['this.ri(X.cmp_i8, 1, dst, 1);', 'this.ri(X.cmp_i8, 1, dst, 0);'],
      ],
      equivalent: [
        [
          'const least = this.skipIf(CC.B);',
          'const least = this.skipIf(CC.BE);',
          'zero, which alone makes the difference, is converted and has left before',
        ],
      ],
    },
    {
      file: 'src/arch/x64/masm-memory.ts',
      tests: MEMORY,
      changes: [
        ['this.rr(X.add_rm, 1, SCRATCH, index);', 'this.rr(X.add_rm, 0, SCRATCH, index);'],
        ['this.constant(SCRATCH, 0, offset | 0, 0);', 'this.constant(SCRATCH, 1, offset | 0, offset >> 31);'],
        ['op === LoadOp.I64 || op === LoadOp.I64_8S ||', 'op === LoadOp.I64 ||'],
        ['this.rx(STORES[op], op === StoreOp.Int64 ? 1 : 0', 'this.rx(STORES[op], 0'],
      ],
    },
    {
      file: 'src/arch/x64/masm-constants.ts',
      tests: ['test/unit/arch/x64/constants.test.ts'],
      changes: [
        ['words[at + 2] === w2 && words[at + 3] === w3)', 'words[at + 2] === w2)'],
        ['while ((this.at & 15) !== 0)', 'while ((this.at & 7) !== 0)'],
        ['this.poolHash[this.poolPlaces[i]] = 0;', ''],
      ],
    },
    {
      file: 'src/arch/x64/masm-atomic.ts',
      tests: ['test/unit/arch/masm-atomic.test.ts'],
      changes: [
        ['if (op === AtomicOp.Sub) this.r(X.neg, wide, RAX);', ''],
        ['this.rr(X.mov_rm, wide, RAX, expected);', 'this.rr(X.mov_rm, 1, RAX, expected);'],
        ['if (width === AtomicWidth.W8) this.rr', 'if (false) this.rr'],
      ],
    },
    {
      file: 'src/arch/x64/masm.ts',
      tests: FUNCTIONS,
      changes: [
        ['this.readInt32(field) - start', 'this.readInt32(field)', { tests: APPENDED }],
        [
          'this.ri(X.cmp_i32, 1, SCRATCH, -probes * PROBE);',
          'this.ri(X.cmp_i32, 1, SCRATCH, -(probes - 1) * PROBE);',
          { tests: ['test/unit/arch/x64/labels.test.ts'] },
        ],
        [
          'for (let i = 1; i <= probes; i++)',
          'for (let i = 1; i < probes; i++)',
          { tests: ['test/unit/arch/x64/labels.test.ts'] },
        ],
        ['this.jumpIf(CC.E, uninitialized);', ''],
        ['if (typeId === -1) return;', 'return;'],
        ['this.exchange(RDX, RSI);', 'this.move(RDX, RSI);'],
        ['if (reg !== RSP && reg !== base)', 'if (reg !== RSP)'],
      ],
    },
    {
      file: 'src/arch/masm/check-plan.ts',
      tests: ['test/unit/arch/check-plan.test.ts'],
      changes: [
        ["check(new Set(pools).size === pools.length, 'the pools overlap');", ''],
        ['argInts.every((reg) => operandInts.includes(reg)) &&', ''],
        ['argInts.length >= BUILTIN_ARGUMENTS', 'argInts.length >= BUILTIN_ARGUMENTS - 1'],
        ['signalArguments.every((reg, i) => argInts[i] === reg)', 'true'],
        ["check(pinnedInts.includes(plan.callTemp), 'callTemp is not for locals');", ''],
      ],
    },
    {
      file: 'src/compile/baseline/parallel-move.ts',
      tests: ['test/unit/compile/baseline/moves.test.ts'],
      changes: [
        ['|| readers[dst] > 0) continue;', ') continue;'],
        ['if (regs[k] === src) {', 'if (false) {'],
        ['from[k] = src;\n        readers[src]++;', 'from[k] = src;'],
        ['if (src === dst) continue;', ''],
      ],
    },
    {
      file: 'src/compile/baseline/comparisons.ts',
      tests: OPERANDS,
      slow: true,
      changes: [
        ['[Cond.Eq, Cond.Ne, Cond.GtS, Cond.GtU,', '[Cond.Eq, Cond.Ne, Cond.GeS, Cond.GtU,'],
        ['k.negated = !k.negated;', 'k.negated = true;'],
        ['const first = k.negated ? b : a;', 'const first = a;'],
        ['if (k.negated !== inverted)', 'if (k.negated || inverted)'],
      ],
    },
    {
      file: 'src/compile/baseline/wide-arithmetic.ts',
      tests: ['test/fuzz/differential.test.ts'],
      only: 'wideArithmetic',
      slow: true,
      changes: [
        [
          'const hi = o.acquireOwn(first + 1);',
          'const hi = o.acquire(first + 1);',
          { tests: ['test/listings/listings.test.ts'], only: 'wide' },
        ],
        [
          '(o.lo[first + 3] | o.hi[first + 3]) === 0',
          'o.lo[first + 3] === 0',
          { tests: ['test/migrate/emitted.test.ts'], only: 'wide arithmetic: run' },
        ],
        ['if (isIn(b, dividend)) [a, b] = [b, a];', ''],
        ['if (rhs !== divideClobber) o.evict(divideClobber);', ''],
        ['const rhsLo = o.acquire(first + 2);', 'const rhsLo = o.acquire(first);'],
      ],
    },
    {
      file: 'src/compile/baseline/integers.ts',
      tests: OPERANDS,
      slow: true,
      changes: [
        ['op !== IntOp.Sub &&', ''],
        ['o.isConst(at) && (wide === 0 || o.hi[at] === o.lo[at] >> 31);', 'o.isConst(at);'],
        ['o.isConst(rhs) && (wide === 0 || o.hi[rhs] === 0) ? o.lo[rhs] : 0', 'o.isConst(rhs) ? o.lo[rhs] : 0'],
        [
          'if (kind === Kind.Const || kind === Kind.Reg) {\n    o.types[top] = ValType.I64;\n    o.hi[top] = 0;',
          'if (kind === Kind.Const || kind === Kind.Reg) {\n    o.types[top] = ValType.I64;\n    o.hi[top] = o.lo[top] >> 31;',
        ],
        ['const count = o.lo[rhs] & (wide ? 63 : 31);', 'const count = o.lo[rhs] & 63;'],
        ['o.lo[rhs] === divideClobber)) o.evict', 'false)) o.evict'],
      ],
      equivalent: [
        [
          '&& lhs > c.control.height()',
          '',
          'code is compiled only where it is reached, so an addition has both of its operands in the block',
        ],
      ],
    },
    {
      file: 'src/compile/baseline/memory-access.ts',
      tests: ['test/spec/memory-edges.test.ts'],
      slow: true,
      changes: [
        ['const sum = (o.lo[at] >>> 0) + c.access.offset;', 'const sum = o.lo[at] + c.access.offset;'],
        ['const sum = (o.hi[at] >>> 0) * FOUR_GIB + (o.lo', 'const sum = (o.lo'],
        ['masm.branch(Cond.LtU, c.traps.label(TRAP_MEMORY));', ''],
        ['masm.select(Cond.LtU, size, address, size);', 'masm.move(size, address);'],
        ['masm.select(Cond.LtU, sum, address, sum);', 'masm.move(sum, address);'],
        ['masm.select(Cond.GtS, sum, masm.scratch, sum);', ''],
        ['masm.select(Cond.GtS, sum, masm.scratch, sum);', 'masm.select(Cond.GtU, sum, masm.scratch, sum);'],
        ['masm.binaryImm(IntOp.Sub, 1, limit, limit, width);', 'masm.binaryImm(IntOp.Sub, 1, limit, limit, 1);'],
        ['masm.scratch, limit, WASM_PAGE);', 'masm.scratch, limit, 0);'],
      ],
      equivalent: [
        [
          'if (c.access.offset >= MEMORY64_END) {',
          'if (false) {',
          'the sum of any address and such an offset is above the size of the memory, or wraps, and traps as well',
        ],
      ],
    },
    {
      file: 'src/compile/baseline/tail-calls.ts',
      tests: ['test/migrate/tail-calls.test.ts'],
      slow: true,
      changes: [
        ['if (slots > c.ownLayout.slots && slots > c.environment.tailSlots)', 'if (slots > c.ownLayout.slots + 1)'],
        ['masm.branch(Cond.Ne, elsewhere);', ''],
        ['copyStackArguments(c, layout, first, 0);', ''],
      ],
    },
    {
      file: 'src/compile/baseline/control.ts',
      tests: ['test/unit/compile/baseline/pins.test.ts'],
      slow: true,
      changes: [
        ['operands.pins.store(~this.validAt[at]);', ''],
        ['this.cleanAt[at] &= this.operands.pins.clean;', ''],
        ['if (this.kinds[at] === Block.Loop) operands.pins.load(-1);', 'if (false) operands.pins.load(-1);'],
      ],
    },
    {
      file: 'src/compile/convention/call-layout.ts',
      tests: ['test/unit/compile/convention/call-layout.test.ts'],
      changes: [
        ['slots += slotsOf(params[i]);', 'slots += 1;'],
        ['slots += slotsOf(results[i]);', 'slots += 1;'],
        ['results.length > 1 ? results.length : 0', 'results.length'],
        ['floats < plan.argFloats.length', 'floats <= plan.argFloats.length'],
      ],
    },
    {
      file: 'src/compile/stubs/host-call.ts',
      tests: LINKED_RUN,
      changes: [
        ['frame + 8 + 8 * i', 'frame + 8 * i'],
        ['return (8 * slots + 15) & ~15;', 'return 8 * slots;'],
        ['masm.adjustSp(-areaSize(slots));', ''],
        ['masm.loadGlobal(Width.Int64, instance, thread + TH_GUEST_INSTANCE);', ''],
      ],
    },
    {
      file: 'src/compile/stubs/guest-entry.ts',
      tests: ['test/unit/compile/baseline/edges.test.ts'],
      only: 'entered with',
      changes: [
        ['masm.adjustSp(-area);', '', { open: true }],
        [
          'masm.storeSlot(Width.Int64, instance, 8 * (layout.paramSlots[i] + half));',
          'masm.storeSlot(Width.Int64, instance, 8 * (layout.paramSlots[i] + half + 1));',
        ],
        [
          'masm.loadSlot(width, instance, 8 * (layout.resultSlots[i] + half));',
          'masm.loadSlot(width, instance, 8 * half);',
        ],
        [
          'masm.loadField(Width.Int32, callTemp, argInts[0], FN_TRAMPOLINE);',
          'masm.loadField(Width.Int32, callTemp, argInts[0], 0);',
          { tests: RUN },
        ],
      ],
    },
    {
      file: 'src/compile/stubs/blocking-syscall.ts',
      tests: ['test/unit/compile/stubs/blocking-syscall.test.ts'],
      changes: [
        ['masm.branch(Cond.Ne, stopped);', ''],
        ['masm.plan.resultInt, 1, -EINTR, -1', 'masm.plan.resultInt, 1, -EINTR, 0'],
        ['const end = masm.offset;\n  masm.jump(done);', 'masm.jump(done);\n  const end = masm.offset;'],
      ],
    },
    {
      file: 'src/compile/link/constants.ts',
      tests: ['test/unit/compile/link/constants.test.ts'],
      changes: [
        ['BigInt(lo >>> 0)', 'BigInt(lo)'],
        ["op === 'sub' ? a - b", "op === 'sub' ? b - a"],
        ['type === ValType.I32 ? 0 : Number(', 'type === ValType.I32 ? -1 : Number('],
        ['Number(BigInt.asIntN(32, value >> 32n))', '0'],
      ],
    },
    {
      file: 'src/compile/link/imports.ts',
      tests: IMPORTS,
      changes: [
        ['if (found.mutable !== wanted.mutable) return false;', ''],
        ['|| actual.min < wanted.min', ''],
        ['&& memory.pageSize === pageSize', '', { tests: ['test/unit/wasm/page-sizes.test.ts'] }],
        [
          'actual.max !== undefined && actual.max <= wanted.max',
          'actual.max === undefined || actual.max <= wanted.max',
        ],
        ['return same && limitsMatch(table, wanted.table);', 'return limitsMatch(table, wanted.table);'],
        ['|| INTERNAL.has(entry.name)', ''],
        ['memory.shared === shared &&', ''],
        ['actual.address !== wanted.address ||', ''],
        ['for (let i = instances.length - 1; i > 0; i--)', 'for (let i = 1; i < instances.length; i++)'],
        [
          'const [instance, index] = definition(provider, found.kind, found.index);',
          'const [instance, index] = [provider.index, found.index];',
        ],
        [
          'return sameFuncType(module.types[module.tags[found.index]], importer.types[wanted.typeIndex]);',
          'return true;',
        ],
      ],
    },
    {
      file: 'src/compile/link/data-layout.ts',
      tests: ['test/unit/compile/link/many-memories.test.ts'],
      changes: [
        ['if (bytes > MAX_RESERVED) {', 'if (false) {'],
        [
          'for (const memory of module.memories.slice(module.importedMemoryCount))',
          'for (const memory of module.memories)',
        ],
        [
          'return address === ValType.I64 ? FLAG_INDEX64 : 0;',
          'return 0;',
          { tests: ['test/unit/compile/link/linked-run.test.ts'] },
        ],
      ],
    },
    {
      file: 'src/compile/link/finish-data.ts',
      tests: LINKED_RUN,
      changes: [
        [
          'data.pointer(record + FN_INSTANCE, layouts[owner].start);',
          'data.pointer(record + FN_INSTANCE, layouts[index].start);',
          { open: true },
        ],
        ['data.u64(record + SEG_LENGTH, end - start);', 'data.u64(record + SEG_LENGTH, end - start - 1);'],
        ['data.u32(record + FN_TYPE, typeId);', 'data.u32(record + FN_TYPE, 0);'],
        [
          'data.pointer(record + SEG_BYTES, at);\n      data.u64(record + SEG_LENGTH, end - start);\n      at += (end - start + 7) & ~7;',
          'data.pointer(record + SEG_BYTES, at);\n      data.u64(record + SEG_LENGTH, end - start);\n      at += end - start;',
        ],
      ],
    },
    {
      file: 'src/compile/link/image-file.ts',
      tests: ['test/unit/compile/link/file.test.ts'],
      changes: [
        [
          'if (trap.length === 1) for (let i = 0; i < length; i += 3)',
          'if (trap.length === 1) for (let i = 3; i < length; i += 3)',
        ],
        ['loadSegment(PF_R | PF_X, textStart, text.length)', 'loadSegment(PF_R | PF_W | PF_X, textStart, text.length)'],
        ['data.u64(DATA_START + RT_TEXT_FILE, textStart);', ''],
        ['  flags: PF_R | PF_W,\n  fileOffset: 0', '  flags: PF_R | PF_W | PF_X,\n  fileOffset: 0'],
      ],
    },
    {
      file: 'src/compile/link/text-builder.ts',
      tests: ['test/unit/compile/amplification.test.ts'],
      slow: true,
      changes: [
        ['this.masm.codeLimit = outputLimits(wasmSize).codeBytes;', ''],
        [
          'const area = areaSize(Math.max(layout.slots, this.tailSlots));',
          'const area = areaSize(layout.slots);',
          { tests: ['test/migrate/tail-calls.test.ts'] },
        ],
        ['tailSlots: isHost ? 0 : this.tailSlots,', 'tailSlots: 0,', { tests: ['test/migrate/tail-calls.test.ts'] }],
      ],
    },
  ],
};

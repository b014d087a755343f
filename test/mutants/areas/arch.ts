/** The CPUs: encodings, labels and literals, the macro-assemblers of both. */

import type { Area } from '../mutant.js';

const ARM64_LABELS = ['test/unit/arch/arm64/labels.test.ts'];
const INTEGERS = ['test/unit/arch/masm-integers.test.ts'];
const FLOATS = ['test/unit/arch/masm-floats.test.ts'];
const MEMORY = ['test/unit/arch/masm-memory.test.ts'];
const FUNCTIONS = ['test/unit/arch/masm-functions.test.ts'];
const LISTINGS = ['test/listings/listings.test.ts'];
const APPENDED = ['test/unit/arch/append-code.test.ts'];

export const arch: Area = {
  name: 'arch',
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
        ['this.fixups[fixup] = RESOLVED;', '', { slow: true }],
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
        ['if (this.literalCount === MAX_LITERALS) this.literalDeadline = at;', '', { slow: true }],
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
        ['bind(label: Label): void {\n    this.storeEnd = -1;', 'bind(label: Label): void {'],
        [' || this.storedSlot !== slot', ''],
        [' || this.storedWidth !== width', ''],
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
        ['- Math.floor((this.imageStart + at) / PAGE)', '- Math.floor(imageStart / PAGE)', { tests: APPENDED }],
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
        ['bind(label: Label): void {\n    this.storeEnd = -1;', 'bind(label: Label): void {'],
        [' || this.storedSlot !== slot', ''],
        [' || this.storedWidth !== width', ''],
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
        ['this.readInt32(field) - distance', 'this.readInt32(field)', { tests: APPENDED }],
        ['start + this.imageStart - imageStart', 'start', { tests: APPENDED }],
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
  ],
};

/** Functions, calls, jump tables, records and stub primitives of the macro-assemblers, run natively or emulated. */

import { expect } from 'vitest';
import {
  Cond,
  FLOAT_BASE,
  frameSizeFor,
  IntOp,
  type Label,
  type MacroAssembler,
  type Reg,
  Width,
} from '../../../src/arch/masm/masm.js';
import * as layout from '../../support/layout.js';
import { type Case, onEach, REGION } from './native-cases.js';

const ROWS = Array.from({ length: 12 }, (_, i) => [i < 10 ? BigInt(i) : i === 10 ? 0xffffffffn : 0x80000000n, 5n]);

/** Emits a body that is jumped over, as the callee of what follows. */
function callee(masm: MacroAssembler, body: () => void): number {
  const over = masm.newLabel();
  masm.jump(over);
  const start = masm.offset;
  body();
  masm.bind(over);
  return start;
}

onEach('jump tables', ({ run }) => {
  const cases: Case[] = [];
  for (const count of [1, 2, 3, 8])
    for (const index of [0, 7, 5, 13])
      for (const backward of [false, true])
        cases.push({
          name: `jumpTable of ${count} by ${index}${backward ? ' backward' : ''}`,
          inputs: [[index, Width.Int32]],
          emit: (masm) => {
            const labels = new Int32Array(count).map(() => masm.newLabel());
            const [end, start] = [masm.newLabel(), masm.newLabel()];
            const targets = () => {
              labels.forEach((label, i) => {
                masm.bind(label);
                masm.constant(3, 0, 100 + i, 0);
                masm.jump(end);
              });
            };
            masm.jump(start);
            if (backward) targets();
            masm.bind(start);
            masm.jumpTable(index, labels, count);
            if (!backward) targets();
            masm.bind(end);
          },
          result: 3,
          width: Width.Int32,
          rows: ROWS,
          expect: ([i]) => 100n + (i! < BigInt(count) ? i! : BigInt(count - 1)),
          clobbers: [index],
        });
  expect(run(cases)).toEqual([]);
});

onEach('frames and calls', ({ run, target: { plan } }) => {
  const cases: Case[] = [];
  for (const bytes of [0, 8, 120, 128, 136, 4096, 65536, 65544, 131072, 200000, 262144, 400000, 1 << 20, 3 << 20]) {
    const size = frameSizeFor(plan, bytes);
    const pushed = plan.linkRegister < FLOAT_BASE ? 8 : 0; // the return address: by enter, or by the call
    for (const how of ['call', 'callReg', 'jumpTo'] as const)
      cases.push({
        name: `${how} with a frame of ${size}`,
        inputs: [[2, Width.Int64]],
        emit: (masm) => {
          const target = callee(masm, () => {
            masm.move64Sp(6);
            masm.enter(size);
            masm.move64Sp(7);
            if (size >= 8) masm.storeSlot(Width.Int64, 2, 0);
            if (size >= 16) masm.storeSlot(Width.Int64, 2, size - 8);
            masm.binary(IntOp.Sub, 1, 0, 6, 7);
            masm.leave(size);
            masm.ret();
          });
          if (how === 'call') masm.patchCall(masm.call(), target);
          else if (how === 'callReg') {
            masm.address(13, masm.imageStart + target);
            masm.callReg(13);
          } else {
            const thunk = callee(masm, () => masm.patchJump(masm.jumpTo(), target));
            masm.patchCall(masm.call(), thunk);
          }
        },
        result: 0,
        width: Width.Int64,
        rows: ROWS,
        expect: () => BigInt(size + pushed),
        clobbers: [6, 7, 13],
      });
  }
  expect(run(cases)).toEqual([]);
});

onEach('records', ({ run, target: { plan } }) => {
  const RECORD = REGION + 256;
  const TABLE = REGION + 320;
  const ELEMENTS = REGION + 384;
  const INSTANCE = REGION + 448;
  const prepare = (masm: MacroAssembler, target: number) => {
    const put = (at: number, imageOffset: number) => {
      masm.address(masm.scratch, imageOffset);
      masm.storeGlobal(Width.Int64, masm.scratch, at);
    };
    put(RECORD + layout.FN_CODE, masm.imageStart + target);
    put(RECORD + layout.FN_INSTANCE, INSTANCE);
    masm.storeGlobalConstant(Width.Int32, RECORD + layout.FN_TYPE, 4242);
    put(TABLE + layout.TAB_BASE, ELEMENTS);
    masm.storeGlobalConstant(Width.Int64, TABLE + layout.TAB_LENGTH, 4);
    for (let i = 0; i < 4; i++) masm.storeGlobalConstant(Width.Int64, ELEMENTS + 8 * i, 0);
    put(ELEMENTS + 8 * 2, RECORD);
    masm.storeGlobalConstant(Width.Int64, INSTANCE + layout.INST_MEMORY_BASE, 0x1234);
  };
  const cases: Case[] = [];
  for (const [record, table, index] of [
    [13, 0, 2],
    [0, 0, 2],
    [2, 0, 2],
    [6, 13, 5],
    [12, 8, 11],
  ] as const)
    for (const typeId of [4242, 100, -1])
      cases.push({
        name: `loadTableRecord ${record} <- ${table}[${index}] of type ${typeId}`,
        inputs: [[index, Width.Int32]],
        emit: (masm) => {
          const target = callee(masm, () => {
            masm.binaryImm(IntOp.Add, 1, 9, masm.plan.memoryBase, 1);
            masm.ret();
          });
          prepare(masm, target);
          masm.address(table, TABLE);
          const labels = [masm.newLabel(), masm.newLabel(), masm.newLabel()] as [Label, Label, Label];
          const end = masm.newLabel();
          masm.loadTableRecord(record, table, index, typeId, ...labels);
          masm.callRecord(record);
          masm.address(masm.scratch, INSTANCE);
          masm.compare(1, masm.scratch, masm.plan.instance);
          masm.branch(Cond.Eq, end);
          labels.forEach((label, i) => {
            masm.bind(label);
            masm.constant(9, 0, i, 0);
            masm.jump(end);
          });
          masm.bind(end);
        },
        result: 9,
        width: Width.Int64,
        rows: ROWS,
        expect: ([i]) => (i! >= 4n ? 0n : i !== 2n ? 1n : typeId === 100 ? 2n : 0x1235n),
        clobbers: [record, table, index, plan.instance, plan.memoryBase],
      });
  expect(run(cases)).toEqual([]);
});

onEach('stub primitives', ({ run, kept, scratch, target: { plan, hostConstants } }) => {
  const cases: Case[] = [];
  const common = { inputs: [[2, Width.Int64]] as const, result: 0, width: Width.Int64, rows: ROWS };
  for (const delta of [8, 120, 128, 136, 4096])
    cases.push({
      ...common,
      name: `adjustSp ${delta}`,
      emit: (masm) => {
        masm.move64Sp(6);
        masm.adjustSp(-delta);
        masm.move64Sp(7);
        masm.adjustSp(delta - 8);
        masm.adjustSp(8);
        masm.move64Sp(8);
        masm.setSp(6);
        masm.binary(IntOp.Sub, 1, 0, 8, 7);
      },
      expect: () => BigInt(delta),
      clobbers: [6, 7, 8],
    });
  // Copies all but 3 bytes of what was filled, and looks at a word that is copied whole or the one with the end of the
  // copy.
  const copied = (length: number) => [...new Set([0, (length - 3) & ~7])];
  for (const [length, word] of [3, 4, 8, 19, 20, 36, 40].flatMap((n) => copied(n).map((at) => [n, at] as const)))
    cases.push({
      ...common,
      name: `copyBytes, fillBytes of ${length}: word ${word}`,
      emit: (masm) => {
        const [to, from, count] = masm.copyRegisters as [Reg, Reg, Reg];
        const [start, value, size] = masm.fillRegisters as [Reg, Reg, Reg];
        masm.storeGlobalConstant(Width.Int64, REGION + 128 + word, 0);
        masm.move(3, 2);
        masm.address(start, REGION + 32);
        masm.move(value, 3);
        masm.constant(size, 0, length, 0);
        masm.fillBytes();
        masm.address(from, REGION + 32);
        masm.address(to, REGION + 128);
        masm.constant(count, 0, length - 3, 0);
        masm.copyBytes();
        masm.loadGlobal(Width.Int64, 0, REGION + 128 + word);
      },
      expect: ([a]) => {
        const bytes = Math.min(8, length - 3 - word);
        return (a! & 0xffn) * (0x0101010101010101n & ((1n << BigInt(8 * bytes)) - 1n));
      },
      clobbers: [0, 1, 2, 3, 6, 7],
    });
  // What the C ABI passes first, second and third becomes our first three arguments.
  const fromKernel = hostConstants.ARCH === 1 ? [7, 6, 2] : [0, 1, 2];
  for (const [n, argument] of plan.argInts.slice(0, 3).entries())
    cases.push({
      ...common,
      name: `signalArguments: number ${n}`,
      emit: (masm) => {
        fromKernel.forEach((reg, i) => {
          masm.constant(reg, 0, 100 + i, 0);
        });
        masm.signalArguments();
        masm.move(9, argument);
      },
      result: 9,
      expect: () => BigInt(100 + n),
      clobbers: [0, 1, 2, 6, 7],
    });
  cases.push({
    ...common,
    name: 'jumpReg, jumpField',
    emit: (masm) => {
      const target = callee(masm, () => {
        masm.constant(0, 0, 9, 0);
        masm.ret();
      });
      const byField = callee(masm, () => {
        masm.address(13, masm.imageStart + target);
        masm.storeGlobal(Width.Int64, 13, REGION + 40);
        masm.address(13, REGION);
        masm.jumpField(13, 40);
      });
      const byReg = callee(masm, () => {
        masm.address(13, masm.imageStart + byField);
        masm.jumpReg(13);
      });
      masm.patchCall(masm.call(), byReg);
    },
    expect: () => 9n,
    clobbers: [13],
  });
  // All registers from a block, in a callee that then looks at one of them, and comes back by the restored sp.
  const general = [
    ...kept.filter((reg) => reg < FLOAT_BASE),
    ...(plan.linkRegister < FLOAT_BASE ? [plan.linkRegister] : []),
  ];
  for (const base of [scratch[0]!, 0, 5, 12, 13, 15])
    for (const seen of [0, 1, 2, 5, 6, 12, 15, 32, 39, 47])
      cases.push({
        ...common,
        name: `restoreContext by ${base}, register ${seen}`,
        emit: (masm) => {
          // Spills all of the registers to their own places first, changes one, and loads them back.
          const target = callee(masm, () => {
            const to = seen === 0 ? 0 : masm.plan.resultInt;
            if (seen >= 32) masm.convert(11, to, seen);
            else masm.move(to, seen);
            masm.ret();
          });
          const restore = callee(masm, () => {
            const at = REGION + 512;
            for (const reg of general) masm.storeGlobal(Width.Int64, reg, at + layout.CTX_GENERAL + 8 * reg);
            masm.move64Sp(masm.scratch);
            masm.storeGlobal(Width.Int64, masm.scratch, at + layout.CTX_GENERAL + 8 * hostConstants.SP_REGISTER!);
            masm.storeGlobal(Width.Int64, masm.scratch, at + layout.CTX_SP);
            for (const reg of kept.filter((reg) => reg >= FLOAT_BASE))
              masm.storeGlobal(Width.F64, reg, at + layout.CTX_FLOAT + 16 * (reg - FLOAT_BASE));
            masm.storeGlobal(
              Width.Int64,
              2,
              at + (seen >= 32 ? layout.CTX_FLOAT + 16 * (seen - 32) : layout.CTX_GENERAL + 8 * seen),
            );
            masm.address(masm.scratch, masm.imageStart + target);
            masm.storeGlobal(Width.Int64, masm.scratch, at + layout.CTX_PC);
            if (seen === 1) masm.storeGlobal(Width.Int64, 2, at + layout.CTX_GENERAL + 8);
            masm.address(base, at);
            masm.restoreContext(base);
          });
          masm.patchCall(masm.call(), restore);
        },
        expect: ([a]) => a!,
        clobbers: [seen],
      });
  cases.push({
    ...common,
    name: 'syscall getppid',
    emit: (masm) => {
      masm.constant(masm.syscallRegisters[0]!, 0, hostConstants.ARCH === 1 ? 110 : 173, 0);
      masm.syscall();
    },
    expect: () => BigInt(process.pid),
    clobbers: [8, 11],
  });
  expect(run(cases)).toEqual([]);
});

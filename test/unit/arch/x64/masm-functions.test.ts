/** Functions, calls, jump tables, records and stub primitives of the x64 macro-assembler, run natively. */

import { expect, test } from 'vitest';
import { Cond, IntOp, type Label, type Reg, Width } from '../../../../src/arch/masm.js';
import type { X64MacroAssembler } from '../../../../src/arch/x64/masm.js';
import { x64 } from '../../../../src/arch/x64/target.js';
import * as layout from '../../../../src/runtime/layout.js';
import { type Case, canRun, REGION, run } from './native-cases.js';

const native = test.skipIf(!canRun);
const ROWS = Array.from({ length: 12 }, (_, i) => [i < 10 ? BigInt(i) : i === 10 ? 0xffffffffn : 0x80000000n, 5n]);

/** Emits a body that is jumped over, as the callee of what follows. */
function callee(masm: X64MacroAssembler, body: () => void): number {
  const over = masm.newLabel();
  masm.jump(over);
  const start = masm.offset;
  body();
  masm.bind(over);
  return start;
}

native('jump tables', () => {
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

native('frames and calls', () => {
  const cases: Case[] = [];
  for (const size of [0, 8, 120, 128, 136, 4096, 65536, 65544, 131072, 200000, 262144, 400000, 1 << 20, 3 << 20]) {
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
        expect: () => BigInt(size),
        clobbers: [6, 7, 13],
      });
  }
  expect(run(cases)).toEqual([]);
});

test('probes touch each 64 KiB from the top down, then the frame is made', () => {
  const code = (size: number) => {
    const masm = x64.createAssembler();
    masm.enter(size);
    return Buffer.from(masm.code()).toString('hex');
  };
  expect(code(65536)).toBe('4881ec00000100'); // sub rsp, 65536: a call behind it touches near enough to the last one
  expect(code(200000)).toBe(
    ['85842400 00ffff', '85842400 00feff', '85842400 00fdff', '4881ec40 0d0300'].join('').replaceAll(' ', ''),
  );
  expect(layout.STACK_GUARD).toBeGreaterThanOrEqual(2 * 65536);
});

native('records', () => {
  const RECORD = REGION + 256;
  const TABLE = REGION + 320;
  const ELEMENTS = REGION + 384;
  const INSTANCE = REGION + 448;
  const prepare = (masm: X64MacroAssembler, target: number) => {
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
        clobbers: [record, table, index, 14, 15],
      });
  expect(run(cases)).toEqual([]);
});

native('stub primitives', () => {
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
  cases.push({
    ...common,
    name: 'copyBytes, fillBytes',
    emit: (masm) => {
      const [to, from, count] = masm.copyRegisters as [Reg, Reg, Reg];
      const [start, value, size] = masm.fillRegisters as [Reg, Reg, Reg];
      masm.address(start, REGION + 32);
      masm.move(value, 2);
      masm.constant(size, 0, 8, 0);
      masm.fillBytes();
      masm.storeGlobalConstant(Width.Int64, REGION + 64, 0);
      masm.address(from, REGION + 32);
      masm.address(to, REGION + 64);
      masm.constant(count, 0, 3, 0);
      masm.copyBytes();
      masm.loadGlobal(Width.Int64, 0, REGION + 64);
    },
    expect: ([a]) => (a! & 0xffn) * 0x010101n,
    clobbers: [6, 7],
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
  for (const base of [1, 0, 5, 12, 13, 15])
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
            for (let reg = 0; reg < 16; reg++)
              if (reg !== 1) masm.storeGlobal(Width.Int64, reg, at + layout.CTX_GENERAL + 8 * reg);
            for (let n = 0; n < 16; n++) masm.storeGlobal(Width.F64, 32 + n, at + layout.CTX_FLOAT + 16 * n);
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
      masm.constant(masm.syscallRegisters[0]!, 0, 110, 0);
      masm.syscall();
    },
    expect: () => BigInt(process.pid),
    clobbers: [11],
  });
  expect(run(cases)).toEqual([]);
});

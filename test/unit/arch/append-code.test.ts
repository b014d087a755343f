/** Code that is made apart and appended is the code that would have been emitted there. */

import { expect, test } from 'vitest';
import { arm64 } from '../../../src/arch/arm64/target.js';
import { CodeReferences } from '../../../src/arch/masm/code-references.js';
import { FLOAT_BASE, type MacroAssembler, Width } from '../../../src/arch/masm/masm.js';
import { x64 } from '../../../src/arch/x64/target.js';

const IMAGE_START = 3 << 20;

/** Refers to DATA and to code before it, near and far. */
function emit(masm: MacroAssembler): void {
  const { operandInts } = masm.plan;
  for (const imageOffset of [0x1000, 0x1234, IMAGE_START - 16]) {
    masm.address(operandInts[0], imageOffset);
    masm.loadGlobal(Width.Int64, operandInts[1], imageOffset & ~7);
    masm.loadGlobal(Width.F32, FLOAT_BASE, imageOffset & ~7);
    masm.storeGlobal(Width.Int32, operandInts[1], imageOffset & ~7);
    masm.storeGlobal(Width.F64, FLOAT_BASE, imageOffset & ~7);
    masm.storeGlobalConstant(Width.Int64, imageOffset & ~7, -3);
    for (const value of [0, 1000]) masm.compareGlobalImm(imageOffset & ~7, value);
  }
  for (const target of [0, 64, 0x8000]) {
    masm.patchCall(masm.call(), target);
    masm.patchCall(masm.callThunk(), target);
    masm.patchJump(masm.jumpTo(), target);
  }
  masm.ret();
}

test.each([
  ['x64', x64, 64],
  ['arm64', arm64, 64],
  ['arm64, where calls are far', arm64, 1 << 28],
] as const)('%s', (_name, target, textBytes) => {
  for (const distance of [0, 16, 4096 - 16, 5 << 20]) {
    const create = () => {
      const masm = target.createAssembler(64, undefined, textBytes);
      masm.imageStart = IMAGE_START;
      return masm;
    };
    const [whole, parts, piece] = [create(), create(), create()];
    piece.imageStart -= 5 << 16;
    for (const masm of [whole, parts]) masm.emitBytes(new Uint8Array(masm.settledFrom + distance));
    emit(whole);
    piece.references = new CodeReferences();
    emit(piece);
    parts.appendCode(piece.code(), piece.references.list(), piece.imageStart);
    expect(Buffer.compare(parts.code(), whole.code())).toBe(0);
  }
});

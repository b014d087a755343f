/** The window of a system call that may block: its end must be right after the system call instruction. */

import { describe, expect, it } from 'vitest';
import { x64 } from '../../../../src/arch/x64/target.js';
import { emitBlockingSyscall } from '../../../../src/compile/stubs/blocking-syscall.js';
import { RT_STOP_WANTED } from '../../../../src/image/contract/runtime-block.js';

describe('emitBlockingSyscall on x64', () => {
  const masm = x64.createAssembler();
  masm.imageStart = 0x20000;
  masm.align(16);
  const { start, end, exit } = emitBlockingSyscall({
    masm,
    runtimeBlock: 0x10000,
    thread: 0x10000,
    hostInstance: 0x11000,
  });
  const code = masm.code();

  it('checks, then enters the kernel, within the window', () => {
    expect(start).toBe(0);
    const displacement = new DataView(code.buffer, code.byteOffset).getInt32(2, true);
    expect(0x20000 + 7 + displacement).toBe(0x10000 + RT_STOP_WANTED);
    expect([...code.subarray(end - 2, end)]).toEqual([0x0f, 0x05]);
  });

  it('does not enter the kernel when a stop is wanted', () => {
    const branch = end - 2 - 6;
    expect([...code.subarray(branch, branch + 2)]).toEqual([0x0f, 0x85]); // jne rel32
    expect(end - 2 + new DataView(code.buffer, code.byteOffset).getInt32(branch + 2, true)).toBe(exit);
  });

  it('continues after both ways out', () => {
    expect(code[end]).toBe(0xe9); // jmp rel32
    expect(end + 5 + new DataView(code.buffer, code.byteOffset).getInt32(end + 1, true)).toBe(code.length);
    expect(exit).toBe(end + 5);
    expect([...code.subarray(exit)]).toEqual([0x48, 0xc7, 0xc0, 0xfc, 0xff, 0xff, 0xff]); // mov rax, -4
  });
});

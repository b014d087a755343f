/** x86-64 as the rest of the project sees it. */

import { CPU_AVX } from '../../image/contract/runtime-block.js';
import { checkedPlan } from '../masm/check-plan.js';
import type { Target } from '../masm/target.js';
import { plan } from './abi.js';
import { hostConstants } from './host-constants.js';
import { X64MacroAssembler } from './masm.js';
import { X64AvxMacroAssembler } from './masm-avx.js';
import { RAX, RDX, RSI } from './registers.js';
import { signalFrame } from './signal-frame.js';

export const x64: Target = {
  name: 'x64',
  elfMachine: 62, // EM_X86_64
  plan: checkedPlan(plan, [RAX, RDX, RSI]),
  signalFrame,
  cpuNeeds: 0,
  safepointTrap: new Uint8Array([0xcc]), // int3
  safepointPcBias: 1, // a trap, not a fault: the saved rip is past it
  hostConstants,
  nearText: Infinity,
  createAssembler: (initialBytes = 65536, usage = plan) => new X64MacroAssembler(initialBytes, usage),
};

/** With AVX. */
export const x64Avx: Target = {
  ...x64,
  cpuNeeds: CPU_AVX,
  createAssembler: (initialBytes = 65536, usage = plan) => new X64AvxMacroAssembler(initialBytes, usage),
};

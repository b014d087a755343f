/** AArch64 as the rest of the project sees it. */

import { checkedPlan } from '../masm/check-plan.js';
import type { Target } from '../masm/target.js';
import { plan } from './abi.js';
import { hostConstants } from './host-constants.js';
import { Arm64MacroAssembler, FAR_CALLS } from './masm.js';
import { X0, X1, X2 } from './registers.js';
import { signalFrame } from './signal-frame.js';

export const arm64: Target = {
  name: 'arm64',
  elfMachine: 183, // EM_AARCH64
  plan: checkedPlan(plan, [X0, X1, X2]),
  signalFrame,
  cpuNeeds: 0,
  safepointTrap: new Uint8Array([0x00, 0x00, 0x20, 0xd4]), // brk #0
  safepointPcBias: 0, // the saved pc is the instruction's own
  hostConstants,
  nearText: FAR_CALLS,
  createAssembler: (initialBytes = 65536, usage = plan, textBytes = initialBytes) =>
    new Arm64MacroAssembler(initialBytes, textBytes > FAR_CALLS, usage),
};

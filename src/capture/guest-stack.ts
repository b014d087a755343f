/** The guest's stack of a stopped process, and its frames: all of one that is parked, or of one that has trapped. */

import { targets } from '../arch/targets.js';
import { InputError } from '../base/errors.js';
import { STACK_MAX } from '../image/contract/sizes.js';
import { TH_PARK_CONTEXT, TH_STACK_LOW, TH_STACK_TOP } from '../image/contract/thread.js';
import { AT_NOTHING } from '../image/contract/traps.js';
import type { HeaderBudget } from '../snapshot/header-budget.js';
import { Frames } from '../snapshot/snapshot.js';
import { type LiftedStack, liftStack, liftTrappedStack, type StackBytes, type TrapPlace } from './lift.js';
import type { ImageProcess } from './process.js';
import { readRegisters } from './registers.js';

export interface GuestStack {
  /**
   * Makes frames of it. All that this needs has been read.
   *
   * @throws InputError 'damaged-process' when it is no stack that our code builds; LimitError
   */
  readonly lift: () => LiftedStack;
  /** Bytes of it in use. */
  readonly stackSize: number;
}

/**
 * @param trap where it has trapped; undefined of one that is parked at a safepoint
 * @throws InputError 'damaged-process' when it is not where a stack of ours is
 */
export function readGuestStack(process: ImageProcess, trap: TrapPlace | undefined, budget: HeaderBudget): GuestStack {
  if (trap?.place === AT_NOTHING) {
    const frames = new Frames([], new Uint32Array(0), new Uint32Array(0));
    const lifted = { frames, functionRows: [], referenceWords: [], exceptionWords: [] };
    return { lift: () => lifted, stackSize: 0 };
  }
  const { memory, thread, base, image } = process;
  const { sites, identity, arch } = image;
  const text = base + identity.text.imageOffset;
  const context = memory.address(thread + TH_PARK_CONTEXT);
  if (!trap) {
    const registers = readRegisters(memory, context, targets[arch]);
    const stack = readStack(process, registers.sp, 'its stack pointer is');
    const lift = () => liftStack(sites, text, registers, stack, targets[arch].plan.linkRegister, budget);
    return { lift, stackSize: stack.bytes.length };
  }
  const stack = readStack(process, trap.sp || trap.callerSp, 'it has trapped');
  // Processes of older images say of no context where they have trapped: registers are not known then.
  const registers = context === 0 ? undefined : readRegisters(memory, context, targets[arch]);
  const known = registers?.pc === trap.at ? registers : undefined;
  const lift = () => liftTrappedStack(sites, text, trap, stack, known, budget);
  return { lift, stackSize: stack.bytes.length };
}

/** From the stack pointer to the top. @param what of the message when that is no part of the stack */
function readStack({ memory, thread, pid }: ImageProcess, sp: number, what: string): StackBytes {
  const low = memory.address(thread + TH_STACK_LOW);
  const top = memory.address(thread + TH_STACK_TOP);
  if (sp < low || sp > top || sp % 8 !== 0 || top - low > STACK_MAX) {
    throw new InputError('damaged-process', `pid ${pid}: ${what} outside of the guest's stack`);
  }
  return { address: sp, bytes: memory.read(sp, top - sp) };
}

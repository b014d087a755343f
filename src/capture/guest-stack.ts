/** The guest's stack of a process that is parked or has trapped, and its frames. */

import { targets } from '../arch/targets.js';
import { InputError } from '../base/errors.js';
import { STACK_MAX } from '../image/contract/sizes.js';
import {
  PHASE_HOOK,
  TH_PARK_CONTEXT,
  TH_PHASE,
  TH_STACK_LOW,
  TH_STACK_TOP,
  TH_SUSPENDED_CONTEXT,
} from '../image/contract/thread.js';
import { AT_NOTHING } from '../image/contract/traps.js';
import type { HeaderBudget } from '../snapshot/header-budget.js';
import { Frames } from '../snapshot/snapshot.js';
import {
  type LiftedStack,
  liftStack,
  liftTrappedStack,
  type StackBytes,
  type SuspendedStack,
  type TrapPlace,
  withSuspended,
} from './lift.js';
import type { ImageProcess } from './process.js';
import { readRegisters, readSuspended } from './registers.js';

export interface GuestStack {
  /**
   * Lifts the stack's frames. Everything that this needs has been read from the process.
   *
   * @throws InputError 'damaged-process' when our code cannot have built the stack; LimitError
   */
  readonly lift: () => LiftedStack;
  /** Bytes of the stack that are in use. */
  readonly stackSize: number;
}

/**
 * @param trap the place of the trap; undefined when the process is parked at a safepoint
 * @throws InputError 'damaged-process' when the stack pointer is outside of the guest's stack
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
  const { linkRegister } = targets[arch].plan;
  const context = memory.address(thread + TH_PARK_CONTEXT);
  const suspended = readSuspendedStack(process);
  const end = suspended?.stack.address;
  const both = (inner: LiftedStack) =>
    suspended ? withSuspended(inner, sites, text, suspended, linkRegister, budget) : inner;
  const size = suspended?.stack.bytes.length ?? 0;
  if (!trap) {
    const registers = readRegisters(memory, context, targets[arch]);
    const stack = readStack(process, registers.sp, 'its stack pointer is', end);
    const lift = () => both(liftStack(sites, text, registers, stack, linkRegister, budget));
    return { lift, stackSize: size + stack.bytes.length };
  }
  const stack = readStack(process, trap.sp || trap.callerSp, 'it has trapped', end);
  // Processes of older images do not publish a trap's context: registers are then unknown.
  const registers = context === 0 ? undefined : readRegisters(memory, context, targets[arch]);
  const known = registers?.pc === trap.at ? registers : undefined;
  const lift = () => both(liftTrappedStack(sites, text, trap, stack, known, budget));
  return { lift, stackSize: size + stack.bytes.length };
}

/** The stack that continues when wag_snap_restored returns; undefined when it does not run. */
function readSuspendedStack(process: ImageProcess): SuspendedStack | undefined {
  const { memory, thread } = process;
  if (memory.u32(thread + TH_PHASE) !== PHASE_HOOK >>> 0) return undefined;
  const registers = readSuspended(memory, memory.address(thread + TH_SUSPENDED_CONTEXT));
  return { registers, stack: readStack(process, registers.sp, 'the stack above wag_snap_restored is') };
}

/** Reads the stack from the stack pointer to its end. @param what begins the error message @param end default: the top */
function readStack({ memory, thread, pid }: ImageProcess, sp: number, what: string, end?: number): StackBytes {
  const low = memory.address(thread + TH_STACK_LOW);
  const top = end ?? memory.address(thread + TH_STACK_TOP);
  if (sp < low || sp > top || sp % 8 !== 0 || top - low > STACK_MAX) {
    throw new InputError('damaged-process', `pid ${pid}: ${what} outside of the guest's stack`);
  }
  return { address: sp, bytes: memory.read(sp, top - sp) };
}

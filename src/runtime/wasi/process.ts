/** proc_exit, proc_raise, sched_yield and random_get: the calls that touch no descriptor. AssemblyScript. */

import { syscall } from '../native/native';
import {
  SYS_exit_group,
  SYS_getpid,
  SYS_getrandom,
  SYS_kill,
  SYS_rt_sigaction,
  SYS_sched_yield,
} from '../native/target';
import { EFAULT, EINVAL, ESUCCESS, SIGNAL_NONE, SIGNAL_SYS } from '../descriptors/abi';
import { aimAt, aimless } from '../process/protect';
import { errnoOf } from './errno';
import { guestRange } from './guest';
import { call, native } from '../descriptors/linux';

export function proc_exit(code: i32): void {
  syscall(SYS_exit_group, code, 0, 0, 0, 0, 0);
}

/** proc_exit for components (src/wasm/component/flatten-exit.ts): any code but 0 becomes 1. */
export function proc_exit_for_component(code: i32): void {
  proc_exit(code == 0 ? 0 : 1);
}

/** struct sigaction of the kernel: handler SIG_DFL, no flags, no restorer, empty mask. */
const DEFAULT: usize = memory.data<u64>([0, 0, 0, 0]);
const WASI_SIGCHLD: i32 = 16; // Linux has SIGSTKFLT before it
const CHLD: i32 = 17;
const URG: i32 = 23;
const TTOU: i32 = 22;
const WINCH: i32 = 28;

/** Whether a signal ends the process by default: it neither stops the process nor is ignored. */
function isDeadly(signal: i32): bool {
  return signal < CHLD || (signal > TTOU && signal != URG && signal != WINCH);
}

/**
 * Does to the process what the signal does by default: a wasm program has no handlers. Our own handler is removed
 * first.
 */
export function proc_raise(signal: i32): i32 {
  if (signal == SIGNAL_NONE) return ESUCCESS;
  if (<u32>signal > <u32>SIGNAL_SYS) return EINVAL;
  const number = signal < WASI_SIGCHLD ? signal : signal + 1;
  const deadly = isDeadly(number);
  if (deadly) syscall(SYS_rt_sigaction, number, native(DEFAULT), 0, 8, 0, 0); // fails for SIGKILL, as it may
  const result = syscall(SYS_kill, syscall(SYS_getpid, 0, 0, 0, 0, 0, 0), number, 0, 0, 0, 0);
  if (deadly) proc_exit(128 + number); // the first process of a container does not die of its own signals
  return errnoOf(result);
}

export function sched_yield(): i32 {
  return errnoOf(call(SYS_sched_yield, 0));
}

export function random_get(buffer: u32, length: u32): i32 {
  let to = guestRange(buffer, length);
  if (to == 0) return EFAULT;
  for (let left = <i64>length; left > 0; ) {
    aimAt(to, left);
    const bytes = call(SYS_getrandom, to, left, 0);
    aimless();
    if (bytes < 0) return errnoOf(bytes);
    to += bytes;
    left -= bytes;
  }
  return ESUCCESS;
}

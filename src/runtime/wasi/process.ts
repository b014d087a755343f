/** proc_exit, sched_yield and random_get: the calls that touch no descriptor. AssemblyScript. */

import { SYS_exit_group, SYS_getrandom, SYS_sched_yield, syscall } from '../native';
import { EFAULT, ESUCCESS } from './abi';
import { errnoOf } from './errno';
import { guestRange } from './guest';
import { call } from './linux';

export function proc_exit(code: i32): void {
  syscall(SYS_exit_group, code, 0, 0, 0, 0, 0);
}

export function sched_yield(): i32 {
  return errnoOf(call(SYS_sched_yield, 0));
}

export function random_get(buffer: u32, length: u32): i32 {
  let to = guestRange(buffer, length);
  if (to == 0) return EFAULT;
  for (let left = <i64>length; left > 0; ) {
    const bytes = call(SYS_getrandom, to, left, 0);
    if (bytes < 0) return errnoOf(bytes);
    to += bytes;
    left -= bytes;
  }
  return ESUCCESS;
}

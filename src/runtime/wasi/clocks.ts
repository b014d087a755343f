/**
 * clock_*: the guest's clocks.
 *
 * AssemblyScript. Linux has the same numbers for them: realtime 0, monotonic 1, CPU time of the process 2 and of the
 * thread 3. The guest's monotonic clock is Linux's plus HS_MONOTONIC_OFFSET, so that it never steps back when a
 * snapshot continues elsewhere.
 */

import { HS_MONOTONIC_OFFSET } from '../../image/contract/host-state';
import { call_c, store64 } from '../native/native';
import { SYS_clock_getres, SYS_clock_gettime } from '../native/target';
import { vdsoClock } from '../process/vdso';
import { CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME, EFAULT, EINVAL, ESUCCESS } from '../descriptors/abi';
import { STATE } from '../descriptors/table';
import { errnoOf } from './errno';
import { guestRange } from './guest';
import { call, native } from '../descriptors/linux';

const TIME: usize = memory.data(16, 8);

/** Nanoseconds of a struct timespec in the host layer's memory. */
function nanoseconds(timespec: usize): i64 {
  return load<i64>(timespec) * 1000000000 + load<i64>(timespec, 8);
}

/** A clock of the guest's, in nanoseconds. The vDSO tells those that continue by themselves, without a system call. */
export function now(clock: i32): i64 {
  if (vdsoClock != 0 && clock <= CLOCK_MONOTONIC) call_c(vdsoClock, clock, native(TIME));
  else call(SYS_clock_gettime, clock, native(TIME));
  const time = nanoseconds(TIME);
  return clock == CLOCK_MONOTONIC ? time + load<i64>(STATE, HS_MONOTONIC_OFFSET) : time;
}

export function clock_time_get(clock: u32, precision: i64, time: u32): i32 {
  if (clock > <u32>CLOCK_THREAD_CPUTIME) return EINVAL;
  const to = guestRange(time, 8);
  if (to == 0) return EFAULT;
  store64(to, now(clock));
  return ESUCCESS;
}

export function clock_res_get(clock: u32, resolution: u32): i32 {
  if (clock > <u32>CLOCK_THREAD_CPUTIME) return EINVAL;
  const to = guestRange(resolution, 8);
  if (to == 0) return EFAULT;
  const result = call(SYS_clock_getres, clock, native(TIME));
  if (result < 0) return errnoOf(result);
  store64(to, nanoseconds(TIME));
  return ESUCCESS;
}

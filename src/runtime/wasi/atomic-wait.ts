/**
 * memory.atomic.wait32 and wait64, called by guest code through stubs (compile/convention/environment.ts BUILTINS).
 *
 * AssemblyScript. There is one thread, so nobody will notify: a wait whose expected value matches lasts until its
 * timeout, possibly for ever. A wait that a stop ends is undone and made again, like poll_oneoff: HS_PENDING_TIMEOUT
 * keeps its deadline on the guest's monotonic clock.
 */

import { HS_PENDING_TIMEOUT } from '../../image/contract/host-state';
import { MEM_BASE, MEM_SIZE } from '../../image/contract/instance';
import { RT_STOP_WANTED } from '../../image/contract/runtime-block';
import { TRAP_MEMORY, TRAP_UNALIGNED, WAIT_AGAIN, WAIT_NOT_EQUAL, WAIT_TIMED_OUT } from '../../image/contract/traps';
import { blocking_syscall, load32_u, load64, runtime } from '../native/native';
import { SYS_ppoll } from '../native/target';
import { isWithin } from '../process/builtins';
import { raise } from '../process/traps';
import { CLOCK_MONOTONIC } from '../descriptors/abi';
import { now } from './clocks';
import { STATE } from '../descriptors/table';
import { LINUX_EINTR, native } from '../descriptors/linux';

const TIMEOUT: usize = memory.data(16, 8);
const NANOSECONDS: i64 = 1000000000;
/** Later than any clock gets: about 146 years. */
const FOREVER: i64 = 1 << 62;

/** Native address of the operand. Traps when it is not aligned or not within the memory. */
function operand(record: i64, offset: i64, address: i64, bytes: i64): i64 {
  const at = address + offset;
  if ((at & (bytes - 1)) != 0) raise(TRAP_UNALIGNED);
  if (<u64>at < <u64>offset || !isWithin(at, bytes, load64(record + MEM_SIZE))) raise(TRAP_MEMORY);
  return load64(record + MEM_BASE) + at;
}

/** Waits for `timeout` nanoseconds, for ever when it is negative. */
function sleep(timeout: i64): i32 {
  const pending = load<i64>(STATE, HS_PENDING_TIMEOUT);
  store<i64>(STATE, -1, HS_PENDING_TIMEOUT);
  // 0 where the driver runs, which has no WASI program
  const deadline = pending > 0 ? pending : now(CLOCK_MONOTONIC) + min(timeout, FOREVER);
  while (true) {
    if (timeout >= 0) {
      const left = max<i64>(deadline - now(CLOCK_MONOTONIC), 0);
      store<i64>(TIMEOUT, left / NANOSECONDS);
      store<i64>(TIMEOUT, left % NANOSECONDS, 8);
    }
    const result = blocking_syscall(SYS_ppoll, 0, 0, timeout >= 0 ? native(TIMEOUT) : 0, 0, 0, 0);
    if (result == -LINUX_EINTR && load32_u(runtime() + <i64>RT_STOP_WANTED) != 0) {
      if (timeout >= 0) store<i64>(STATE, deadline, HS_PENDING_TIMEOUT);
      return WAIT_AGAIN;
    }
    if (timeout >= 0 && now(CLOCK_MONOTONIC) >= deadline) return WAIT_TIMED_OUT;
  }
}

/** @returns WAIT_* */
export function atomic_wait32(record: i64, offset: i64, address: i64, expected: i32, timeout: i64): i32 {
  return load32_u(operand(record, offset, address, 4)) == expected ? sleep(timeout) : WAIT_NOT_EQUAL;
}

/** @returns WAIT_* */
export function atomic_wait64(record: i64, offset: i64, address: i64, expected: i64, timeout: i64): i32 {
  return load64(operand(record, offset, address, 8)) == expected ? sleep(timeout) : WAIT_NOT_EQUAL;
}

/**
 * Holds a process that is complete but may not begin yet (WAGSNAP_HOLD=n, the end of a socket or of two pipes): another
 * process has the same computation, and only one of them may run it.
 *
 *     process                          who has started it
 *     'r'  all is open and mapped  -->
 *                                  <-- 'g'  begin
 *     's'  the guest begins        -->
 *
 * AssemblyScript. Any other byte, or the end of the input, ends the process before its guest has done anything. If the
 * process is gone and has sent no 's', nothing was run.
 */

import { memoryBase, syscall } from '../native/native';
import { SYS_close, SYS_read, SYS_write } from '../native/target';
import { EINTR, exit } from './runtime-block';

/** Exit code of a process that was told not to begin. */
const EXIT_NOT_BEGUN: i32 = 1;
const READY: u8 = 0x72;
const BEGIN: u8 = 0x67;
const STARTED: u8 = 0x73;
const byte: usize = memory.data(8, 8);

/** Returns when the guest may begin. @param descriptor which is closed then */
export function waitToBegin(descriptor: i64): void {
  say(descriptor, READY);
  let count: i64 = EINTR;
  while (count === EINTR) count = syscall(SYS_read, descriptor, memoryBase() + byte, 1, 0, 0, 0);
  if (count !== 1 || load<u8>(byte) !== BEGIN) exit(EXIT_NOT_BEGUN);
  say(descriptor, STARTED);
  syscall(SYS_close, descriptor, 0, 0, 0, 0, 0);
}

function say(descriptor: i64, what: u8): void {
  store<u8>(byte, what);
  if (syscall(SYS_write, descriptor, memoryBase() + byte, 1, 0, 0, 0) !== 1) exit(EXIT_NOT_BEGUN);
}

/**
 * A pipe that tells whether the capturer is alive when its pid means nothing here: in another pid namespace.
 *
 * AssemblyScript, for the signal handlers. The pipe starts with one byte in it. The capturer opens the pipe again for
 * both directions (/proc/PID/fd/RT_LIFELINE) and takes the byte, which only one process can do. When the byte is gone,
 * this process closes its own writing end. From then on, the end of the pipe (POLLHUP) means that the capturer has
 * died, for any reason.
 */

import { LIFELINE_FAILED, RT_LIFELINE } from '../../image/contract/runtime-block';
import { memoryBase, syscall } from '../native/native';
import { SYS_close, SYS_ioctl, SYS_pipe2, SYS_write } from '../native/target';
import { failed, setHalf } from './runtime-block';

const O_CLOEXEC: i64 = 0x80000;
const FIONREAD: i64 = 0x541b;
const ends: usize = memory.data(8, 4); // i32 to read from, i32 to write to
const byte: usize = memory.data<u8>([1]);
const count: usize = memory.data(4, 4);

let reader: i64 = -1;
let writer: i64 = -1;

/** @returns false when there is no descriptor left for it */
export function openLifeline(): bool {
  if (failed(syscall(SYS_pipe2, memoryBase() + ends, O_CLOEXEC, 0, 0, 0, 0))) {
    setHalf(RT_LIFELINE, LIFELINE_FAILED);
    return false;
  }
  reader = load<i32>(ends);
  writer = load<i32>(ends, 4);
  syscall(SYS_write, writer, memoryBase() + byte, 1, 0, 0, 0);
  setHalf(RT_LIFELINE, <i32>reader);
  return true;
}

export function closeLifeline(): void {
  if (reader >= 0) syscall(SYS_close, reader, 0, 0, 0, 0, 0);
  if (writer >= 0) syscall(SYS_close, writer, 0, 0, 0, 0, 0);
  reader = -1;
  writer = -1;
  setHalf(RT_LIFELINE, 0);
}

export function hasLifeline(): bool {
  return reader >= 0;
}

/** A descriptor that hangs up when the capturer dies; -1 as long as nobody has taken the byte. */
export function lifelineOfCapturer(): i64 {
  if (writer >= 0) {
    store<i32>(count, 0);
    syscall(SYS_ioctl, reader, FIONREAD, memoryBase() + count, 0, 0, 0);
    if (load<i32>(count) !== 0) return -1;
    syscall(SYS_close, writer, 0, 0, 0, 0, 0);
    writer = -1;
  }
  return reader;
}

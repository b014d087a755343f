/**
 * The driver's commands and replies as bytes (driver.ts): each has a descriptor, and a buffer. AssemblyScript.
 */

import { memoryBase, syscall } from '../native/native';
import { SYS_read, SYS_write } from '../native/target';
import { EINTR, exit, failed } from './runtime-block';

const BUFFER_SIZE: i32 = 65536;
/** Exit code after an invalid command or a failure of a stream. */
export const EXIT_USAGE: i32 = 2;

// commands
const input: usize = memory.data(65536);
let inputFd: i64 = 0;
let inputAt: i32 = 0;
let inputEnd: i32 = 0;

// replies
const output: usize = memory.data(65536);
let outputFd: i64 = 1;
let outputEnd: i32 = 0;

/** @param first descriptor of the commands; replies go to the next one */
export function openStreams(first: i64): void {
  inputFd = first;
  outputFd = first + 1;
}

export function read8(): i32 {
  if (inputAt === inputEnd) refill();
  return load<u8>(input + inputAt++);
}

export function read32(): u32 {
  let value: u32 = 0;
  for (let shift = 0; shift < 32; shift += 8) value |= (<u32>read8()) << shift;
  return value;
}

export function read64(): u64 {
  const low = <u64>read32();
  return low | ((<u64>read32()) << 32);
}

function refill(): void {
  flush();
  let count: i64;
  do {
    count = syscall(SYS_read, inputFd, memoryBase() + input, BUFFER_SIZE, 0, 0, 0);
  } while (count === EINTR);
  if (failed(count) || count === 0) exit(count === 0 ? 0 : EXIT_USAGE);
  inputAt = 0;
  inputEnd = <i32>count;
}

export function write8(byte: i32): void {
  if (outputEnd === BUFFER_SIZE) flush();
  store<u8>(output + outputEnd++, <u8>byte);
}

export function write64(value: u64): void {
  for (let shift: u64 = 0; shift < 64; shift += 8) write8(<i32>(value >> shift));
}

export function flush(): void {
  let at: i64 = 0;
  while (at < outputEnd) {
    const count = syscall(SYS_write, outputFd, memoryBase() + output + at, <i64>outputEnd - at, 0, 0, 0);
    if (count === EINTR) continue;
    if (failed(count)) exit(EXIT_USAGE);
    at += count;
  }
  outputEnd = 0;
}

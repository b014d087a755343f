/**
 * The driver: runs a process by commands over pipes instead of from its entry; for the conformance runner and `run
 * --invoke`. WAGSNAP_DRIVER=1: commands on descriptor 0, replies on 1. WAGSNAP_DRIVER=n, n >= 3: on n and n + 1, so
 * that guests keep their standard streams.
 *
 * Little-endian, unaligned. A command, its fields, the reply:
 *
 *     u8 1  instantiate  u32 instance                                       u8 trap kind
 *     u8 2  invoke       u32 function record (image offset),                u8 trap kind, and when it is 0:
 *                        u32 n, u64 argument [n], u32 m (results wanted)       u64 result [m]
 *     u8 3  read         u32 image offset, a multiple of 4                  u64 the word there (a global's cell)
 *     u8 4  quit                                                            none: the process exits with 0
 *
 * Trap kinds: image/contract/traps.ts TRAP_*, 0 for none. An f32 or i32 is in the low half of its u64. The upper half of
 * an argument is ignored, that of a result is 0. A reference is the address of its function record, an external one's value +
 * 1, or 0. A v128 is two u64, the lower one first, and counts twice. Memories and tables are mapped from the start, but
 * no instance other than the host layer is instantiated until asked for. After a trap (call stack exhausted too) the
 * next command finds everything as the trap has left it. Replies may come late: they are written when the process waits
 * for the next command. The end of the input is a quit; a command that cannot be ends the process with 2.
 *
 * AssemblyScript.
 */

import { FLAG_DRIVER, RT_FLAGS } from '../../image/contract/runtime-block';
import { TH_TRAP_KIND } from '../../image/contract/thread';
import { invoke, load64, memoryBase, syscall } from '../native/native';
import { SYS_read, SYS_write } from '../native/target';
import { instanceCount } from './init-plan';
import { instantiate } from './instantiate';
import { EINTR, exit, failed, half, imageBase, setHalf } from './runtime-block';
import { setThreadHalf, threadHalf } from './thread';

const INSTANTIATE: i32 = 1;
const INVOKE: i32 = 2;
const READ: i32 = 3;
const QUIT: i32 = 4;

const MAX_VALUES: u32 = 4096; // parameters or results of a function
const BUFFER_SIZE: i32 = 65536;
const EXIT_USAGE: i32 = 2;

const input: usize = memory.data(65536);
const output: usize = memory.data(65536);
const values: usize = memory.data(32768, 8);
let inputFd: i64 = 0;
let outputFd: i64 = 1;
let inputAt: i32 = 0;
let inputEnd: i32 = 0;
let outputEnd: i32 = 0;

/** Obeys commands until told to quit. @param first descriptor of the commands; replies go to the next one */
export function drive(first: i64): void {
  inputFd = first;
  outputFd = first + 1;
  for (;;) {
    const command = read8();
    if (command === INSTANTIATE) runInstantiate();
    else if (command === INVOKE) runInvoke();
    else if (command === READ) write64(load64(imageBase() + <i64>read32()));
    else if (command === QUIT) quit(0);
    else quit(EXIT_USAGE);
  }
}

function runInstantiate(): void {
  const index = <i32>read32();
  if (<u32>index >= <u32>instanceCount()) quit(EXIT_USAGE);
  setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_DRIVER);
  const kind = instantiate(index);
  setHalf(RT_FLAGS, half(RT_FLAGS) & ~FLAG_DRIVER);
  write8(kind);
}

function runInvoke(): void {
  const record = imageBase() + <i64>read32();
  const argumentCount = read32();
  if (argumentCount > MAX_VALUES) quit(EXIT_USAGE);
  for (let i: u32 = 0; i < argumentCount; i++) store<u64>(values + i * 8, read64());
  const resultCount = read32();
  if (resultCount > MAX_VALUES) quit(EXIT_USAGE);
  setThreadHalf(TH_TRAP_KIND, 0);
  setHalf(RT_FLAGS, half(RT_FLAGS) | FLAG_DRIVER);
  invoke(record, memoryBase() + values);
  setHalf(RT_FLAGS, half(RT_FLAGS) & ~FLAG_DRIVER);
  const kind = threadHalf(TH_TRAP_KIND);
  write8(kind);
  if (kind === 0) for (let i: u32 = 0; i < resultCount; i++) write64(load<u64>(values + i * 8));
}

function quit(code: i32): void {
  flush();
  exit(code);
}

function read8(): i32 {
  if (inputAt === inputEnd) refill();
  return load<u8>(input + inputAt++);
}

function read32(): u32 {
  let value: u32 = 0;
  for (let shift = 0; shift < 32; shift += 8) value |= (<u32>read8()) << shift;
  return value;
}

function read64(): u64 {
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

function write8(byte: i32): void {
  if (outputEnd === BUFFER_SIZE) flush();
  store<u8>(output + outputEnd++, <u8>byte);
}

function write64(value: u64): void {
  for (let shift: u64 = 0; shift < 64; shift += 8) write8(<i32>(value >> shift));
}

function flush(): void {
  let at: i64 = 0;
  while (at < outputEnd) {
    const count = syscall(SYS_write, outputFd, memoryBase() + output + at, <i64>outputEnd - at, 0, 0, 0);
    if (count === EINTR) continue;
    if (failed(count)) exit(EXIT_USAGE);
    at += count;
  }
  outputEnd = 0;
}

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
 * Trap kinds: image/contract/traps.ts TRAP_*, 0 for none. An f32 or i32 is in the low half of its u64. The upper half
 * of an argument is ignored, that of a result is 0. A reference is the address of its function record, an external
 * one's value + 1, or 0. A v128 is two u64, the lower one first, and counts twice. Memories and tables are mapped from
 * the start, but no instance other than the host layer is instantiated until asked for. After a trap (call stack
 * exhausted too) the next command finds everything as the trap has left it. Replies may come late: they are written
 * when the process waits for the next command. The end of the input is a quit; an invalid command ends the process with
 * 2.
 *
 * AssemblyScript.
 */

import { FLAG_DRIVER, RT_FLAGS } from '../../image/contract/runtime-block';
import { TH_TRAP_KIND } from '../../image/contract/thread';
import { invoke, load64, memoryBase } from '../native/native';
import { EXIT_USAGE, flush, openStreams, read32, read64, read8, write64, write8 } from './driver-streams';
import { instanceCount } from './init-plan';
import { instantiate } from './instantiate';
import { exit, half, imageBase, setHalf } from './runtime-block';
import { setThreadHalf, threadHalf } from './thread';

const INSTANTIATE: i32 = 1;
const INVOKE: i32 = 2;
const READ: i32 = 3;
const QUIT: i32 = 4;

const MAX_VALUES: u32 = 4096; // parameters or results of a function

const values: usize = memory.data(32768, 8);

/** Obeys commands until told to quit. @param first descriptor of the commands; replies go to the next one */
export function drive(first: i64): void {
  openStreams(first);
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

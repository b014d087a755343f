/**
 * Writes a system call filter: classic BPF over struct seccomp_data (linux/seccomp.h, linux/bpf_common.h).
 *
 *     startFilter()   the CPU's convention, or the end; then the number is in the accumulator
 *     allow(nr)       with any arguments
 *     begin(nr) require(...) ... end()    with arguments that are checked; a check that fails is the end
 *     finishFilter()  anything else is the end
 *
 * AssemblyScript. "The end" kills the process. Arguments are u64; where the kernel looks at the low half only, so may a
 * check.
 */

import { memoryBase } from '../native/native';
import { AUDIT_ARCH } from '../native/target';

const RET_KILL_PROCESS: u32 = 0x80000000;
const RET_ALLOW: u32 = 0x7fff0000;
const DATA_NR: u32 = 0;
const DATA_ARCH: u32 = 4;
const DATA_ARGS: u32 = 16; // u64 each, little-endian

// a word of the data, jumps, arithmetic, the verdict
const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_NOT_BELOW: u16 = 0x35;
const ADD: u16 = 0x0c; // the other register to the accumulator
const SUBTRACT: u16 = 0x1c;
const KEEP: u16 = 0x07; // the accumulator in the other register
const RETURN: u16 = 0x06;

const FILTER_MAX: u32 = 512;
/** struct sock_filter [FILTER_MAX]: u16 code, u8 jump if true, u8 if false, u32 k. */
const FILTER: usize = memory.data(4096, 8);
/** struct sock_fprog: u16 length, pointer. */
const PROGRAM: usize = memory.data(16, 8);
let length: u32 = 0;

function emit(code: u16, ifTrue: u8, ifFalse: u8, k: u32): void {
  const at = FILTER + <usize>length * 8;
  store<u16>(at, code);
  store<u8>(at, ifTrue, 2);
  store<u8>(at, ifFalse, 3);
  store<u32>(at, k, 4);
  if (length < FILTER_MAX - 1) length++;
}

function kill(): void {
  emit(RETURN, 0, 0, RET_KILL_PROCESS);
}

/** Allows a system call with any arguments. The accumulator has its number. */
export function allow(nr: i64): void {
  emit(JUMP_EQUAL, 0, 1, <u32>nr);
  emit(RETURN, 0, 0, RET_ALLOW);
}

let blockStart: u32 = 0;

/** The checks that follow, up to `end`, are for one system call. */
export function begin(nr: i64): void {
  blockStart = length;
  emit(JUMP_EQUAL, 0, 0, <u32>nr);
}

export function end(): void {
  emit(RETURN, 0, 0, RET_ALLOW);
  store<u8>(FILTER + <usize>blockStart * 8, <u8>(length - blockStart - 1), 3);
}

/** Kills unless the low half of an argument is the value: for those of which the kernel looks at no more. */
export function require(argument: u32, value: u32, half: u32 = 0): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8 + half);
  emit(JUMP_EQUAL, 1, 0, value);
  kill();
}

export function requireEither(argument: u32, first: u32, second: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(JUMP_EQUAL, 2, 0, first);
  emit(JUMP_EQUAL, 1, 0, second);
  kill();
}

export function refuse(argument: u32, value: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(JUMP_EQUAL, 0, 1, value);
  kill();
}

export function requireHigh(argument: u32, value: u32): void {
  require(argument, value, 4);
}

export function require64(argument: u32, value: i64): void {
  require(argument, <u32>value);
  requireHigh(argument, <u32>(value >>> 32));
}

/** Kills when the low half of an argument is above the value. */
export function requireAtMost(argument: u32, value: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(JUMP_GREATER, 0, 1, value);
  kill();
}

/** Kills when the low half of an argument is below the value. */
export function requireAtLeast(argument: u32, value: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(JUMP_NOT_BELOW, 1, 0, value);
  kill();
}

/** Kills when the sum of two low halves is above the value. Neither may be so large that the sum wraps. */
export function requireSumAtMost(first: u32, second: u32, most: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + first * 8);
  emit(KEEP, 0, 0, 0);
  emit(LOAD, 0, 0, DATA_ARGS + second * 8);
  emit(ADD, 0, 0, 0);
  emit(JUMP_GREATER, 0, 1, most);
  kill();
}

/** Kills unless an argument is `base` and the low half of another one, which is below 2^31. */
export function requireDistance(argument: u32, other: u32, base: i64): void {
  const low = <u32>base;
  const high = <u32>(base >>> 32);
  emit(LOAD, 0, 0, DATA_ARGS + other * 8);
  emit(KEEP, 0, 0, 0);
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(SUBTRACT, 0, 0, 0);
  emit(JUMP_EQUAL, 1, 0, low);
  kill();
  // the low half of the sum is below that of the base when it has a carry
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  emit(JUMP_NOT_BELOW, 0, 3, low);
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8 + 4);
  emit(JUMP_EQUAL, 4, 0, high);
  kill();
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8 + 4);
  emit(JUMP_EQUAL, 1, 0, high + 1);
  kill();
}

let branch: u32 = 0;

/** What follows, up to `otherwise`, is for a low half of an argument that is not the value. */
export function unless(argument: u32, value: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  branch = length;
  emit(JUMP_EQUAL, 0, 0, value);
}

/** Allows what has passed the checks since `unless`; what follows is for the value itself. */
export function otherwise(): void {
  emit(RETURN, 0, 0, RET_ALLOW);
  store<u8>(FILTER + <usize>branch * 8, <u8>(length - branch - 1), 2);
}

/** What follows, up to `allowed`, is for a low half of an argument that is the value; checks of the same call may follow. */
export function when(argument: u32, value: u32): void {
  emit(LOAD, 0, 0, DATA_ARGS + argument * 8);
  branch = length;
  emit(JUMP_EQUAL, 0, 0, value);
}

/** Allows what has passed the checks since `when`. */
export function allowed(): void {
  emit(RETURN, 0, 0, RET_ALLOW);
  store<u8>(FILTER + <usize>branch * 8, <u8>(length - branch - 1), 3);
}

export function startFilter(): void {
  length = 0;
  emit(LOAD, 0, 0, DATA_ARCH);
  emit(JUMP_EQUAL, 1, 0, <u32>AUDIT_ARCH);
  kill();
  emit(LOAD, 0, 0, DATA_NR);
}

/** @returns native address of a struct sock_fprog */
export function finishFilter(): i64 {
  kill();
  store<u16>(PROGRAM, <u16>length);
  store<i64>(PROGRAM, memoryBase() + FILTER, 8);
  return memoryBase() + PROGRAM;
}

/**
 * The registers of a parked process, from the signal frame that the kernel saved them in (Target.signalFrame).
 *
 * Only what guest values can be in: general registers and the 16 bytes of floating point ones.
 */

import type { SignalFrame, Target } from '../arch/masm/target.js';
import type { ProcessMemory } from './process-memory.js';

/** Bytes of a ucontext_t that hold what we want: x86-64 needs 232, AArch64's general registers and pc end at 440. */
const CONTEXT_BYTES = 512;
const FLOAT_COUNT = 32;
/** Words that each register has in `Registers.words`. */
export const REGISTER_WORDS = 4;

export class Registers {
  /**
   * @param pc absolute; at a safepoint
   * @param sp absolute
   * @param words of register n (0..31 general, 32..63 floating point): the lowest at 4n; general ones have two
   */
  constructor(
    readonly pc: number,
    readonly sp: number,
    readonly words: Uint32Array,
  ) {}
}

/** @param context address of the ucontext_t (TH_PARK_CONTEXT) */
export function readRegisters(memory: ProcessMemory, context: number, target: Target): Registers {
  const frame = target.signalFrame;
  const bytes = memory.read(context, CONTEXT_BYTES);
  const words = new Uint32Array(64 * REGISTER_WORDS);
  for (let n = 0; n < 32; n++) {
    if (frame.general[n] >= 0) copyWords(bytes, frame.general[n], words, n, 2);
  }
  readFloats(memory, context, bytes, frame, words);
  return new Registers(Number(bytes.readBigUInt64LE(frame.pc)), Number(bytes.readBigUInt64LE(frame.sp)), words);
}

function readFloats(
  memory: ProcessMemory,
  context: number,
  bytes: Buffer,
  frame: SignalFrame,
  words: Uint32Array,
): void {
  const area = frame.floatPointer < 0 ? context : Number(bytes.readBigUInt64LE(frame.floatPointer));
  if (area === 0) return; // the kernel saved none: no float register was in use
  // x64 has 16 of them; what follows in the save area is read along and never asked for
  const saved = Buffer.alloc(FLOAT_COUNT * frame.floatStride);
  memory.readSome(area + frame.floatBase, saved, 0, saved.length);
  for (let n = 0; n < FLOAT_COUNT; n++) copyWords(saved, n * frame.floatStride, words, 32 + n, REGISTER_WORDS);
}

function copyWords(bytes: Buffer, at: number, words: Uint32Array, register: number, count: number): void {
  for (let i = 0; i < count; i++) words[register * REGISTER_WORDS + i] = bytes.readUInt32LE(at + 4 * i);
}

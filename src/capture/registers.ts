/**
 * The registers of a parked process, from the kernel's signal frame (Target.signalFrame).
 *
 * Only registers that can hold guest values: general ones, and the 16 bytes of floating-point ones.
 */

import type { SignalFrame, Target } from '../arch/masm/target.js';
import { CTX_FLOAT, CTX_GENERAL, CTX_PC, CTX_SIZE, CTX_SP } from '../image/contract/resume-plan.js';
import type { ProcessMemory } from './process-memory.js';

/** How much of a ucontext_t is needed, in bytes: x86-64 needs 232, AArch64's general registers and pc end at 440. */
const CONTEXT_BYTES = 512;
const FLOAT_COUNT = 32;
/** Words of each register in `Registers.words`. */
export const REGISTER_WORDS = 4;

export class Registers {
  /**
   * @param pc absolute address; at a safepoint
   * @param sp absolute address
   * @param words register n (0..31 general, 32..63 floating point) begins at 4n, lowest word first; general ones have
   * two
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

/** The registers of a stack that does not run: a CTX_* block, complete but for the memory base, which no frame needs. */
export function readSuspended(memory: ProcessMemory, context: number): Registers {
  const bytes = memory.read(context, CTX_SIZE);
  const words = new Uint32Array(64 * REGISTER_WORDS);
  for (let n = 0; n < 32; n++) copyWords(bytes, CTX_GENERAL + n * 8, words, n, 2);
  for (let n = 0; n < FLOAT_COUNT; n++) copyWords(bytes, CTX_FLOAT + n * 16, words, 32 + n, REGISTER_WORDS);
  return new Registers(Number(bytes.readBigUInt64LE(CTX_PC)), Number(bytes.readBigUInt64LE(CTX_SP)), words);
}

function readFloats(
  memory: ProcessMemory,
  context: number,
  bytes: Buffer,
  frame: SignalFrame,
  words: Uint32Array,
): void {
  const area = frame.floatPointer < 0 ? context : Number(bytes.readBigUInt64LE(frame.floatPointer));
  if (area === 0) return; // the kernel saved none: no floating-point register was in use
  const saved = memory.read(area + frame.floatBase, frame.floatCount * frame.floatStride);
  for (let n = 0; n < frame.floatCount; n++) copyWords(saved, n * frame.floatStride, words, 32 + n, REGISTER_WORDS);
}

function copyWords(bytes: Buffer, at: number, words: Uint32Array, register: number, count: number): void {
  for (let i = 0; i < count; i++) words[register * REGISTER_WORDS + i] = bytes.readUInt32LE(at + 4 * i);
}

/**
 * The program that is executed in place of a growing image (ARCHITECTURE.md, "Growing images"): maps the image's file,
 * which it has inherited, and jumps to its entry with the stack as the kernel has made it.
 *
 * A static ELF file of some hundred bytes. It has no sections, so no tool takes it for an image.
 */

import { Cond, IntOp, type MacroAssembler, type Reg } from '../../arch/masm/masm.js';
import type { Target } from '../../arch/masm/target.js';
import { PF_R, PF_W, PF_X } from '../../image/elf.js';
import { smallProgram } from '../../image/small-program.js';
import { STARTER_MARK } from '../../image/starter.js';

/** A part of the image and how it is mapped. */
export interface StartedPart {
  /** Image offset, which is its file offset; both a multiple of SEGMENT_ALIGN. */
  readonly start: number;
  readonly size: number;
  readonly flags: number; // PF_*
}

export interface StarterOptions {
  readonly descriptor: number;
  /** Bytes of address space to reserve. */
  readonly size: number;
  readonly parts: readonly StartedPart[];
  /** Image offset of the entry. */
  readonly entry: number;
}

const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
const MAP_ANONYMOUS = 0x20;
const MAP_NORESERVE = 0x4000;
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const EXIT_LIMIT = 4;

/** The whole file. */
export function starter(target: Target, options: StarterOptions): Uint8Array {
  const masm = target.createAssembler(4096);
  emit(masm, target.hostConstants, options);
  return smallProgram(target.elfMachine, masm.code(), STARTER_MARK);
}

function emit(masm: MacroAssembler, constants: Readonly<Record<string, number>>, options: StarterOptions): void {
  const { instance: base, resultInt: result } = masm.plan; // the kernel keeps the base's register
  const [number, ...args] = masm.syscallRegisters;
  masm.resetLabels();
  const failed = masm.newLabel();
  const constant = (dst: Reg, value: number) => masm.constant(dst, 1, value | 0, Math.floor(value / 2 ** 32));
  const call = (name: string) => {
    constant(number, constants[name]);
    masm.syscall();
  };
  const map = (size: number, protection: number, flags: number, descriptor: number, offset: number) => {
    constant(args[1], size);
    constant(args[2], protection);
    constant(args[3], flags);
    constant(args[4], descriptor);
    constant(args[5], offset);
    call('SYS_mmap');
    masm.compareImm(1, result, -4096);
    masm.branch(Cond.GtU, failed);
  };
  constant(args[0], 0);
  map(options.size, 0, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  masm.move(base, result);
  for (const { start, size, flags } of options.parts) {
    constant(args[0], start);
    masm.binary(IntOp.Add, 1, args[0], args[0], base);
    map(size, protectionOf(flags), MAP_PRIVATE | MAP_FIXED, options.descriptor, start);
  }
  constant(args[0], options.entry);
  masm.binary(IntOp.Add, 1, args[0], args[0], base);
  masm.jumpReg(args[0]);
  masm.bind(failed);
  constant(args[0], EXIT_LIMIT);
  call('SYS_exit_group');
}

function protectionOf(flags: number): number {
  const read = flags & PF_R ? PROT_READ : 0;
  const write = flags & PF_W ? PROT_WRITE : 0;
  return read | write | (flags & PF_X ? PROT_EXEC : 0);
}

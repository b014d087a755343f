/**
 * Runs small pieces of macro-assembler code over tables of inputs and returns what differs from a model: natively, or
 * through qemu-user for another CPU than this machine's, when that is installed.
 *
 * All cases of a call become one static ELF executable, written by hand: per case a loop over its rows that loads the
 * inputs into registers, runs the piece, and stores the result. A second round, on a few rows, fills all registers with
 * a pattern first and stores all of them after: so a piece that writes a register it must not is found.
 *
 *     0x400000  ELF header, variables, inputs, code     RWX
 *     OUT       results                                 RW
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'vitest';
import { cpuFlags } from '../../../src/api/cpu-flags.js';
import { arm64 } from '../../../src/arch/arm64/target.js';
import { Cond, FLOAT_BASE, IntOp, type MacroAssembler, type Reg, Width } from '../../../src/arch/masm/masm.js';
import type { Target } from '../../../src/arch/masm/target.js';
import { x64, x64Avx } from '../../../src/arch/x64/target.js';

export type Row = readonly bigint[];

export interface Case {
  readonly name: string;
  /** Where the row's values go, in order. */
  readonly inputs: readonly (readonly [Reg, Width])[];
  emit(masm: MacroAssembler): void;
  readonly result: Reg;
  readonly width: Width;
  /** The same array in several cases is stored once. */
  readonly rows: readonly Row[];
  /** The result's bits, zero-extended to 64 (128 of a v128); NAN for any NaN of the width. */
  expect(row: Row): bigint;
  /**
   * Of a v128 result: its float lanes' bits. Where CANONICAL_NAN is expected, its sign is free; where ANY_NAN is, all
   * but that it is quiet.
   */
  readonly floatLanes?: 32 | 64 | undefined;
  /** Registers it may write besides the result and the scratch registers. */
  readonly clobbers?: readonly Reg[];
}

export const NAN = -1n;

/** The canonical NaN, by bits. */
export const CANONICAL_NAN = { 32: 0x7fc00000n, 64: 0x7ff8000000000000n } as const;
/** Expected by cases with floatLanes, by bits: a signaling NaN, which no operation gives. */
export const ANY_NAN = { 32: 0x7f800001n, 64: 0x7ff0000000000001n } as const;

const range = (first: Reg, last: Reg) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

/** A CPU and how to run its code here. */
export class Machine {
  constructor(
    readonly target: Target,
    readonly emulator: string,
    /** The macro-assembler's own registers. */
    readonly scratch: readonly Reg[],
    /** The registers that must not change unless a case says so. */
    readonly kept: readonly Reg[],
    readonly name: string = target.name,
  ) {}

  get launcher(): readonly string[] {
    return process.arch === this.target.name ? [] : [this.emulator];
  }

  get canRun(): boolean {
    const [emulator] = this.launcher;
    return process.platform === 'linux' && (emulator === undefined || spawnSync(emulator, ['-version']).status === 0);
  }

  readonly run = (cases: readonly Case[]): string[] => run(this, cases);
}

const X64_REGISTERS = [
  [1, 38, 39],
  [0, 2, 3, ...range(5, 15), ...range(32, 47)],
] as const;

export const machines = [
  new Machine(x64, 'qemu-x86_64-static', ...X64_REGISTERS),
  ...(cpuFlags().has('avx') ? [new Machine(x64Avx, 'qemu-x86_64-static', ...X64_REGISTERS, 'x64 with AVX')] : []),
  new Machine(arm64, 'qemu-aarch64-static', [16, 17, 62, 63], [...range(0, 15), ...range(19, 29), ...range(32, 61)]),
];

/** A test for each CPU. */
export function onEach(name: string, body: (machine: Machine) => void): void {
  for (const machine of machines) {
    test.skipIf(!machine.canRun)(`${machine.name}: ${name}`, () => body(machine));
  }
}

export const IMAGE = 0x400000;
/** 2 KiB that cases may use as memory: image offset. */
export const REGION = 0x800;
const INPUT_POINTER = 0x100;
const OUTPUT_POINTER = 0x108;
const TABLES = 0x1000;
const OUT = 0x40000000;
const ROUND_2_ROWS = 3;

function run(machine: Machine, cases: readonly Case[]): string[] {
  const { target, kept } = machine;
  const tables = new Map<readonly Row[], Table>();
  let end = TABLES;
  for (const c of cases) {
    const cell = c.inputs.some(([, width]) => width === Width.V128) ? 16 : 8;
    const known = tables.get(c.rows);
    if (known !== undefined) {
      if (known.cell !== cell) throw new Error(`${c.name}: rows are shared with a case of other inputs`);
      continue;
    }
    tables.set(c.rows, { start: end, cell, stride: cell * c.rows[0]!.length });
    end += c.rows.length * cell * c.rows[0]!.length + 8;
  }
  const codeStart = (end + 15) & ~15;
  const masm = target.createAssembler();
  masm.imageStart = codeStart;

  constantTo(masm, OUTPUT_POINTER, OUT);
  let outBytes = 0;
  for (const c of cases) {
    const table = tables.get(c.rows)!;
    emitLoop(masm, c, table);
    outBytes += resultBytes(c) * c.rows.length;
    for (let i = 0; i < ROUND_2_ROWS; i++) emitDump(masm, kept, c, table, table.start + table.stride * i);
    outBytes += ROUND_2_ROWS * kept.length * 8;
  }
  emitExit(masm, target, outBytes);

  const image = new Uint8Array(codeStart + masm.offset);
  image.set(masm.code(), codeStart);
  const view = new DataView(image.buffer);
  for (const [rows, { start, cell, stride }] of tables) {
    rows.forEach((row, i) => {
      row.forEach((value, j) => {
        const at = start + i * stride + cell * j;
        view.setBigUint64(at, BigInt.asUintN(64, value), true);
        if (cell === 16) view.setBigUint64(at + 8, BigInt.asUintN(64, value >> 64n), true);
      });
    });
  }
  writeHeader(view, target.elfMachine, codeStart, outBytes);
  return compare(machine, cases, execute(image, machine.launcher));
}

/**
 * Where rows are in the image: from one value to the next there are `cell` bytes, from one row to the next `stride`.
 */
interface Table {
  readonly start: number;
  readonly cell: number;
  readonly stride: number;
}

function resultBytes({ width }: Case): number {
  return width === Width.V128 ? 16 : 8;
}

function emitInputs(masm: MacroAssembler, c: Case, { cell }: Table): void {
  c.inputs.forEach(([reg, width], i) => {
    masm.loadField(width, reg, masm.scratch, cell * i);
  });
}

function emitConstants(masm: MacroAssembler): void {
  const over = masm.newLabel();
  masm.jump(over);
  masm.flushConstants();
  masm.bind(over);
}

function emitLoop(masm: MacroAssembler, c: Case, table: Table): void {
  masm.resetLabels();
  const s = masm.scratch;
  constantTo(masm, INPUT_POINTER, IMAGE + table.start);
  const loop = masm.newLabel();
  masm.bind(loop);
  masm.loadGlobal(Width.Int64, s, INPUT_POINTER);
  emitInputs(masm, c, table);
  c.emit(masm);
  masm.loadGlobal(Width.Int64, s, OUTPUT_POINTER);
  masm.storeField(c.width, c.result, s, 0);
  // All 64 bits of an integer: a 32-bit one must be zero-extended.
  if (c.width === Width.Int32) masm.storeField(Width.Int64, c.result, s, 0);
  masm.binaryImm(IntOp.Add, 1, s, s, resultBytes(c));
  masm.storeGlobal(Width.Int64, s, OUTPUT_POINTER);
  masm.loadGlobal(Width.Int64, s, INPUT_POINTER);
  masm.binaryImm(IntOp.Add, 1, s, s, table.stride);
  masm.storeGlobal(Width.Int64, s, INPUT_POINTER);
  masm.compareImm(1, s, IMAGE + table.start + c.rows.length * table.stride);
  masm.branch(Cond.Ne, loop);
  emitConstants(masm);
  masm.resetLabels();
}

const pattern = (reg: Reg): bigint => 0x5a00_1234_c3a0_0000n + BigInt(reg) * 0x1_0000_0101n;

function emitDump(masm: MacroAssembler, kept: readonly Reg[], c: Case, table: Table, row: number): void {
  masm.resetLabels();
  const s = masm.scratch;
  for (const reg of kept.toReversed()) {
    const lo = Number(BigInt.asIntN(32, pattern(reg)));
    const hi = Number(pattern(reg) >> 32n);
    if (reg >= FLOAT_BASE) masm.floatConstant(reg, 1, lo, hi);
    else masm.constant(reg, 1, lo, hi);
  }
  masm.constant(s, 0, IMAGE + row, 0);
  emitInputs(masm, c, table);
  c.emit(masm);
  masm.loadGlobal(Width.Int64, s, OUTPUT_POINTER);
  kept.forEach((reg, n) => {
    masm.storeField(reg < FLOAT_BASE ? Width.Int64 : Width.F64, reg, s, 8 * n);
  });
  masm.binaryImm(IntOp.Add, 1, s, s, kept.length * 8);
  masm.storeGlobal(Width.Int64, s, OUTPUT_POINTER);
  emitConstants(masm);
  masm.resetLabels();
}

function constantTo(masm: MacroAssembler, imageOffset: number, value: number): void {
  masm.storeGlobalConstant(Width.Int64, imageOffset, value);
}

/** write(1, OUT, bytes) until all is out, then exit_group(0). */
function emitExit(masm: MacroAssembler, { hostConstants }: Target, bytes: number): void {
  const [number, a0, a1, a2] = masm.syscallRegisters as [Reg, Reg, Reg, Reg];
  masm.resetLabels();
  const again = masm.newLabel();
  masm.constant(a1, 0, OUT, 0);
  masm.constant(a2, 0, bytes, 0);
  masm.bind(again);
  masm.constant(a0, 0, 1, 0);
  masm.constant(number, 0, hostConstants.SYS_write!, 0);
  masm.syscall();
  masm.binary(IntOp.Add, 1, a1, a1, masm.plan.resultInt);
  masm.binary(IntOp.Sub, 1, a2, a2, masm.plan.resultInt);
  masm.testZero(1, a2);
  masm.branch(Cond.Ne, again);
  masm.constant(a0, 0, 0, 0);
  masm.constant(number, 0, hostConstants.SYS_exit_group!, 0);
  masm.syscall();
}

function writeHeader(view: DataView, elfMachine: number, codeStart: number, outBytes: number): void {
  const u16 = (at: number, value: number) => view.setUint16(at, value, true);
  const u32 = (at: number, value: number) => view.setUint32(at, value, true);
  const u64 = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  u32(0, 0x464c457f);
  u32(4, 0x00010102); // 64-bit, little-endian, version 1
  u16(16, 2); // ET_EXEC
  u16(18, elfMachine);
  u32(20, 1);
  u64(24, IMAGE + codeStart);
  u64(32, 64); // program headers
  u16(52, 64);
  u16(54, 56);
  u16(56, 2);
  const segment = (at: number, flags: number, address: number, fileSize: number, size: number) => {
    u32(at, 1); // PT_LOAD
    u32(at + 4, flags);
    u64(at + 8, 0);
    u64(at + 16, address);
    u64(at + 24, address);
    u64(at + 32, fileSize);
    u64(at + 40, size);
    u64(at + 48, 4096);
  };
  segment(64, 7, IMAGE, view.byteLength, view.byteLength);
  // The variables are after both headers: 64 + 2 * 56 = 0xb0.
  segment(64 + 56, 6, OUT, 0, outBytes);
}

function execute(image: Uint8Array, launcher: readonly string[]): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-native-'));
  try {
    const file = join(folder, 'cases');
    writeFileSync(file, image, { mode: 0o755 });
    const [program = file, ...args] = [...launcher, file];
    return execFileSync(program, args, { maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'inherit'] });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function compare({ kept, scratch }: Machine, cases: readonly Case[], out: Uint8Array): string[] {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const wrong: string[] = [];
  let at = 0;
  const hex = (value: bigint) => `0x${BigInt.asUintN(128, value).toString(16)}`;
  for (const c of cases) {
    let failures = 0;
    for (const row of c.rows) {
      let actual = view.getBigUint64(at, true);
      if (c.width === Width.V128) actual |= view.getBigUint64(at + 8, true) << 64n;
      at += resultBytes(c);
      const expected = c.expect(row);
      if (!same(actual, expected, c) && ++failures <= 3)
        wrong.push(`${c.name}(${row.map(hex).join(', ')}) = ${hex(actual)}, expected ${hex(expected)}`);
    }
    for (let i = 0; i < ROUND_2_ROWS; i++) {
      for (const [n, reg] of kept.entries()) {
        const actual = view.getBigUint64(at + 8 * n, true);
        if (reg === c.result || scratch.includes(reg) || c.clobbers?.includes(reg)) continue;
        let expected = pattern(reg);
        c.inputs.forEach(([to, width], j) => {
          const value = c.rows[i]![j]!;
          if (to === reg) expected = BigInt.asUintN(width === Width.Int32 || width === Width.F32 ? 32 : 64, value);
        });
        if (actual !== expected) wrong.push(`${c.name}: register ${reg} became ${hex(actual)}, was ${hex(expected)}`);
      }
      at += kept.length * 8;
    }
  }
  if (at !== out.length) wrong.push(`${out.length} bytes of results instead of ${at}`);
  return wrong;
}

function same(actual: bigint, expected: bigint, { width, floatLanes }: Case): boolean {
  if (floatLanes !== undefined) {
    const bits = BigInt(floatLanes);
    const quiet = CANONICAL_NAN[floatLanes];
    const sign = 1n << (bits - 1n);
    for (let at = 0n; at < 128n; at += bits) {
      const [a, e] = [BigInt.asUintN(floatLanes, actual >> at), BigInt.asUintN(floatLanes, expected >> at)];
      if (e === ANY_NAN[floatLanes] ? (a & quiet) !== quiet : a !== e && !(e === quiet && a === (e | sign)))
        return false;
    }
    return true;
  }
  if (expected !== NAN) return actual === expected;
  if (width === Width.F32) return (actual & 0x7fffffffn) > 0x7f800000n;
  return (actual & 0x7fffffffffffffffn) > 0x7ff0000000000000n;
}

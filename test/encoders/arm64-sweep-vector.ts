/**
 * Every row of the arm64 table of vector instructions times its fields: the words we emit, and the same in assembler
 * syntax. All registers at each place, all sizes of lanes that the row may be emitted with, all lanes, the borders of
 * shifts.
 */

import { VectorEmitter } from '../../src/arch/arm64/emitter-vector.js';
import { V } from '../../src/arch/arm64/encodings-vector.js';
import { registerName } from '../../src/arch/arm64/registers.js';
import type { Instruction, Sweep } from './stored.js';

type Row = keyof typeof V;
type OpenEmitter = { readonly offset: number; code(): Uint8Array } & Record<string, (...fields: number[]) => void>;

const ALL = Array.from({ length: 32 }, (_, n) => n);
/** By size: all of a vector, its low half, a lane. */
const FULL = ['16b', '8h', '4s', '2d'];
const HALF = ['8b', '4h', '2s', '1d'];
const LANE = ['b', 'h', 's', 'd'];
const FLOATS = ['4s', '2d'];

const ALL_SIZES = [0, 1, 2, 3];
const NARROW = [0, 1, 2];
/** Instructions of three vectors of one kind, and the sizes they have. */
const THREE: Partial<Record<Row, readonly number[]>> = {
  urhadd: NARROW,
  smax: NARROW,
  umax: NARROW,
  smin: NARROW,
  umin: NARROW,
  mul: NARROW,
  umaxp: NARROW,
  sqrdmulh: [1, 2],
};
for (const row of ['sqadd', 'uqadd', 'sqsub', 'uqsub', 'cmgt', 'cmhi', 'cmge', 'cmhs', 'sshl', 'ushl'] as const)
  THREE[row] = ALL_SIZES;
for (const row of ['add', 'sub', 'cmeq', 'addp', 'uzp1', 'uzp2', 'trn1', 'trn2', 'zip1', 'zip2'] as const)
  THREE[row] = ALL_SIZES;

export function vectorSweep(): Sweep {
  return new Sweeper().run();
}

class Sweeper {
  private readonly emitter = new VectorEmitter(1 << 18) as unknown as OpenEmitter;
  /** By row, in the order of the table. */
  private readonly pending = new Map<string, { text: string; method: string; fields: number[] }[]>(
    Object.keys(V).map((row) => [row, []]),
  );
  private turn = 0;

  run(): Sweep {
    this.three();
    this.two();
    this.lanes();
    this.immediates();
    this.bytes();
    const instructions: Instruction[] = [];
    for (const [row, rows] of this.pending) {
      if (rows.length === 0) throw new Error(`not swept: ${row}`);
      for (const { text, method, fields } of rows) {
        instructions.push({ row, at: this.emitter.offset, text });
        this.emitter[method]!(V[row as Row], ...fields);
      }
    }
    return { code: this.emitter.code(), instructions };
  }

  private three(): void {
    for (const [row, sizes] of Object.entries(THREE) as [Row, readonly number[]][])
      for (const size of sizes) this.vectors3(row, row, FULL[size]!, FULL[size]!, size);
    for (const row of ['and', 'bic', 'orr', 'eor', 'bsl', 'bit', 'bif'] as const)
      this.vectors3(row, row, '16b', '16b', 0);
    for (const row of ['fadd', 'fcmeq', 'fmax', 'fmul', 'fcmge', 'fdiv', 'fsub', 'fmin', 'fcmgt'] as const)
      for (const size of [0, 1]) this.vectors3(row, row, FLOATS[size]!, FLOATS[size]!, size);
    for (const row of ['umlal', 'smull', 'smull2', 'umull', 'umull2'] as const)
      for (const size of NARROW)
        this.vectors3(row, row, FULL[size + 1]!, (row.endsWith('2') ? FULL : HALF)[size]!, size);
  }

  private two(): void {
    for (const [row, sizes] of [
      ['rev64', NARROW],
      ['rev32', [0, 1]],
      ['rev16', [0]],
      ['cnt', [0]],
      ['not', [0]],
      ['abs', ALL_SIZES],
      ['neg', ALL_SIZES],
    ] as const)
      for (const size of sizes) this.vectors2(row, row, FULL[size]!, FULL[size]!, size);
    for (const size of ALL_SIZES) this.vectors2('cmeq_0', 'cmeq', FULL[size]!, FULL[size]!, size, ', #0');
    for (const row of ['saddlp', 'uaddlp'] as const)
      for (const size of NARROW) this.vectors2(row, row, ['8h', '4s', '2d'][size]!, FULL[size]!, size);
    for (const row of ['xtn', 'sqxtun', 'sqxtun2', 'sqxtn', 'sqxtn2', 'uqxtn'] as const)
      for (const size of NARROW)
        this.vectors2(row, row, (row.endsWith('2') ? FULL : HALF)[size]!, FULL[size + 1]!, size);
    this.vectors2('fcvtn', 'fcvtn', '2s', '2d', 1);
    this.vectors2('fcvtl', 'fcvtl', '2d', '2s', 1);
    for (const row of ['frintn', 'frintm', 'frintp', 'frintz', 'fabs', 'fneg', 'fsqrt'] as const)
      for (const size of [0, 1]) this.vectors2(row, row, FLOATS[size]!, FLOATS[size]!, size);
    for (const row of ['scvtf', 'ucvtf', 'fcvtzs', 'fcvtzu'] as const)
      for (const size of [0, 1]) this.vectors2(row, row, FLOATS[size]!, FLOATS[size]!, size);
    for (const size of NARROW)
      for (const rd of ALL) {
        const rn = this.next();
        this.add('uminv', `uminv ${LANE[size]}${rd}, v${rn}.${FULL[size]}`, 'simdTwo', size, rd + 32, rn + 32);
      }
  }

  private lanes(): void {
    for (const size of ALL_SIZES) {
      for (const rd of ALL) {
        const rn = this.next();
        this.add('dup', `dup v${rd}.${FULL[size]}, ${general(rn, size)}`, 'simdFromInt', size, rd + 32, 0, rn);
        this.add('ld1r', `ld1r {v${rd}.${FULL[size]}}, [${base(rn)}]`, 'simdReplicate', size, rd + 32, rn);
      }
      for (let lane = 0; lane < 16 >> size; lane++)
        for (let i = 0; i < 4; i++) {
          const [rd, rn, from] = [this.next(), this.next(), this.next() & ((16 >> size) - 1)] as [
            number,
            number,
            number,
          ];
          const at = `${LANE[size]}[${lane}]`;
          const to = `v${rd}.${at}`;
          this.add('dup_lane', `dup v${rd}.${FULL[size]}, v${rn}.${at}`, 'simdDupLane', size, rd + 32, rn + 32, lane);
          this.add('ins', `ins ${to}, ${general(rn, size)}`, 'simdFromInt', size, rd + 32, lane, rn);
          const text = `ins ${to}, v${rn}.${LANE[size]}[${from}]`;
          this.add('ins_lane', text, 'simdInsertLane', size, rd + 32, lane, rn + 32, from);
          for (const row of ['ld1', 'st1'] as const)
            this.add(row, `${row} {v${rd}.${LANE[size]}}[${lane}], [${base(rn)}]`, 'simdLane', size, rd + 32, lane, rn);
          const toInt = (row: Row, name: string) =>
            this.add(row, `${name} ${general(rd, size)}, v${rn}.${at}`, 'simdToInt', size, rd, rn + 32, lane);
          if (size === 3) toInt('umov_x', 'umov');
          else toInt('umov', 'umov');
          if (size < 2) toInt('smov', 'smov');
        }
    }
  }

  private immediates(): void {
    const immediate = (row: Row, text: (rd: number, imm8: number) => string, shift = 0) => {
      for (let imm8 = 0; imm8 < 256; imm8 += 5) {
        const rd = this.next();
        this.add(row, text(rd, imm8), 'simdImmediate', rd + 32, imm8, shift);
      }
    };
    for (const name of ['movi', 'mvni'] as const)
      for (let shift = 0; shift < 4; shift++) {
        immediate(`${name}_4s`, (rd, imm8) => `${name} v${rd}.4s, #${imm8}, lsl #${8 * shift}`, shift);
        if (shift < 2) immediate(`${name}_8h`, (rd, imm8) => `${name} v${rd}.8h, #${imm8}, lsl #${8 * shift}`, shift);
      }
    immediate('movi_16b', (rd, imm8) => `movi v${rd}.16b, #${imm8}`);
    const mask = (imm8: number) => ALL.slice(0, 8).map((i) => ((imm8 << i) & 0x80 ? 'ff' : '00'));
    immediate('movi_2d', (rd, imm8) => `movi v${rd}.2d, #0x${mask(imm8).join('')}`);
    const float = (imm8: number) =>
      ((imm8 & 0x80 ? -1 : 1) * ((16 + (imm8 & 15)) / 16) * 2 ** ((((imm8 >> 4) & 7) ^ 4) - 3)).toFixed(8);
    immediate('fmov_4s', (rd, imm8) => `fmov v${rd}.4s, #${float(imm8)}`);
    immediate('fmov_2d', (rd, imm8) => `fmov v${rd}.2d, #${float(imm8)}`);
    for (const size of ALL_SIZES) {
      const bits = 8 << size;
      const shift = (row: Row, to: string, from: string, by: number, field: number) => {
        for (let i = 0; i < 8; i++) {
          const [rd, rn] = [this.next(), this.next()] as [number, number];
          this.add(row, `${row} v${rd}.${to}, v${rn}.${from}, #${by}`, 'simdShift', rd + 32, rn + 32, field);
        }
      };
      for (const by of [0, 1, bits >> 1, bits - 1]) {
        shift('shl', FULL[size]!, FULL[size]!, by, bits + by);
        if (size === 3) continue;
        for (const row of ['sshll', 'ushll'] as const) {
          shift(row, FULL[size + 1]!, HALF[size]!, by, bits + by);
          shift(`${row}2`, FULL[size + 1]!, FULL[size]!, by, bits + by);
        }
      }
      for (const by of [1, bits >> 1, bits])
        for (const row of ['sshr', 'ushr', 'usra'] as const) shift(row, FULL[size]!, FULL[size]!, by, 2 * bits - by);
    }
  }

  private bytes(): void {
    for (const rd of ALL) {
      const [rn, rm] = [this.next(), this.next()] as [number, number];
      const registers = [rd + 32, rn + 32, rm + 32] as const;
      this.add('tbl', `tbl v${rd}.16b, {v${rn}.16b}, v${rm}.16b`, 'simdTable', ...registers);
      const pair = `{v${rn}.16b, v${(rn + 1) & 31}.16b}`;
      this.add('tbl_2', `tbl v${rd}.16b, ${pair}, v${rm}.16b`, 'simdTable', ...registers);
      const by = rd & 15;
      this.add('ext', `ext v${rd}.16b, v${rn}.16b, v${rm}.16b, #${by}`, 'simdExtract', ...registers, by);
    }
  }

  private vectors3(row: Row, name: string, to: string, from: string, size: number): void {
    for (const rd of ALL) {
      const [rn, rm] = [this.next(), this.next()] as [number, number];
      const text = `${name} v${rd}.${to}, v${rn}.${from}, v${rm}.${from}`;
      this.add(row, text, 'simdThree', size, rd + 32, rn + 32, rm + 32);
    }
  }

  private vectors2(row: Row, name: string, to: string, from: string, size: number, suffix = ''): void {
    for (const rd of ALL) {
      const rn = this.next();
      this.add(row, `${name} v${rd}.${to}, v${rn}.${from}${suffix}`, 'simdTwo', size, rd + 32, rn + 32);
    }
  }

  private add(row: Row, text: string, method: string, ...fields: number[]): void {
    this.pending.get(row)!.push({ text, method, fields });
  }

  /** A register, another one each time. */
  private next(): number {
    this.turn++;
    return (this.turn * 11 + (this.turn >> 5)) & 31;
  }
}

const general = (reg: number, size: number): string =>
  reg === 31 ? (size === 3 ? 'xzr' : 'wzr') : registerName(reg, size === 3 ? 64 : 32);
const base = (reg: number): string => registerName(reg);

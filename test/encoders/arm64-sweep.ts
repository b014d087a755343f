/**
 * Every row of the arm64 encoding table times its fields: the words we emit, and the same in assembler syntax.
 *
 * Registers: each one at each place. Immediates: the borders of their fields; of the logical and the floating point
 * ones all that exist. A row's class is the emit method it is listed under.
 */

import { VectorEmitter } from '../../src/arch/arm64/emitter-vector.js';
import { CONDITION_NAMES, floatField, logicalField } from '../../src/arch/arm64/encoding.js';
import { A } from '../../src/arch/arm64/encodings.js';
import { registerName } from '../../src/arch/arm64/registers.js';
import type { Instruction, Sweep } from './stored.js';

type Row = keyof typeof A;
/** The emit methods, which are protected for everybody but the macro-assembler. */
type OpenEmitter = { readonly offset: number; code(): Uint8Array } & Record<string, (...fields: number[]) => void>;

const ALL = Array.from({ length: 32 }, (_, n) => n);
const CONDITIONS = ALL.slice(0, 14);
const BOTH = [0, 1];
const FAR = [0, 4, -4, 1 << 19, -(1 << 20), (1 << 20) - 4];

export function sweep(): Sweep {
  return new Sweeper().run();
}

/** The value of a logical immediate's field N:immr:imms, by the manual's DecodeBitMasks. */
export function logicalValue(field: number, bits: number): bigint {
  const imms = field & 0x3f;
  const immr = (field >> 6) & 0x3f;
  const length = 31 - Math.clz32(((field >> 12) << 6) | (~imms & 0x3f));
  if (length < 1) return -1n;
  const size = 1 << length;
  const ones = (imms & (size - 1)) + 1;
  const rotation = immr & (size - 1);
  if (ones === size || (immr & ~(size - 1)) !== 0 || size > bits) return -1n;
  const run = (1n << BigInt(ones)) - 1n;
  const element = BigInt.asUintN(size, (run >> BigInt(rotation)) | (run << BigInt(size - rotation)));
  let value = 0n;
  for (let at = 0; at < bits; at += size) value |= element << BigInt(at);
  return value;
}

class Sweeper {
  private readonly emitter = new VectorEmitter(1 << 18) as unknown as OpenEmitter;
  private readonly instructions: Instruction[] = [];
  private readonly covered = new Set<string>();
  private turn = 0;

  run(): Sweep {
    this.immediates();
    this.branches();
    this.registers();
    this.memory();
    this.floats();
    this.forVectors();
    const missing = Object.keys(A).filter((row) => !this.covered.has(row));
    if (missing.length > 0) throw new Error(`not swept: ${missing.join(', ')}`);
    return { code: this.emitter.code(), instructions: this.instructions };
  }

  private immediates(): void {
    for (const row of ['adr', 'adrp'] as const)
      for (const imm of [0, 1, 2, 3, -1, 0xfffff, -0x100000])
        for (const rd of this.some(4))
          this.add(row, `${row} ${x(rd)}, #${row === 'adrp' ? imm * 4096 : imm}`, 'pcRelative', rd, imm);
    for (const row of ['add_i', 'adds_i', 'sub_i', 'subs_i'] as const)
      for (const sf of BOTH)
        for (const field of [0, 1, 4095, 4096, 4097, 8191])
          for (const rd of ALL) {
            const rn = this.next();
            const destination = row.includes('s_') ? zr(rd, sf) : sp(rd, sf);
            const shift = field > 4095 ? ', lsl #12' : '';
            const text = `${destination}, ${sp(rn, sf)}, #${field & 4095}${shift}`;
            this.add(row, `${mnemonic(row)} ${text}`, 'addSubImmediate', sf, rd, rn, field);
          }
    for (const row of ['and_i', 'orr_i', 'eor_i'] as const)
      for (const sf of BOTH)
        for (let n = 0; n <= sf; n++)
          for (let low = 0; low < 4096; low++) {
            const bits = sf === 1 ? 64 : 32;
            const value = logicalValue((n << 12) | low, bits);
            if (value < 0n || (row !== 'and_i' && low % 17 !== 0)) continue;
            const lo = Number(BigInt.asIntN(32, value));
            const field = logicalField(sf, lo, Number(BigInt.asIntN(64, value) >> 32n));
            const [rd, rn] = [this.next(), this.next()] as [number, number];
            const text = `${mnemonic(row)} ${sp(rd, sf)}, ${zr(rn, sf)}, #${value}`;
            this.add(row, text, 'logicalImmediate', sf, rd, rn, field);
          }
    for (const row of ['movn', 'movz', 'movk'] as const)
      for (const sf of BOTH)
        for (let hw = 0; hw < (sf === 1 ? 4 : 2); hw++)
          for (const imm of [0, 1, 0x8000, 0xffff])
            for (const rd of this.some(4))
              this.add(row, `${row} ${zr(rd, sf)}, #${imm}, lsl #${16 * hw}`, 'moveWide', sf, rd, imm, hw);
    for (const row of ['sbfm', 'ubfm', 'extr'] as const)
      for (const sf of BOTH)
        for (const immr of [0, 1, 31, ...(sf === 1 ? [32, 63] : [])])
          for (const rd of ALL) {
            const [rn, other] = [this.next(), this.next() % (sf === 1 ? 64 : 32)] as [number, number];
            const start = `${row} ${zr(rd, sf)}, ${zr(rn, sf)}`;
            if (row === 'extr')
              this.add(row, `${start}, ${zr(other, sf)}, #${immr}`, 'extract', sf, rd, rn, other, immr);
            else this.add(row, `${start}, #${immr}, #${other}`, 'bitfield', sf, rd, rn, immr, other);
          }
  }

  private branches(): void {
    for (const row of ['b', 'bl'] as const)
      for (const to of [...FAR, 1 << 26, -(1 << 27), (1 << 27) - 4])
        this.add(row, `${row} #${to}`, 'branchImmediate', to);
    for (const row of ['cbz', 'cbnz'] as const)
      for (const sf of BOTH)
        for (const to of FAR)
          for (const rt of this.some(8)) this.add(row, `${row} ${zr(rt, sf)}, #${to}`, 'compareAndBranch', sf, rt, to);
    for (const cond of CONDITIONS)
      for (const to of FAR) this.add('b_cond', `b.${CONDITION_NAMES[cond]} #${to}`, 'conditionalBranch', cond, to);
    for (const row of ['br', 'blr', 'ret'] as const)
      for (const rn of ALL) this.add(row, `${row} ${zr(rn, 1)}`, 'branchRegister', rn);
    for (const row of ['svc', 'brk'] as const)
      for (const imm of [0, 1, 0xffff]) this.add(row, `${row} #${imm}`, 'exception', imm);
    this.add('udf', 'udf #0', 'none');
    this.add('nop', 'nop', 'none');
    this.add('csdb', 'csdb', 'none');
    this.add('dmb_ish', 'dmb ish', 'none');
  }

  private registers(): void {
    const shifted = (row: Row, method: string) => {
      for (const sf of BOTH)
        for (const imm6 of [0, 1, 3, 31, ...(sf === 1 ? [63] : [])])
          for (const rd of ALL) {
            const [rn, rm] = [this.next(), this.next()] as [number, number];
            const text = `${mnemonic(row)} ${zr(rd, sf)}, ${zr(rn, sf)}, ${zr(rm, sf)}, lsl #${imm6}`;
            this.add(row, text, method, sf, rd, rn, rm, imm6);
          }
    };
    for (const row of ['add_r', 'adds_r', 'sub_r', 'subs_r'] as const) shifted(row, 'addSubShifted');
    for (const row of ['and_r', 'orr_r', 'orn_r', 'eor_r'] as const) shifted(row, 'logicalShifted');
    const extensions = ['uxtb', 'uxth', 'uxtw', 'uxtx', 'sxtb', 'sxth', 'sxtw', 'sxtx'];
    for (const row of ['add_x', 'sub_x', 'subs_x'] as const)
      for (const option of [2, 3, 6])
        for (const rd of ALL) {
          const [rn, rm, imm3] = [this.next(), this.next(), this.turn % 5] as [number, number, number];
          const destination = row === 'subs_x' ? zr(rd, 1) : sp(rd, 1);
          const text = `${destination}, ${sp(rn, 1)}, ${zr(rm, option === 3 ? 1 : 0)}, ${extensions[option]} #${imm3}`;
          this.add(row, `${mnemonic(row)} ${text}`, 'addSubExtended', 1, rd, rn, rm, option, imm3);
        }
    for (const row of ['ccmn_i', 'ccmp_i'] as const)
      for (const sf of BOTH)
        for (const cond of CONDITIONS)
          for (const [imm5, nzcv] of [
            [0, 0],
            [1, 1],
            [31, 15],
            [16, 8],
          ] as const) {
            const rn = this.next();
            const text = `${mnemonic(row)} ${zr(rn, sf)}, #${imm5}, #${nzcv}, ${CONDITION_NAMES[cond]}`;
            this.add(row, text, 'conditionalCompare', sf, rn, imm5, nzcv, cond);
          }
    for (const row of ['csel', 'csinc'] as const)
      for (const sf of BOTH)
        for (const cond of CONDITIONS)
          for (const rd of this.some(8)) {
            const [rn, rm] = [this.next(), this.next()] as [number, number];
            const text = `${row} ${zr(rd, sf)}, ${zr(rn, sf)}, ${zr(rm, sf)}, ${CONDITION_NAMES[cond]}`;
            this.add(row, text, 'conditionalSelect', sf, rd, rn, rm, cond);
          }
    for (const row of ['udiv', 'sdiv', 'lslv', 'lsrv', 'asrv', 'rorv'] as const)
      for (const sf of BOTH)
        for (const rd of ALL) {
          const [rn, rm] = [this.next(), this.next()] as [number, number];
          this.add(row, `${row} ${zr(rd, sf)}, ${zr(rn, sf)}, ${zr(rm, sf)}`, 'twoSource', sf, rd, rn, rm);
        }
    for (const row of ['adc', 'sbc'] as const)
      for (const sf of BOTH)
        for (const rd of ALL) {
          const [rn, rm] = [this.next(), this.next()] as [number, number];
          this.add(row, `${row} ${zr(rd, sf)}, ${zr(rn, sf)}, ${zr(rm, sf)}`, 'addSubCarry', sf, rd, rn, rm);
        }
    for (const row of ['rbit', 'clz'] as const)
      for (const sf of BOTH)
        for (const rd of ALL) {
          const rn = this.next();
          this.add(row, `${row} ${zr(rd, sf)}, ${zr(rn, sf)}`, 'oneSource', sf, rd, rn);
        }
    for (const row of ['madd', 'msub'] as const)
      for (const sf of BOTH)
        for (const rd of ALL) {
          const [rn, rm, ra] = [this.next(), this.next(), this.next()] as [number, number, number];
          const text = [rd, rn, rm, ra].map((reg) => zr(reg, sf)).join(', ');
          this.add(row, `${row} ${text}`, 'threeSource', sf, rd, rn, rm, ra);
        }
    for (const row of ['smulh', 'umulh'] as const)
      for (const rd of ALL) {
        const [rn, rm] = [this.next(), this.next()] as [number, number];
        this.add(row, `${row} ${zr(rd, 1)}, ${zr(rn, 1)}, ${zr(rm, 1)}`, 'threeSource', 1, rd, rn, rm, 31);
      }
  }

  private memory(): void {
    for (const row of ['ldr_lit_w', 'ldr_lit_x', 'ldr_lit_s', 'ldr_lit_d'] as const)
      for (const to of FAR)
        for (const rt of this.some(8)) {
          const float = row.endsWith('s') || row.endsWith('d');
          const name = float ? `${row.at(-1)}${rt}` : zr(rt, row.endsWith('x') ? 1 : 0);
          this.add(row, `ldr ${name}, #${to}`, 'loadLiteral', float ? rt + 32 : rt, to);
        }
    const rows = Object.keys(A).filter((row) => /^(ldr|str)(?!_lit)/.test(row)) as Row[];
    for (const row of rows) {
      const [name, width = row === 'ldrsw' ? 'x' : 'w'] = row.split('_') as [string, string?];
      const float = 'sdq'.includes(width);
      const log2Size =
        width === 'q'
          ? 4
          : name.includes('b')
            ? 0
            : name.includes('h')
              ? 1
              : 'xd'.includes(width) && name !== 'ldrsw'
                ? 3
                : 2;
      const size = 1 << log2Size;
      const access = (method: string, base: string, rest: (rn: string) => string, ...fields: number[]) => {
        for (const rt of this.some(10)) {
          const rn = this.next();
          const value = float ? `${width}${rt}` : zr(rt, width === 'x' ? 1 : 0);
          this.add(row, `${base} ${value}, ${rest(sp(rn, 1))}`, method, float ? rt + 32 : rt, rn, ...fields);
        }
      };
      for (const n of [0, 1, 2, 4095]) access('loadStore', name, (rn) => `[${rn}, #${n * size}]`, n * size);
      for (const offset of [0, 1, -1, 255, -256])
        access('loadStoreUnscaled', name.replace(/^(ld|st)/, '$1u'), (rn) => `[${rn}, #${offset}]`, offset);
      for (const offset of [1, -1, 255, -256]) access('loadStorePost', name, (rn) => `[${rn}], #${offset}`, offset);
      for (const scaled of BOTH)
        for (const rm of [0, 17, 30, 31])
          access(
            'loadStoreRegister',
            name,
            (rn) => `[${rn}, ${zr(rm, 1)}${scaled === 1 ? `, lsl #${log2Size}` : log2Size === 0 ? '' : ''}]`,
            rm,
            scaled,
          );
    }
    for (const name of ['ldar', 'stlr', 'ldaxr', 'stlxr'] as const)
      for (const size of ['b', 'h', '_w', '_x'] as const)
        for (const rt of ALL) {
          const [rn, rs] = [this.next(), this.next()] as [number, number];
          const access = `${zr(rt, size === '_x' ? 1 : 0)}, [${sp(rn, 1)}]`;
          const spelled = name + size.replace(/_./, '');
          if (name !== 'stlxr') this.add(`${name}${size}`, `${spelled} ${access}`, 'loadStoreOrdered', rt, rn);
          else if (rs !== rt && rs !== rn)
            // else unpredictable
            this.add(`${name}${size}`, `${spelled} ${zr(rs, 0)}, ${access}`, 'storeExclusive', rs, rt, rn);
        }
    for (const [row, name] of [
      ['stp_offset', 'stp'],
      ['ldp_offset', 'ldp'],
      ['stp_pre', 'stp'],
      ['stp_post', 'stp'],
      ['ldp_post', 'ldp'],
    ] as const)
      for (const offset of [0, 8, -8, 504, -512])
        for (const rt of this.some(8)) {
          const [rt2, rn] = [(rt + 1) & 31, 31];
          const place = row.endsWith('post') ? `[sp], #${offset}` : `[sp, #${offset}]${row.endsWith('pre') ? '!' : ''}`;
          this.add(row, `${name} ${zr(rt, 1)}, ${zr(rt2, 1)}, ${place}`, 'loadStorePair', rt, rt2, rn, offset);
        }
  }

  private floats(): void {
    const f = (n: number, ftype: number) => `${ftype === 1 ? 'd' : 's'}${n}`;
    for (const ftype of BOTH) {
      for (const row of ['fmov', 'fabs', 'fneg', 'fsqrt', 'frintn', 'frintp', 'frintm', 'frintz'] as const)
        for (const rd of ALL) {
          const rn = this.next();
          this.add(row, `${row} ${f(rd, ftype)}, ${f(rn, ftype)}`, 'floatOneSource', ftype, rd + 32, rn + 32);
        }
      for (const row of ['fadd', 'fsub', 'fmul', 'fdiv', 'fmin', 'fmax'] as const)
        for (const rd of ALL) {
          const [rn, rm] = [this.next(), this.next()] as [number, number];
          const text = `${row} ${f(rd, ftype)}, ${f(rn, ftype)}, ${f(rm, ftype)}`;
          this.add(row, text, 'floatTwoSource', ftype, rd + 32, rn + 32, rm + 32);
        }
      for (const rn of ALL) {
        const rm = this.next();
        this.add('fcmp', `fcmp ${f(rn, ftype)}, ${f(rm, ftype)}`, 'floatCompare', ftype, rn + 32, rm + 32);
      }
      for (const cond of CONDITIONS)
        for (const rd of this.some(8)) {
          const [rn, rm] = [this.next(), this.next()] as [number, number];
          const text = `fcsel ${f(rd, ftype)}, ${f(rn, ftype)}, ${f(rm, ftype)}, ${CONDITION_NAMES[cond]}`;
          this.add('fcsel', text, 'floatSelect', ftype, rd + 32, rn + 32, rm + 32, cond);
        }
      for (let imm8 = 0; imm8 < 256; imm8++) {
        const value = (imm8 & 0x80 ? -1 : 1) * ((16 + (imm8 & 15)) / 16) * 2 ** ((((imm8 >> 4) & 7) ^ 4) - 3);
        const rd = this.next();
        const field = floatField(ftype, ...floatBits(ftype, value));
        this.add('fmov_i', `fmov ${f(rd, ftype)}, #${value.toFixed(8)}`, 'floatImmediate', ftype, rd + 32, field);
      }
      for (const sf of BOTH)
        for (const rd of ALL) {
          const rn = this.next();
          for (const row of ['scvtf', 'ucvtf'] as const)
            this.add(row, `${row} ${f(rd, ftype)}, ${zr(rn, sf)}`, 'floatFromInt', sf, ftype, rd + 32, rn);
          for (const row of ['fcvtzs', 'fcvtzu'] as const)
            this.add(row, `${row} ${zr(rd, sf)}, ${f(rn, ftype)}`, 'intFromFloat', sf, ftype, rd, rn + 32);
          if (sf !== ftype) continue;
          this.add('fmov_rf', `fmov ${f(rd, ftype)}, ${zr(rn, sf)}`, 'floatFromInt', sf, ftype, rd + 32, rn);
          this.add('fmov_fr', `fmov ${zr(rd, sf)}, ${f(rn, ftype)}`, 'intFromFloat', sf, ftype, rd, rn + 32);
        }
    }
    for (const rd of ALL) {
      const rn = this.next();
      this.add('fcvt_d', `fcvt d${rd}, s${rn}`, 'floatOneSource', 0, rd + 32, rn + 32);
      this.add('fcvt_s', `fcvt s${rd}, d${rn}`, 'floatOneSource', 1, rd + 32, rn + 32);
      this.add('ushr_d', `ushr d${rd}, d${rn}, #63`, 'simdShift', rd + 32, rn + 32, 128 - 63);
      this.add('ushr_2s', `ushr v${rd}.2s, v${rn}.2s, #31`, 'simdShift', rd + 32, rn + 32, 64 - 31);
      this.add('sli_d', `sli d${rd}, d${rn}, #63`, 'simdShift', rd + 32, rn + 32, 64 + 63);
      this.add('sli_2s', `sli v${rd}.2s, v${rn}.2s, #31`, 'simdShift', rd + 32, rn + 32, 32 + 31);
      this.add('cnt_8b', `cnt v${rd}.8b, v${rn}.8b`, 'simdTwo', 0, rd + 32, rn + 32);
      this.add('addv_8b', `addv b${rd}, v${rn}.8b`, 'simdTwo', 0, rd + 32, rn + 32);
    }
  }

  /** What vectors use besides their own instructions (arm64-sweep-vector.ts). */
  private forVectors(): void {
    for (const cond of CONDITIONS)
      for (const rd of this.some(8)) {
        const [rn, rm] = [this.next(), this.next()] as [number, number];
        const text = `csinv ${x(rd)}, ${x(rn)}, ${x(rm)}, ${CONDITION_NAMES[cond]}`;
        this.add('csinv', text, 'conditionalSelect', 1, rd, rn, rm, cond);
      }
    for (const to of FAR)
      for (const rt of this.some(8)) this.add('ldr_lit_q', `ldr q${rt}, #${to}`, 'loadLiteral', rt + 32, to);
  }

  private add(row: Row, text: string, method: string, ...fields: number[]): void {
    const at = this.emitter.offset;
    this.emitter[method]!(A[row], ...fields);
    this.covered.add(row);
    this.instructions.push({ row, at, text });
  }

  /** A register, another one each time. */
  private next(): number {
    this.turn++;
    return (this.turn * 11 + (this.turn >> 5)) & 31;
  }

  private some(count: number): number[] {
    return Array.from({ length: count }, () => this.next());
  }
}

const x = (reg: number): string => zr(reg, 1);
const zr = (reg: number, sf: number): string => (reg === 31 ? (sf === 1 ? 'xzr' : 'wzr') : sp(reg, sf));
const sp = (reg: number, sf: number): string => registerName(reg, sf === 1 ? 64 : 32);
const mnemonic = (row: string): string => row.replace(/_.$/, '');

function floatBits(wide: number, value: number): [number, number] {
  const view = new DataView(new ArrayBuffer(8));
  if (wide === 0) view.setFloat32(0, value, true);
  else view.setFloat64(0, value, true);
  return [view.getInt32(0, true), view.getInt32(4, true)];
}

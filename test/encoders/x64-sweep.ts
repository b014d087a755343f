/**
 * Every row of the x64 encoding table times its operands: the bytes we emit, and the same in Intel syntax.
 *
 * Registers: all pairs. Memory: all bases with displacements at the borders of 8 and 32 bits, all pairs of base and
 * index with the scales and displacements in turn, rip-relative. Immediates: borders of their size, in turn.
 */

import { NO_REG } from '../../src/arch/masm/masm.js';
import { Emitter } from '../../src/arch/x64/emitter.js';
import type { Encoding } from '../../src/arch/x64/encoding.js';
import { X } from '../../src/arch/x64/encodings.js';
import { V } from '../../src/arch/x64/encodings-vector.js';
import { registerName } from '../../src/arch/x64/registers.js';
import type { Instruction, Sweep } from './stored.js';

/** The emit methods, which are protected for everybody but the macro-assembler. */
interface OpenEmitter {
  readonly offset: number;
  code(): Uint8Array;
  none(e: Encoding): void;
  rr(e: Encoding, wide: number, reg: number, rm: number): void;
  rri(e: Encoding, wide: number, reg: number, rm: number, imm: number): void;
  rm(e: Encoding, wide: number, reg: number, base: number, disp: number): void;
  rx(e: Encoding, wide: number, reg: number, base: number, index: number, scale: number, disp: number): void;
  rxi(e: Encoding, reg: number, base: number, index: number, disp: number, imm: number): void;
  rp(e: Encoding, wide: number, reg: number, target: number): void;
  ri(e: Encoding, wide: number, rm: number, imm: number): void;
  mi(e: Encoding, wide: number, base: number, disp: number, imm: number): void;
  xi(e: Encoding, wide: number, base: number, index: number, disp: number, imm: number): void;
  pi(e: Encoding, wide: number, target: number, imm: number): void;
  oi(e: Encoding, wide: number, reg: number, imm: number): void;
  oi64(e: Encoding, reg: number, lo: number, hi: number): void;
  i(e: Encoding, value: number): void;
}

const DISPLACEMENTS = [0, 1, -1, 127, -128, 128, -129, 0x7fffffff, -0x80000000];
const IMMEDIATES: Record<number, readonly number[]> = {
  1: [0, 1, 2, 31, 63, 127, -128, -1],
  2: [0, 1, 255, 256, 32767, -32768, -1],
  4: [0, 1, 127, 128, -128, -129, 0x7fffffff, -0x80000000, -1],
};
const PAIRS_OF_64 = [
  [0, 0],
  [1, 0],
  [-1, -1],
  [0, -0x80000000],
  [-1, 0x7fffffff],
  [0x12345678, -0x76543210],
] as const;
const POINTERS: Record<string, string> = {
  rm8: 'byte ptr ',
  rm16: 'word ptr ',
  rm32: 'dword ptr ',
  rm64: 'qword ptr ',
  m64: 'qword ptr ',
  r32m8: 'byte ptr ',
  r32m16: 'word ptr ',
  xm32: 'dword ptr ',
  xm64: 'qword ptr ',
  xm128: 'xmmword ptr ',
  m: '',
  m8: 'byte ptr ',
  m16: 'word ptr ',
};
const ALL = Array.from({ length: 16 }, (_, n) => n);

export function sweep(): Sweep {
  const s = new Sweeper();
  for (const [name, row] of Object.entries<Encoding | readonly Encoding[]>({ ...X, ...V }))
    if ('opcode' in row) s.encoding(name, row);
    else for (const [cc, e] of row.entries()) s.encoding(`${name}[${cc}]`, e);
  return { code: s.emitter.code(), instructions: s.instructions };
}

class Sweeper {
  readonly emitter = new Emitter(1 << 16) as unknown as OpenEmitter;
  readonly instructions: Instruction[] = [];
  private row = '';
  private turn = 0;

  encoding(row: string, e: Encoding): void {
    this.row = row;
    this.turn = 0;
    const mnemonic = /^(lock )?\S+/.exec(e.instruction)![0];
    const operands = e.instruction.includes(' ') ? e.instruction.slice(mnemonic.length + 1).split(', ') : [];
    const bothWidths = operands.some((operand) => operand === 'r' || operand === 'rm' || operand === 'a');
    for (const wide of bothWidths ? [0, 1] : [0]) {
      const name = mnemonic === 'movd' && wide === 1 ? 'movq' : mnemonic;
      if (e.hasModRM) this.withModRM(e, wide, name, operands);
      else if (operands[0] === 'r64') this.constant64(e, name);
      else if (e.inOpcode || operands[0] === 'a') {
        for (const reg of e.inOpcode ? ALL : [0])
          for (const imm of IMMEDIATES[4]!)
            this.add(`${name} ${registerName(reg, wide !== 0 ? 64 : 32)}, ${imm}`, () =>
              this.emitter.oi(e, wide, reg, imm),
            );
      } else if (operands[0]?.startsWith('rel')) {
        for (const to of e.immediate === 1 ? [0, 1, 127, -128, -2] : [0, 127, 128, -5, -128, 0x7fffff00, -0x7fffff00])
          this.relative(e, name, to);
      } else this.add(e.instruction, () => this.emitter.none(e));
    }
  }

  private withModRM(e: Encoding, wide: number, name: string, operands: readonly string[]): void {
    const regs = e.digit < 0 ? ALL : [e.digit];
    const regAt = e.digit < 0 ? operands.findIndex((operand) => /^(r|r8|r16|r32|r64|x)$/.test(operand)) : -1;
    const rmAt = operands.findIndex((operand, i) => i !== regAt && /^(rm|r32m|xm|m|x$)/.test(operand));
    const hasImmediate = e.immediate !== 0;
    const rmOperand = operands[rmAt]!;
    const write = (reg: number, rm: string, imm: number) =>
      `${name} ${operands.map((operand, i) => (i === regAt ? this.register(operand, wide, reg) : i === rmAt ? rm : operand.startsWith('imm') ? imm : operand)).join(', ')}`;
    const regValue = (reg: number) => (regAt >= 0 && operands[regAt] === 'x' ? reg + 32 : reg);

    if (!rmOperand.startsWith('m')) {
      for (const reg of regs)
        for (const rm of ALL) {
          if (name === 'xchg' && reg === rm) continue;
          const imm = this.nextImmediate(e);
          const rmValue = rmOperand.startsWith('x') ? rm + 32 : rm;
          this.add(write(reg, this.register(rmOperand, wide, rm), imm), () => {
            if (e.digit >= 0 && hasImmediate) this.emitter.ri(e, wide, rmValue, imm);
            else if (hasImmediate) this.emitter.rri(e, wide, regValue(reg), rmValue, imm);
            else this.emitter.rr(e, wide, regValue(reg), rmValue);
          });
        }
    }
    // Neither form is emitted: shifts by an immediate have none, the scalar ones and shuffles take registers.
    if (rmOperand === 'x' || (hasImmediate && e.digit < 0 && !/^p(ins|ext)r/.test(name))) return;
    const pointer = rmOperand === 'rm' ? (wide !== 0 ? 'qword ptr ' : 'dword ptr ') : POINTERS[rmOperand]!;
    const nextReg = () => regs[this.turn % regs.length]!;
    for (const base of ALL)
      for (const disp of DISPLACEMENTS) {
        const imm = this.nextImmediate(e);
        const reg = nextReg();
        this.add(write(reg, `${pointer}[${registerName(base)}${plus(disp)}]`, imm), () => {
          if (hasImmediate && e.digit < 0) this.emitter.rxi(e, regValue(reg), base, NO_REG, disp, imm);
          else if (hasImmediate) this.emitter.mi(e, wide, base, disp, imm);
          else if (disp === 1) this.emitter.rx(e, wide, regValue(reg), base, NO_REG, 0, disp);
          else this.emitter.rm(e, wide, regValue(reg), base, disp);
        });
      }
    for (const base of ALL)
      for (const index of ALL) {
        if (index === 4) continue; // rsp is no index
        const imm = this.nextImmediate(e);
        const reg = nextReg();
        const scale = hasImmediate ? 0 : (this.turn >> 1) & 3;
        const disp = DISPLACEMENTS[this.turn % DISPLACEMENTS.length]!;
        const address = `[${registerName(base)}+${registerName(index)}*${1 << scale}${plus(disp)}]`;
        this.add(write(reg, pointer + address, imm), () => {
          if (hasImmediate && e.digit < 0) this.emitter.rxi(e, regValue(reg), base, index, disp, imm);
          else if (hasImmediate) this.emitter.xi(e, wide, base, index, disp, imm);
          else this.emitter.rx(e, wide, regValue(reg), base, index, scale, disp);
        });
      }
    if (hasImmediate && e.digit < 0) return;
    for (const reg of regs)
      for (const target of [0, 0x12345678, -0x1234567]) {
        const imm = this.nextImmediate(e);
        const at = this.emitter.offset;
        if (hasImmediate) this.emitter.pi(e, wide, target, imm);
        else this.emitter.rp(e, wide, regValue(reg), target);
        const text = write(reg, `${pointer}[rip${plus(target - this.emitter.offset)}]`, imm);
        this.instructions.push({ row: this.row, at, text });
      }
  }

  private constant64(e: Encoding, name: string): void {
    if (e.immediate !== 8) {
      this.add(name, () => this.emitter.none(e));
      return;
    }
    for (const reg of ALL)
      for (const [lo, hi] of PAIRS_OF_64) {
        const value = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
        this.add(`${name} ${registerName(reg)}, ${value}`, () => this.emitter.oi64(e, reg, lo, hi));
      }
  }

  private relative(e: Encoding, name: string, to: number): void {
    const at = this.emitter.offset;
    this.emitter.i(e, to);
    this.instructions.push({ row: this.row, at, text: `${name} .${plus(to + this.emitter.offset - at)}` });
  }

  private add(text: string, emit: () => void): void {
    const at = this.emitter.offset;
    emit();
    this.instructions.push({ row: this.row, at, text });
    this.turn++;
  }

  private nextImmediate(e: Encoding): number {
    const values = IMMEDIATES[e.immediate];
    return values === undefined ? 0 : values[this.turn % values.length]!;
  }

  private register(operand: string, wide: number, n: number): string {
    if (operand.startsWith('x')) return registerName(n + 32);
    const bits = Number(/\d+/.exec(operand)?.[0] ?? (wide !== 0 ? 64 : 32));
    return registerName(n, bits);
  }
}

const plus = (value: number): string => (value === 0 ? '' : value > 0 ? `+${value}` : `${value}`);

/**
 * One instruction encoding: the opcode column of the manual's instruction pages, compiled at module load.
 *
 * enc() takes the two columns of Intel's Software Developer's Manual, volume 2, sections 3.1.1.1 and 3.1.1.3: the
 * opcode ("0F AF /r") and the instruction ("imul r, rm"). The first says what to emit. The second says which operands
 * are byte registers, because those need a REX prefix to mean spl, bpl, sil and dil, and tells the tests what to write
 * for an assembler.
 *
 * Operands: r rm (32 bits, or 64 with REX.W given by the emit method), r8 rm8 rm16 r32 rm32 r64 m8… (fixed sizes),
 * r32m8 r32m16 (32 bits, or memory of that size), x xm32 xm64 xm128 (xmm, or memory of that size), m m8 m16 (memory
 * alone), imm8 imm16 imm32 imm64, rel8 rel32, cl, a (eax or rax), 1.
 */

export class Encoding {
  readonly opcodeColumn: string;
  readonly instruction: string;
  /** Mandatory or size prefix: 0x66, 0xF2, 0xF3, or 0; with a lock prefix before it, 0xF0 or 0xF066. */
  readonly prefix: number = 0;
  /** 8 when REX.W belongs to the encoding, else 0. */
  readonly w: number = 0;
  /** Bytes 0F, 0F 38 or 0F 3A before the opcode: how many, and the second one. */
  readonly escapes: number = 0;
  readonly escape: number = 0;
  readonly opcode: number = 0;
  /** The /digit of ModRM's reg field, -1 when it holds a register or there is no ModRM. */
  readonly digit: number = -1;
  readonly hasModRM: boolean = false;
  /** The register is in the opcode's low three bits (+rd). */
  readonly inOpcode: boolean = false;
  /** Bytes of immediate or relative displacement: 0, 1, 2, 4 or 8. */
  readonly immediate: number = 0;
  /** 1: the reg field names a byte register; 2: the rm field does, when it is a register; 3: both. */
  readonly byteRegisters: number = 0;

  constructor(opcodeColumn: string, instruction: string, condition: number) {
    this.opcodeColumn = opcodeColumn;
    this.instruction = instruction;
    const hex: number[] = [];
    for (const token of opcodeColumn.split(' ')) {
      const byte = /^([0-9A-F]{2})(\+rd|\+cc)?$/.exec(token);
      if (byte !== null) {
        hex.push(Number.parseInt(byte[1], 16) + (byte[2] === '+cc' ? condition : 0));
        if (byte[2] === '+rd') this.inOpcode = true;
      } else if (token === 'REX.W') this.w = 8;
      else if (token === '/r') this.hasModRM = true;
      else if (/^\/[0-7]$/.test(token)) {
        this.hasModRM = true;
        this.digit = Number(token[1]);
      } else {
        const size = IMMEDIATES[token];
        if (size === undefined) throw new Error(`encoding ${opcodeColumn}: what is ${token}?`);
        this.immediate = size;
      }
    }
    const locked = hex[0] === 0xf0;
    if (locked) hex.shift();
    if (hex.length > 1 && (hex[0] === 0x66 || hex[0] === 0xf2 || hex[0] === 0xf3)) this.prefix = hex.shift()!;
    if (locked) this.prefix = this.prefix === 0 ? 0xf0 : 0xf000 | this.prefix;
    if (hex.length > 1 && hex[0] === 0x0f) {
      this.escapes = hex.length - 1;
      if (hex.length === 3) this.escape = hex[1];
    } else if (hex.length !== 1) throw new Error(`encoding ${opcodeColumn}: one opcode byte expected`);
    this.opcode = hex[hex.length - 1];
    const operands = instruction.slice(instruction.indexOf(' ') + 1).split(', ');
    this.byteRegisters = (operands.includes('r8') ? 1 : 0) | (operands.includes('rm8') ? 2 : 0);
  }
}

const IMMEDIATES: Record<string, number> = { ib: 1, iw: 2, id: 4, io: 8, cb: 1, cd: 4 };

/** Compiles one line of the manual; see the file's header. */
export function enc(opcodeColumn: string, instruction: string): Encoding {
  return new Encoding(opcodeColumn, instruction, 0);
}

/**
 * The sixteen encodings of a line with +cc, by condition code (volume 1, appendix B). "cc" in the mnemonic is replaced.
 */
export function encConditions(opcodeColumn: string, instruction: string): readonly Encoding[] {
  return CONDITION_NAMES.map((name, cc) => new Encoding(opcodeColumn, instruction.replace('cc', name), cc));
}

/** Condition codes, volume 1, appendix B: bit 0 negates. */
export const enum CC {
  O,
  NO,
  B,
  AE,
  E,
  NE,
  BE,
  A,
  S,
  NS,
  P,
  NP,
  L,
  GE,
  LE,
  G,
}

const CONDITION_NAMES = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];

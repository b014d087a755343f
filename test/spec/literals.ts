/**
 * The values of a script: constants to the bits that the driver takes, and results against what is expected.
 *
 * Integers are read here; floating point constants are the parser's business: all of a script's go through one module with
 * a global each, whose bits our decoder reads. No number ever passes through a JavaScript number. Bits are a u64 as the
 * driver has them (src/runtime/process/driver.ts): an external reference N is N + 1, null is 0; of a v128 128 bits.
 */

import { decodeModule } from '../../src/wasm/decode.js';
import type { Global } from '../../src/wasm/module.js';
import type { AnyAssembler } from './planner.js';
import type { Literal, ScriptCommand } from './script.js';

const FLOAT_OPS = ['f32.const', 'f64.const'];
/** Patterns of results: some reference. */
const NOT_NULL = ['ref.func', 'ref.exn'];
const NAN_PATTERNS = ['nan:canonical', 'nan:arithmetic'];

interface FloatFormat {
  readonly payload: bigint; // what is not the sign
  readonly canonical: bigint; // exponent and the payload's highest bit
}

const FORMATS: Readonly<Record<string, FloatFormat>> = {
  'f32.const': { payload: 0x7fffffffn, canonical: 0x7fc00000n },
  'f64.const': { payload: 0x7fffffffffffffffn, canonical: 0x7ff8000000000000n },
};

/** The lanes of a v128.const, by its shape: what a lane is a constant of, and its width. */
const SHAPES: Readonly<Record<string, { readonly op: string; readonly bits: number }>> = {
  i8x16: { op: 'i8.const', bits: 8 },
  i16x8: { op: 'i16.const', bits: 16 },
  i32x4: { op: 'i32.const', bits: 32 },
  i64x2: { op: 'i64.const', bits: 64 },
  f32x4: { op: 'f32.const', bits: 32 },
  f64x2: { op: 'f64.const', bits: 64 },
};

/** The runner does not know this kind of value: a skip, not a failure. */
export class UnknownValue extends Error {}

export class Literals {
  private readonly floats = new Map<string, bigint>();

  /** Reads all floating point constants of a script. */
  static async of(commands: readonly ScriptCommand[], assemble: AnyAssembler): Promise<Literals> {
    const read = new Literals();
    const literals = new Map<string, Literal>();
    for (const command of commands) {
      for (const literal of literalsOf(command).flatMap(scalarsOf)) {
        if (!FLOAT_OPS.includes(literal.op) || NAN_PATTERNS.includes(literal.text)) continue;
        literals.set(`${literal.op} ${literal.text}`, literal);
      }
    }
    if (literals.size === 0) return read;
    const globals = Array.from(literals.values(), ({ op, text }) => `(global ${op.slice(0, 3)} (${op} ${text}))`);
    const source = Buffer.from(`(module ${globals.join('\n')})`);
    const module = decodeModule(await assemble({ form: 'text', id: undefined, source }, 'literals'), 'literals');
    [...literals.keys()].forEach((key, i) => {
      const { init } = module.globals[i] as Global;
      if (init.op !== 'const') throw new Error(`${key} is no constant`);
      read.floats.set(key, (BigInt(init.hi >>> 0) << 32n) | BigInt(init.lo >>> 0));
    });
    return read;
  }

  /** @throws UnknownValue */
  bits({ op, text }: Literal): bigint {
    switch (op) {
      case 'i8.const':
        return BigInt.asUintN(8, integer(text));
      case 'i16.const':
        return BigInt.asUintN(16, integer(text));
      case 'i32.const':
        return BigInt.asUintN(32, integer(text));
      case 'i64.const':
        return BigInt.asUintN(64, integer(text));
      case 'f32.const':
      case 'f64.const':
        return this.floats.get(`${op} ${text}`)!;
      case 'v128.const':
        return lanesOf(text).reduceRight((bits, lane) => (bits << BigInt(lane.bits)) | this.bits(lane), 0n);
      case 'ref.null':
        return 0n;
      case 'ref.extern':
        return integer(text) + 1n;
      default:
        throw new UnknownValue(`the runner has no values of ${op}`);
    }
  }

  /** Whether a result is what a script expects. @throws UnknownValue */
  matches(literal: Literal, actual: bigint): boolean {
    const { op, text } = literal;
    if (op === 'v128.const') {
      return lanesOf(text).every((lane, i) => {
        return this.matches(lane, BigInt.asUintN(lane.bits, actual >> BigInt(i * lane.bits)));
      });
    }
    if (NAN_PATTERNS.includes(text)) {
      const { payload, canonical } = FORMATS[op];
      const expected = text === 'nan:canonical' ? actual & payload : actual & canonical;
      return expected === canonical;
    }
    if (NOT_NULL.includes(op) || (op === 'ref.extern' && text === '')) return actual !== 0n;
    return this.bits(literal) === actual;
  }
}

/** A vector's lanes as constants of their own, lowest first, from `f32x4 1 2 3 4`. */
function lanesOf(text: string): (Literal & { readonly bits: number })[] {
  const [shape, ...lanes] = text.split(' ');
  const { op, bits } = SHAPES[shape];
  if (lanes.length * bits !== 128) throw new Error(`${JSON.stringify(text)} is no vector`);
  return lanes.map((lane) => ({ op, text: lane, bits }));
}

function scalarsOf(literal: Literal): readonly Literal[] {
  return literal.op === 'v128.const' ? lanesOf(literal.text) : [literal];
}

function literalsOf(command: ScriptCommand): Literal[] {
  if (!('action' in command)) return [];
  const expected = command.kind === 'assert_return' ? command.expected.flat() : [];
  return [...command.action.args, ...expected];
}

/** Any integer of the text format: signs, underscores, hexadecimal. */
function integer(text: string): bigint {
  const [, sign, digits] = /^([+-]?)(\d+|0x[0-9a-f]+)$/i.exec(text.replaceAll('_', '')) ?? [];
  if (digits === undefined) throw new Error(`${JSON.stringify(text)} is no integer`);
  return sign === '-' ? -BigInt(digits) : BigInt(digits);
}

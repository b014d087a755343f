import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import loadWabt from 'wabt';
import { ModuleError } from '../../../src/base/errors.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { flatIndex, type Immediates, type Opcode, opcodeOf, opcodes } from '../../../src/wasm/opcodes.js';
import { FunctionValidator, validateBodies } from '../../../src/wasm/validate.js';
import { v8Accepts } from './v8.js';

/** A constant of each value type. */
const CONSTANT: Readonly<Record<number, readonly number[]>> = {
  127: [0x41, 0],
  126: [0x42, 0],
  125: [0x43, 0, 0, 0, 0],
  124: [0x44, 0, 0, 0, 0, 0, 0, 0, 0],
  123: [0xfd, 0x0c, ...new Array<number>(16).fill(0)],
  112: [0xd0, 0x70],
};

const IMMEDIATES: Readonly<Partial<Record<Immediates, readonly number[]>>> = {
  none: [],
  func: [0],
  memarg: [0, 0],
  memory: [0],
  'memory memory': [0, 0],
  data: [0],
  'data memory': [0, 0],
  elem: [0],
  'elem table': [0, 0],
  table: [0],
  'table table': [0, 0],
  i32: [0],
  i64: [0],
  f32: [0, 0, 0, 0],
  f64: [0, 0, 0, 0, 0, 0, 0, 0],
  v128: new Array(16).fill(0),
  lanes: new Array(16).fill(0),
  lane: [0],
  'memarg lane': [0, 0, 0],
  zero: [0],
};

/**
 * The instructions that leave the function's code: calls, growing, waiting, and bulk operations on memories and tables.
 */
const CALL_LIKE = new Set([
  'call',
  'call_indirect',
  'return_call',
  'return_call_indirect',
  'call_ref',
  'return_call_ref',
  'memory.grow',
  'memory.init',
  'memory.copy',
  'memory.fill',
  'table.init',
  'table.copy',
  'table.grow',
  'table.fill',
  'memory.atomic.wait32',
  'memory.atomic.wait64',
]);

function section(id: number, ...content: number[]): number[] {
  return [id, content.length, ...content];
}

/** Those of them whose types vary, in a function of the module below. */
const VARYING_CALLS: Readonly<Record<string, readonly number[]>> = {
  call: [0x10, 0],
  call_indirect: [0x41, 0, 0x11, 0, 0],
  return_call: [0x12, 0],
  return_call_indirect: [0x41, 0, 0x13, 0, 0],
  call_ref: [0xd2, 0, 0x14, 0],
  return_call_ref: [0xd2, 0, 0x15, 0],
  'table.grow': [0xd0, 0x70, 0x41, 0, 0xfc, 15, 0, 0x1a],
  'table.fill': [0x41, 0, 0xd0, 0x70, 0x41, 0, 0xfc, 17, 0],
};

/** A module with one of everything and a function without parameters and results that has these instructions. */
function moduleWith(code: readonly number[]): Uint8Array {
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, 1, 0x60, 0, 0),
    ...section(3, 1, 0),
    ...section(4, 1, 0x70, 0, 1),
    ...section(5, 1, 0, 1),
    ...section(9, 1, 1, 0, 1, 0),
    ...section(12, 1),
    ...section(10, 1, code.length + 2, 0, ...code, 0x0b),
    ...section(11, 1, 1, 1, 0),
  ]);
}

/** The prefix, if there is one, and the second number in two bytes, as LEB128. */
function opcodeBytes(code: number): number[] {
  if (code < 0xfb00) return [code];
  const [prefix, sub] = code >= 0xfd000 ? [0xfd, code - 0xfd000] : [code >> 8, code & 0xff];
  return [prefix, (sub & 0x7f) | 0x80, sub >> 7];
}

function encoded({ code, immediates, feature, alignment }: Opcode): number[] {
  if (feature === 'threads' && immediates === 'memarg') return [...opcodeBytes(code), alignment!, 0];
  return [...opcodeBytes(code), ...IMMEDIATES[immediates]!];
}

function accepted(bytes: Uint8Array): boolean {
  try {
    validateBodies(decodeModule(bytes));
    return true;
  } catch (error) {
    if (error instanceof ModuleError) return false;
    throw error;
  }
}

const fixed = opcodes.filter(({ operands, results }) => operands !== undefined && results !== undefined);

/** What neither this V8 nor wabt knows: then only we are asked. */
const isUnknown = ({ feature }: Opcode) => feature === 'wide-arithmetic';

/** Whether we accept a module, and V8 where it knows the opcode. */
function verdicts(opcode: Opcode, bytes: Uint8Array): boolean[] {
  return isUnknown(opcode) ? [accepted(bytes)] : [accepted(bytes), v8Accepts(bytes)];
}

const all = (opcode: Opcode, verdict: boolean) => new Array(isUnknown(opcode) ? 1 : 2).fill(verdict);

describe('opcode table', () => {
  test('has every instruction once, in order', () => {
    const codes = opcodes.map(({ code }) => code);
    expect(codes).toEqual([...new Set(codes)].sort((a, b) => a - b));
    // MVP, sign extension, the 0xfc prefix, select with a type, table.get and set, references, SIMD, relaxed SIMD,
    // exceptions, threads, tail calls, typed function references, wide arithmetic, casts.
    expect(opcodes.length).toBe(172 + 5 + 18 + 1 + 2 + 3 + 236 + 20 + 8 + 67 + 2 + 5 + 4 + 7);
    expect(opcodes.every((opcode) => opcodeOf(opcode.code) === opcode)).toBe(true);
    expect(new Set(codes.map(flatIndex)).size).toBe(opcodes.length);
    const none = [
      0xfe04, 0xfe0f, 0xfe4f, 0x16, 0xfd, 0xfc12, 0xfc17, 0xfcff, 0x1ffff, 0xfd09a, 0xfd0a2, 0xfd114, 0xfdfff, -1,
    ];
    expect(none.map(opcodeOf)).toEqual(none.map(() => undefined));
  });

  test('its enumeration is named after the text format', () => {
    const read = (file: string) => readFileSync(new URL(`../../../src/wasm/${file}`, import.meta.url), 'utf8');
    const source = read('opcodes.ts') + read('opcodes-vector.ts') + read('opcodes-atomic.ts');
    const members = [...source.matchAll(/^ {2}(\w+) = (0x\w+),/gm)].map(([, name, code]) => [Number(code), name]);
    const pascal = (name: string) => name.replace(/(?:^|[._ ])(\w)/g, (_, letter: string) => letter.toUpperCase());
    for (const { code, name } of opcodes) {
      const expected = code === 0x1c ? 'SelectT' : pascal(name);
      expect(members).toContainEqual([code, expected]);
    }
  });

  test.each(fixed.map((opcode) => [opcode.name, opcode] as const))('%s has the types that V8 gives it', (_, opcode) => {
    const operands = opcode.operands!;
    const drops = opcode.results!.map(() => 0x1a);
    const good = moduleWith([...operands.flatMap((type) => CONSTANT[type]!), ...encoded(opcode), ...drops]);
    expect(verdicts(opcode, good)).toEqual(all(opcode, true));
    for (let i = 0; i < operands.length; i++) {
      const wrong = operands.map((type, at) => (at === i ? (type === 0x7f ? 0x7e : 0x7f) : type));
      const bad = moduleWith([...wrong.flatMap((type) => CONSTANT[type]!), ...encoded(opcode), ...drops]);
      expect(verdicts(opcode, bad)).toEqual(all(opcode, false));
    }
    const tooMany = moduleWith([...operands.flatMap((type) => CONSTANT[type]!), ...encoded(opcode), ...drops, 0x1a]);
    expect(verdicts(opcode, tooMany)).toEqual(all(opcode, false));
    for (const type of [0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70]) {
      // After a select of the result with a constant, only one type fits.
      if (opcode.results!.length === 0) continue;
      const typed = moduleWith([
        ...operands.flatMap((operand) => CONSTANT[operand]!),
        ...encoded(opcode),
        ...CONSTANT[type]!,
        ...[0x41, 0, 0x1c, 1, type],
        ...drops,
      ]);
      expect(verdicts(opcode, typed)).toEqual(all(opcode, type === opcode.results!.at(-1)));
    }
  });

  test.each(opcodes.filter(({ alignment }) => alignment !== undefined).map((opcode) => [opcode.name, opcode] as const))(
    '%s takes the alignments that V8 lets it',
    (_, opcode) => {
      const constants = opcode.operands!.flatMap((type) => CONSTANT[type]!);
      const drops = opcode.results!.map(() => 0x1a);
      for (let alignment = 0; alignment < 6; alignment++) {
        const lane = opcode.immediates === 'memarg lane' ? [0] : [];
        const bytes = moduleWith([...constants, ...opcodeBytes(opcode.code), alignment, 0, ...lane, ...drops]);
        const natural = alignment <= opcode.alignment!;
        if (opcode.feature !== 'threads') expect([accepted(bytes), v8Accepts(bytes)]).toEqual([natural, natural]);
        else {
          // Exactly the natural one; older V8s take smaller ones too.
          expect(accepted(bytes)).toBe(alignment === opcode.alignment);
          if (alignment >= opcode.alignment!) expect(v8Accepts(bytes)).toBe(natural);
        }
      }
    },
  );

  const laned = opcodes.filter(({ immediates }) => immediates.endsWith('lane') || immediates === 'lanes');
  test.each(laned.map((opcode) => [opcode.name, opcode] as const))(
    '%s takes the lanes that V8 lets it',
    (_, opcode) => {
      const before = [...opcode.operands!.flatMap((type) => CONSTANT[type]!), ...opcodeBytes(opcode.code)];
      const drops = opcode.results!.map(() => 0x1a);
      const answers = [1, 2, 4, 8, 16, 32, 33].map((count) => {
        const last = [...IMMEDIATES[opcode.immediates]!.slice(0, -1), count - 1];
        const bytes = moduleWith([...before, ...last, ...drops]);
        return [accepted(bytes), v8Accepts(bytes)];
      });
      expect(answers.map(([ours]) => ours)).toEqual(answers.map(([, theirs]) => theirs));
      expect(answers.map(([ours]) => ours)).toContain(false);
      expect(answers[0]).toEqual([true, true]);
    },
  );

  test('the validator counts what is call-like', () => {
    for (const opcode of fixed) {
      const drops = opcode.results!.map(() => 0x1a);
      const code = [...opcode.operands!.flatMap((type) => CONSTANT[type]!), ...encoded(opcode), ...drops];
      const { callCount } = new FunctionValidator(decodeModule(moduleWith(code))).validate(0);
      expect([opcode.name, callCount]).toEqual([opcode.name, CALL_LIKE.has(opcode.name) ? 1 : 0]);
    }
    const used = fixed.filter(({ name }) => CALL_LIKE.has(name)).map(({ name }) => name);
    for (const [name, code] of Object.entries(VARYING_CALLS)) {
      const { callCount } = new FunctionValidator(decodeModule(moduleWith(code))).validate(0);
      expect([name, callCount]).toEqual([name, 1]);
    }
    expect(new Set([...used, ...Object.keys(VARYING_CALLS)])).toEqual(CALL_LIKE);
  });

  test('names are those that wabt prints', async () => {
    const wabt = await loadWabt();
    for (const opcode of fixed.filter((row) => !isUnknown(row))) {
      const drops = opcode.results!.map(() => 0x1a);
      const bytes = moduleWith([...opcode.operands!.flatMap((type) => CONSTANT[type]!), ...encoded(opcode), ...drops]);
      const module = wabt.readWasm(bytes, { relaxed_simd: true, threads: true });
      const words = module.toText({}).split(/[\s()]+/);
      module.destroy();
      expect(words).toContain(opcode.name);
    }
  });
});

/**
 * Frames with v128 values lowered onto images of both CPUs: what lifting finds there again is what was put there, half
 * by half, wherever it went (slots, registers, copies of locals, stack parameters).
 */

import { describe, expect, test } from 'vitest';
import type { ArchName } from '../../../src/arch/masm/target.js';
import { targets } from '../../../src/arch/targets.js';
import { InputError } from '../../../src/base/errors.js';
import { liftStack } from '../../../src/capture/lift.js';
import { REGISTER_WORDS, Registers } from '../../../src/capture/registers.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { CTX_FLOAT, CTX_GENERAL, CTX_PC } from '../../../src/image/contract/resume-plan.js';
import { NO_LOCAL_REG, SITE_CALL, SITE_ENTRY, SITE_LOOP } from '../../../src/image/contract/site-tables.js';
import { readImage } from '../../../src/image/reader.js';
import { Place } from '../../../src/image/tables/frame-map.js';
import { lowerStack } from '../../../src/restore/lower.js';
import { References } from '../../../src/restore/placed-references.js';
import { type FrameKind, type FrameSite, Frames, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModuleBytes } from '../../../src/wasm/wat.js';
import { random } from '../../support/random.js';

const types = Array.from({ length: 27 }, (_, i) => (i % 3 === 2 ? 'f64' : 'v128'));
const own = types.map((_, i) => `(local.get ${i})`).join(' ');
const first = types.map((type) => (type === 'f64' ? '(f64.const 1)' : '(local.get 0)')).join(' ');
const [n, a, b, c] = [27, 28, 29, 30]; // the locals after
const text = `(module
  (func $many (param ${types.join(' ')} i32) (result v128 v128) (local v128 i64 v128)
    (local.get 0) (i64.const 5) (local.get 3) (call $one (i32.const 1))
    (loop
      (local.set ${a} (local.get 1))
      (local.set ${c} (local.get ${a}))
      (local.set ${a} (local.get ${c}))
      (local.set 0 (local.get ${a}))
      (local.get 0)
      (local.get 4)
      (call $many ${own} (i32.const 1))
      (drop) (drop) (drop) (drop)
      (local.set ${b} (i64.const 1))
      (br_if 0 (local.get ${n})))
    (drop) (drop) (drop) (drop)
    (local.get 0) (local.get 1))
  (func (export "_start") (local v128)
    (call $many ${first} (i32.const 1)) (drop) (drop))
  (func $one (param i32) (result v128) (unreachable)))`;
const module = decodeModule(await readModuleBytes(Buffer.from(text)));

const KINDS: Readonly<Record<number, FrameKind>> = {
  [SITE_LOOP]: 'loop',
  [SITE_ENTRY]: 'entry',
  [SITE_CALL]: 'return',
};

describe.each(Object.keys(targets) as ArchName[])('%s', (arch) => {
  const target = targets[arch];
  const image = readImage(compileImage([{ module, file: 'test' }], { target }).bytes);
  const references = new References(image.identity);
  const { sites, identity } = image;
  const textAddress = identity.text.imageOffset;

  /** A frame at a site with random values, as far as the code leaves them free. */
  function frameAt(row: number, kind: FrameKind, next: () => number): { site: FrameSite; words: number[] } {
    const at = sites.site(row);
    const functionRow = sites.functionAt(at.textOffset);
    const { locals, operands: own, results } = sites.frameMap(functionRow, at);
    const operands = kind === 'return' ? [...own, ...results] : own;
    const word = () => Math.floor(next() * 2 ** 32);
    const any = (type: ValType) => {
      const value = [word(), type === ValType.I32 || type === ValType.F32 ? 0 : word()];
      return type === ValType.V128 ? [...value, word(), word()] : value;
    };
    const localValues = locals.map(({ type }) => any(type));
    const operandValues = operands.map(({ type, place, words, local }) =>
      local >= 0 ? localValues[local] : place === Place.Constant ? words : any(type),
    );
    return {
      site: {
        instance: 0,
        func: sites.function(functionRow).index,
        offset: kind === 'entry' ? 0 : at.bodyOffset,
        kind,
        locals: Uint8Array.from(locals, ({ type }) => type),
        operands: Uint8Array.from(operands, ({ type }) => type),
      },
      words: [...localValues, ...operandValues].flat(),
    };
  }

  function rows(index: number): number[] {
    const { first, end } = sites.sitesOf(sites.functionRow(1, index));
    return Array.from({ length: end - first }, (_, i) => first + i);
  }

  function lower(frames: Frames) {
    return lowerStack(
      { frames, phase: { instance: 0, kind: 'entry' } } as Snapshot,
      image,
      [module],
      references,
      target,
    );
  }

  function stackOf(parts: readonly { site: FrameSite; words: number[] }[]): Frames {
    const words = Uint32Array.from(parts.flatMap((part) => part.words));
    return new Frames(
      parts.map(({ site }) => site),
      Uint32Array.from(parts.keys()),
      words,
    );
  }

  /** The last call of a function: of $many. */
  const callIn = (index: number) => rows(index).findLast((row) => sites.site(row).kind === SITE_CALL)!;

  test.each(rows(0).map((row) => [KINDS[sites.site(row).kind], row] as const))(
    'lowered and lifted at %s',
    (kind, row) => {
      const next = random(row + 1);
      for (let i = 0; i < 20; i++) {
        const parts = [frameAt(row, kind, next)];
        for (let depth = i % 3; depth > 0; depth--) parts.push(frameAt(callIn(0), 'call', next));
        parts.push(frameAt(callIn(1), 'call', next));
        const frames = stackOf(parts);
        const { bytes, context } = lower(frames);
        const view = new DataView(context.buffer);
        const words = new Uint32Array(64 * REGISTER_WORDS);
        for (let n = 0; n < 64; n++) {
          const from = n < 32 ? CTX_GENERAL + 8 * n : CTX_FLOAT + 16 * (n - 32);
          for (let k = 0; k < (n < 32 ? 2 : 4); k++) words[n * REGISTER_WORDS + k] = view.getUint32(from + 4 * k, true);
        }
        const sp = 0x7f0000000000 - bytes.length;
        const registers = new Registers(view.getUint32(CTX_PC, true), sp, words);
        const stack = { address: sp, bytes: Buffer.from(bytes) };
        const lifted = liftStack(sites, textAddress, registers, stack, target.plan.linkRegister).frames;
        expect(lifted.count).toBe(frames.count);
        for (let n = 0; n < frames.count; n++) expect(lifted.site(n)).toEqual(frames.site(n));
        expect(Buffer.from(lifted.words.buffer).equals(Buffer.from(frames.words.buffer))).toBe(true);
      }
    },
  );

  test('vectors go to registers, slots, copies of locals and stack parameters', () => {
    const loop = rows(0).find((row) => sites.site(row).kind === SITE_LOOP)!;
    const places = rows(0).flatMap((row) => {
      const { locals, operands, results } = sites.frameMap(sites.functionRow(1, 0), sites.site(row));
      return [...locals, ...operands, ...results].filter(({ type }) => type === ValType.V128);
    });
    for (const place of [Place.Slot, Place.Register]) expect(places.map((at) => at.place)).toContain(place);
    expect(places.some(({ local }) => local >= 0)).toBe(true);
    const locals = sites.homes(sites.functionAt(sites.site(loop).textOffset));
    expect(locals.some(({ type, reg }) => type === ValType.V128 && reg !== NO_LOCAL_REG)).toBe(true);
    expect(locals.some(({ type, reg }) => type === ValType.V128 && reg === NO_LOCAL_REG)).toBe(true);
    const { frameSize } = sites.function(sites.functionRow(1, 0));
    expect(locals.some(({ type, slot }) => type === ValType.V128 && slot * 8 > frameSize)).toBe(true);
  });

  test('a copy of a local that differs in one bit is refused', () => {
    const row = callIn(0);
    const { operands } = sites.frameMap(sites.functionRow(1, 0), sites.site(row));
    const copy = operands.findIndex(({ local, type }) => local >= 0 && type === ValType.V128);
    const part = frameAt(row, 'return', random(3));
    const frames = stackOf([part, frameAt(callIn(1), 'call', random(4))]);
    const at = frames.wordOf(0, part.site.locals.length + copy);
    lower(frames);
    for (let word = 0; word < 4; word++) {
      frames.words[at + word] ^= 0x100;
      expect(() => lower(frames)).toThrow(InputError);
      expect(() => lower(frames)).toThrow(/another value than the code gives it/);
      frames.words[at + word] ^= 0x100;
    }
  });

  test('another type in its place is refused', () => {
    const loop = rows(0).find((row) => sites.site(row).kind === SITE_LOOP)!;
    const { site, words } = frameAt(loop, 'loop', random(3));
    for (const type of [ValType.I64, ValType.F64]) {
      const locals = site.locals.slice().fill(type, 0, 1);
      const hostile = { site: { ...site, locals }, words: words.slice(2) };
      expect(() => lower(stackOf([hostile, frameAt(callIn(1), 'call', random(4))]))).toThrow(/its locals/);
    }
  });
});

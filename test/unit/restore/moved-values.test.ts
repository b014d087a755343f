/**
 * Frames whose values are wherever tables can say: in any register, any slot, constants, nowhere. Lifting finds what
 * lowering has put there, on both CPUs, with tables that none of our code generators writes.
 */

import { describe, expect, test } from 'vitest';
import type { ArchName } from '../../../src/arch/masm/target.js';
import { targets } from '../../../src/arch/targets.js';
import { InputError } from '../../../src/base/errors.js';
import { liftStack } from '../../../src/capture/lift.js';
import { REGISTER_WORDS, Registers } from '../../../src/capture/registers.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { CTX_FLOAT, CTX_GENERAL, CTX_PC } from '../../../src/image/contract/resume-plan.js';
import { SITE_CALL, SITE_ENTRY, SITE_LOOP } from '../../../src/image/contract/site-tables.js';
import { type ImageDescription, readImage } from '../../../src/image/reader.js';
import { type Location, Place } from '../../../src/image/tables/frame-map.js';
import { SiteLookup } from '../../../src/image/tables/site-lookup.js';
import { lowerStack } from '../../../src/restore/lower.js';
import { References } from '../../../src/restore/placed-references.js';
import { cellsOf, type FrameKind, type FrameSite, Frames, type Snapshot } from '../../../src/snapshot/snapshot.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { ValType } from '../../../src/wasm/module.js';
import { readModuleBytes } from '../../../src/wasm/wat.js';
import { checkSites } from '../../sites/allocation.js';
import { INNERMOST_KINDS, movedValues } from '../../support/moved-values.js';
import { random } from '../../support/random.js';

const text = `(module
  (elem declare func $f)
  (func $f (param i32 v128) (result i32) (local i64 f32 f64 funcref externref v128 i32)
    (local.get 0) (i64.const 5) (f64.const 1) (local.get 1) (ref.null func) (ref.null extern) (local.get 1) (local.get 7)
    (loop
      (drop (call $f (local.get 0) (local.get 1)))
      (br_if 0 (local.get 0)))
    (drop) (drop) (drop) (drop) (drop) (drop) (drop))
  (func (export "_start") (local i64) (drop (call $f (i32.const 1) (v128.const i64x2 1 2)))))`;
const module = decodeModule(await readModuleBytes(Buffer.from(text)));
const [f, start] = [0, 1];

interface Part {
  readonly site: FrameSite;
  readonly values: readonly Location[];
  readonly words: readonly number[];
}

describe.each(Object.keys(targets) as ArchName[])('%s', (arch) => {
  const target = targets[arch];
  const image = readImage(compileImage([{ module, file: 'test' }], { target }).bytes);
  const { identity } = image;
  const references = new References(identity);
  const record = references.record(f, 1, () => '');
  const placements = Array.from({ length: 40 }, (_, seed) => {
    const tables = movedValues(image, target.plan, random(seed + 1));
    return new SiteLookup(tables.sections(), identity.text.size);
  });

  /** The last site of a kind of a function. */
  function rowOf(sites: SiteLookup, index: number, kind: number): number {
    const { first, end } = sites.sitesOf(sites.functionRow(1, index));
    for (let row = end - 1; row >= first; row--) if (sites.site(row).kind === kind) return row;
    throw new Error('no such site');
  }

  /** A frame with random values, as far as its map leaves them free. */
  function frameAt(sites: SiteLookup, row: number, kind: FrameKind, next: () => number): Part {
    const at = sites.site(row);
    const functionRow = sites.functionAt(at.textOffset);
    const { locals, operands: own, results } = sites.frameMap(functionRow, at);
    const operands = kind === 'return' ? [...own, ...results] : own;
    const values = [...locals, ...operands];
    const any = (type: ValType) => {
      const word = () => Math.floor(next() * 2 ** 32);
      if (type === ValType.FuncRef) return next() < 0.5 ? [0, 0] : [f, 1];
      if (type === ValType.I32 || type === ValType.F32) return [word(), 0];
      return Array.from({ length: cellsOf(type) * 2 }, word);
    };
    const words: (readonly number[])[] = [];
    for (const { type, place, words: bits, local } of values) {
      words.push(local >= 0 ? words[local] : place === Place.Constant ? bits : any(type));
    }
    const types = (list: readonly Location[]) => Uint8Array.from(list, ({ type }) => type);
    const { index } = sites.function(functionRow);
    const offset = kind === 'entry' ? 0 : at.bodyOffset;
    const site = { instance: 0, func: index, offset, kind, locals: types(locals), operands: types(operands) };
    return { site, values, words: words.flat() };
  }

  function framesOf(parts: readonly Part[]): Frames {
    return new Frames(
      parts.map(({ site }) => site),
      Uint32Array.from(parts.keys()),
      Uint32Array.from(parts.flatMap(({ words }) => words)),
    );
  }

  function lower(sites: SiteLookup, frames: Frames) {
    const snapshot = { frames, phase: { instance: 0, kind: 'entry' } } as Snapshot;
    return lowerStack(snapshot, { sites, identity } as ImageDescription, [module], references, target);
  }

  function lift(sites: SiteLookup, { bytes, context }: ReturnType<typeof lower>) {
    const view = new DataView(context.buffer);
    const words = new Uint32Array(64 * REGISTER_WORDS);
    for (let n = 0; n < 64; n++) {
      const from = n < 32 ? CTX_GENERAL + 8 * n : CTX_FLOAT + 16 * (n - 32);
      for (let k = 0; k < (n < 32 ? 2 : 4); k++) words[n * REGISTER_WORDS + k] = view.getUint32(from + 4 * k, true);
    }
    const sp = 0x7f0000000000 - bytes.length;
    const registers = new Registers(view.getUint32(CTX_PC, true), sp, words);
    const stack = { address: sp, bytes: Buffer.from(bytes) };
    return liftStack(sites, identity.text.imageOffset, registers, stack, target.plan.linkRegister);
  }

  /** A stack whose innermost frame is at a site of $f. */
  function stackAt(sites: SiteLookup, kind: number, depth: number, next: () => number): Part[] {
    const parts = [frameAt(sites, rowOf(sites, f, kind), INNERMOST_KINDS[kind as 0 | 1 | 2], next)];
    const inCall = rowOf(sites, f, SITE_CALL);
    for (; depth > 0; depth--) parts.push(frameAt(sites, inCall, 'call', next));
    parts.push(frameAt(sites, rowOf(sites, start, SITE_CALL), 'call', next));
    return parts;
  }

  /** The words of frames as lifting gives them: what is dead is zero, references are native. */
  function native(parts: readonly Part[]): number[] {
    return parts.flatMap(({ values, words }) => {
      let at = 0;
      return values.flatMap(({ type, place }) => {
        const own = words.slice(at, (at += cellsOf(type) * 2));
        if (place === Place.Dead) return own.map(() => 0);
        return type === ValType.FuncRef && own[1] !== 0 ? [record, 0] : own;
      });
    });
  }

  test.each([SITE_LOOP, SITE_CALL, SITE_ENTRY].map((kind) => [INNERMOST_KINDS[kind as 0 | 1 | 2], kind]))(
    'lowered and lifted at %s',
    (_, kind) => {
      const next = random(7);
      for (const [i, sites] of placements.entries()) {
        const parts = stackAt(sites, Number(kind), i % 4, next);
        const frames = framesOf(parts);
        const lifted = lift(sites, lower(sites, frames)).frames;
        expect(lifted.sites.length).toBeLessThanOrEqual(frames.sites.length);
        for (let n = 0; n < frames.count; n++) expect(lifted.site(n)).toEqual(frames.site(n));
        expect([...lifted.words]).toEqual(native(parts));
      }
    },
  );

  test('all forms occur, and the allocation checker finds nothing wrong with them', () => {
    const seen = new Set<string>();
    for (const sites of placements) {
      expect(checkSites(sites, target.plan)).toEqual([]);
      for (const kind of [SITE_LOOP, SITE_CALL]) {
        const { locals, operands } = sites.frameMap(sites.functionRow(1, f), sites.site(rowOf(sites, f, kind)));
        for (const { type, place } of locals)
          seen.add(`local ${place} of ${type === ValType.V128 ? 128 : 64} at ${kind}`);
        for (const { place, local } of operands) seen.add(local < 0 ? `operand ${place} at ${kind}` : 'copy');
      }
    }
    const places = [Place.Slot, Place.Register, Place.Constant, Place.Dead];
    const forms = places.flatMap((place) => {
      const kinds = place === Place.Register ? [SITE_LOOP] : [SITE_LOOP, SITE_CALL];
      return kinds.flatMap((kind) => [
        `local ${place} of 128 at ${kind}`,
        `local ${place} of 64 at ${kind}`,
        `operand ${place} at ${kind}`,
      ]);
    });
    expect([...seen].sort()).toEqual([...forms, 'copy'].sort());
  });

  test('tables with wrong bits are read or refused, and nothing else', () => {
    const next = random(11);
    const tables = movedValues(image, target.plan, next);
    let refused = 0;
    for (let i = 0; i < 2000; i++) {
      const shapes = Uint8Array.from(tables.shapes.column.bytes());
      for (let flips = 1 + (i % 3); flips > 0; flips--) {
        shapes[Math.floor(next() * shapes.length)] ^= 1 << Math.floor(next() * 8);
      }
      const sites = new SiteLookup({ ...tables.sections(), shapes }, identity.text.size);
      for (let row = 0; row < sites.siteCount; row++) {
        const site = sites.site(row);
        try {
          sites.frameMap(sites.functionAt(site.textOffset), site);
        } catch (error) {
          if (!(error instanceof InputError)) throw error;
          refused++;
        }
      }
    }
    expect(refused).toBeGreaterThan(500);
  });

  test('what is dead is put nowhere', () => {
    const sites = placements[0];
    const parts = stackAt(sites, SITE_LOOP, 1, random(3));
    const others = parts.map(({ site, values, words }) => {
      let at = 0;
      const changed = values.flatMap(({ type, place }) => {
        const own = words.slice(at, (at += cellsOf(type) * 2));
        return place === Place.Dead && type !== ValType.FuncRef ? own.map((word) => ~word >>> 0) : own;
      });
      return { site, values, words: changed };
    });
    expect(others.flatMap(({ words }) => words)).not.toEqual(parts.flatMap(({ words }) => words));
    expect(lower(sites, framesOf(others))).toEqual(lower(sites, framesOf(parts)));
  });

  test('a constant or a copy that differs in one bit is refused', () => {
    let tried = 0;
    for (const sites of placements.slice(0, 8)) {
      const parts = stackAt(sites, SITE_LOOP, 1, random(3));
      const frames = framesOf(parts);
      let at = 0;
      for (const { type, place, local } of parts.flatMap(({ values }) => values)) {
        for (let word = 0; word < cellsOf(type) * 2; word++, at++) {
          const isFree = place !== Place.Constant && (local < 0 || place === Place.Dead);
          const isNothing = (type === ValType.I32 || type === ValType.F32) && word > 0;
          if (isFree || isNothing || (type === ValType.FuncRef && place !== Place.Constant)) continue;
          tried++;
          frames.words[at] ^= 0x100;
          expect(() => lower(sites, frames)).toThrow(InputError);
          expect(() => lower(sites, frames)).toThrow(/another value than the code gives it/);
          frames.words[at] ^= 0x100;
        }
      }
      lower(sites, frames);
    }
    expect(tried).toBeGreaterThan(50);
  });
});

/**
 * An image's site tables match the module: they have the same sites with the same types, and places for all values that
 * do not overlap. For random modules and the C programs, on every CPU.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Target } from '../../src/arch/masm/target.js';
import { compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import { NO_LOCAL_REG, SITE_CALL, SITE_ENTRY } from '../../src/image/contract/site-tables.js';
import { type ImageDescription, readImage } from '../../src/image/reader.js';
import { type Location, Place, slotsOf } from '../../src/image/tables/frame-map.js';
import { decodeModule } from '../../src/wasm/decode.js';
import type { ValType } from '../../src/wasm/module.js';
import { erased } from '../../src/wasm/ref-types.js';
import { ARCHES, specTarget } from '../spec/targets.js';
import { NanMode } from './code.js';
import { rewritten } from './differential.js';
import { randomCase } from './random-module.js';
import { expectedSites } from './site-list.js';

const programs = resolve(import.meta.dirname, '../../fixtures/programs');

for (const arch of ARCHES) {
  describe(arch, () => {
    const { target } = specTarget(arch)!;

    for (const file of readdirSync(programs).filter((name) => name.endsWith('.wasm'))) {
      test(file, () => {
        const module = decodeModule(readFileSync(join(programs, file)), file);
        checkImage([{ module, file }], target);
      });
    }

    test('random modules', () => {
      for (let first = 0; first < 120; first += 30) {
        const inputs = Array.from({ length: 30 }, (_, i) => {
          const sizes = {
            functions: 4,
            body: i % 3 === 0 ? 400 : 60,
            vectors: i % 4 === 3,
            atomics: i % 4 === 1,
            tailCalls: i % 3 === 1,
            exceptions: i % 5 > 1,
            references: i % 7 > 3,
            casts: i % 7 > 5,
          };
          const one = randomCase(first + i, { sizes, nan: NanMode.Guarded });
          return rewritten(one, { tryTables: i % 2 === 0, wideArithmetic: i % 3 === 0 }).modules;
        }).flat();
        checkImage(
          inputs.map(({ name, bytes }) => ({ name, file: name, module: decodeModule(bytes, name) })),
          target,
        );
      }
    });
  });
}

test('code is the same without site tables', () => {
  const { target } = specTarget('x64')!;
  for (let seed = 0; seed < 30; seed++) {
    const { modules } = randomCase(seed, { sizes: { functions: 4, body: 100 }, nan: NanMode.Guarded });
    const inputs = modules.map(({ name, bytes }) => ({ name, file: name, module: decodeModule(bytes, name) }));
    const without = compileImage(inputs, { target, sites: false }).text;
    expect(Buffer.from(without).equals(compileImage(inputs, { target }).text)).toBe(true);
  }
});

function checkImage(inputs: readonly ModuleInput[], target: Target): void {
  const image = readImage(compileImage(inputs, { target }).bytes);
  for (const [i, { module }] of inputs.entries()) {
    for (const { index, locals, sites } of expectedSites(module)) {
      const row = image.sites.functionRow(i + 1, index);
      const actual = describeFunction(image, row);
      expect(actual.locals).toEqual(locals.map(erased));
      expect(actual.sites).toEqual(
        sites.map(({ bodyOffset, kind, operands, results }) => ({
          bodyOffset,
          kind,
          operands: operands.map(erased),
          results: results.map(erased),
        })),
      );
      expect(misplaced(image, row)).toEqual([]);
    }
  }
}

function describeFunction({ sites }: ImageDescription, row: number) {
  const { first, end } = sites.sitesOf(row);
  const types = (list: readonly Location[]) => list.map(({ type }) => type);
  const found = Array.from({ length: end - first }, (_, i) => {
    const site = sites.site(first + i);
    const { locals, operands, results } = sites.frameMap(row, site);
    const stack = site.kind === SITE_ENTRY ? locals : operands;
    return { bodyOffset: site.bodyOffset, kind: site.kind, operands: types(stack), results: types(results) };
  });
  return { locals: sites.homes(row).map(({ type }) => type), sites: found };
}

/** What is at a place that something else has too, or that is none. */
function misplaced({ sites }: ImageDescription, row: number): string[] {
  const wrong: string[] = [];
  const locals = sites.homes(row);
  const slots = sites.function(row).frameSize / 8;
  const homes = new Set(locals.flatMap(slotNumbers));
  const registers = locals.map(({ reg }) => reg).filter((reg) => reg !== NO_LOCAL_REG);
  if (homes.size !== locals.flatMap(slotNumbers).length) wrong.push('two locals have one slot');
  if (new Set(registers).size !== registers.length) wrong.push('two locals have one register');
  const { first, end } = sites.sitesOf(row);
  for (let n = first; n < end; n++) {
    const site = sites.site(n);
    const isEntry = site.kind === SITE_ENTRY;
    const { locals, operands, results } = sites.frameMap(row, site);
    const own = [...(isEntry ? locals : operands.filter(({ local }) => local < 0)), ...results];
    const where = `site at ${site.bodyOffset}`;
    const taken = new Set<string>();
    for (const { type, place, at } of own) {
      if (place !== Place.Slot && place !== Place.Register) continue;
      const slotsHere = place === Place.Slot ? slotNumbers({ type, slot: at }) : [];
      for (const name of place === Place.Slot ? slotsHere.map((slot) => `slot ${slot}`) : [`register ${at}`]) {
        if (taken.has(name)) wrong.push(`${where}: ${name} holds two values`);
        taken.add(name);
      }
      if (isEntry) continue;
      if (slotsHere.some((slot) => homes.has(slot) || slot >= slots)) wrong.push(`${where}: slot ${at}`);
      if (place === Place.Register && site.kind !== SITE_CALL) wrong.push(`${where}: an operand in register ${at}`);
    }
    for (const { place, local } of operands) {
      if (place === Place.Register && local < 0) wrong.push(`${where}: an operand in a register`);
    }
  }
  return wrong;
}

/** The slots that a value takes. */
function slotNumbers({ type, slot }: { readonly type: ValType; readonly slot: number }): number[] {
  return Array.from({ length: slotsOf(type) }, (_, i) => slot + i);
}

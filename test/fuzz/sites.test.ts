/**
 * That an image's site tables are what the module says: the same sites with the same types, and places for all of it
 * that do not overlap. For random modules and the C programs, on every CPU.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Target } from '../../src/arch/masm/target.js';
import { compileImage, type ModuleInput } from '../../src/compile/link/compile.js';
import {
  NO_LOCAL_REG,
  OPERAND_LOCAL,
  OPERAND_REG,
  OPERAND_SLOT,
  SITE_CALL,
  SITE_ENTRY,
  TYPE_V128,
} from '../../src/image/contract/site-tables.js';
import { type ImageDescription, readImage } from '../../src/image/reader.js';
import type { Location } from '../../src/image/tables/site-lookup.js';
import { typeCode } from '../../src/image/tables/type-codes.js';
import { decodeModule } from '../../src/wasm/decode.js';
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
          };
          const one = randomCase(first + i, { sizes, nan: NanMode.Guarded });
          return rewritten(one, undefined, i % 2 === 0).modules;
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
      expect(actual.locals).toEqual(locals.map(typeCode));
      expect(actual.sites).toEqual(
        sites.map(({ bodyOffset, kind, operands, results }) => ({
          bodyOffset,
          kind,
          operands: operands.map(typeCode),
          results: results.map(typeCode),
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
    const { operands, results } = sites.shape(site);
    return { bodyOffset: site.bodyOffset, kind: site.kind, operands: types(operands), results: types(results) };
  });
  return { locals: sites.locals(row).map(({ type }) => type), sites: found };
}

/** What is at a place that something else has too, or that is none. */
function misplaced({ sites }: ImageDescription, row: number): string[] {
  const wrong: string[] = [];
  const locals = sites.locals(row);
  const slots = sites.function(row).frameSize / 8;
  const homes = new Set(locals.flatMap(slotsOf));
  const registers = locals.map(({ reg }) => reg).filter((reg) => reg !== NO_LOCAL_REG);
  if (homes.size !== locals.flatMap(slotsOf).length) wrong.push('two locals have one slot');
  if (new Set(registers).size !== registers.length) wrong.push('two locals have one register');
  const { first, end } = sites.sitesOf(row);
  for (let at = first; at < end; at++) {
    const site = sites.site(at);
    const { operands, results } = sites.shape(site);
    const where = `site at ${site.bodyOffset}`;
    const taken = new Set<string>();
    for (const location of [...operands, ...results]) {
      const { kind, type, reg, local } = location;
      if (kind === OPERAND_LOCAL && locals[local]?.type !== type) wrong.push(`${where}: an alias of another type`);
      if (kind !== OPERAND_SLOT && kind !== OPERAND_REG) continue;
      const places = kind === OPERAND_SLOT ? slotsOf(location).map((slot) => `slot ${slot}`) : [`register ${reg}`];
      for (const place of places) {
        if (taken.has(place)) wrong.push(`${where}: ${place} holds two values`);
        taken.add(place);
      }
      if (site.kind === SITE_ENTRY) continue;
      if (kind === OPERAND_SLOT && slotsOf(location).some((slot) => homes.has(slot) || slot >= slots)) {
        wrong.push(`${where}: ${places}`);
      }
      if (kind === OPERAND_REG && site.kind !== SITE_CALL) wrong.push(`${where}: an operand in ${places}`);
    }
    for (const { kind } of operands) {
      if (kind === OPERAND_REG && site.kind !== SITE_ENTRY) wrong.push(`${where}: an operand in a register`);
    }
  }
  return wrong;
}

/** The slots that a value takes. */
function slotsOf({ type, slot }: { readonly type: number; readonly slot: number }): number[] {
  return type === TYPE_V128 ? [slot, slot + 1] : [slot];
}

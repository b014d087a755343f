/** Site tables there and back: what the code generator records is what a reader finds. */

import { describe, expect, it } from 'vitest';
import { type Location, Place } from '../../../../src/image/tables/frame-map.js';
import { FrameMapDecoder } from '../../../../src/image/tables/frame-map-decoder.js';
import { SiteLookup, type SiteSections } from '../../../../src/image/tables/site-lookup.js';
import { SiteTables } from '../../../../src/image/tables/site-tables.js';
import { ValType } from '../../../../src/wasm/module.js';

/** What is stored of a site: what frame maps are made of. */
function stored(tables: SiteTables, row: number, changes: Partial<SiteSections> = {}) {
  const all = { ...tables.sections(), ...changes };
  const { shape } = new SiteLookup(all, 1 << 20).site(row);
  return new FrameMapDecoder(all.version, all.locals, all.shapes).shape(shape, 0);
}

const text = ({ place, at, words }: Location) =>
  `${['slot', 'reg', 'const', 'dead', 'unknown', 'local'][place]} ${place === Place.Constant ? words : at}`;

function sample(): SiteTables {
  const t = new SiteTables();
  t.beginFunction(0, 0, 0, 0, 3);
  t.endFunction(16);
  t.beginFunction(32, 1, 7, 24);
  t.local(ValType.I32, 255, 3);
  t.local(ValType.I64, 12, 4);
  t.shapes.begin(1, 0);
  t.shapes.register(ValType.F64, 34);
  t.site(32, 0, 2);
  t.shapes.begin(3, 1);
  t.shapes.slot(ValType.I32, 5);
  t.shapes.constant(ValType.I64, -1, 0x7fffffff);
  t.shapes.copy(ValType.I64, 1);
  t.shapes.register(ValType.I32, 0);
  t.site(50, 9, 0);
  t.trap(52, 11, 3);
  t.shapes.begin(1, 0);
  t.shapes.register(ValType.F64, 34);
  t.site(60, 9, 1);
  t.endFunction(80);
  return t;
}

describe('SiteLookup', () => {
  const lookup = new SiteLookup(sample().sections(), 128);

  it('finds the function of a text offset', () => {
    expect([0, 15, 16, 31, 32, 79, 80, 1000].map((at) => lookup.functionAt(at))).toEqual([0, 0, -1, -1, 1, 1, -1, -1]);
    expect(lookup.function(1)).toEqual({ row: 1, start: 32, end: 80, instance: 1, index: 7, frameSize: 24, kind: 0 });
    expect(lookup.functionRow(1, 7)).toBe(1);
    expect(lookup.functionRow(1, 8)).toBe(-1);
    expect(lookup.functionRow(0, 0)).toBe(-1); // a stub is nobody's function
  });

  it("knows where pinned locals are at trap sites, up to the function's end", () => {
    const t = new SiteTables();
    t.beginFunction(0, 1, 0, 8);
    t.trap(4, 1, 2);
    t.trapPins(8, 5, 2);
    t.trap(8, 2, 2);
    t.trap(12, 3, 2);
    t.endFunction(16);
    t.beginFunction(16, 1, 1, 8);
    t.trap(20, 1, 2);
    t.endFunction(32);
    const pins = new SiteLookup(t.sections(), 32);
    const inSlots = { registers: 0, lost: 0 };
    expect([4, 8, 12, 20].map((at) => pins.pinsAt(at))).toEqual([
      inSlots,
      { registers: 5, lost: 2 },
      { registers: 5, lost: 2 },
      inSlots,
    ]);
    expect(pins.pinsAt(9)).toBeUndefined(); // no trap site
    expect(new SiteLookup({ ...t.sections(), pins: undefined }, 32).pinsAt(8)).toBeUndefined(); // an image of before
  });

  it('finds sites by text offset and by name', () => {
    expect(lookup.siteAt(50)).toBe(1);
    expect(lookup.siteAt(51)).toBe(-1);
    expect(lookup.siteFor(1, 7, 9, 0)).toBe(1);
    expect(lookup.siteFor(1, 7, 9, 1)).toBe(2);
    expect(lookup.siteFor(1, 7, 10, 1)).toBe(-1);
    expect(lookup.siteFor(2, 7, 9, 1)).toBe(-1);
    expect(lookup.sitesOf(1)).toEqual({ first: 0, end: 3 });
    expect(lookup.sitesOf(0)).toEqual({ first: 0, end: 0 });
  });

  it('gives locals, shapes and traps', () => {
    expect(lookup.homes(1)).toEqual([
      { type: ValType.I32, reg: 255, slot: 3 },
      { type: ValType.I64, reg: 12, slot: 4 },
    ]);
    const { operands, results } = stored(sample(), 1);
    expect(operands.map(({ type }) => type)).toEqual([ValType.I32, ValType.I64, ValType.I64]);
    expect(operands.map(text)).toEqual(['slot 5', `const ${[0xffffffff, 0x7fffffff]}`, 'local 1']);
    expect(results).toMatchObject([{ type: ValType.I32, place: Place.Register, at: 0 }]);
    const map = lookup.frameMap(1, lookup.site(1));
    expect(map.locals.map(text)).toEqual(['slot 3', 'slot 4']);
    expect(map.operands.map(text)).toEqual(['slot 5', `const ${[0xffffffff, 0x7fffffff]}`, 'slot 4']);
    expect(map.operands.map(({ local }) => local)).toEqual([-1, -1, 1]);
    expect(lookup.trap(0)).toEqual({ textOffset: 52, bodyOffset: 11, kind: 3 });
  });

  it('shares equal shapes', () => {
    expect(lookup.site(0).shape).toBe(lookup.site(2).shape);
    expect(lookup.site(0).shape).not.toBe(lookup.site(1).shape);
  });

  it('shares shapes among many', () => {
    const t = new SiteTables();
    t.beginFunction(0, 1, 0, 8);
    for (let i = 0; i < 20000; i++) {
      t.shapes.begin(1, 0);
      t.shapes.slot(ValType.I32, i % 5000);
      t.site(i, i, 0);
    }
    t.endFunction(20000);
    expect(t.shapes.column.length).toBe(5000 * 3);
    const many = new SiteLookup(t.sections(), 20000);
    for (let i = 0; i < 20000; i += 37) expect(many.frameMap(0, many.site(i)).operands[0].at).toBe(i % 5000);
  });

  it('refuses contradictions', () => {
    const broken = (change: (t: SiteTables) => void) => {
      const t = sample();
      change(t);
      return () => {
        const l = new SiteLookup(t.sections(), 128);
        for (let i = 0; i < l.siteCount; i++) l.frameMap(1, l.site(i));
      };
    };
    expect(broken((t) => (t.functions.words[8] = 8))).toThrow(/function table out of order/);
    expect(broken((t) => (t.functions.words[9] = 129))).toThrow(/function table out of order/);
    expect(broken((t) => (t.functions.words[8 + 6] = 100))).toThrow(/locals out of range/);
    expect(broken((t) => (t.sites.words[3] = t.sites.words[0]))).toThrow(/site table out of order/);
    expect(broken((t) => (t.sites.words[2] = 0xffffffc0))).toThrow(/frame shape is cut off/);
    expect(broken((t) => (t.shapes.column.words[0] = 0xffffffff))).toThrow(/frame shape is cut off/);
  });

  it('refuses what is one beside what a table may have, and takes what is just inside', () => {
    const FUNCTION = 8; // words of the first row, which is a stub from 0 to 16
    const read = (change: (t: SiteTables) => void) => () => {
      const t = sample();
      t.trapPins(52, 1, 0);
      change(t);
      return new SiteLookup(t.sections(), 128);
    };
    expect(read((t) => (t.functions.words[FUNCTION + 1] = 31))).toThrow(/function table out of order/); // ends before it starts
    expect(read((t) => (t.functions.words[FUNCTION + 1] = 32))).not.toThrow();
    for (const size of [4, 12, 20])
      expect(read((t) => (t.functions.words[FUNCTION + 4] = size))).toThrow(/odd frame size/);
    expect(read((t) => (t.functions.words[FUNCTION + 7] = 4))).not.toThrow();
    expect(read((t) => (t.functions.words[FUNCTION + 7] = 5))).toThrow(/unknown kind of function/);
    expect(read((t) => (t.sites.words[6] = 128))).not.toThrow(); // a return address may be where the text ends
    expect(read((t) => (t.sites.words[6] = 129))).toThrow(/site table out of order/);
    expect(read((t) => (t.traps.words[0] = 129))).toThrow(/trap table out of order/);
    expect(read((t) => (t.pins.words[0] = 129))).toThrow(/pin table out of order/);
    const lookup = read(() => {})();
    for (const row of [-1, 0.5, 2]) expect(() => lookup.function(row)).toThrow(/no function/);
    for (const row of [-1, 3]) expect(() => lookup.site(row)).toThrow(/no site/);
    expect(() => lookup.trap(1)).toThrow(/no trap 1/);
  });
});

describe('shapes that begin as the one before', () => {
  const tables = new SiteTables();
  tables.beginFunction(0, 1, 0, 800);
  const described: string[][] = [];
  const random = (n: number) => Math.floor(Math.abs(Math.sin(described.length * 7919 + n)) * 1000);
  let operands: (() => void)[] = [];
  let texts: string[] = [];
  for (let site = 0; site < 300; site++) {
    const keep = random(1) % (operands.length + 1);
    operands = operands.slice(0, keep);
    texts = texts.slice(0, keep);
    for (let more = random(2) % 30; more > 0; more--) {
      const value = random(more + 3);
      const kind = value % 3;
      operands.push(
        kind === 0
          ? () => tables.shapes.constant(ValType.I64, value, -value)
          : kind === 1
            ? () => tables.shapes.slot(ValType.I32, value)
            : () => tables.shapes.copy(ValType.F64, value),
      );
      texts.push(
        `${kind === 0 ? 'const' : kind === 1 ? 'slot' : 'local'} ${kind === 0 ? [value, -value >>> 0] : value}`,
      );
    }
    const results = site % 3;
    tables.shapes.begin(operands.length, results);
    for (const operand of operands) operand();
    for (let i = 0; i < results; i++) tables.shapes.register(ValType.I32, i);
    tables.site(site + 1, site, 0);
    described.push([...texts, ...Array.from({ length: results }, (_, i) => `reg ${i}`)]);
  }
  tables.endFunction(1000);

  it('are read as they were described, in any order', () => {
    for (const row of [299, 0, 150, ...described.keys()]) {
      const { operands: read, results } = stored(tables, row);
      expect([...read, ...results].map(text)).toEqual(described[row]);
    }
  });

  it('take less room', () => {
    const written = described.reduce((sum, texts) => sum + 2 + texts.length, 0);
    expect(tables.shapes.column.length).toBeLessThan(written);
  });

  it('must refer to one before them, for no more than that has', () => {
    const t = new SiteTables();
    t.beginFunction(0, 1, 0, 800);
    for (let site = 1; site <= 2; site++) {
      t.shapes.begin(9 + site, 0);
      for (let i = 0; i < 9 + site; i++) t.shapes.slot(ValType.I32, i);
      t.site(site, site, 0);
    }
    t.endFunction(1000);
    const first = 2 + 10;
    expect([...t.shapes.column.words.subarray(first, first + 4)]).toEqual([11, 0, 0, 10]);
    const shapeWith = (word: number, value: number) => {
      const shapes = Uint8Array.from(t.shapes.column.bytes());
      new Uint32Array(shapes.buffer)[word] = value;
      return () => stored(t, 1, { shapes });
    };
    expect(shapeWith(first + 3, 10)().operands.length).toBe(11);
    expect(shapeWith(first + 2, first)).toThrow('refers to no other');
    expect(shapeWith(first + 2, first + 1)).toThrow('refers to no other');
    expect(shapeWith(first + 3, 12)).toThrow('refers to no other');
    expect(shapeWith(0, 9)).toThrow('cut off');
    expect(shapeWith(0, 0x7fffffff)).toThrow('cut off');
  });
});

it('functions with the same locals share one list, also when one is ended twice', () => {
  const tables = new SiteTables();
  const add = (start: number, slots: readonly number[]) => {
    tables.beginFunction(start, 1, start, 800);
    for (const slot of slots) tables.local(ValType.I32, 255, slot);
    tables.endFunction(start + 5);
    tables.endFunction(start + 8); // what follows belongs to it, too
  };
  const lists = [[1, 2, 3], [4, 5], [1, 2, 3], [4, 5], [4, 5], [], [6]];
  for (const [i, slots] of lists.entries()) add(i * 10, slots);
  expect(tables.locals.length).toBe(3 + 2 + 1);
  const lookup = new SiteLookup(tables.sections(), 1000);
  for (const [row, slots] of lists.entries()) expect(lookup.homes(row).map(({ slot }) => slot)).toEqual(slots);
});

it('a shape is stored once, also after one that it has less in common with than that with its own', () => {
  const tables = new SiteTables();
  tables.beginFunction(0, 1, 0, 8);
  const add = (at: number, slots: readonly number[]) => {
    tables.shapes.begin(slots.length, 0);
    for (const slot of slots) tables.shapes.slot(ValType.I32, slot);
    tables.site(at, at, 1);
    return tables.sites.words[tables.sites.length - 1] >>> 2;
  };
  const base = Array.from({ length: 12 }, (_, i) => i);
  add(1, base);
  add(2, [...base.slice(0, 11), 90]);
  const other = [...base.slice(0, 9), 91];
  expect(new Set([3, 4, 5, 6].map((at) => add(at, other))).size).toBe(1);
});

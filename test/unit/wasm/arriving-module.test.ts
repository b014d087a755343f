/** Modules of which a part has arrived: what is known of them, and that nothing wrong is ever known. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ArrivingModule } from '../../../src/wasm/arriving-module.js';
import { decodeModule } from '../../../src/wasm/decode.js';
import { random } from '../../support/random.js';
import { seed } from '../../support/sampling.js';

const hello = new Uint8Array(readFileSync('fixtures/programs/hello.wasm'));
const whole = decodeModule(hello);

/** The bytes of a section: its id, its size and its contents. */
const section = (id: number, ...contents: number[]) => [id, contents.length, ...contents];
const module = (...sections: number[][]) => Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat());
const TYPE = section(1, 1, 0x60, 0, 0);
const TWO_FUNCTIONS = section(3, 2, 0, 0);
const BODY = [2, 0, 0x0b];

test('each body is known when its last byte is there', () => {
  const arriving = new ArrivingModule('m');
  for (let length = 0; length <= hello.length; length++) {
    arriving.arrive(hello.slice(0, length));
    const known = whole.bodyEnd.filter((end) => end <= length).length;
    expect(arriving.bodies).toBe(known);
    expect(arriving.beginning === undefined).toBe(length < whole.bodyStart[0] - 1);
    expect(arriving.hasAllBodies).toBe(known === whole.bodyEnd.length);
  }
  const { bodyStart, bodyEnd, types, funcTypes, exports } = arriving.beginning!;
  expect([bodyStart, bodyEnd, funcTypes, exports]).toEqual([
    whole.bodyStart,
    whole.bodyEnd,
    whole.funcTypes,
    whole.exports,
  ]);
  expect(types.length).toBe(whole.types.length);
});

test('data segments are as many as were counted', () => {
  const arriving = new ArrivingModule('m');
  arriving.arrive(module(TYPE, TWO_FUNCTIONS, section(12, 3), section(10, 2, ...BODY, ...BODY)));
  expect(arriving.beginning).toMatchObject({ dataCount: 3 });
  expect(arriving.beginning!.datas.length).toBe(3);
  expect(arriving.bodies).toBe(2);
});

describe('no more becomes known', () => {
  test.each<[string, Uint8Array, number | undefined]>([
    ['where a section is malformed', module(section(1, 1, 0x33), TWO_FUNCTIONS, section(10, 2, ...BODY)), undefined],
    ['where there are more bodies than functions', module(TYPE, TWO_FUNCTIONS, section(10, 3, ...BODY)), undefined],
    ['without functions', module(section(10, 1, ...BODY)), undefined],
    ['of another version', Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0, ...section(10, 0)), undefined],
    ['where a size is too long', module([1, 0x80, 0x80, 0x80, 0x80, 0x80, 0]), undefined],
    ["where a body's size is too long", module(TYPE, TWO_FUNCTIONS, [10, 9, 2, ...BODY, 255, 255, 255, 255, 255]), 1],
    ['where a body is larger than what comes', module(TYPE, TWO_FUNCTIONS, [10, 9, 2, ...BODY, 100, 0, 0x0b]), 1],
    ['without code', module(TYPE), undefined],
  ])('%s', (_, bytes, bodies) => {
    const arriving = new ArrivingModule('m');
    for (let length = 0; length <= bytes.length; length++) arriving.arrive(bytes.slice(0, length));
    expect(arriving.beginning === undefined).toBe(bodies === undefined);
    expect(arriving.bodies).toBe(bodies ?? 0);
  });
});

test(`of a damaged module, seed ${seed}`, () => {
  const next = random(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  for (let round = 0; round < 2000; round++) {
    const bytes = hello.slice();
    for (let i = 0; i < 3; i++) bytes[below(i === 0 ? bytes.length : whole.bodyStart[0])] = below(256);
    const arriving = new ArrivingModule('m');
    for (let length = 0; length < bytes.length; length += 1 + below(bytes.length / 2)) {
      arriving.arrive(bytes.slice(0, length));
    }
    arriving.arrive(bytes);
    let decoded: ReturnType<typeof decodeModule>;
    try {
      decoded = decodeModule(bytes);
    } catch {
      continue; // it may know something of it all the same
    }
    // where there are functions
    if (arriving.beginning === undefined) expect(decoded.bodyStart.length).toBe(0);
    else expect(arriving.beginning.bodyStart).toEqual(decoded.bodyStart);
  }
});

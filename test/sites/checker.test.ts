/** The allocation checker finds the faults that it is for, in tables of a code generator that moves values about. */

import { expect, test } from 'vitest';
import { x64 } from '../../src/arch/x64/target.js';
import { NO_LOCAL_REG, SITE_CALL, SITE_LOOP } from '../../src/image/contract/site-tables.js';
import type { FrameMapEncoder } from '../../src/image/tables/frame-map-encoder.js';
import { SiteLookup } from '../../src/image/tables/site-lookup.js';
import { SiteTables } from '../../src/image/tables/site-tables.js';
import { ValType } from '../../src/wasm/module.js';
import { checkSites } from './allocation.js';

const { plan } = x64;
const [general, other] = plan.operandInts;
const [float] = plan.operandFloats;
type Put = (shapes: FrameMapEncoder) => void;

/** A function of 10 slots with an i64 and a v128 as locals, and a site that places them. */
function problems(kind: number, locals: readonly [Put, Put], operands: readonly Put[], results: readonly Put[] = []) {
  const t = new SiteTables();
  t.beginFunction(0, 1, 0, 80);
  t.local(ValType.I64, NO_LOCAL_REG, 0);
  t.local(ValType.V128, NO_LOCAL_REG, 2);
  t.shapes.begin(2, 0);
  for (const put of locals) put(t.shapes);
  t.shapes.begin(operands.length, results.length, t.shapes.endLocals());
  for (const put of [...operands, ...results]) put(t.shapes);
  t.site(16, 1, kind);
  t.endFunction(32);
  return checkSites(new SiteLookup(t.sections(), 32), plan);
}

const word =
  (slot: number): Put =>
  (shapes) =>
    shapes.slot(ValType.I64, slot);
const vector =
  (slot: number): Put =>
  (shapes) =>
    shapes.slot(ValType.V128, slot);
const register =
  (reg: number, type = ValType.I64): Put =>
  (shapes) =>
    shapes.register(type, reg);
const fine: readonly [Put, Put] = [word(4), vector(6)];

test('tables that can be true', () => {
  const dead: Put = (shapes) => shapes.dead(ValType.I64);
  const copy: Put = (shapes) => shapes.copy(ValType.I64, 0);
  const constant: Put = (shapes) => shapes.constant(ValType.V128, 1, 2, 3, 4);
  expect(problems(SITE_LOOP, [register(general), register(float, ValType.V128)], [copy, dead, word(0)])).toEqual([]);
  expect(problems(SITE_CALL, [dead, constant], [word(0)], [register(plan.resultInt)])).toEqual([]);
  expect(problems(SITE_CALL, fine, [word(0), word(2)])).toEqual([]); // where their homes are, but they are elsewhere
});

test.each<[string, () => string[], RegExp]>([
  ['two locals in one slot', () => problems(SITE_LOOP, [word(7), vector(6)], []), /local 1 at 1 and local 0 .*slot 7/],
  ['an operand on a local', () => problems(SITE_LOOP, fine, [word(4)]), /operand 0 at 1 and local 0 at 1 share slot 4/],
  ['two operands in one slot', () => problems(SITE_LOOP, fine, [word(0), word(0)]), /operand 1 .* share slot 0/],
  [
    'two values in one register',
    () => problems(SITE_LOOP, [register(general), vector(6)], [register(other), register(general)]),
    /operand 1 at 1 and local 0 at 1 share register/,
  ],
  ['a local on the return address', () => problems(SITE_LOOP, [word(10), vector(6)], []), /the return address share/],
  ['an operand above the frame', () => problems(SITE_LOOP, fine, [word(11)]), /operand 0 at 1 lies outside/],
  ['an integer among floats', () => problems(SITE_LOOP, [register(float), vector(6)], []), /of another kind/],
  [
    'a vector among integers',
    () => problems(SITE_LOOP, [word(4), register(general, ValType.V128)], []),
    /another kind/,
  ],
  ['a result elsewhere', () => problems(SITE_CALL, fine, [], [register(other)]), /not where results are/],
  [
    'a result on a local',
    () => problems(SITE_CALL, fine, [], [word(4)]),
    /result 0 at 1 and local 0 at 1 share slot 4/,
  ],
])('%s', (_, check, message) => {
  expect(check().join('\n')).toMatch(message);
});

/**
 * Relaxed vector instructions give what these ordinary ones give, on every CPU: the conformance suite lets engines
 * differ.
 */

import { afterAll, expect, test } from 'vitest';
import { assemble } from '../../../../src/wasm/assemble.js';
import { Choices } from '../../../fuzz/choices.js';
import { vector128 } from '../../../fuzz/constants.js';
import { NativeRunner } from '../../../fuzz/native.js';
import type { Step } from '../../../fuzz/random-module.js';
import { I64 } from '../../../fuzz/shape.js';
import { ARCHES } from '../../../spec/targets.js';

const A = '(local.get $a)';
const B = '(local.get $b)';
const C = '(local.get $c)';

const products = (half: string) => `(i16x8.extmul_${half}_i8x16_s ${A} ${B})`;
const every2nd = (first: number) => {
  const bytes = Array.from({ length: 8 }, (_, i) => [4 * i + first, 4 * i + first + 1]).flat();
  return `(i8x16.shuffle ${bytes.join(' ')} ${products('low')} ${products('high')})`;
};
const DOT = `(i16x8.add_sat_s ${every2nd(0)} ${every2nd(2)})`;

/** The relaxed instruction with as many of $a, $b, $c as it takes, and what it must be. */
const PAIRS: readonly (readonly [relaxed: string, ordinary: string])[] = [
  [`i8x16.relaxed_swizzle ${A} ${B}`, `(i8x16.swizzle ${A} ${B})`],
  [`i32x4.relaxed_trunc_f32x4_s ${A}`, `(i32x4.trunc_sat_f32x4_s ${A})`],
  [`i32x4.relaxed_trunc_f32x4_u ${A}`, `(i32x4.trunc_sat_f32x4_u ${A})`],
  [`i32x4.relaxed_trunc_f64x2_s_zero ${A}`, `(i32x4.trunc_sat_f64x2_s_zero ${A})`],
  [`i32x4.relaxed_trunc_f64x2_u_zero ${A}`, `(i32x4.trunc_sat_f64x2_u_zero ${A})`],
  ...['f32x4', 'f64x2'].flatMap((shape): [string, string][] => [
    [`${shape}.relaxed_madd ${A} ${B} ${C}`, `(${shape}.add (${shape}.mul ${A} ${B}) ${C})`],
    [`${shape}.relaxed_nmadd ${A} ${B} ${C}`, `(${shape}.add (${shape}.neg (${shape}.mul ${A} ${B})) ${C})`],
    [`${shape}.relaxed_min ${A} ${B}`, `(${shape}.min ${A} ${B})`],
    [`${shape}.relaxed_max ${A} ${B}`, `(${shape}.max ${A} ${B})`],
  ]),
  ...['i8x16', 'i16x8', 'i32x4', 'i64x2'].map((shape): [string, string] => [
    `${shape}.relaxed_laneselect ${A} ${B} ${C}`,
    `(v128.bitselect ${A} ${B} ${C})`,
  ]),
  [`i16x8.relaxed_q15mulr_s ${A} ${B}`, `(i16x8.q15mulr_sat_s ${A} ${B})`],
  [`i16x8.relaxed_dot_i8x16_i7x16_s ${A} ${B}`, DOT],
  [`i32x4.relaxed_dot_i8x16_i7x16_add_s ${A} ${B} ${C}`, `(i32x4.add (i32x4.extadd_pairwise_i16x8_s ${DOT}) ${C})`],
];

/** Takes three vectors and gives one, as i64 each half. */
function functionOf(name: string, expression: string): string {
  const from = (at: number) => `(i64x2.replace_lane 1 (i64x2.splat (local.get ${at})) (local.get ${at + 1}))`;
  return `(func (export "${name}") (param i64 i64 i64 i64 i64 i64) (result i64 i64)
    (local $a v128) (local $b v128) (local $c v128)
    (local.set $a ${from(0)}) (local.set $b ${from(2)}) (local.set $c ${from(4)})
    (local.set $a ${expression})
    (i64x2.extract_lane 0 (local.get $a)) (i64x2.extract_lane 1 (local.get $a)))`;
}

/** All ones, and the least of all bytes, whose products are the greatest; then random ones. */
function inputs(): bigint[][] {
  const choices = new Choices(1);
  const halves = (vector: bigint) => [BigInt.asUintN(64, vector), vector >> 64n];
  const fixed = [(1n << 128n) - 1n, 0x80808080808080808080808080808080n, 0x7f807f807f807f80807f807f807f807fn];
  const lists = fixed.map((vector) => [vector, vector, vector]);
  for (let i = 0; i < 60; i++) lists.push([vector128(choices), vector128(choices), vector128(choices)]);
  return lists.map((list) => list.flatMap(halves));
}

const runner = new NativeRunner();
afterAll(() => runner.remove());

test.each(ARCHES)('%s', async (arch) => {
  const functions = PAIRS.flatMap(([relaxed, ordinary], i) => [
    functionOf(`relaxed${i}`, `(${relaxed})`),
    functionOf(`ordinary${i}`, ordinary),
  ]);
  const bytes = await assemble(Buffer.from(`(module ${functions.join('\n')})`), 'relaxed.wat');
  const types = { params: new Array(6).fill(I64), results: [I64, I64] };
  const all = inputs();
  const steps = PAIRS.flatMap((_, i) =>
    [`relaxed${i}`, `ordinary${i}`].flatMap((name) => all.map((args): Step => ({ module: 0, name, args, ...types }))),
  );
  const [outcomes] = runner.run([{ seed: 0, choices: [], modules: [{ name: 'm', bytes }], steps }], {
    arch,
    deterministic: true,
  });
  if (outcomes instanceof Error) throw outcomes;
  PAIRS.forEach(([relaxed], i) => {
    const at = 2 * i * all.length;
    const expected = outcomes.slice(at + all.length, at + 2 * all.length);
    expect(expected.some(({ values }) => values.some((value) => value !== 0n))).toBe(true);
    expect([relaxed, outcomes.slice(at, at + all.length)]).toEqual([relaxed, expected]);
  });
});

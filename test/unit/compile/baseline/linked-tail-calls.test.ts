/**
 * Tail calls between two modules, native against V8: arguments in slots, v128 among them, that are the caller's own
 * parameters in other places; several results; a callee that throws past a try which the call has left.
 */

import { afterAll, expect, test } from 'vitest';
import { readModule } from '../../../../src/wasm/wat.js';
import { NativeRunner } from '../../../fuzz/native.js';
import { runInV8 } from '../../../fuzz/oracle.js';
import { describeOutcome } from '../../../fuzz/outcome.js';
import type { Case, Step } from '../../../fuzz/random-module.js';
import { I32 } from '../../../fuzz/shape.js';
import { canRun } from '../../../support/workload.js';

const runner = new NativeRunner();
afterAll(() => runner.remove());

/** More parameters than there are registers of either class. */
const COUNT = 24;
const FUNCTIONS = ['here', 'there', 'back', 'through', 'throws', 'jumps', 'away'];

const list = (make: (i: number) => string) => Array.from({ length: COUNT }, (_, i) => make(i)).join(' ');
const rotated = (by: number) => list((i) => `(local.get ${(i + by) % COUNT})`);
const reversed = list((i) => `(local.get ${i % 2 ? COUNT - i : COUNT - 2 - i})`);
const mixed = list((i) => `(local.get ${[22, 7, 0, 1, 6, 23][i % 6]})`);

const TYPE = `(type $t (func (param ${list((i) => (i % 2 ? 'v128' : 'i64'))}) (result v128 i64 v128 f64 i32)))`;
const LANES = (i: number) =>
  `(i64.add (i64x2.extract_lane 0 (local.get ${i})) (i64x2.extract_lane 1 (local.get ${i})))`;
const HASH = Array.from({ length: COUNT }, (_, i) => (i % 2 ? LANES(i) : `(local.get ${i})`)).reduce(
  (sum, value) => `(i64.add (i64.mul ${sum} (i64.const 31)) ${value})`,
);
const RESULTS = `(local.get 3) ${HASH} (v128.xor (local.get 1) (local.get 5))
  (f64.convert_i64_s (local.get 2)) (i32.wrap_i64 (local.get 4))`;

const OTHER = `${TYPE} (tag $e (export "e") (param v128 i64 v128 f64 i32)) (memory 1) (global $g (mut i64) (i64.const 3))
  (table (export "table") 8 funcref) (elem (i32.const 0) $f $throws $back)
  (func $f (export "f") (type $t)
    (global.set $g (i64.add (global.get $g) (i64.const 1))) (i64.store (i32.const 8) (global.get $g)) ${RESULTS})
  (func $throws (export "throws") (type $t) ${RESULTS} (throw $e))
  (func $back (export "back") (type $t)
    (if (i64.gt_s (local.tee 0 (i64.sub (local.get 0) (i64.const 1))) (i64.const 0))
      (then (return_call_indirect (type $t) ${rotated(2)} (i32.const 4))))
    (return_call $f ${reversed}))`;

/** In $through and $away locals are pinned where the call comes. */
const MAIN = `${TYPE} (import "other" "e" (tag $e (param v128 i64 v128 f64 i32))) (import "other" "f" (func $there (type $t)))
  (import "other" "throws" (func $throws (type $t))) (import "other" "back" (func $back (type $t)))
  (import "other" "table" (table $table 8 funcref)) (memory 1) (global $g (mut i64) (i64.const 1000))
  (elem (i32.const 4) $here $through)
  (func $here (type $t) (i64.store (i32.const 8) (i64.const 77)) (return_call $there ${rotated(4)}))
  (func $through (type $t) (local $i i64) (local $s v128)
    (local.set $i (i64.const 5))
    (loop $again
      (local.set $s (i64x2.add (local.get $s) (local.get 1)))
      (local.set 6 (i64.add (local.get 6) (local.get $i)))
      (local.set 7 (i64x2.add (local.get 7) (local.get $s)))
      (local.set 22 (i64.add (local.get 22) (local.get 6)))
      (br_if $again (i64.ne (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))
    (i64.const 9) (local.get $s)
    (try (do (return_call_indirect (type $t) ${mixed} (i32.and (i32.wrap_i64 (local.get 0)) (i32.const 7)))) (catch_all))
    unreachable)
  (func $away (type $t) (local $i i64)
    (local.set $i (local.get 2))
    (loop $again
      (local.set 8 (i64.add (local.get 8) (local.get $i)))
      (br_if $again (i64.gt_s (local.tee $i (i64.sub (local.get $i) (i64.const 1))) (i64.const 0))))
    (try (do (return_call $throws ${reversed})) (catch $e (unreachable)))
    unreachable)
  (func $jumps (type $t) (return_call $through ${rotated(2)}))
  (func $sum (param v128 i64 v128 f64 i32) (result i32)
    (i32.add (i32.wrap_i64 (i64.add (i64.load (i32.const 8)) (i64.add (global.get $g)
        (i64.add (local.get 1) (i64x2.extract_lane 1 (local.get 0))))))
      (i32.add (local.get 4) (i32.add (i32.trunc_sat_f64_s (local.get 3)) (i32x4.extract_lane 2 (local.get 2))))))
  ${FUNCTIONS.map(entry).join('\n')}`;

function entry(name: string): string {
  const wide = (i: number) => `(i64.add (i64.extend_i32_u (local.get $a)) (i64.const ${i * 3}))`;
  const vector = (i: number) => `(i64x2.replace_lane 1 (i64x2.splat ${wide(i)}) (i64.extend_i32_u (local.get $b)))`;
  return `(func (export "${name}") (param $a i32) (param $b i32) (result i32)
    (i32.const 50) (local.get $a)
    (try (result v128 i64 v128 f64 i32) (do (call $${name} ${list((i) => (i % 2 ? vector(i) : wide(i)))}))
      (catch $e (global.set $g (i64.add (global.get $g) (i64.const 1)))))
    (call $sum) (i32.add) (i32.mul))`;
}

async function linked(): Promise<Case> {
  const texts = { other: OTHER, main: MAIN };
  const modules = await Promise.all(
    Object.entries(texts).map(async ([name, text]) => {
      const { bytes } = await readModule(Buffer.from(`(module ${text})`), name);
      return { name, bytes };
    }),
  );
  const steps = FUNCTIONS.flatMap((name) =>
    [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n].map(
      (a): Step => ({ module: 1, name, params: [I32, I32], results: [I32], args: [a, 1000n + a] }),
    ),
  );
  return { seed: 0, choices: [], modules, steps };
}

test.each((['x64', 'arm64'] as const).filter(canRun))('tail calls between modules on %s', async (arch) => {
  const one = await linked();
  const expected = runInV8(one);
  expect(expected.filter(({ traps }) => traps.length === 0).length).toBeGreaterThan(one.steps.length / 2);
  for (const variation of [undefined, 5, 9]) {
    const [native] = runner.run([one], { deterministic: false, arch, variation });
    if (native instanceof Error) throw native;
    for (const [i, outcome] of expected.entries()) {
      const what = `${one.steps[i].name}(${one.steps[i].args}), variation ${variation}`;
      if (outcome.traps.length > 0) expect(outcome.traps, what).toContain(native[i].traps[0]);
      else expect(describeOutcome(native[i]), what).toBe(describeOutcome(outcome));
    }
  }
});

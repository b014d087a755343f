/**
 * Locals in registers where paths meet that have them in different places: in a register, in the slot, in both. Against
 * V8.
 */

import { afterAll, expect, test } from 'vitest';
import type { ArchName } from '../../../../src/arch/masm/target.js';
import { readModule } from '../../../../src/wasm/wat.js';
import { NativeRunner } from '../../../fuzz/native.js';
import { runInV8 } from '../../../fuzz/oracle.js';
import { describeOutcome } from '../../../fuzz/outcome.js';
import type { Case, Step } from '../../../fuzz/random-module.js';
import { I32 } from '../../../fuzz/shape.js';
import { canRun } from '../../../support/workload.js';

const USE = '(local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (local.get $a)))';
const CHANGE = '(local.set $a (i32.add (i32.mul (local.get $a) (i32.const 3)) (i32.const 7)))';
const CALL = '(call $clobber)';
const BIT = (n: number) => `(i32.and (i32.shr_u (local.get $n) (i32.const ${n})) (i32.const 1))`;

/** What happens before a branch, after it, and where the paths have met: changes, uses, calls, nothing. */
const PARTS = ['', USE, CHANGE, CALL, `${CALL} ${USE}`, `${CALL} ${CHANGE}`, `${CHANGE} ${CALL}`];
const SHAPES: readonly ((before: string, between: string, after: string) => string)[] = [
  (before, between, after) => `(block $b ${before} (br_if $b ${BIT(0)}) ${between}) ${after} ${USE}`,
  (before, between, after) => `(if ${BIT(1)} (then ${before}) (else ${between})) ${after} ${USE}`,
  (before, between, after) =>
    `(loop $l ${USE} ${before} (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $l (i32.and (local.get $k) (i32.const 3))) ${between}) ${after} ${USE}`,
];

const bodies = SHAPES.flatMap((shape) =>
  PARTS.flatMap((before) =>
    PARTS.flatMap((between) => PARTS.slice(0, 4).map((after) => shape(before, between, after))),
  ),
);
const text = `(module (global $g (mut i32) (i32.const 1))
  (func $clobber (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $e i32) (local $f i32)
    (loop $l
      ${['a', 'b', 'c', 'd', 'e', 'f'].map((name, i) => `(local.set $${name} (i32.add (local.get $${name}) (i32.const ${i + 100001})))`).join(' ')}
      (br_if $l (i32.lt_u (local.get $a) (i32.const 300000))))
    (global.set $g (i32.add (local.get $a) (i32.add (local.get $b) (i32.add (local.get $c) (i32.add (local.get $d)
      (i32.add (local.get $e) (local.get $f))))))))
  ${bodies
    .map(
      (body, i) => `(func (export "f${i}") (param $n i32) (param $a i32) (result i32) (local $sum i32) (local $k i32)
    (loop $again ${body} ${USE.repeat(6)}
      (local.set $n (i32.shr_u (local.get $n) (i32.const 1))) (br_if $again (local.get $n)))
    (local.get $sum))`,
    )
    .join('\n')})`;

const runner = new NativeRunner();
afterAll(() => runner.remove());
const { bytes } = await readModule(Buffer.from(text), 'pins.wat');
const steps = bodies.flatMap((_, i) =>
  [0n, 1n, 2n, 11n].map(
    (n): Step => ({ module: 0, name: `f${i}`, params: [I32, I32], results: [I32], args: [n, 12345n] }),
  ),
);
const one: Case = { seed: 0, choices: [], modules: [{ name: 'pins', bytes }], steps };
const expected = runInV8(one).map(describeOutcome);

test.for<ArchName>(['x64', 'arm64'])('%s', (arch, { skip }) => {
  if (!canRun(arch)) skip(`nothing here runs code for ${arch}`);
  const [native] = runner.run([one], { deterministic: false, arch });
  if (native instanceof Error) throw native;
  const wrong = native.map(describeOutcome).flatMap((outcome, i) => (outcome === expected[i] ? [] : [steps[i].name]));
  expect(wrong.slice(0, 3).map((name) => bodies[Number(name.slice(1))])).toEqual([]);
  expect(native.length).toBe(steps.length);
});

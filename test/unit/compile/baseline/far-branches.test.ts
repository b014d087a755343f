/**
 * Branches over more than a MiB of code, which conditional ones of ARM64 do not reach: backward they jump over a long
 * jump, forward they go by way of an island. Native or emulated, against V8.
 */

import { afterAll, expect, test } from 'vitest';
import type { ArchName } from '../../../../src/arch/masm/target.js';
import { targets } from '../../../../src/arch/targets.js';
import { compileImage } from '../../../../src/compile/link/compile.js';
import { decodeModule } from '../../../../src/wasm/decode.js';
import { readModule } from '../../../../src/wasm/wat.js';
import { NativeRunner } from '../../../fuzz/native.js';
import { runInV8 } from '../../../fuzz/oracle.js';
import { describeOutcome } from '../../../fuzz/outcome.js';
import type { Case, Step } from '../../../fuzz/random-module.js';
import { I32 } from '../../../fuzz/shape.js';
import { canRun } from '../../../support/workload.js';

const MIB = 1 << 20;

/** What is branched on, of $v: cbz and cbnz of 32 and 64 bits, and the condition codes. */
const CONDITIONS = [
  '(i32.wrap_i64 (local.get $v))',
  '(i32.eqz (i32.wrap_i64 (local.get $v)))',
  '(i64.eqz (local.get $v))',
  '(i32.eqz (i64.eqz (local.get $v)))',
  '(i64.ne (local.get $v) (i64.const 0))',
  '(i64.eq (local.get $v) (i64.const 0))',
  '(i64.lt_s (local.get $v) (i64.const 0))',
  '(i64.gt_u (local.get $v) (i64.const 0x100000000))',
  '(i32.lt_s (i32.wrap_i64 (local.get $v)) (i32.const 0))',
  '(f64.lt (f64.reinterpret_i64 (local.get $v)) (f64.const 0))',
  '(f64.ne (f64.reinterpret_i64 (local.get $v)) (f64.const 0))',
  '(f32.eq (f32.demote_f64 (f64.reinterpret_i64 (local.get $v))) (f32.const 0))',
];
const VALUES = [0n, 1n, 1n << 31n, 1n << 32n, 1n << 63n, 0x7ff8000000000000n, 0xbff0000000000000n, 0xffffffffffffffffn];

/** At least 20 bytes of code each, on both CPUs. */
const filler = '(global.set $g (i64.xor (global.get $g) (i64.const 0x123456789abcdef)))'.repeat(MIB / 20);
const forms = (use: (condition: string) => string) =>
  CONDITIONS.reduce(
    (inner, condition, i) => `(block $form${i} ${inner}) ${use(condition)}`,
    `(br_table ${CONDITIONS.map((_, i) => `$form${i}`).join(' ')} $none (local.get $form))`,
  );
const head = `(param $form i32) (param $lo i32) (param $hi i32) (result i32) (local $v i64) (local $n i32)
  (local.set $v (i64.or (i64.extend_i32_u (local.get $lo)) (i64.shl (i64.extend_i32_u (local.get $hi)) (i64.const 32))))`;
const text = `(module (global $g (mut i64) (i64.const 0))
  (func (export "back") ${head}
    (loop $far
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (if (i32.eq (local.get $n) (i32.const 2)) (then (return (i32.const 2))))
      ${filler}
      (block $none ${forms((condition) => `(br_if $far ${condition}) (return (i32.const 1))`)}))
    (i32.const 3))
  (func (export "forth") ${head}
    (block $far
      (block $none ${forms((condition) => `(br_if $far ${condition}) (return (i32.const 1))`)})
      ${filler}
      (return (i32.const 3)))
    (i32.const 2)))`;

const runner = new NativeRunner();
afterAll(() => runner.remove());
const { bytes } = await readModule(Buffer.from(text), 'far.wat');
const steps = ['back', 'forth'].flatMap((name) =>
  [...CONDITIONS.keys(), CONDITIONS.length].flatMap((form) =>
    VALUES.map((value): Step => {
      const args = [BigInt(form), value & 0xffffffffn, value >> 32n];
      return { module: 0, name, params: [I32, I32, I32], results: [I32], args };
    }),
  ),
);
const one: Case = { seed: 0, choices: [], modules: [{ name: 'far', bytes }], steps };
const expected = runInV8(one).map(describeOutcome);

test('the program branches and does not, in each form', () => {
  for (let form = 0; form < steps.length; form += VALUES.length) {
    const outcomes = new Set(expected.slice(form, form + VALUES.length));
    const isLast = form % (VALUES.length * (CONDITIONS.length + 1)) === VALUES.length * CONDITIONS.length;
    expect([...outcomes].sort()).toEqual(isLast ? ['[0x3]'] : ['[0x1]', '[0x2]']);
  }
});

test.for<ArchName>(['x64', 'arm64'])('%s', (arch, { skip }) => {
  if (!canRun(arch)) skip(`nothing here runs code for ${arch}`);
  const { codeSize } = compileImage([{ module: decodeModule(bytes), file: 'far' }], { target: targets[arch] }).identity
    .text;
  expect(codeSize).toBeGreaterThan(2 * MIB);
  const [native] = runner.run([one], { deterministic: false, arch });
  if (native instanceof Error) throw native;
  expect(native.map(describeOutcome)).toEqual(expected);
});

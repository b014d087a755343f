/**
 * Integer instructions with their operands in every form that the code generator tells apart (a constant, a local, a
 * register, a slot), on either side, and comparisons before everything that consumes one. Native or emulated, against
 * V8.
 */

import { afterAll, expect, test } from 'vitest';
import type { ArchName } from '../../../../src/arch/masm/target.js';
import { readModule } from '../../../../src/wasm/wat.js';
import { NativeRunner } from '../../../fuzz/native.js';
import { runInV8 } from '../../../fuzz/oracle.js';
import { describeOutcome } from '../../../fuzz/outcome.js';
import type { Case, Step } from '../../../fuzz/random-module.js';
import { I32, I64 } from '../../../fuzz/shape.js';
import { canRun } from '../../../support/workload.js';

type Width = 'i32' | 'i64';
const WIDTHS: readonly Width[] = ['i32', 'i64'];
const BINARY = 'add sub mul and or xor shl shr_s shr_u rotl rotr div_s div_u rem_s rem_u'.split(' ');
const COMPARISONS = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split(' ');

/** Some that fit an immediate, some of which the lower half alone does. */
const CONSTANTS: Readonly<Record<Width, readonly string[]>> = {
  i32: ['0', '1', '-1', '8', '37', '0x7fffffff', '0x80000000'],
  i64: ['0', '1', '-1', '8', '69', '0x80000000', '0x100000000', '0x100000004', '0xffffffff', '0x8000000000000000'],
};
const VALUES: Readonly<Record<Width, readonly bigint[]>> = {
  i32: [0n, 1n, 8n, 0x7fffffffn, 0x80000000n, 0xffffffffn],
  i64: [0n, 1n, 8n, 0x80000000n, 0x100000000n, 0x8000000000000000n, 0xffffffffffffffffn],
};

/** An operand that is not constant; one that a call comes after is in a slot. */
const FORMS: readonly ((local: number, width: Width) => string)[] = [
  (local) => `(local.get ${local})`,
  (local, width) => `(${width}.xor (local.get ${local}) (${width}.const 5))`,
  (local, width) => `(call $${width} (local.get ${local}))`,
];

/** Pairs of operands: two that are not constant, or one that is. */
function pairs(width: Width): [string, string][] {
  const [first, second] = [0, 1].map((local) => FORMS.map((form) => form(local, width)));
  const constants = CONSTANTS[width].map((value) => `(${width}.const ${value})`);
  return [
    ...first.flatMap((lhs) => second.map((rhs): [string, string] => [lhs, rhs])),
    ...first.flatMap((lhs) => constants.map((rhs): [string, string] => [lhs, rhs])),
    ...constants.flatMap((lhs) => second.map((rhs): [string, string] => [lhs, rhs])),
  ];
}

/** What consumes a condition; each gives 10 or 20. */
const CONSUMERS: readonly ((condition: string) => string)[] = [
  (condition) => `(i32.add (i32.mul (i32.const 10) ${condition}) (i32.const 10))`,
  (condition) => `(if (result i32) ${condition} (then (i32.const 20)) (else (i32.const 10)))`,
  (condition) => `(block (br_if 0 ${condition}) (return (i32.const 10))) (i32.const 20)`,
  (condition) => `(select (i32.const 20) (i32.const 10) ${condition})`,
];
const negated = (condition: string, times: number): string =>
  times === 0 ? condition : `(i32.eqz ${negated(condition, times - 1)})`;

const functions: string[] = [];
const steps: Step[] = [];

function add(width: Width, result: Width, body: string): void {
  const name = `f${functions.length}`;
  functions.push(`(func (export "${name}") (param ${width} ${width}) (result ${result}) ${body})`);
  const values = VALUES[width];
  const [params, results] = [[width, width], [result]].map((types) =>
    types.map((type) => (type === 'i32' ? I32 : I64)),
  );
  for (let n = 0; n < values.length; n++) {
    const args = [values[n], values[(n * 3 + functions.length) % values.length]];
    steps.push({ module: 0, name, params, results, args });
  }
}

for (const width of WIDTHS) {
  for (const op of BINARY) for (const [lhs, rhs] of pairs(width)) add(width, width, `(${width}.${op} ${lhs} ${rhs})`);
  for (const op of COMPARISONS) {
    const all = pairs(width);
    // Each pair with one consumer, and one pair with each.
    const uses = CONSUMERS.flatMap((consume) => [0, 1, 2].map((times) => (it: string) => consume(negated(it, times))));
    all.forEach(([lhs, rhs], i) => {
      add(width, 'i32', uses[(i * 5 + functions.length) % uses.length](`(${width}.${op} ${lhs} ${rhs})`));
    });
    for (const use of uses) add(width, 'i32', use(`(${width}.${op} ${all[0].join(' ')})`));
  }
  for (const [base, index] of pairs(width).slice(0, 9)) {
    for (const scale of [0, 1, 3, 4]) {
      add(width, width, `(${width}.add ${base} (${width}.shl ${index} (${width}.const ${scale})))`);
    }
  }
}
for (const form of [...FORMS.map((form) => form(0, 'i32')), ...CONSTANTS.i32.map((value) => `(i32.const ${value})`)]) {
  for (const op of ['extend_i32_u', 'extend_i32_s']) add('i32', 'i64', `(i64.${op} ${form})`);
}
for (const form of [...FORMS.map((form) => form(0, 'i64')), ...CONSTANTS.i64.map((value) => `(i64.const ${value})`)]) {
  add('i64', 'i32', `(i32.wrap_i64 ${form})`);
}

const runner = new NativeRunner();
afterAll(() => runner.remove());
const identities = WIDTHS.map((width) => `(func $${width} (param ${width}) (result ${width}) (local.get 0))`);
const { bytes } = await readModule(
  Buffer.from(`(module ${identities.join('\n')} ${functions.join('\n')})`),
  'forms.wat',
);
const one: Case = { seed: 0, choices: [], modules: [{ name: 'forms', bytes }], steps };
const expected = runInV8(one);

test.for<ArchName>(['x64', 'arm64'])('%s', (arch, { skip }) => {
  if (!canRun(arch)) skip(`nothing here runs code for ${arch}`);
  const [native] = runner.run([one], { deterministic: false, arch });
  if (native instanceof Error) throw native;
  const wrong: string[] = [];
  for (const [i, outcome] of expected.entries()) {
    const traps = outcome.traps.length > 0;
    const same = traps
      ? outcome.traps.includes(native[i].traps[0])
      : describeOutcome(outcome) === describeOutcome(native[i]);
    const { name, args } = steps[i];
    if (!same) wrong.push(`${functions[Number(name.slice(1))]} of ${args.join(', ')}: ${describeOutcome(native[i])}`);
  }
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(native.length).toBe(steps.length);
});

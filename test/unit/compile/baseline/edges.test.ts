/** Functions at the edges of what the limits allow, native against V8. */

import { afterAll, describe, expect, test } from 'vitest';
import { readModule } from '../../../../src/wasm/wat.js';
import { NativeRunner } from '../../../fuzz/native.js';
import { runInV8 } from '../../../fuzz/oracle.js';
import { describeOutcome } from '../../../fuzz/outcome.js';
import type { Case, Step } from '../../../fuzz/random-module.js';
import { I32, I64 } from '../../../fuzz/shape.js';

const runner = new NativeRunner();
afterAll(() => runner.remove());

type Call = readonly [name: string, ...args: number[]];

/** Calls exported functions of i32 parameters and one result, of i64 where the name ends with _64, in both. */
async function agree(wat: string, calls: readonly Call[]): Promise<string[]> {
  const { bytes } = await readModule(new TextEncoder().encode(`(module ${wat})`), 'edges.wat');
  const steps = calls.map(([name, ...args]): Step => {
    const results = [name.endsWith('_64') ? I64 : I32];
    return { module: 0, name, params: args.map(() => I32), results, args: args.map((arg) => BigInt(arg >>> 0)) };
  });
  const one: Case = { seed: 0, choices: [], modules: [{ name: 'edges', bytes }], steps };
  const [native] = runner.run([one], { deterministic: false });
  if (native instanceof Error) throw native;
  const outcomes = native.map(describeOutcome);
  const expected = runInV8(one);
  for (const [i, outcome] of expected.entries()) {
    if (outcome.traps.length > 0) expect(outcome.traps).toContain(native[i].traps[0]);
    else expect(outcomes[i]).toBe(describeOutcome(outcome));
  }
  return outcomes;
}

const list = (count: number, make: (i: number) => string) => Array.from({ length: count }, (_, i) => make(i)).join(' ');

describe('memory addresses', () => {
  const far = `(memory 65536)
    (func (export "store") (param i32 i32) (result i32)
      (i32.store offset=0x80000000 (local.get 0) (local.get 1)) (i32.load offset=0x80000000 (local.get 0)))
    (func (export "plain") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "last_64") (param i32) (result i64) (i64.load offset=0xfffffff8 (local.get 0)))
    (func (export "constant") (result i32)
      (i32.store offset=0x7fffffff (i32.const 0x7ffffff0) (i32.const 77)) (i32.load (i32.const 0xffffffef)))
    (func (export "beyond") (result i32) (i32.load offset=0xffffffff (i32.const 0xffffffff)))
    (func (export "across_64") (param i32) (result i64) (i64.load (local.get 0)))`;

  test('offsets and indexes from 2^31 on', async () => {
    const outcomes = await agree(far, [
      ['store', 16, 1234],
      ['plain', 0x80000010],
      ['store', 0x7ffffff0, 99],
      ['plain', 0xfffffff0],
      ['store', 0x7ffffffd, 5],
      ['store', 0x80000000, 5],
      ['last_64', 0],
      ['last_64', 1],
      ['constant'],
      ['beyond'],
      ['across_64', 0xfffffff8],
      ['across_64', 0xfffffff9],
    ]);
    expect(outcomes.slice(0, 4)).toEqual(['[0x4d2]', '[0x4d2]', '[0x63]', '[0x63]']);
  });

  test('an access that only begins inside writes nothing', async () => {
    await agree(
      `(memory 1)
      (func (export "store") (param i32) (result i32) (i64.store (local.get 0) (i64.const -1)) (i32.const 0))
      (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))`,
      [
        ['store', 65529],
        ['load', 65535],
        ['store', 65528],
        ['load', 65535],
      ],
    );
  });
});

describe('large functions', () => {
  test('entered with 30 parameters, left with three results', async () => {
    const parameters = 'i32 '.repeat(30);
    const { bytes } = await readModule(
      Buffer.from(`(module (func (export "many") (param ${parameters}) (result i32 i32 i32)
        ${list(30, (i) => `(local.set ${i} (i32.mul (local.get ${i}) (i32.const ${i + 3})))`)}
        ${list(30, (i) => `(local.get ${i})`)} ${'i32.xor '.repeat(29)} (local.get 29) (local.get 8)))`),
      'entered.wat',
    );
    const args = Array.from({ length: 30 }, (_, i) => BigInt(1000 + i * i));
    const step: Step = { module: 0, name: 'many', params: args.map(() => I32), results: [I32, I32, I32], args };
    const one: Case = { seed: 0, choices: [], modules: [{ name: 'entered', bytes }], steps: [step, step] };
    const [native] = runner.run([one], { deterministic: false });
    if (native instanceof Error) throw native;
    expect(native.map(describeOutcome)).toEqual(runInV8(one).map(describeOutcome));
  });

  test('1000 parameters and 1000 results', async () => {
    const types = (i: number) => ['i32', 'f64', 'i64', 'f32'][i % 4];
    const toInt = (i: number) => ['', 'i32.trunc_sat_f64_s', 'i32.wrap_i64', 'i32.trunc_sat_f32_s'][i % 4];
    const fromInt = (i: number) => ['', 'f64.convert_i32_s', 'i64.extend_i32_s', 'f32.convert_i32_s'][i % 4];
    const backwards = (count: number, make: (i: number) => string) => list(count, (i) => make(count - 1 - i));
    await agree(
      `(func $many (param ${list(1000, types)}) (result ${list(1000, types)})
        ${list(1000, (i) => `local.get ${i}`)})
      (func (export "sum") (param $k i32) (result i32) (local $sum i32)
        ${list(1000, (i) => `(i32.add (local.get $k) (i32.const ${i})) ${fromInt(i)}`)}
        call $many
        ${backwards(1000, (i) => `${toInt(i)} (i32.mul (i32.const ${i + 1})) (local.set $sum (i32.add (local.get $sum)))`)}
        local.get $sum)`,
      [
        ['sum', 0],
        ['sum', 12345],
      ],
    );
  });

  test('50,000 locals, called recursively', async () => {
    const locals = `(local ${'i32 i64 '.repeat(24_000)})`;
    await agree(
      `(func $deep (export "deep") (param $n i32) (result i32) ${locals}
        (local.set 48000 (i64.extend_i32_u (local.get $n)))
        (local.set 47999 (i32.const 3))
        (if (result i32) (local.get $n)
          (then (i32.add (call $deep (i32.sub (local.get $n) (i32.const 1)))
            (i32.add (local.get 47999) (i32.wrap_i64 (local.get 48000)))))
          (else (i32.add (local.get 1) (i32.const 1)))))`,
      [
        ['deep', 0],
        ['deep', 1],
      ],
    );
  });

  test('a table of 10,000 labels', async () => {
    const labels = 10_000;
    await agree(
      `(func (export "pick") (param $i i32) (result i32)
        ${'block '.repeat(100)}
        (br_table ${list(labels, (i) => `${(i * 37) % 100}`)} 99 (local.get $i))
        ${list(100, (i) => `end (return (i32.const ${i}))`)})`,
      [0, 1, 99, 100, labels - 1, labels, labels + 1, -1].map((i): Call => ['pick', i]),
    );
  });

  test('200,000 operands at once', async () => {
    const count = 200_000;
    await agree(
      `(func (export "pile") (param $x i32) (result i32)
        ${'local.get 0 '.repeat(count)}
        (local.set 0 (i32.const 1))
        ${'i32.add '.repeat(count - 1)})`,
      [['pile', 7]],
    );
  });
});

describe('vectors', () => {
  test('a v128 local where no instruction is a vector one: the operand above it stays', async () => {
    const wat = `(func $nop) (func $id (param i32) (result i32) (local.get 0))
      (func (export "f") (param i32) (result i32) (local v128)
        (local.get 1) (i32.add (local.get 0) (i32.const 1))
        (call $nop) (block (call $nop))
        (local.set 0 (call $id)) (drop) (local.get 0))`;
    expect(await agree(wat, [['f', 41]])).toEqual(['[0x2a]']);
  });
});

describe('constants', () => {
  test('of every length of LEB128', async () => {
    const values: bigint[] = [];
    for (let bit = 0n; bit < 64n; bit++) values.push(1n << bit, -(1n << bit), (1n << bit) - 1n, -(1n << bit) - 1n);
    const fitting = values.filter((value) => value >= -(1n << 63n) && value < 1n << 63n);
    await agree(
      list(fitting.length, (i) => `(func (export "c${i}_64") (result i64) (i64.const ${fitting[i]}))`),
      fitting.map((_, i): Call => [`c${i}_64`]),
    );
    const narrow = fitting.filter((value) => BigInt.asIntN(32, value) === value);
    await agree(
      list(narrow.length, (i) => `(func (export "c${i}") (result i32) (i32.const ${narrow[i]}))`),
      narrow.map((_, i): Call => [`c${i}`]),
    );
  });

  test('division by every power of two and what is next to it', async () => {
    const divisors: number[] = [];
    for (let bit = 0; bit < 32; bit++) divisors.push((1 << bit) | 0, ((1 << bit) - 1) | 0, -(1 << bit) | 0);
    const ops = ['div_s', 'div_u', 'rem_s', 'rem_u'];
    const functions = divisors.flatMap((divisor, i) =>
      ops.map(
        (op) => `(func (export "${op}${i}") (param i32) (result i32) (i32.${op} (local.get 0) (i32.const ${divisor})))
        (func (export "${op}${i}_64") (param i32) (result i64)
          (i64.${op} (i64.sub (i64.extend_i32_s (local.get 0)) (i64.const 0x100000007)) (i64.const ${divisor})))`,
      ),
    );
    const calls = divisors.flatMap((_, i) =>
      ops.flatMap((op) =>
        [0, 1, -1, 1000003, -0x80000000].flatMap((x): Call[] => [
          [`${op}${i}`, x],
          [`${op}${i}_64`, x],
        ]),
      ),
    );
    await agree(functions.join('\n'), calls);
  });
});

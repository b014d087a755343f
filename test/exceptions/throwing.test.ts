/**
 * Exceptions in whole processes, on each CPU that runs here: deep stacks, many exceptions, several instances, and
 * uncaught ones.
 */

import { describe, expect, test } from 'vitest';
import { RT_EXCEPTIONS } from '../../src/image/contract/runtime-block.js';
import { SEGMENT_ALIGN } from '../../src/image/contract/sizes.js';
import {
  TRAP_EXCEPTION,
  TRAP_EXCEPTION_MEMORY,
  TRAP_NULL_REFERENCE,
  TRAP_STACK,
} from '../../src/image/contract/traps.js';
import { drive } from '../spec/driver.js';
import { specTarget } from '../spec/targets.js';
import { canRun, Workload } from '../support/workload.js';
import { call, compile, trap, value } from './linked.js';

const TAGS = '(tag $e (export "e") (param i32)) (tag $boom (export "boom") (param i64 f32)) (tag $none)';

const DEEP = `${TAGS}
  (func $deep (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (throw $e (i32.const 77))))
    (i32.add (call $deep (i32.sub (local.get $n) (i32.const 1))) (local.get $n)))
  (func $even (param $n i32) (result i32)
    (if (i32.eqz (local.get $n)) (then (throw $e (i32.const 78))))
    (i32.add (call $odd (i32.sub (local.get $n) (i32.const 1))) (local.get $n)))
  (func $odd (param $n i32) (result i32)
    (i32.sub (call $even (i32.sub (local.get $n) (i32.const 1))) (local.get $n)))
  (func (export "deep") (param i32) (result i32)
    (block $h (result i32) (return (try_table (result i32) (catch $e $h) (call $deep (local.get 0))))))
  (func (export "mutual") (param i32) (result i32)
    (try (result i32) (do (call $even (local.get 0))) (catch $e)))
  (func $endless (result i32) (i32.add (call $endless) (i32.const 1)))
  (func (export "endless") (result i32) (try (result i32) (do (call $endless)) (catch_all (i32.const 1))))`;

/** Throws n times; keeps the last 1000 in a ring of a table, each with the one before it as its payload. */
const MANY = `(tag $link (param exnref i32)) (table $ring 1000 exnref) (tag $wide (param i64 i64 i64 i64))
  (func (export "churn") (param $n i32) (result i32)
    (local $x exnref) (local $i i32)
    (loop $again
      (block $h (result i64 i64 i64 i64)
        (try_table (catch $wide $h)
          (throw $wide (i64.const 1) (i64.const 2) (i64.const 3) (i64.extend_i32_u (local.get $n)))) (unreachable))
      drop drop drop drop
      (block $h (result exnref i32 exnref)
        (try_table (catch_ref $link $h)
          (throw $link (table.get $ring (i32.rem_u (i32.add (local.get $n) (i32.const 1)) (i32.const 1000))) (local.get $n)))
        (unreachable))
      (local.set $x) (local.set $i) (drop)
      (table.set $ring (i32.rem_u (local.get $n) (i32.const 1000))
        (if (result exnref) (i32.rem_u (local.get $n) (i32.const 100)) (then (local.get $x)) (else (ref.null exn))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    ;; the number that element 1 carries, then follow its payloads to a null
    (local.set $x (table.get $ring (i32.const 1)))
    (local.set $n (i32.const 0))
    (block $done
      (loop $next
        (br_if $done (ref.is_null (local.get $x)))
        (block $h (result exnref i32) (try_table (catch $link $h) (throw_ref (local.get $x))) (unreachable))
        (local.set $i) (local.set $x)
        (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 31)) (local.get $i)))
        (br $next)))
    (local.get $n))
  (func (export "hoard") (param $n i32)
    (local $x exnref)
    (loop $again
      (block $h (result exnref)
        (try_table (catch_all_ref $h) (throw $link (local.get $x) (local.get $n))) (unreachable))
      (local.set $x)
      (br $again)))`;

/** What "churn" computes, for numbers of throws above 1000. */
function churned(): number {
  let sum = 0;
  // Element 1 was made at n = 1, with element 2 of then as payload, made at n = 2, and so on up to the null at n = 100.
  for (let n = 1; n < 100; n++) sum = (Math.imul(sum, 31) + n) | 0;
  return sum >>> 0;
}

describe.each(['x64', 'arm64'] as const)('exceptions on %s', (arch) => {
  if (!canRun(arch)) {
    test.skip('was not run: install qemu-user-static', () => {});
    return;
  }

  test('unwinding passes 100,000 frames', async () => {
    const replies = await call(arch, [DEEP], ['deep', [100_000], 1], ['mutual', [100_000], 1], ['deep', [3], 1]);
    expect(replies).toEqual([value(77), value(78), value(77)]);
  });

  test('the end of the stack is no exception', async () => {
    expect(await call(arch, [DEEP], ['endless', [], 1])).toEqual([trap(TRAP_STACK)]);
  });

  test('millions of exceptions take bounded room', async () => {
    const { image, path } = await compile(arch, MANY);
    const count = BigInt(arch === 'x64' ? 2_000_000 : 200_000);
    const { replies } = await drive(
      [...specTarget(arch)!.launcher, path],
      [
        { kind: 'instantiate', instance: 1 },
        { kind: 'invoke', record: image.functionRecord(1, 'churn')!, args: [count], results: 1 },
        { kind: 'read', cell: SEGMENT_ALIGN + RT_EXCEPTIONS, results: 2 },
      ],
    );
    expect(replies[1]).toEqual(value(churned()));
    const [start, end] = replies[2].values; // RT_EXCEPTIONS and RT_EXCEPTIONS_END
    const room = end - start;
    expect(room).toBeGreaterThan(0n);
    expect(room).toBeLessThan(4n << 20n); // all of them would take 25 MB or more
  });

  test.runIf(arch === 'x64')('one that keeps all of them runs out of memory', async () => {
    expect(await call(arch, [MANY], ['hoard', [1], 0])).toEqual([trap(TRAP_EXCEPTION_MEMORY)]);
  });

  test('instances share tags by identity', async () => {
    const first = `${TAGS} (func (export "throw") (param i32) (throw $e (local.get 0)))
      (func (export "catch") (param funcref) (result i32) (i32.const -1))
      (table (export "table") 1 funcref) (type $f (func))
      (func (export "guarded") (result i32)
        (try (result i32) (do (call_indirect (type $f) (i32.const 0)) (i32.const 0)) (catch $e)))`;
    const second = `(import "m0" "e" (tag $e (param i32))) (import "m0" "throw" (func $throw (param i32)))
      (import "m0" "table" (table 1 funcref)) (import "m0" "guarded" (func $guarded (result i32)))
      (tag $own (param i32)) (memory 1) (elem (i32.const 0) $back) (global $g (mut i32) (i32.const 5))
      (func $back (throw $e (i32.const 9)))
      (func (export "theirs") (param i32) (result i32)
        (try (result i32) (do (call $throw (local.get 0)) (i32.const 0)) (catch $own (drop) (i32.const -1))
          (catch $e (global.set $g (i32.const 6)) (i32.store (i32.const 0) (i32.const 100))
            (i32.add (i32.add (global.get $g)) (i32.load (i32.const 0))))))
      (func (export "mine") (result i32) (call $guarded))
      (func (export "tail") (try (do (return_call $throw (i32.const 1))) (catch_all)))
      (func (export "uncaught") (try (do (throw $own (i32.const 1))) (catch $e (drop))))`;
    const replies = await call(
      arch,
      [first, second],
      ['theirs', [1000], 1],
      ['mine', [], 1],
      ['tail', [], 0],
      ['uncaught', [], 0],
    );
    expect(replies).toEqual([value(1106), value(9), trap(TRAP_EXCEPTION), trap(TRAP_EXCEPTION)]);
  });

  test('locals and operands have their values in a landing', async () => {
    const source = `(tag $e (param f64 i32 i64))
      (func $throw (param i32) (throw $e (f64.const 0.5) (local.get 0) (i64.const 7)))
      (func (export "f") (param $a i32) (result i32)
        (local $b i32) (local $c f64) (local $n i32)
        (local.set $n (i32.const 10))
        (loop $l
          (local.set $b (i32.add (local.get $b) (local.get $a)))
          (i32.const 1000) (local.get $b)
          (try (param i32) (result i32)
            (do (local.set $a (i32.add (i32.const 1))) (call $throw (local.get $b)) (i32.const 1))
            (catch $e (i32.wrap_i64) (i32.add) (local.set $n (i32.sub (local.get $n) (i32.const 1)))
              (local.set $b) (local.set $c (f64.add (local.get $c))) (local.get $b)))
          (i32.add) (local.set $a)
          (br_if $l (local.get $n)))
        (i32.add (local.get $a) (i32.trunc_f64_s (local.get $c))))`;
    let [a, b] = [3, 0];
    for (let n = 10; n > 0; n--) {
      b += a;
      b += 7;
      a = b + 1000;
    }
    expect(await call(arch, [source], ['f', [3], 1])).toEqual([value(a + 5)]);
  });

  test('a clause may branch to a loop, or return', async () => {
    const source = `(tag $two (param i32 i32)) (tag $one (param i32)) (tag $wide (param f64 i64 i32))
      (func $throw (param i32 i32) (throw $two (local.get 0) (local.get 1)))
      (func $returns (param i32) (result i32 i32)
        (i64.const 9) (try_table (catch $two 0) (call $throw (local.get 0) (i32.const 4))) (unreachable))
      (func (export "returns") (param i32) (result i32) (i32.sub (call $returns (local.get 0))))
      (func (export "single") (param i32) (result i32)
        (try_table (catch $one 0) (throw $one (local.get 0))) (unreachable))
      (func $reference (param i32) (result exnref) (try_table (catch_all_ref 0) (throw $one (local.get 0))) (unreachable))
      (func (export "reference") (param i32) (result i32)
        (try_table (catch $one 0) (throw_ref (call $reference (local.get 0)))) (unreachable))
      (func $many (param i32) (result f64 i64 i32 exnref)
        (try_table (catch_ref $wide 0) (throw $wide (f64.const 2.5) (i64.const -7) (local.get 0))) (unreachable))
      (func (export "many") (param i32) (result i32) (local $e exnref) (local $x i32) (local $l i64)
        (call $many (local.get 0)) (local.set $e) (local.set $x) (local.set $l)
        (i32.trunc_f64_s)
        (i32.add (i32.add (local.get $x) (i32.wrap_i64 (local.get $l))))
        (i32.add (ref.is_null (local.get $e))))
      (func (export "loop") (param $n i32) (result i32) (local $sum i32)
        (i32.const 0) (i32.const 0)
        (loop $again (param i32 i32) (result i32)
          (local.set $sum (i32.add (i32.add (local.get $sum))))
          (if (i32.eqz (local.get $n)) (then (return (local.get $sum))))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (try_table (catch $two $again) (call $throw (local.get $n) (i32.const 100)))
          (i32.const 0)))`;
    const calls: [string, number[], number][] = ['returns', 'single', 'reference', 'many', 'loop'].map((name) => [
      name,
      [10],
      1,
    ]);
    expect(await call(arch, [source], ...calls)).toEqual([6, 10, 10, 5, 1045].map(value));
  });

  test('a null exnref traps', async () => {
    expect(await call(arch, ['(tag) (func (export "f") (throw_ref (ref.null exn)))'], ['f', [], 0])).toEqual([
      trap(TRAP_NULL_REFERENCE),
    ]);
  });

  test('what nobody catches ends the program with a backtrace', async () => {
    const source = `${TAGS} (memory (export "memory") 1)
      (func $inner (nop) (throw $boom (i64.const 1) (f32.const 2)))
      (func $outer (try (do (call $inner)) (catch $e (drop))))
      (func (export "_start") (call $outer))`;
    const { path } = await compile(arch, source);
    const { code, stderr } = await Workload.start(path).ended();
    expect(code).toBe(134);
    expect(stderr.split('\n').slice(0, 3)).toEqual([
      'wasm trap: uncaught exception of tag 1, boom',
      expect.stringMatching(/^ {2}#0 inner \(m0:0x\w+, func\[0\]\+0x\w+\)$/),
      expect.stringMatching(/^ {2}#1 outer \(m0:0x\w+, func\[1\]\+0x\w+\)$/),
    ]);
  });
});

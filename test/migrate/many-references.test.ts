/**
 * A stack with more than 1,024 references of each kind: to functions, exceptions and nothing, in locals, operands and
 * at the innermost frame. Each means the same after a restore, on either CPU.
 */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { ValType } from '../../src/wasm/module.js';
import { build, canRun, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';
import { IMPORTS, PRINT } from '../unit/snapshot/programs.js';

const DEPTH = 1500;
const FUNCTIONS = 7;
const functions = Array.from({ length: FUNCTIONS }, (_, i) => `(func $f${i} (type $f) (i32.const ${3 + 2 * i}))`);

/** Every frame folds what its references mean into what it returns: a function's result, an exception's value. */
const PROGRAM = `(module ${IMPORTS} (memory (export "memory") 1) ${PRINT}
  (type $f (func (result i32)))
  (tag $e (param i32))
  (table $functions funcref (elem ${functions.map((_, i) => `$f${i}`).join(' ')} $f0))
  (table $scratch 1 funcref)
  ${functions.join(' ')}
  (func $exception (param i32) (result exnref)
    (block $h (result i32 exnref) (try_table (catch_ref $e $h) (throw $e (local.get 0))) (unreachable))
    (return))
  (func $value (param exnref) (result i32)
    (if (ref.is_null (local.get 0)) (then (return (i32.const 1))))
    (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get 0))) (unreachable))
    (return))
  (func $result (param funcref) (result i32)
    (if (ref.is_null (local.get 0)) (then (return (i32.const 2))))
    (table.set $scratch (i32.const 0) (local.get 0))
    (call_indirect $scratch (type $f) (i32.const 0)))
  (func $fold (param funcref exnref i32) (result i32)
    (i32.add (i32.add (i32.mul (local.get 2) (i32.const 31)) (call $result (local.get 0))) (call $value (local.get 1))))
  (func $deep (param $n i32) (result i32) (local $function funcref) (local $exception exnref) (local $got i32)
    (if (i32.rem_u (local.get $n) (i32.const 5))
      (then (local.set $function (table.get $functions (i32.rem_u (local.get $n) (i32.const ${FUNCTIONS}))))))
    (if (i32.rem_u (local.get $n) (i32.const 3)) (then (local.set $exception (call $exception (local.get $n)))))
    (table.get $functions (i32.rem_u (i32.add (local.get $n) (i32.const 3)) (i32.const ${FUNCTIONS})))
    (local.get $exception)
    (if (result i32) (local.get $n)
      (then (call $deep (i32.sub (local.get $n) (i32.const 1))))
      (else
        (call $print (i32.const 65))
        (i32.store (i32.const 64) (i32.const 80)) (i32.store (i32.const 68) (i32.const 1))
        (call $fd_read (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 72))))
    (local.set $got (call $fold))
    (call $fold (local.get $function) (local.get $exception) (local.get $got)))
  (func (export "_start")
    (i32.store (i32.const 1024) (call $deep (i32.const ${DEPTH})))
    (call $print (i32.add (i32.const 97) (i32.and (i32.load8_u (i32.const 1024)) (i32.const 15))))
    (call $print (i32.add (i32.const 97) (i32.shr_u (i32.load8_u (i32.const 1024)) (i32.const 4))))
    (call $print (i32.add (i32.const 97) (i32.and (i32.load8_u (i32.const 1025)) (i32.const 15))))
    (call $print (i32.add (i32.const 97) (i32.shr_u (i32.load8_u (i32.const 1027)) (i32.const 4))))))`;

/** What the program computes, and prints four letters of. */
function expectedLetters(): string {
  let value = 0;
  for (let n = 0; n <= DEPTH; n++) {
    const of = (index: number) => 3 + 2 * (index % FUNCTIONS);
    const exception = n % 3 === 0 ? 1 : n;
    value = (Math.imul(value, 31) + of(n + 3) + exception) | 0;
    value = (Math.imul(value, 31) + (n % 5 === 0 ? 2 : of(n)) + exception) | 0;
  }
  const nibbles = [value, value >> 4, value >> 8, value >> 28];
  return String.fromCharCode(...nibbles.map((nibble) => 97 + (nibble & 15)));
}

const folder = temporaryFolder();

test.for<readonly [ArchName, ArchName]>([
  ['x64', 'x64'],
  ['x64', 'arm64'],
  ['arm64', 'x64'],
])('from %s to %s', async ([from, to], { skip }) => {
  if (!canRun(from) || !canRun(to)) skip(`nothing here runs code for ${from} and ${to}`);
  const file = (name: string) => join(folder, `${from}-${to}-${name}`);
  const first = await build(Buffer.from(PROGRAM), file('first'), { arch: from });
  const second = await build(Buffer.from(PROGRAM), file('second'), { arch: to });
  const workload = Workload.start(first.path, { stdin: 'pipe' });
  await workload.waitFor('A');
  await captureAndEnd(workload, file('x.wsnap'));

  const { frames, exceptions } = readSnapshot(file('x.wsnap')).snapshot;
  const counts = new Map<ValType, number>();
  for (let frame = 0; frame < frames.count; frame++) {
    const { locals, operands } = frames.site(frame);
    for (const type of [...locals, ...operands]) counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  expect(counts.get(ValType.FuncRef)).toBeGreaterThan(2 * 1024);
  expect(counts.get(ValType.ExnRef)).toBeGreaterThan(2 * 1024);
  expect(exceptions!.length).toBe(DEPTH - DEPTH / 3);

  const again = await restoreAndStart(file('x.wsnap'), second, file('resumable'), { stdin: 'ignore' });
  expect(await again.ended()).toEqual({ stdout: expectedLetters(), stderr: '', code: 0 });
});

/**
 * Exceptions from the callee of a tail call. The frame of the tail-calling function is gone when the callee runs (core
 * spec 4.6.13, return_call): none of that function's handlers may catch, and the first one around its caller does. That
 * must hold where the callee is another instance's too, though the frame stays then
 * (src/compile/baseline/tail-calls.ts).
 */

import { describe, expect, test } from 'vitest';
import { type Bytes, I32, moduleOf } from '../support/function-references.js';
import { canRun } from '../support/workload.js';
import { call, value } from './linked.js';

const IMPORTS = '(type $f (func (param i32) (result i32))) (import "m0" "e" (tag $e (param i32)))';

/** Throws its argument: at once; by way of a tail call back; `catch` gives what its caller then catches. */
const THROWER = `(type $f (func (param i32) (result i32))) (tag $e (export "e") (param i32))
  (table $back (export "back") 1 funcref) (global $own (mut i32) (i32.const -100))
  (func (export "throw") (type $f) (throw $e (local.get 0)))
  (func (export "bounce") (type $f)
    (try (result i32) (do (return_call_indirect $back (type $f) (local.get 0) (i32.const 0))) (catch_all (i32.const -3))))`;

const TAIL_CALLS: Readonly<Record<string, string>> = {
  'of an import': '(return_call $throw (local.get 0))',
  'of an import that calls back': '(return_call $bounce (local.get 0))',
  'of the same instance': '(return_call $own (local.get 0))',
  'of an import in a table': '(return_call_indirect $t (type $f) (local.get 0) (i32.const 0))',
  'of an import in a table that calls back': '(return_call_indirect $t (type $f) (local.get 0) (i32.const 1))',
  'of the same instance in a table': '(return_call_indirect $t (type $f) (local.get 0) (i32.const 2))',
};

/** What is around a tail call; each gives a negative number when it wrongly catches. */
const HANDLERS: Readonly<Record<string, (tailCall: string) => string>> = {
  nothing: (tailCall) => tailCall,
  'a clause for the tag': (tailCall) =>
    `(i32.sub (block $h (result i32) (try_table (catch $e $h) ${tailCall}) (unreachable)) (i32.const 999999))`,
  'a clause for all': (tailCall) => `(block $h (try_table (catch_all $h) ${tailCall}) (unreachable)) (i32.const -1)`,
  'a clause with a reference': (tailCall) =>
    `(block $h (result exnref) (try_table (catch_all_ref $h) ${tailCall}) (unreachable)) (drop) (i32.const -1)`,
  'catch of the tag': (tailCall) => `(try (result i32) (do ${tailCall}) (catch $e (drop) (i32.const -1)))`,
  catch_all: (tailCall) => `(try (result i32) (do ${tailCall}) (catch_all (i32.const -1)))`,
  'delegate to a try': (tailCall) =>
    `(try $outer (result i32) (do (try (result i32) (do ${tailCall}) (delegate $outer))) (catch_all (i32.const -1)))`,
  'delegate to the caller': (tailCall) => `(try (result i32) (do ${tailCall}) (delegate 0))`,
  'catch_all around a clause for all': (tailCall) =>
    `(try (result i32) (do (block $h (try_table (catch_all $h) ${tailCall}) (unreachable)) (i32.const -1))
      (catch_all (i32.const -2)))`,
  'a catch body within a try': (tailCall) => `(try (result i32)
    (do (try (result i32) (do (throw $e (i32.const -5))) (catch $e (drop) ${tailCall}))) (catch_all (i32.const -1)))`,
};

/** Ways to catch around a call: all give the thrown number, and 1000 of a global of the instance that catches. */
const CALLERS: Readonly<Record<string, (name: string) => string>> = {
  try_table: (name) => `(i32.add (block $h (result i32)
    (try_table (catch $e $h) (drop (call ${name} (local.get 0)))) (i32.const -10)) (global.get $thousand))`,
  try: (name) => `(i32.add (try (result i32) (do (drop (call ${name} (local.get 0))) (i32.const -10)) (catch $e))
    (global.get $thousand))`,
  delegate: (name) => `(i32.add (try $outer (result i32)
    (do (try (result i32) (do (drop (call ${name} (local.get 0))) (i32.const -10)) (delegate $outer))) (catch $e))
    (global.get $thousand))`,
};

const BODIES = Object.entries(TAIL_CALLS).flatMap(([what, tailCall]) =>
  Object.entries(HANDLERS).map(([within, handler]) => ({ name: `${what}, in ${within}`, body: handler(tailCall) })),
);
const THOUSAND = '(global $thousand (mut i32) (i32.const 1000))';

function numbered(write: (i: number) => string): string {
  return BODIES.map((_, i) => write(i)).join('\n');
}

/** Also calls each of its functions itself, in an export `own…`. */
const TAILS = `${IMPORTS}
  (import "m0" "throw" (func $throw (type $f))) (import "m0" "bounce" (func $bounce (type $f)))
  (import "m0" "back" (table $back 1 funcref)) (table $t 3 funcref) ${THOUSAND}
  (elem (table $t) (i32.const 0) func $throw $bounce $own) (elem (table $back) (i32.const 0) func $own)
  (func $own (type $f) (throw $e (local.get 0)))
  ${BODIES.map(({ body }, i) => `(func $f${i} (export "f${i}") (type $f) ${body})`).join('\n')}
  ${numbered((i) => `(func (export "own${i}") (type $f) ${CALLERS.try(`$f${i}`)})`)}`;

const [BLOCK, TRY, CATCH_ALL, DELEGATE, TRY_TABLE, END] = [0x02, 0x06, 0x19, 0x18, 0x1f, 0x0b];
const [GET, CONST, REF_FUNC, RETURN_CALL_REF, UNREACHABLE] = [0x20, 0x41, 0xd2, 0x15, 0x00];
const EMPTY = 0x40;
const THROW_BY_REFERENCE: Bytes = [GET, 0, REF_FUNC, 0, RETURN_CALL_REF, 0];
const REFERENCES: readonly Bytes[] = [
  THROW_BY_REFERENCE,
  [BLOCK, EMPTY, TRY_TABLE, EMPTY, 1, 2, 0, THROW_BY_REFERENCE, END, UNREACHABLE, END, CONST, 0x7f],
  [TRY, I32, THROW_BY_REFERENCE, CATCH_ALL, CONST, 0x7f, END],
  [TRY, I32, TRY, I32, THROW_BY_REFERENCE, DELEGATE, 0, CATCH_ALL, CONST, 0x7f, END],
  [TRY, I32, THROW_BY_REFERENCE, DELEGATE, 0],
];
const BY_REFERENCE = moduleOf({
  types: [[[[I32]], [[I32]]]],
  imports: [['m0', 'throw', 0]],
  functions: REFERENCES.map((code) => ({ type: 0, code })),
  elements: [[3, 0, 1, 0]],
  exports: Object.fromEntries(REFERENCES.map((_, i) => [`f${i}`, 1 + i])),
});

function callers(caller: string, count: number): string {
  const each = (write: (i: number) => string) => Array.from({ length: count }, (_, i) => write(i)).join('\n');
  return `${IMPORTS} ${each((i) => `(import "m1" "f${i}" (func $f${i} (type $f)))`)} ${THOUSAND}
    ${each((i) => `(func (export "c${i}") (type $f) ${CALLERS[caller](`$f${i}`)})`)}`;
}

function calls(count: number, name: string): [string, number[], number][] {
  return Array.from({ length: count }, (_, i) => [`${name}${i}`, [7 + i], 1]);
}

describe.each(['x64', 'arm64'] as const)('tail calls and exceptions on %s', (arch) => {
  if (!canRun(arch)) {
    test.skip('was not run: install qemu-user-static', () => {});
    return;
  }

  test.each(Object.keys(CALLERS))('the caller of another instance catches, by %s', async (caller) => {
    const replies = await call(arch, [THROWER, TAILS, callers(caller, BODIES.length)], ...calls(BODIES.length, 'c'));
    const actual = replies.map((reply, i) => [BODIES[i].name, reply]);
    expect(actual).toEqual(BODIES.map(({ name }, i) => [name, value(1007 + i)]));
  });

  test('the caller of the same instance catches', async () => {
    const replies = await call(arch, [THROWER, TAILS], ...calls(BODIES.length, 'own'));
    const actual = replies.map((reply, i) => [BODIES[i].name, reply]);
    expect(actual).toEqual(BODIES.map(({ name }, i) => [name, value(1007 + i)]));
  });

  test.each(Object.keys(CALLERS))('of references, by %s', async (caller) => {
    const count = REFERENCES.length;
    const replies = await call(arch, [THROWER, BY_REFERENCE, callers(caller, count)], ...calls(count, 'c'));
    expect(replies).toEqual(REFERENCES.map((_, i) => value(1007 + i)));
  });

  test('of functions of the host, in a try', async () => {
    const source = `(type $y (func (result i32)))
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (type $y))) (tag $e (param i32)) (tag $other)
      (table $t 1 funcref) (elem (i32.const 0) $yield)
      (func $named (type $y) (try (result i32) (do (return_call $yield)) (catch_all (i32.const -1))))
      (func $in_table (type $y)
        (block $h (try_table (catch_all $h) (return_call_indirect (type $y) (i32.const 0))) (unreachable)) (i32.const -1))
      (func (export "f") (param i32) (result i32)
        (try (result i32) (do (try (do (throw $e (i32.add (local.get 0) (call $named)))) (catch $other)) (i32.const -2))
          (catch $e (i32.add (call $in_table)))))`;
    expect(await call(arch, [source], ['f', [5], 1])).toEqual([value(5)]);
  });
});

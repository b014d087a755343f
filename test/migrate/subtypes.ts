/**
 * A program that calls functions by their supertypes: through a table and through references, with frames of such calls
 * on the stack; and, as $check decides, one that is of a sibling type, which traps.
 */

/** @param end what _start does at last */
export const subtypesProgram = (end: string) =>
  `(module
  (rec
    (type $base (sub (func (param i32 (ref null $base)) (result i32))))
    (type $mid (sub $base (func (param i32 (ref null $base)) (result i32))))
    (type $leaf (sub final $mid (func (param i32 (ref null $base)) (result i32))))
    (type $other (sub final $base (func (param i32 (ref null $base)) (result i32)))))
  (type $plain (func (param i32 (ref null $base)) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (table $table 8 funcref)
  (table $typed 4 (ref null $mid))
  (global $held (mut (ref null $base)) (ref.func $leaf))
  (elem (table $table) (i32.const 0) func $base $mid $leaf $other $plain)
  (elem (table $typed) (i32.const 0) (ref null $mid) (ref.func $mid) (ref.func $leaf))
  (func $base (type $base) (drop (call $sched_yield)) (i32.add (local.get 0) (i32.const 1)))
  (func $mid (type $mid) (drop (call $sched_yield)) (i32.mul (local.get 0) (i32.const 3)))
  (func $other (type $other) (drop (call $sched_yield)) (i32.sub (local.get 0) (i32.const 5)))
  (func $plain (type $plain) (i32.const 1000))
  (func $leaf (type $leaf)
    (if (ref.is_null (local.get 1)) (then (return (i32.add (local.get 0) (i32.const 100)))))
    (call_ref $base (local.get 0) (ref.null $base) (local.get 1)))
  (func $step (param $i i32) (param $n i32) (result i32)
    (call_indirect $table (type $base) (local.get $n) (global.get $held) (local.get $i)))
  (func $typed (param $i i32) (param $n i32) (result i32)
    (call_indirect $typed (type $mid) (local.get $n) (ref.null $base) (local.get $i)))
  (func (export "_start") (local $i i32) (local $n i32)
    (loop $again
      (local.set $n (call $step (local.get $i) (local.get $n)))
      (global.set $held (ref.func $mid))
      (local.set $n (call $typed (i32.rem_u (local.get $i) (i32.const 2)) (local.get $n)))
      (global.set $held (table.get $typed (i32.rem_u (local.get $i) (i32.const 2))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (if (i32.ne (local.get $n) (i32.const RESULT)) (then (call $proc_exit (i32.const 1))))
    ${end}))`.replace('RESULT', String(result()));

/** What the program counts up to. */
function result(): number {
  type Step = (n: number, held: Step | undefined) => number;
  const base: Step = (n) => n + 1;
  const mid: Step = (n) => n * 3;
  const other: Step = (n) => n - 5;
  const leaf: Step = (n, held) => (held === undefined ? n + 100 : held(n, undefined));
  const typed = [mid, leaf];
  let held: Step = leaf;
  let n = 0;
  [base, mid, leaf, other].forEach((step, i) => {
    n = step(n, held);
    n = typed[i % 2](n, undefined);
    held = typed[i % 2];
  });
  return n;
}

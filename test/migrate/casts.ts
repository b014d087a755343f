/**
 * A program that tests and casts references to functions of a hierarchy of types, with such references in locals, a
 * global, and on the value stack while it calls. It ends with 42 if it has counted right.
 */

export const castsProgram = () =>
  `(module
  (rec
    (type $base (sub (func (param i32) (result i32))))
    (type $mid (sub $base (func (param i32) (result i32))))
    (type $leaf (sub final $mid (func (param i32) (result i32)))))
  (type $other (sub final $base (func (param i32) (result i32))))
  (type $plain (func (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (table $table 6 funcref)
  (global $held (mut (ref null $mid)) (ref.null $mid))
  (elem (table $table) (i32.const 0) func $base $mid $leaf $other $plain)
  (func $base (type $base) (drop (call $sched_yield)) (i32.add (local.get 0) (i32.const 1)))
  (func $mid (type $mid) (drop (call $sched_yield)) (i32.mul (local.get 0) (i32.const 3)))
  (func $leaf (type $leaf) (drop (call $sched_yield)) (i32.add (local.get 0) (i32.const 100)))
  (func $other (type $other) (drop (call $sched_yield)) (i32.sub (local.get 0) (i32.const 5)))
  (func $plain (type $plain) (i32.const 1000))
  (func $kinds (param $f funcref) (result i32) (local $n i32)
    (local.set $n (ref.test (ref $base) (local.get $f)))
    (drop (call $sched_yield))
    (local.set $n (i32.add (i32.shl (local.get $n) (i32.const 1)) (ref.test (ref null $mid) (local.get $f))))
    (local.set $n (i32.add (i32.shl (local.get $n) (i32.const 1)) (ref.test (ref $leaf) (local.get $f))))
    (local.set $n (i32.add (i32.shl (local.get $n) (i32.const 1)) (ref.test (ref null nofunc) (local.get $f))))
    (i32.add (i32.shl (local.get $n) (i32.const 1)) (ref.test (ref $plain) (local.get $f))))
  (func $next (param $n i32) (result i32) (drop (call $sched_yield)) (i32.add (local.get $n) (i32.const 7)))
  (func $step (param $f funcref) (param $n i32) (result i32) (local $own (ref null $base))
    (block $none
      (block $base (result (ref $base))
        (block $mid (result (ref $mid))
          (br $none (drop (br_on_cast $base funcref (ref $base) (br_on_cast $mid funcref (ref $mid) (local.get $f))))))
        (global.set $held)
        (local.set $own (global.get $held))
        (local.set $n (call $next (local.get $n)))
        (ref.as_non_null (local.get $own)))
      (local.set $own)
      (return (call_ref $base (call $next (local.get $n)) (ref.cast (ref $base) (local.get $own)))))
    (block $plain (result funcref)
      (return (call_ref $plain (local.get $n) (br_on_cast_fail $plain funcref (ref $plain) (local.get $f)))))
    (local.set $f)
    (i32.add (local.get $n) (ref.is_null (ref.cast (ref null $leaf) (local.get $f)))))
  (func (export "_start") (local $i i32) (local $n i32) (local $f funcref)
    (loop $again
      (local.set $f (table.get $table (local.get $i)))
      (local.set $n (i32.add (i32.mul (local.get $n) (i32.const 32)) (call $kinds (local.get $f))))
      (local.set $n (i32.rem_u (local.get $n) (i32.const 100003)))
      (local.set $n (call $step (local.get $f) (local.get $n)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))
    (if (i32.ne (local.get $n) (i32.const RESULT)) (then (call $proc_exit (i32.const 1))))
    (call $proc_exit (i32.const 42))))`.replace('RESULT', String(result()));

/** What the program counts up to. */
function result(): number {
  const next = (n: number) => n + 7;
  // By element of the table: the bits of $kinds, and what $step does.
  const elements: [number, (n: number) => number][] = [
    [0b10000, (n) => next(n) + 1],
    [0b11000, (n) => next(next(n)) * 3],
    [0b11100, (n) => next(next(n)) + 100],
    [0b10000, (n) => next(n) - 5],
    [0b00001, () => 1000],
    [0b01010, (n) => n + 1],
  ];
  return elements.reduce((n, [kinds, step]) => step((n * 32 + kinds) % 100_003), 0);
}

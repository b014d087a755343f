;; A legacy catch body that a stop can find, with its exception hidden below the operands: it calls before it throws again. What
;; it throws has references and a v128. Leaves with code 42.
(module
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (tag $all (param i32 v128 exnref funcref f64))
  (tag $none)
  (table i64 3 exnref)
  (global $kept (mut exnref) (ref.null exn))
  (func $throw (param $n i32)
    (throw $all (local.get $n) (v128.const i32x4 1 2 3 4) (global.get $kept) (ref.func $throw) (f64.const 2)))
  (func $keep (param $n i32)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $throw (local.get $n)))
      (unreachable))
    (global.set $kept)
    (table.set (i64.const 1) (global.get $kept)))
  (func $guarded (param $n i32)
    (try
      (do
        (if (local.get $n)
          (then (call $guarded (i32.sub (local.get $n) (i32.const 1))))
          (else (throw_ref (global.get $kept)))))
      (catch $all
        (drop (call $sched_yield))
        (drop) (drop)
        (drop (call $sched_yield))
        (global.set $kept)
        (drop) (drop)
        (try
          (do (throw $none))
          (catch_all (drop (call $sched_yield)) (rethrow 1))))
      (catch_all (drop (call $sched_yield)) (rethrow 0))))
  (elem declare func $throw)
  (func (export "_start") (local $n i32)
    (loop $again
      (call $keep (local.get $n))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5))))
    (try
      (do (call $guarded (i32.const 4)))
      (catch $all
        (drop) (drop) (drop) (drop)
        (call $proc_exit (i32.add (i32.const 42))))
      (catch_all (call $proc_exit (i32.const 43))))))

;; Exceptions wherever a snapshot can find them: in globals, tables, locals and operands, below calls and at loops, as
;; values of other exceptions, and in catch bodies before they rethrow. One tag is another instance's. Prints a checksum
;; now and then; leaves with code 42.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "library" "fault" (tag $fault (param i64 i32)))
  (import "library" "fail" (func $fail (param i32)))
  (import "library" "kept" (global $theirs (mut exnref)))

  (type $unary (func (param i64) (result i64)))
  (tag $empty)
  (tag $pack (param i32 f32 exnref funcref v128 f64))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\12\00\00\00")
  (data (i32.const 1024) "0123456789abcdef")
  (global $sum (mut i64) (i64.const 1))
  (global $kept (mut exnref) (ref.null exn))
  (global $never exnref (ref.null exn))
  (table $slots 4 exnref)
  (table $functions 1 funcref)
  (elem declare func $twice)

  (func $mix (param $value i64)
    (global.set $sum (i64.add (i64.mul (global.get $sum) (i64.const 6364136223846793005)) (local.get $value)))
    (global.set $sum (i64.xor (global.get $sum) (i64.shr_u (global.get $sum) (i64.const 29)))))

  (func $twice (param i64) (result i64)
    (i64.mul (local.get 0) (i64.const 2)))

  (func $yield
    (drop (call $sched_yield)))

  ;; prints the checksum: the iovec at 0 names 18 bytes at 16
  (func $print
    (local $at i32) (local $left i64)
    (local.set $at (i32.const 32))
    (local.set $left (global.get $sum))
    (loop $again
      (i32.store8 (i32.sub (local.get $at) (i32.const 1))
        (i32.load8_u (i32.add (i32.const 1024) (i32.wrap_i64 (i64.and (local.get $left) (i64.const 15))))))
      (local.set $left (i64.shr_u (local.get $left) (i64.const 4)))
      (br_if $again (i32.gt_u (local.tee $at (i32.sub (local.get $at) (i32.const 1))) (i32.const 16))))
    (i32.store8 (i32.const 32) (i32.const 10))
    (i32.store8 (i32.const 33) (i32.const 10))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 512))))

  ;; an exception of each kind; `inner` becomes a value of a $pack
  (func $make (param $kind i32) (param $inner exnref) (result exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught)
        (if (i32.eqz (local.get $kind)) (then (throw $empty)))
        (if (i32.eq (local.get $kind) (i32.const 1))
          (then (throw $fault (i64.const 0x123456789abcdef) (i32.const -5))))
        (if (i32.eq (local.get $kind) (i32.const 2)) (then (call $fail (i32.const 17))))
        (throw $pack (local.get $kind) (f32.const 0.25) (local.get $inner) (ref.func $twice)
          (v128.const i64x2 0x1111222233334444 0x5555666677778888) (f64.const -8.5)))
      (unreachable)))

  ;; mixes what an exception carries, and what the exceptions in it do
  (func $take (param $e exnref)
    (local $f funcref) (local $v v128) (local $d f64)
    (if (ref.is_null (local.get $e)) (then (call $mix (i64.const 3)) (return)))
    (block $empty
      (block $fault (result i64 i32)
        (block $pack (result i32 f32 exnref funcref v128 f64)
          (try_table (catch $pack $pack) (catch $empty $empty) (catch $fault $fault)
            (throw_ref (local.get $e)))
          (unreachable))
        (local.set $d) (local.set $v) (local.set $f)
        (call $yield)
        (local.set $e)
        (call $mix (i64.extend_i32_u (i32.reinterpret_f32)))
        (call $mix (i64.extend_i32_s))
        (call $mix (i64.reinterpret_f64 (local.get $d)))
        (call $mix (i64x2.extract_lane 0 (local.get $v)))
        (call $mix (i64x2.extract_lane 1 (local.get $v)))
        (table.set $functions (i32.const 0) (local.get $f))
        (call $mix (call_indirect $functions (type $unary) (i64.const 21) (i32.const 0)))
        (call $take (local.get $e))
        (return))
      (call $mix (i64.extend_i32_s))
      (call $mix)
      (return))
    (call $mix (i64.const 5)))

  ;; exceptions as operands below calls and as a loop's parameter
  (func $operands (param $e exnref) (result i32)
    (local $n i32)
    (i32.const 100)
    (local.get $e)
    (call $make (i32.const 1) (ref.null exn))
    (call $yield)
    (loop $again (param exnref) (result exnref)
      (call $take)
      (call $make (local.get $n) (global.get $kept))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 4))))
    (call $yield)
    (call $take)
    (call $take)
    (i32.add (local.get $n)))

  ;; catches, calls with the exception hidden below the body's operands, and throws it again
  (func $guarded (param $depth i32) (param $kind i32)
    (try
      (do
        (if (local.get $depth)
          (then (call $guarded (i32.sub (local.get $depth) (i32.const 1)) (local.get $kind)))
          (else (throw_ref (call $make (local.get $kind) (global.get $kept))))))
      (catch $fault
        (call $yield)
        (call $mix (i64.extend_i32_s))
        (call $mix)
        (try (do (throw $empty))
          (catch_all (call $yield) (call $mix (i64.const 11)) (rethrow 1))))
      (catch_all
        (call $mix (i64.extend_i32_u (local.get $depth)))
        (call $yield)
        (rethrow 0))))

  (func $delegated (param $kind i32) (result i32)
    (try $outer (result i32)
      (do
        (try (result i32)
          (do
            (try (result i32)
              (do (call $guarded (i32.const 2) (local.get $kind)) (i32.const 0))
              (delegate $outer)))
          (catch_all (i32.const 1))))
      (catch $fault (drop) (drop) (i32.const 2))
      (catch_all (call $yield) (i32.const 3))))

  (func (export "_start")
    (local $e exnref) (local $i i32)
    (table.set $slots (i32.const 1) (call $make (i32.const 0) (ref.null exn)))
    (table.set $slots (i32.const 2) (call $make (i32.const 1) (ref.null exn)))
    (global.set $kept (call $make (i32.const 3) (table.get $slots (i32.const 2))))
    (global.set $theirs (global.get $kept))
    (local.set $e (call $make (i32.const 4) (global.get $kept)))
    (call $print)
    (call $take (local.get $e))
    (call $print)
    (call $mix (i64.extend_i32_u (call $operands (local.get $e))))
    (call $print)
    (loop $again
      (call $mix (i64.extend_i32_u (call $delegated (local.get $i))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (call $print)
    (local.set $i (i32.const 0))
    (loop $slots
      (call $take (table.get $slots (local.get $i)))
      (br_if $slots (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (call $take (global.get $theirs))
    (call $take (global.get $never))
    (call $print)
    (call $proc_exit (i32.const 42))))

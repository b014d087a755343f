;; Is never without vectors and exceptions: they are locals, operands below calls and loops, and values of one another, wherever it is
;; stopped. Prints a checksum of them sixty times, and sixty times more for each argument; leaves with code 42.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\11\00\00\00")
  (data (i32.const 1024) "0123456789abcdef")
  (tag $pack (param v128 i64 exnref))
  (global $kept (mut exnref) (ref.null exn))
  (global $vector (mut v128) (v128.const i64x2 0x0123456789abcdef 0xfedcba9876543210))

  ;; the iovec at 0 names 17 bytes at 16
  (func $print (param $left i64)
    (local $at i32)
    (local.set $at (i32.const 32))
    (loop $again
      (i32.store8 (i32.sub (local.get $at) (i32.const 1))
        (i32.load8_u (i32.add (i32.const 1024) (i32.wrap_i64 (i64.and (local.get $left) (i64.const 15))))))
      (local.set $left (i64.shr_u (local.get $left) (i64.const 4)))
      (br_if $again (i32.gt_u (local.tee $at (i32.sub (local.get $at) (i32.const 1))) (i32.const 16))))
    (i32.store8 (i32.const 32) (i32.const 10))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $make (param $v v128) (param $n i64) (param $inner exnref) (result exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught)
        (throw $pack (local.get $v) (local.get $n) (local.get $inner)))
      (unreachable)))

  ;; what an exception carries
  (func $take (param $e exnref) (result v128 i64 exnref)
    (block $pack (result v128 i64 exnref)
      (try_table (catch $pack $pack) (throw_ref (local.get $e)))
      (unreachable)))

  (func $turn (param $v v128) (param $by v128) (result v128)
    (i8x16.swizzle
      (i32x4.add (i32x4.mul (local.get $v) (v128.const i32x4 1664525 22695477 1103515245 134775813)) (local.get $by))
      (v128.const i8x16 3 0 1 2 7 4 5 6 11 8 9 10 15 12 13 14)))

  ;; one line: returns with another exception, which has ours in it but not what is in ours
  (func $line (param $e exnref) (result exnref)
    (local $v v128) (local $n i64) (local $i i32) (local $j i32)
    (call $take (local.get $e))
    (global.set $kept)
    (local.set $n)
    (local.set $v)
    (call $make (global.get $vector) (local.get $n) (ref.null exn))
    (local.get $v)
    (loop $outer (param exnref v128) (result exnref v128)
      (local.set $j (i32.const 20000))
      (loop $inner (param v128) (result v128)
        (call $turn (local.get $v))
        (local.set $v (v128.xor (local.get $v) (v128.not (global.get $vector))))
        (br_if $inner (local.tee $j (i32.sub (local.get $j) (i32.const 1)))))
      (global.set $vector)
      (local.set $e)
      (call $make (global.get $vector) (i64.extend_i32_u (local.get $i)) (local.get $e))
      (drop (drop (call $take)))
      (local.set $v (i64x2.add (local.get $v)))
      (call $make (local.get $v) (local.get $n) (ref.null exn))
      (global.get $vector)
      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 250))))
    (local.set $v)
    (drop)
    (local.set $n
      (i64.add (i64.rotl (local.get $n) (i64.const 7))
        (i64.xor (i64x2.extract_lane 0 (local.get $v)) (i64x2.extract_lane 1 (local.get $v)))))
    (call $print (local.get $n))
    (call $make (local.get $v) (local.get $n) (local.get $e)))

  (func (export "_start")
    (local $e exnref) (local $i i32)
    (drop (call $args (i32.const 48) (i32.const 52)))
    (local.set $e (call $make (global.get $vector) (i64.const 1) (ref.null exn)))
    (loop $again
      (local.set $e (call $line (local.get $e)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
        (i32.mul (i32.load (i32.const 48)) (i32.const 60)))))
    (call $proc_exit (i32.const 42))))

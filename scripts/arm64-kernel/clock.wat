;; Asks the realtime and the monotonic clock half a million times each: traps when the monotonic one has stepped back, prints a
;; line when it has moved. With an argument it asks for the CPU time of the process, which takes a system call.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\40\00\00\00\2c\00\00\00")
  (data (i32.const 64) "the monotonic clock moved, and always ahead\n")

  (func $now (param $clock i32) (result i64)
    (if (call $time (local.get $clock) (i64.const 1) (i32.const 16)) (then unreachable))
    (i64.load (i32.const 16)))

  (func (export "_start")
    (local $n i32) (local $first i64) (local $last i64) (local $new i64)
    (drop (call $args (i32.const 24) (i32.const 28)))
    (if (i32.gt_u (i32.load (i32.const 24)) (i32.const 1))
      (then (drop (call $now (i32.const 2))) (return)))
    (local.set $first (local.tee $last (call $now (i32.const 1))))
    (loop $again
      (if (i64.lt_u (call $now (i32.const 0)) (i64.const 1)) (then unreachable))
      (local.set $new (call $now (i32.const 1)))
      (if (i64.lt_u (local.get $new) (local.get $last)) (then unreachable))
      (local.set $last (local.get $new))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 500000))))
    (if (i64.le_u (local.get $last) (local.get $first)) (then unreachable))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))

;; Asks the realtime and the monotonic clock a quarter of a million times each and prints a line, twenty times for each word of its command:
;; traps when the monotonic clock has stepped back, or has not moved until a line. With one argument it only asks for the CPU
;; time of the process, which takes a system call.
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

  ;; from a time of the monotonic clock to a later one
  (func $line (param $first i64) (result i64)
    (local $n i32) (local $last i64) (local $new i64)
    (local.set $last (local.get $first))
    (loop $again
      (if (i64.lt_u (call $now (i32.const 0)) (i64.const 1)) (then unreachable))
      (local.set $new (call $now (i32.const 1)))
      (if (i64.lt_u (local.get $new) (local.get $last)) (then unreachable))
      (local.set $last (local.get $new))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 250000))))
    (if (i64.le_u (local.get $last) (local.get $first)) (then unreachable))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.get $last))

  (func (export "_start")
    (local $lines i32) (local $time i64)
    (drop (call $args (i32.const 24) (i32.const 28)))
    (if (i32.eq (i32.load (i32.const 24)) (i32.const 2))
      (then (drop (call $now (i32.const 2))) (return)))
    (local.set $lines (i32.mul (i32.load (i32.const 24)) (i32.const 20)))
    (local.set $time (call $now (i32.const 1)))
    (loop $again
      (local.set $time (call $line (local.get $time)))
      (br_if $again (local.tee $lines (i32.sub (local.get $lines) (i32.const 1)))))))

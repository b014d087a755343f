;; Every kind of atomic access on a shared memory, and waits that end by their timeout or at once, in loops with operands
;; below them, with arguments that are locals, constants and computed. Prints a checksum; leaves with code 7.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (memory (export "memory") 1 4 shared)
  (data (i32.const 0) "\10\00\00\00\12\00\00\00")
  (data (i32.const 1024) "0123456789abcdef")

  (global $sum (mut i64) (i64.const 1))

  (func $mix (param $value i64)
    (global.set $sum (i64.add (i64.mul (global.get $sum) (i64.const 6364136223846793005)) (local.get $value)))
    (global.set $sum (i64.xor (global.get $sum) (i64.shr_u (global.get $sum) (i64.const 29)))))

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
    (i32.store16 (i32.const 32) (i32.const 0x0a0a))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $narrow (param $at i32) (param $value i32)
    (i32.atomic.store8 offset=3 (local.get $at) (local.get $value))
    (i32.atomic.store16 offset=6 (local.get $at) (local.get $value))
    (call $mix (i64.extend_i32_u (i32.atomic.rmw8.add_u offset=3 (local.get $at) (i32.const 200))))
    (call $mix (i64.extend_i32_u (i32.atomic.rmw16.sub_u offset=6 (local.get $at) (local.get $value))))
    (call $mix (i64.extend_i32_u (i32.atomic.rmw8.xor_u offset=3 (local.get $at) (local.get $value))))
    (call $mix (i64.extend_i32_u (i32.atomic.rmw16.cmpxchg_u offset=6 (local.get $at) (i32.const 0) (local.get $value))))
    (call $mix (i64.extend_i32_u (i32.atomic.load8_u offset=3 (local.get $at))))
    (call $mix (i64.extend_i32_u (i32.atomic.load16_u offset=6 (local.get $at)))))

  (func $wide (param $at i32) (param $value i64)
    (i64.atomic.store offset=8 (local.get $at) (local.get $value))
    (call $mix (i64.atomic.rmw.add offset=8 (local.get $at) (global.get $sum)))
    (call $mix (i64.atomic.rmw.and offset=8 (local.get $at) (i64.const 0x7fffffff0fffffff)))
    (call $mix (i64.atomic.rmw32.or_u offset=12 (local.get $at) (local.get $value)))
    (call $mix (i64.atomic.rmw.cmpxchg offset=8 (local.get $at)
      (i64.atomic.load offset=8 (local.get $at)) (i64.rotl (local.get $value) (i64.const 7))))
    (call $mix (i64.atomic.rmw32.xchg_u offset=8 (local.get $at) (local.get $value)))
    (call $mix (i64.atomic.load offset=8 (local.get $at)))
    (atomic.fence))

  ;; operands below each wait, which the sum at the end needs
  (func $waits (param $i i32) (result i64)
    (local $timeout i64)
    (local.set $timeout (i64.const 100000))
    (i32.atomic.store (i32.const 2048) (local.get $i))
    (i64.atomic.store (i32.const 2056) (i64.extend_i32_s (local.get $i)))
    (global.get $sum)
    (local.get $timeout)
    (memory.atomic.wait32 (i32.const 2048) (local.get $i) (local.get $timeout)) ;; times out
    (memory.atomic.wait64 offset=8 (i32.const 2048) (i64.const -1) (i64.const -1)) ;; not equal
    (i32.add)
    (memory.atomic.wait64 (i32.add (local.get $i) (i32.sub (i32.const 2056) (local.get $i)))
      (i64.extend_i32_s (local.get $i)) (i64.const 0)) ;; times out at once
    (memory.atomic.notify (i32.const 2048) (i32.const 5))
    (i32.add)
    (i32.mul)
    (i64.extend_i32_u)
    (i64.add)
    (i64.xor))

  (func (export "_start")
    (local $i i32)
    (loop $again
      (call $narrow (i32.add (i32.const 5000) (i32.shl (local.get $i) (i32.const 3))) (i32.mul (local.get $i) (i32.const 0x01234567)))
      (call $wide (i32.add (i32.const 4096) (i32.shl (local.get $i) (i32.const 3))) (global.get $sum))
      (call $mix (call $waits (local.get $i)))
      (drop (memory.grow (i32.const 1)))
      (call $mix (i64.extend_i32_u (memory.size)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
    (call $print)
    (call $proc_exit (i32.const 7))))

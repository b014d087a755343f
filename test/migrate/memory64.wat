;; A memory and a table with 64-bit indexes. The memory has 5 GiB, of which a few pages are touched, beyond 4 GiB too.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (memory $memory (export "memory") i64 1)
  (table $table i64 4 100 funcref)
  (type $unary (func (param i64) (result i64)))
  (elem (table $table) (i64.const 1) func $twice $thrice)
  (elem $more funcref (ref.func $thrice) (ref.func $twice))
  (data (i64.const 0) "\10\00\00\00\11\00\00\00")
  (data (i64.const 1024) "0123456789abcdef")

  (global $sum (mut i64) (i64.const 1))
  (global $at (mut i64) (i64.const 0x1_2000_0000)) ;; 4.5 GiB

  (func $twice (type $unary) (i64.mul (local.get 0) (i64.const 2)))
  (func $thrice (type $unary)
    (drop (call $sched_yield))
    (i64.mul (local.get 0) (i64.const 3)))

  (func $mix (param $value i64)
    (global.set $sum (i64.add (i64.mul (global.get $sum) (i64.const 6364136223846793005)) (local.get $value)))
    (global.set $sum (i64.xor (global.get $sum) (i64.shr_u (global.get $sum) (i64.const 29)))))

  (func $print
    (local $at i64) (local $left i64)
    (local.set $at (i64.const 32))
    (local.set $left (global.get $sum))
    (loop $again
      (i32.store8 (i64.sub (local.get $at) (i64.const 1))
        (i32.load8_u (i64.add (i64.const 1024) (i64.and (local.get $left) (i64.const 15)))))
      (local.set $left (i64.shr_u (local.get $left) (i64.const 4)))
      (br_if $again (i64.gt_u (local.tee $at (i64.sub (local.get $at) (i64.const 1))) (i64.const 16))))
    (i32.store8 (i64.const 32) (i32.const 10))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $write (param $from i64) (param $step i64)
    (local $i i64)
    (loop $again
      (i64.store offset=8 (i64.add (local.get $from) (i64.mul (local.get $i) (local.get $step))) (local.get $i))
      (f32.store offset=0x1_0000_0000 (i64.mul (local.get $i) (i64.const 4)) (f32.convert_i64_u (local.get $i)))
      (drop (call $sched_yield))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $i) (i64.const 4)))))

  (func $read (param $from i64) (param $step i64)
    (local $i i64)
    (loop $again
      (call $mix (i64.load offset=8 (i64.add (local.get $from) (i64.mul (local.get $i) (local.get $step)))))
      (call $mix (i64.load32_u offset=0x1_0000_0000 (i64.mul (local.get $i) (i64.const 4))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br_if $again (i64.lt_u (local.get $i) (i64.const 4))))
    (call $mix (i64.load8_u (i64.const 0x1_3fff_ffff)))
    (call $mix (memory.size))
    (call $print))

  (func $tables
    (call $mix (call_indirect $table (type $unary) (i64.const 5) (i64.const 1)))
    (call $mix (call_indirect $table (type $unary) (i64.const 7) (i64.const 2)))
    (call $mix (table.grow $table (ref.func $thrice) (i64.const 3)))
    (call $mix (table.grow $table (ref.null func) (i64.const 0xffffffffffffffff)))
    (table.init $table $more (i64.const 4) (i32.const 0) (i32.const 2))
    (table.copy $table $table (i64.const 0) (i64.const 2) (i64.const 4))
    (table.fill $table (i64.const 6) (ref.func $twice) (i64.const 1))
    (table.set $table (i64.const 1) (table.get $table (i64.const 6)))
    (call $mix (table.size $table))
    (call $mix (call_indirect $table (type $unary) (i64.const 11) (i64.const 1)))
    (call $mix (call_indirect $table (type $unary) (i64.const 13) (i64.const 6)))
    (call $mix (i64.extend_i32_u (ref.is_null (table.get $table (i64.const 3)))))
    (call $print))

  (func (export "_start")
    (call $mix (memory.grow (i64.const 81919))) ;; 5 GiB in all
    (call $write (global.get $at) (i64.const 65536))
    (i64.store8 (i64.const 0x1_3fff_ffff) (i64.const 77))
    (call $read (global.get $at) (i64.const 65536))
    (call $tables)
    (memory.fill (i64.const 0x1_3000_0000) (i32.const 5) (i64.const 24))
    (memory.copy (i64.const 3000) (i64.const 0x1_3000_0000) (i64.const 16))
    (memory.copy (i64.const 0x1_2fff_ffff) (i64.const 0x1_3000_0000) (i64.const 20))
    (call $read (i64.const 0x1_2fff_fff0) (i64.const 8))
    (call $read (i64.const 2984) (i64.const 8))
    (call $mix (memory.grow (i64.const 0x1_0000_0000_0000)))
    (call $print)))

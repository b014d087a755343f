;; One of everything that a frame or an instance can hold, so that capturing it at every site goes through every way
;; of lifting and lowering: a start function, loops with parameters, blocks and calls with several results, more
;; parameters than registers, operands of every type, constants and copies of locals below calls, references in
;; locals, operands, globals and tables, indirect calls of imports, bulk memory and table instructions, dropped
;; segments. Prints a checksum now and then; leaves with code 42.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (type $unary (func (param i64) (result i64)))
  (type $yield (func (result i32)))
  (type $pair (func (param i32 f64) (result f64 i32)))

  (memory (export "memory") 1 4)
  (table $functions 8 20 funcref)
  (table $externs 2 6 externref)
  (elem (table $functions) (i32.const 0) func $twice $thrice $sched_yield)
  (elem $more funcref (ref.func $swap) (ref.null func) (ref.func $twice))
  (elem declare func $thrice $swap)
  (data (i32.const 0) "\10\00\00\00\12\00\00\00")
  (data $text "0123456789abcdef")
  (data $gone "never used twice")

  (global $sum (mut i64) (i64.const 1))
  (global $single (mut f32) (f32.const 1.5))
  (global $double (mut f64) (f64.const -2.5))
  (global $count (mut i32) (i32.const 0))
  (global $chosen (mut funcref) (ref.null func))
  (global $extern (mut externref) (ref.null extern))
  (global $fixed i32 (i32.const 77))
  (global $thrice (mut funcref) (ref.func $thrice))

  (start $prepare)

  (func $prepare
    (local $i i32)
    (loop $again
      (drop (call $sched_yield))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
    (call $mix (i64.extend_i32_u (local.get $i))))

  (func $mix (param $value i64)
    (global.set $sum (i64.add (i64.mul (global.get $sum) (i64.const 6364136223846793005)) (local.get $value)))
    (global.set $sum (i64.xor (global.get $sum) (i64.shr_u (global.get $sum) (i64.const 29)))))

  (func $mix_double (param $value f64)
    (call $mix (i64.reinterpret_f64 (local.get $value))))

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
    (i32.store16 (i32.const 32) (i32.const 0x0a2e))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $twice (type $unary) (i64.mul (local.get 0) (i64.const 2)))
  (func $thrice (type $unary)
    (drop (call $sched_yield))
    (i64.mul (local.get 0) (i64.const 3)))
  (func $swap (type $pair) (call $mix (i64.const 5)) (local.get 1) (local.get 0))

  ;; more parameters than there are registers, of both classes
  (func $many (param i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 i32 i64 f32 f64 f64 f64 f64 f64 i32 i64)
    (result i64 f64 i32 f32)
    (local $total i64)
    (local.set $total (i64.add (local.get 1) (i64.extend_i32_s (local.get 20))))
    (call $mix (local.get 21))
    (local.set $total (i64.add (local.get $total) (local.get 13)))
    (call $mix_double (f64.add (local.get 19) (f64.promote_f32 (local.get 14))))
    (local.get $total)
    (f64.add (f64.add (local.get 3) (local.get 7)) (f64.add (local.get 18) (local.get 11)))
    (i32.add (i32.add (local.get 0) (local.get 8)) (local.get 12))
    (f32.add (local.get 2) (local.get 10)))

  ;; operands of every type below calls: slots, constants, copies of locals
  (func $operands (param $a i32) (param $b f64) (result i64)
    (local $r funcref) (local $x externref) (local $f f32)
    (local.set $r (global.get $thrice))
    (local.set $f (f32.convert_i32_s (local.get $a)))
    (i64.const 0x123456789abcdef0)
    (local.get $a)
    (f32.const 3.25)
    (local.get $b)
    (i32.mul (local.get $a) (i32.const 3))
    (local.get $r)
    (global.get $chosen)
    (local.get $x)
    (f64.const nan)
    (local.get $f)
    (call $mix (i64.const 9))
    (drop (call $sched_yield))
    ;; take them apart again
    (global.set $single (f32.add (global.get $single)))
    (call $mix_double)
    (drop (ref.is_null))
    (global.set $chosen)
    (if (ref.is_null) (then (call $mix (i64.const 1001))))
    (call $mix (i64.extend_i32_s))
    (global.set $double (f64.add (global.get $double)))
    (global.set $single (f32.add (global.get $single)))
    (call $mix (i64.extend_i32_s)))

  ;; a loop with parameters and results, and one inside of it with none
  (func $loops (param $n i32) (result f64)
    (local $inner i32)
    (local.get $n)
    (f64.const 1)
    (i64.const 7)
    (loop $outer (param i32 f64 i64) (result f64)
      (call $mix)
      (f64.add (f64.const 0.125))
      (local.set $inner (i32.const 2))
      (loop $again
        (call $mix (i64.extend_i32_u (local.get $inner)))
        (br_if $again (local.tee $inner (i32.sub (local.get $inner) (i32.const 1)))))
      (call $exchange)
      (i32.sub (i32.const 1))
      (call $pick (i64.const 3))
      (br_if $outer)
      (drop) (global.set $double) (drop) (global.get $double)))

  (func $exchange (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))

  ;; arranges operands for the outer loop's back edge: i32 f64 i64 and the condition
  (func $pick (param f64 i32 i64) (result i32 f64 i64 i32)
    (local.get 1) (local.get 0) (local.get 2) (i32.gt_s (local.get 1) (i32.const 0)))

  (func $indirect
    (call $mix (call_indirect $functions (type $unary) (i64.const 21) (i32.const 0)))
    (call $mix (call_indirect $functions (type $unary) (i64.const 22) (i32.const 1)))
    (call $mix (i64.extend_i32_u (call_indirect $functions (type $yield) (i32.const 2)))))

  (func $tables
    (table.init $functions $more (i32.const 4) (i32.const 0) (i32.const 3))
    (elem.drop $more)
    (call $mix (i64.extend_i32_s (table.grow $functions (ref.func $thrice) (i32.const 2))))
    (table.copy $functions $functions (i32.const 7) (i32.const 6) (i32.const 1))
    (table.fill $functions (i32.const 3) (global.get $thrice) (i32.const 1))
    (call $mix (i64.extend_i32_s (table.grow $externs (ref.null extern) (i32.const 3))))
    (table.set $externs (i32.const 0) (global.get $extern))
    (call $mix (i64.extend_i32_u (ref.is_null (table.get $functions (i32.const 5)))))
    (call $mix (call_indirect $functions (type $unary) (i64.const 31) (i32.const 9)))
    (call $mix (call_indirect $functions (type $unary) (i64.const 32) (i32.const 7)))
    (call $mix (call_indirect $functions (type $unary) (i64.const 33) (i32.const 3)))
    (call_indirect $functions (type $pair) (i32.const 34) (f64.const 0.5) (i32.const 4))
    (call $mix (i64.extend_i32_s))
    (call $mix_double))

  (func $memories
    (memory.init $text (i32.const 1024) (i32.const 0) (i32.const 16))
    (data.drop $gone)
    (call $mix (i64.extend_i32_s (memory.grow (i32.const 2))))
    (memory.fill (i32.const 131000) (i32.const 0xa5) (i32.const 200))
    (memory.copy (i32.const 196000) (i32.const 131050) (i32.const 100))
    (call $mix (i64.load (i32.const 196010)))
    (call $mix (i64.extend_i32_s (memory.grow (i32.const 2))))
    (call $mix (i64.extend_i32_u (memory.size))))

  (func (export "_start")
    (local $round i32) (local $other f64)
    (call $memories)
    (call $print)
    (call $tables)
    (global.set $chosen (table.get $functions (i32.const 4)))
    (loop $again
      (call $mix (call $operands (local.get $round) (local.get $other)))
      (call $indirect)
      (call $many
        (i32.const 1) (i64.const 2) (f32.const 3) (f64.const 4) (local.get $round) (i64.const 6) (f32.const 7) (f64.const 8)
        (i32.const 9) (i64.const 10) (f32.const 11) (f64.const 12) (i32.const 13) (i64.const 14) (f32.const 15) (f64.const 16)
        (local.get $other) (f64.const 18) (f64.const 19) (f64.const 20) (global.get $fixed) (global.get $sum))
      (call $mix_double (f64.promote_f32))
      (call $mix (i64.extend_i32_s))
      (local.set $other)
      (call $mix)
      (call $mix_double (call $loops (i32.const 3)))
      (block $three (block $two (block $one
        (br_table $one $two $three (local.get $round)))
        (call $mix (i64.const 1)))
        (call $mix (i64.const 2)))
      (call $mix_double (global.get $double))
      (call $mix_double (f64.promote_f32 (global.get $single)))
      (call $print)
      (br_if $again (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 4))))
    (call $proc_exit (i32.const 42))))

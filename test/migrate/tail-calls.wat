;; Tail calls of every kind: to functions with fewer and with more parameters in slots than the first caller has reserved
;; room for, whose arguments are the caller's own parameters in other places, with several results, through a table, of
;; imports, from the entry itself. Prints a checksum, leaves with code 42.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))

  (type $few (func (param i32 i64) (result i64 f64 i32)))
  (type $many (func (param i32 i64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 funcref externref) (result i64 f64 i32)))
  (type $more (func (param i32 i64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 i64 f64 funcref externref i64 f32 i32 f64) (result i64 f64 i32)))
  (type $yield (func (result i32)))
  (type $none (func))

  (memory (export "memory") 1)
  (table $functions funcref (elem $count $swap $sched_yield))
  (data (i32.const 0) "\10\00\00\00\12\00\00\00")
  (data (i32.const 1024) "0123456789abcdef")
  (global $turns (mut i64) (i64.const 0))

  ;; ends the round trip at 0, else starts another: little is in slots here
  (func $count (type $few) (param $n i32) (param $acc i64) (result i64 f64 i32)
    (global.set $turns (i64.add (global.get $turns) (i64.const 1)))
    (if (i32.eqz (local.get $n))
      (then (return (local.get $acc) (f64.convert_i64_s (global.get $turns)) (i32.const 7))))
    (return_call $rotate (i32.sub (local.get $n) (i32.const 1)) (i64.mul (local.get $acc) (i64.const 3))
      (i64.add (local.get $acc) (i64.const 1)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 0))) (i64.add (local.get $acc) (i64.const 8)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 1))) (i64.add (local.get $acc) (i64.const 15)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 2))) (i64.add (local.get $acc) (i64.const 22)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 3))) (i64.add (local.get $acc) (i64.const 29)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 4))) (i64.add (local.get $acc) (i64.const 36)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 5))) (i64.add (local.get $acc) (i64.const 43)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 6))) (i64.add (local.get $acc) (i64.const 50)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 7))) (i64.add (local.get $acc) (i64.const 57)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 8))) (i64.add (local.get $acc) (i64.const 64)) (f64.convert_i32_s (i32.add (local.get $n) (i32.const 9)))
      (ref.func $count) (ref.null extern)))

  ;; each argument is another parameter of ours
  (func $rotate (type $many) (param $n i32) (param $acc i64) (param $p0 i64) (param $f0 f64) (param $p1 i64) (param $f1 f64) (param $p2 i64) (param $f2 f64) (param $p3 i64) (param $f3 f64) (param $p4 i64) (param $f4 f64) (param $p5 i64) (param $f5 f64) (param $p6 i64) (param $f6 f64) (param $p7 i64) (param $f7 f64) (param $p8 i64) (param $f8 f64) (param $p9 i64) (param $f9 f64) (param $r funcref) (param $x externref) (result i64 f64 i32)
    (local $i i32) (local $sum i64)
    (local.set $i (i32.const 2))
    (loop $again
      (local.set $sum (i64.add (local.get $sum) (local.get $p7)))
      (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
    (return_call $gather (local.get $n) (i64.add (local.get $acc) (local.get $sum)) (local.get $p1) (local.get $f3) (local.get $p2) (local.get $f4) (local.get $p3) (local.get $f5) (local.get $p4) (local.get $f6) (local.get $p5) (local.get $f7) (local.get $p6) (local.get $f8) (local.get $p7) (local.get $f9) (local.get $p8) (local.get $f0) (local.get $p9) (local.get $f1) (local.get $p0) (local.get $f2) (local.get $r) (local.get $x)
      (i64.const -5) (f32.const 2.5) (call $yield) (local.get $f9)))

  (func $gather (type $more) (param $n i32) (param $acc i64) (param $p0 i64) (param $f0 f64) (param $p1 i64) (param $f1 f64) (param $p2 i64) (param $f2 f64) (param $p3 i64) (param $f3 f64) (param $p4 i64) (param $f4 f64) (param $p5 i64) (param $f5 f64) (param $p6 i64) (param $f6 f64) (param $p7 i64) (param $f7 f64) (param $p8 i64) (param $f8 f64) (param $p9 i64) (param $f9 f64) (param $r funcref) (param $x externref) (param $a i64) (param $b f32) (param $c i32) (param $d f64) (result i64 f64 i32)
    (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p0) (i64.reinterpret_f64 (local.get $f0))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p1) (i64.reinterpret_f64 (local.get $f1))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p2) (i64.reinterpret_f64 (local.get $f2))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p3) (i64.reinterpret_f64 (local.get $f3))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p4) (i64.reinterpret_f64 (local.get $f4))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p5) (i64.reinterpret_f64 (local.get $f5))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p6) (i64.reinterpret_f64 (local.get $f6))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p7) (i64.reinterpret_f64 (local.get $f7))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p8) (i64.reinterpret_f64 (local.get $f8))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p9) (i64.reinterpret_f64 (local.get $f9)))))
    (if (i32.and (local.get $n) (i32.const 1))
      (then
        (i64.const 1) (f64.const 2) (local.get $c) ;; below the arguments: given up
        (return_call_indirect $functions (type $many) (local.get $n) (local.get $acc) (local.get $p1) (local.get $f9) (local.get $p0) (local.get $f8) (local.get $p3) (local.get $f7) (local.get $p2) (local.get $f6) (local.get $p5) (local.get $f5) (local.get $p4) (local.get $f4) (local.get $p7) (local.get $f3) (local.get $p6) (local.get $f2) (local.get $p9) (local.get $f1) (local.get $p8) (local.get $f0) (local.get $r) (local.get $x)
          (i32.const 1))))
    (local.set $acc (i64.add (local.get $acc) (i64.add (local.get $a) (i64.reinterpret_f64 (local.get $d)))))
    (local.set $acc (i64.add (local.get $acc) (i64.extend_i32_s (i32.add (local.get $c) (i32.reinterpret_f32 (local.get $b))))))
    (return_call_indirect $functions (type $few) (local.get $n) (local.get $acc) (i32.const 0)))

  (func $swap (type $many) (param $n i32) (param $acc i64) (param $p0 i64) (param $f0 f64) (param $p1 i64) (param $f1 f64) (param $p2 i64) (param $f2 f64) (param $p3 i64) (param $f3 f64) (param $p4 i64) (param $f4 f64) (param $p5 i64) (param $f5 f64) (param $p6 i64) (param $f6 f64) (param $p7 i64) (param $f7 f64) (param $p8 i64) (param $f8 f64) (param $p9 i64) (param $f9 f64) (param $r funcref) (param $x externref) (result i64 f64 i32)
    (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p0) (i64.reinterpret_f64 (local.get $f0))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p1) (i64.reinterpret_f64 (local.get $f1))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p2) (i64.reinterpret_f64 (local.get $f2))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p3) (i64.reinterpret_f64 (local.get $f3))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p4) (i64.reinterpret_f64 (local.get $f4))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p5) (i64.reinterpret_f64 (local.get $f5))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p6) (i64.reinterpret_f64 (local.get $f6))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p7) (i64.reinterpret_f64 (local.get $f7))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p8) (i64.reinterpret_f64 (local.get $f8))))) (local.set $acc (i64.add (i64.mul (local.get $acc) (i64.const 31)) (i64.xor (local.get $p9) (i64.reinterpret_f64 (local.get $f9)))))
    (if (ref.is_null (local.get $r)) (then unreachable))
    (if (ref.is_null (local.get $x)) (then (local.set $acc (i64.add (local.get $acc) (i64.const 1)))))
    (return_call $count (local.get $n) (local.get $acc)))

  (func $yield (type $yield) (return_call $yield_too))
  (func $yield_too (type $yield)
    (if (result i32) (i32.wrap_i64 (i64.and (global.get $turns) (i64.const 1)))
      (then (return_call_indirect $functions (type $yield) (i32.const 2)))
      (else (return_call $sched_yield))))

  ;; prints the checksum: the iovec at 0 names 18 bytes at 16
  (func $print (param $left i64)
    (local $at i32)
    (local.set $at (i32.const 32))
    (loop $again
      (i32.store8 (i32.sub (local.get $at) (i32.const 1))
        (i32.load8_u (i32.add (i32.const 1024) (i32.wrap_i64 (i64.and (local.get $left) (i64.const 15))))))
      (local.set $left (i64.shr_u (local.get $left) (i64.const 4)))
      (br_if $again (i32.gt_u (local.tee $at (i32.sub (local.get $at) (i32.const 1))) (i32.const 16))))
    (i32.store16 (i32.const 32) (i32.const 0x0a2e))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $main (param $rounds i32) (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (param $last i64)
    (local $code i32) (local $turns f64)
    (call $count (local.get $rounds) (local.get $last))
    (local.set $code)
    (local.set $turns)
    (call $print)
    (call $print (i64.reinterpret_f64 (local.get $turns)))
    (return_call $leave (i32.add (local.get $code) (i32.const 35))))

  (func $leave (param $code i32) (return_call $proc_exit (local.get $code)))

  (func (export "_start")
    (return_call $main (i32.const 9) (i64.const 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7) (i64.const 8) (i64.const 9) (i64.const 10) (i64.const 0x123456789))))

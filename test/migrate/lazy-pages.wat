;; Fills pages, then does what its input says, a byte for each: it answers each with the same byte. A page that is not
;; as it was filled traps.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (memory $main (export "memory") 64 96)
  (memory $other 16 16)
  (memory $wide i64 16 16)

  ;; what is at the start of a block of 4 KiB
  (func $word (param $seed i32) (param $at i32) (result i32)
    (i32.add (i32.mul (i32.add (local.get $at) (local.get $seed)) (i32.const 0x9e3779b1)) (i32.const 1)))

  (func $fill (local $at i32)
    (local.set $at (i32.const 65536))
    (loop $next
      (i32.store (local.get $at) (call $word (i32.const 0) (local.get $at)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 4194304))))
    (local.set $at (i32.const 0))
    (loop $next
      (i32.store $other (local.get $at) (call $word (i32.const 1) (local.get $at)))
      (i32.store $wide (i64.extend_i32_u (local.get $at)) (call $word (i32.const 2) (local.get $at)))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 1048576)))))

  (func $page (param $page i32) (local $at i32) (local $end i32)
    (local.set $at (i32.shl (local.get $page) (i32.const 16)))
    (local.set $end (i32.add (local.get $at) (i32.const 65536)))
    (loop $next
      (if (i32.ne (i32.load (local.get $at)) (call $word (i32.const 0) (local.get $at))) (then unreachable))
      (if (i32.load offset=4 (local.get $at)) (then unreachable))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (local.get $end)))))

  ;; all of memory 0, in an order that jumps about; each page is written, too
  (func $all (local $page i32) (local $count i32)
    (local.set $page (i32.const 11))
    (loop $next
      (if (local.get $page)
        (then
          (call $page (local.get $page))
          (i32.store offset=65532 (i32.shl (local.get $page) (i32.const 16)) (local.get $page))))
      (local.set $page (i32.and (i32.add (i32.mul (local.get $page) (i32.const 37)) (i32.const 11)) (i32.const 63)))
      (br_if $next (i32.lt_u (local.tee $count (i32.add (local.get $count) (i32.const 1))) (i32.const 64)))))

  (func $others (local $at i32)
    (loop $next
      (if (i32.ne (i32.load $other (local.get $at)) (call $word (i32.const 1) (local.get $at))) (then unreachable))
      (if (i32.ne (i32.load $wide (i64.extend_i32_u (local.get $at))) (call $word (i32.const 2) (local.get $at)))
        (then unreachable))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const 1048576)))))

  ;; bulk instructions over missing pages: 40 and 41 to 50 and 51, 60 becomes zeros, memory 1 to page 61
  (func $bulk
    (memory.copy (i32.const 3276800) (i32.const 2621440) (i32.const 131072))
    (if (i32.ne (i32.load (i32.const 3276800)) (call $word (i32.const 0) (i32.const 2621440))) (then unreachable))
    (if (i32.ne (i32.load (i32.const 3403776)) (call $word (i32.const 0) (i32.const 2748416))) (then unreachable))
    (memory.fill (i32.const 3932160) (i32.const 0) (i32.const 65536))
    (memory.copy $main $other (i32.const 3997696) (i32.const 131072) (i32.const 65536))
    (if (i32.ne (i32.load (i32.const 3997696)) (call $word (i32.const 1) (i32.const 131072))) (then unreachable)))

  ;; the kernel writes the end of page 30 and the start of page 31, and nothing else
  (func $chance
    (if (call $random (i32.const 2027520) (i32.const 8192)) (then unreachable))
    (if (i32.ne (i32.load (i32.const 2023424)) (call $word (i32.const 0) (i32.const 2023424))) (then unreachable))
    (if (i32.ne (i32.load (i32.const 2035712)) (call $word (i32.const 0) (i32.const 2035712))) (then unreachable)))

  ;; the kernel reads the end of page 20 and the start of page 21: 8 bytes
  (func $print
    (i32.store (i32.const 1376252) (i32.const 0x64636261))
    (i32.store (i32.const 1376256) (i32.const 0x68676665))
    (call $write (i32.const 1376252) (i32.const 8)))
  (func $read_only
    (call $write (i32.const 1503232) (i32.const 4)))

  (func $grow
    (if (i32.eq (memory.grow (i32.const 2)) (i32.const -1)) (then unreachable))
    (i32.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 4)) (i32.const 1)))

  (func $write (param $from i32) (param $bytes i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $bytes))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable)))

  (func (export "_start") (local $byte i32)
    (call $fill)
    (i32.store8 (i32.const 16) (i32.const 82)) ;; R
    (loop $next
      (call $write (i32.const 16) (i32.const 1))
      (i32.store (i32.const 0) (i32.const 16))
      (i32.store (i32.const 4) (i32.const 1))
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
      (if (i32.eqz (i32.load (i32.const 8))) (then return))
      (local.set $byte (i32.load8_u (i32.const 16)))
      (if (i32.eq (local.get $byte) (i32.const 97)) (then (call $all))) ;; a
      (if (i32.eq (local.get $byte) (i32.const 111)) (then (call $others))) ;; o
      (if (i32.eq (local.get $byte) (i32.const 98)) (then (call $bulk))) ;; b
      (if (i32.eq (local.get $byte) (i32.const 99)) (then (call $chance))) ;; c
      (if (i32.eq (local.get $byte) (i32.const 112)) (then (call $print))) ;; p
      (if (i32.eq (local.get $byte) (i32.const 114)) (then (call $read_only))) ;; r
      (if (i32.eq (local.get $byte) (i32.const 103)) (then (call $grow))) ;; g
      (if (i32.eq (local.get $byte) (i32.const 49)) (then (call $page (i32.const 12)))) ;; 1
      (if (i32.eq (local.get $byte) (i32.const 117)) (then unreachable)) ;; u
      (br $next))))

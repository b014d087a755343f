;; A program whose memory changes a little in each round: 12 words in scattered places, some KiB of zeros, and now and
;; then a page more. Each round prints the checksum of all of the memory, and reads a byte, or finds no more. 80 rounds.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 6 64)
  (global $round (mut i32) (i32.const 0))

  (func $bytes (result i32) (i32.mul (memory.size) (i32.const 65536)))

  (func $checksum (result i32) (local $at i32) (local $sum i32)
    (local.set $at (i32.const 256))
    (loop $next
      (local.set $sum (i32.add (i32.mul (local.get $sum) (i32.const 31)) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (call $bytes))))
    (local.get $sum))

  ;; Eight letters and a line feed.
  (func $print (param $value i32) (local $i i32)
    (loop $next
      (i32.store8
        (i32.sub (i32.const 107) (local.get $i))
        (i32.add (i32.const 97) (i32.and (local.get $value) (i32.const 15))))
      (local.set $value (i32.shr_u (local.get $value) (i32.const 4)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $i) (i32.const 8))))
    (i32.store8 (i32.const 108) (i32.const 10))
    (i32.store (i32.const 0) (i32.const 100))
    (i32.store (i32.const 4) (i32.const 9))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))

  (func $wait
    (i32.store (i32.const 16) (i32.const 24))
    (i32.store (i32.const 20) (i32.const 1))
    (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 8))))

  (func (export "_start") (local $i i32) (local $at i32)
    (loop $next
      (local.set $i (i32.const 0))
      (loop $word
        (local.set $at
          (i32.rem_u
            (i32.mul
              (i32.add (i32.mul (global.get $round) (i32.const 12)) (local.get $i))
              (i32.const 2654435761))
            (i32.sub (call $bytes) (i32.const 4))))
        (if (i32.ge_u (local.get $at) (i32.const 256))
          (then (i32.store (local.get $at) (i32.add (global.get $round) (local.get $i)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $word (i32.lt_u (local.get $i) (i32.const 12))))
      (memory.fill
        (i32.add (i32.const 4096) (i32.mul (i32.rem_u (global.get $round) (i32.const 40)) (i32.const 9000)))
        (i32.const 0)
        (i32.const 5000))
      (if (i32.eqz (i32.rem_u (global.get $round) (i32.const 20)))
        (then (drop (memory.grow (i32.const 1)))))
      (global.set $round (i32.add (global.get $round) (i32.const 1)))
      (call $print (call $checksum))
      (call $wait)
      (br_if $next (i32.lt_u (global.get $round) (i32.const 80))))))

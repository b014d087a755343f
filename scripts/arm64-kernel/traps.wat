;; Traps in the way that the number of its arguments says: with none by `unreachable`, with one by a division by zero, and
;; so on. Each has its own way from the CPU to the message: brk, brk behind a check, SIGSEGV of a load, of the stack's guard.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table 1 funcref)
  (func $deep (param i64) (result i64)
    (i64.add (call $deep (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
  (func $_start (export "_start")
    (drop (call $args (i32.const 0) (i32.const 4)))
    (block $overflow
      (block $deep
        (block $table
          (block $memory
            (block $divide
              (block $unreachable
                (br_table $unreachable $divide $memory $table $deep $overflow
                  (i32.sub (i32.load (i32.const 0)) (i32.const 1))))
              unreachable)
            (drop (i32.div_s (i32.const 1) (i32.const 0)))
            return)
          (drop (i32.load offset=65536 (i32.const 8)))
          return)
        (call_indirect (i32.const 0))
        return)
      (drop (call $deep (i64.const 0)))
      return)
    (drop (i32.trunc_f64_s (f64.const 1e20)))))

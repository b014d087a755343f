;; Several imports of a module, some of one type. compact-imports.wasm is what binaryen 132 makes of it:
;;     wasm-opt -all -g compact-imports.wat -o compact-imports.wasm
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $sched_yield (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\08\00\00\00\02\00\00\00A\n")
  (func $print (param $n i32)
    (i32.store8 (i32.const 8) (i32.add (local.get $n) (i32.const 65)))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
  (func (export "_start") (local $i i32)
    (loop $again
      (drop (call $sched_yield))
      (call $print (local.get $i))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 5))))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)))
    (call $proc_exit (local.get $i))))

;; Has memories that memories.wat imports.
(module
  (memory (export "shared") 1 3)
  (memory (export "wide") i64 2 0x20000)
  (func (export "sum") (result i32)
    (i32.add (i32.load8_u (i32.const 20)) (i32.load8_u 1 (i64.const 65536)))))

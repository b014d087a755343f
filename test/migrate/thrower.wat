;; Has a tag, a function that throws and a global that exceptions.wat imports.
(module
  (tag $fault (export "fault") (param i64 i32))
  (global (export "kept") (mut exnref) (ref.null exn))
  (func (export "fail") (param i32) (throw $fault (i64.const -1) (local.get 0))))

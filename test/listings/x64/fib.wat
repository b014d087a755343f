;; A recursive function: arguments in registers, no local is worth a register across calls.
(module
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else
        (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call $fib (i32.sub (local.get 0) (i32.const 2))))))))

;; -- code
;; func 0
;; @0 entry body+0x0
;; @24 call body+0x10
;; @36 call body+0x17
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 83fb02 | cmp ebx,0x2
;; 0f8d08000000 | jge 0x18
;; 488bc3 | mov rax,rbx
;; e925000000 | jmp 0x3d
;; 8d43ff | lea eax,[rbx-0x1]
;; 895c2418 | mov DWORD PTR [rsp+0x18],ebx
;; e8dcffffff | call 0x0
;; 8b5c2418 | mov ebx,DWORD PTR [rsp+0x18]
;; 8d53fe | lea edx,[rbx-0x2]
;; 890424 | mov DWORD PTR [rsp],eax
;; 488bc2 | mov rax,rdx
;; e8caffffff | call 0x0
;; 030424 | add eax,DWORD PTR [rsp]
;; 8b5c2418 | mov ebx,DWORD PTR [rsp+0x18]
;; 4883c420 | add rsp,0x20
;; c3 | ret

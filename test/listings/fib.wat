;; A recursive function: arguments in registers, no local is worth a register across calls.
(module
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_s (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else
        (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call $fib (i32.sub (local.get 0) (i32.const 2))))))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; @22 call body+0x10
;; @33 call body+0x17
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 83fb02 | cmp ebx,0x2
;; 0f8d07000000 | jge 0x16
;; 8bc3 | mov eax,ebx
;; e924000000 | jmp 0x3a
;; 8d43ff | lea eax,[rbx-0x1]
;; 895c2418 | mov DWORD PTR [rsp+0x18],ebx
;; e8deffffff | call 0x0
;; 8b5c2418 | mov ebx,DWORD PTR [rsp+0x18]
;; 8d53fe | lea edx,[rbx-0x2]
;; 890424 | mov DWORD PTR [rsp],eax
;; 8bc2 | mov eax,edx
;; e8cdffffff | call 0x0
;; 030424 | add eax,DWORD PTR [rsp]
;; 8b5c2418 | mov ebx,DWORD PTR [rsp+0x18]
;; 4883c420 | add rsp,0x20
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; @28 call body+0x10
;; @3c call body+0x17
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; 7f0a0071 | cmp w19, #2
;; 6a000054 | b.ge #12
;; e003132a | mov w0, w19
;; 0c000014 | b #48
;; 60060051 | sub w0, w19, #1
;; f31b00b9 | str w19, [sp, #24]
;; f7ffff97 | bl #-36
;; f31b40b9 | ldr w19, [sp, #24]
;; 610a0051 | sub w1, w19, #2
;; e00300b9 | str w0, [sp]
;; e003012a | mov w0, w1
;; f2ffff97 | bl #-56
;; f00340b9 | ldr w16, [sp]
;; 0000100b | add w0, w0, w16
;; f31b40b9 | ldr w19, [sp, #24]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

;; Sums and products of 128 bits. wabt cannot parse this: binaryen assembles it.
(module
  (func $add128 (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $sub128 (param i64 i64 i64 i64) (result i64 i64)
    (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $add_small (param i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (i64.const 0)))
  (func $sub_constant (param i64 i64) (result i64 i64)
    (i64.sub128 (local.get 0) (local.get 1) (i64.const 1) (i64.const -1)))
  (func $mul_wide_s (param i64 i64) (result i64 i64)
    (i64.mul_wide_s (local.get 0) (local.get 1)))
  (func $mul_wide_u (param i64 i64) (result i64 i64)
    (i64.mul_wide_u (local.get 0) (local.get 1)))
  (func $sum_of_products (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128
      (i64.mul_wide_u (local.get 0) (local.get 1))
      (i64.mul_wide_u (local.get 2) (local.get 3)))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec40 | sub rsp,0x40
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 4c8bc6 | mov r8,rsi
;; 4c8bcf | mov r9,rdi
;; 488bc3 | mov rax,rbx
;; 488bd5 | mov rdx,rbp
;; 4903c0 | add rax,r8
;; 4913d1 | adc rdx,r9
;; 4889442448 | mov QWORD PTR [rsp+0x48],rax
;; 4889542450 | mov QWORD PTR [rsp+0x50],rdx
;; 4883c440 | add rsp,0x40
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec40 | sub rsp,0x40
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 4c8bc6 | mov r8,rsi
;; 4c8bcf | mov r9,rdi
;; 488bc3 | mov rax,rbx
;; 488bd5 | mov rdx,rbp
;; 492bc0 | sub rax,r8
;; 491bd1 | sbb rdx,r9
;; 4889442448 | mov QWORD PTR [rsp+0x48],rax
;; 4889542450 | mov QWORD PTR [rsp+0x50],rdx
;; 4883c440 | add rsp,0x40
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec38 | sub rsp,0x38
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 4c8bc6 | mov r8,rsi
;; 488bc3 | mov rax,rbx
;; 488bd5 | mov rdx,rbp
;; 4903c0 | add rax,r8
;; 4883d200 | adc rdx,0x0
;; 4889442440 | mov QWORD PTR [rsp+0x40],rax
;; 4889542448 | mov QWORD PTR [rsp+0x48],rdx
;; 4883c438 | add rsp,0x38
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec30 | sub rsp,0x30
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 488bc3 | mov rax,rbx
;; 488bd5 | mov rdx,rbp
;; be01000000 | mov esi,0x1
;; 48c7c7ffffffff | mov rdi,0xffffffffffffffff
;; 482bc6 | sub rax,rsi
;; 481bd7 | sbb rdx,rdi
;; 4889442438 | mov QWORD PTR [rsp+0x38],rax
;; 4889542440 | mov QWORD PTR [rsp+0x40],rdx
;; 4883c430 | add rsp,0x30
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 488bc3 | mov rax,rbx
;; 48f7ed | imul rbp
;; 4889442428 | mov QWORD PTR [rsp+0x28],rax
;; 4889542430 | mov QWORD PTR [rsp+0x30],rdx
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 5
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 488bc3 | mov rax,rbx
;; 48f7e5 | mul rbp
;; 4889442428 | mov QWORD PTR [rsp+0x28],rax
;; 4889542430 | mov QWORD PTR [rsp+0x30],rdx
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 6
;; @0 entry body+0x0
;; 4883ec60 | sub rsp,0x60
;; 4c8bc0 | mov r8,rax
;; 4c8bca | mov r9,rdx
;; 4c8bd6 | mov r10,rsi
;; 4c8be7 | mov r12,rdi
;; 4533ed | xor r13d,r13d
;; 33db | xor ebx,ebx
;; 33ed | xor ebp,ebp
;; 48c744245000000000 | mov QWORD PTR [rsp+0x50],0x0
;; 498bc0 | mov rax,r8
;; 49f7e1 | mul r9
;; 488bea | mov rbp,rdx
;; 4889442450 | mov QWORD PTR [rsp+0x50],rax
;; 498bc2 | mov rax,r10
;; 49f7e4 | mul r12
;; 488bda | mov rbx,rdx
;; 4c8be8 | mov r13,rax
;; 488b442450 | mov rax,QWORD PTR [rsp+0x50]
;; 488bd5 | mov rdx,rbp
;; 4903c5 | add rax,r13
;; 4813d3 | adc rdx,rbx
;; 4889442468 | mov QWORD PTR [rsp+0x68],rax
;; 4889542470 | mov QWORD PTR [rsp+0x70],rdx
;; 4883c460 | add rsp,0x60
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; f50302aa | mov x21, x2
;; f60303aa | mov x22, x3
;; e00313aa | mov x0, x19
;; e10314aa | mov x1, x20
;; 000015ab | adds x0, x0, x21
;; 2100169a | adc x1, x1, x22
;; e02b00f9 | str x0, [sp, #80]
;; e12f00f9 | str x1, [sp, #88]
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; f50302aa | mov x21, x2
;; f60303aa | mov x22, x3
;; e00313aa | mov x0, x19
;; e10314aa | mov x1, x20
;; 000015eb | subs x0, x0, x21
;; 210016da | sbc x1, x1, x22
;; e02b00f9 | str x0, [sp, #80]
;; e12f00f9 | str x1, [sp, #88]
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ffc300d1 | sub sp, sp, #48
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; f50302aa | mov x21, x2
;; e00313aa | mov x0, x19
;; e10314aa | mov x1, x20
;; 000015ab | adds x0, x0, x21
;; 21001f9a | adc x1, x1, xzr
;; e02300f9 | str x0, [sp, #64]
;; e12700f9 | str x1, [sp, #72]
;; ffc30091 | add sp, sp, #48
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ffc300d1 | sub sp, sp, #48
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; e00313aa | mov x0, x19
;; e10314aa | mov x1, x20
;; 22008052 | mov w2, #1
;; 03008092 | mov x3, #-1
;; 000002eb | subs x0, x0, x2
;; 210003da | sbc x1, x1, x3
;; e02300f9 | str x0, [sp, #64]
;; e12700f9 | str x1, [sp, #72]
;; ffc30091 | add sp, sp, #48
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; 617e549b | smulh x1, x19, x20
;; 607e149b | mul x0, x19, x20
;; e01b00f9 | str x0, [sp, #48]
;; e11f00f9 | str x1, [sp, #56]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 5
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; 617ed49b | umulh x1, x19, x20
;; 607e149b | mul x0, x19, x20
;; e01b00f9 | str x0, [sp, #48]
;; e11f00f9 | str x1, [sp, #56]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 6
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8301d1 | sub sp, sp, #96
;; f50300aa | mov x21, x0
;; f60301aa | mov x22, x1
;; f70302aa | mov x23, x2
;; f80303aa | mov x24, x3
;; 19008052 | mov w25, #0
;; 13008052 | mov w19, #0
;; 1a008052 | mov w26, #0
;; 14008052 | mov w20, #0
;; a17ed69b | umulh x1, x21, x22
;; a07e169b | mul x0, x21, x22
;; f40301aa | mov x20, x1
;; fa0300aa | mov x26, x0
;; e17ed89b | umulh x1, x23, x24
;; e07e189b | mul x0, x23, x24
;; f30301aa | mov x19, x1
;; f90300aa | mov x25, x0
;; e0031aaa | mov x0, x26
;; e10314aa | mov x1, x20
;; 000019ab | adds x0, x0, x25
;; 2100139a | adc x1, x1, x19
;; e03b00f9 | str x0, [sp, #112]
;; e13f00f9 | str x1, [sp, #120]
;; ff830191 | add sp, sp, #96
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

;; Atomic accesses of a shared memory: their alignment is checked first. Load, store, add, compare and exchange, fence.
(module
  (memory 1 1 shared)
  (func (export "load") (param i32) (result i32) (i32.atomic.load offset=4 (local.get 0)))
  (func (export "store") (param i32 i64) (i64.atomic.store (local.get 0) (local.get 1)))
  (func (export "add") (param i32 i32) (result i32) (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func (export "exchange") (param i32 i32 i32) (result i32)
    (i32.atomic.rmw8.cmpxchg_u (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fence") (atomic.fence)))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 8bcb | mov ecx,ebx
;; 83e103 | and ecx,0x3
;; 85c9 | test ecx,ecx
;; 0f850a000000 | jne 0x1d
;; 418b441f04 | mov eax,DWORD PTR [r15+rbx*1+0x4]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; 0f0b | ud2
;; func 1
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 488bea | mov rbp,rdx
;; 8bcb | mov ecx,ebx
;; 83e107 | and ecx,0x7
;; 85c9 | test ecx,ecx
;; 0f850c000000 | jne 0x22
;; 488bcd | mov rcx,rbp
;; 49870c1f | xchg QWORD PTR [r15+rbx*1],rcx
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; 0f0b | ud2
;; func 2
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; 8bcb | mov ecx,ebx
;; 83e103 | and ecx,0x3
;; 85c9 | test ecx,ecx
;; 0f850e000000 | jne 0x23
;; 488bc5 | mov rax,rbp
;; f0410fc1041f | lock xadd DWORD PTR [r15+rbx*1],eax
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; 0f0b | ud2
;; func 3
;; @0 entry body+0x0
;; 4883ec30 | sub rsp,0x30
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; 448bc6 | mov r8d,esi
;; 8bc5 | mov eax,ebp
;; f0450fb0041f | lock cmpxchg BYTE PTR [r15+rbx*1],r8b
;; 0fb6c0 | movzx eax,al
;; 4883c430 | add rsp,0x30
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; 0faef0 | mfence
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 70060012 | and w16, w19, #0x3
;; f0000035 | cbnz w16, #28
;; 91130091 | add x17, x28, #4
;; 3102138b | add x17, x17, x19
;; 20fedf88 | ldar w0, [x17]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f40301aa | mov x20, x1
;; 700a0012 | and w16, w19, #0x7
;; d0000035 | cbnz w16, #24
;; 9103138b | add x17, x28, x19
;; 34fe9fc8 | stlr x20, [x17]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f403012a | mov w20, w1
;; 70060012 | and w16, w19, #0x3
;; 30010035 | cbnz w16, #36
;; 9103138b | add x17, x28, x19
;; 20fe5f88 | ldaxr w0, [x17]
;; 1000140b | add w16, w0, w20
;; 30fe0188 | stlxr w1, w16, [x17]
;; a1ffff35 | cbnz w1, #-12
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ffc300d1 | sub sp, sp, #48
;; f303002a | mov w19, w0
;; f403012a | mov w20, w1
;; f503022a | mov w21, w2
;; 9103138b | add x17, x28, x19
;; 20fe5f08 | ldaxrb w0, [x17]
;; 1f00346b | cmp w0, w20, uxtb
;; 61000054 | b.ne #12
;; 35fe1008 | stlxrb w16, w21, [x17]
;; 90ffff35 | cbnz w16, #-16
;; ffc30091 | add sp, sp, #48
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; bf3b03d5 | dmb ish
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

;; Loads and stores of each width, sign extension in the load, constant and large offsets, copies between memories.
(module
  (memory $a 1)
  (memory $b 1)
  (func (export "bytes") (param i32) (result i32)
    (i32.store8 offset=1 (local.get 0) (i32.load8_s (local.get 0)))
    (i32.add (i32.load16_u offset=2 (local.get 0)) (i32.load16_s offset=4 (local.get 0))))
  (func (export "words") (param i32 i64)
    (i64.store offset=8 (local.get 0) (i64.add (i64.load (local.get 0)) (local.get 1)))
    (i64.store32 offset=16 (local.get 0) (local.get 1)))
  (func (export "floats") (param i32) (result f64)
    (f32.store offset=4 (local.get 0) (f32.demote_f64 (f64.load offset=8 (local.get 0))))
    (f64.promote_f32 (f32.load offset=4 (local.get 0))))
  (func (export "far") (param i32) (result i32) (i32.load offset=0x80000000 (local.get 0)))
  (func (export "constant") (result i32) (i32.load offset=16 (i32.const 1024)))
  (func (export "other") (param i32) (result i32) (i32.load $b (i32.load $a (local.get 0))))
  (func (export "copy") (param i32 i32 i32) (memory.copy $b $a (local.get 0) (local.get 1) (local.get 2))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 8bd8 | mov ebx,eax
;; 410fbe041f | movsx eax,BYTE PTR [r15+rbx*1]
;; 4188441f01 | mov BYTE PTR [r15+rbx*1+0x1],al
;; 410fb7441f02 | movzx eax,WORD PTR [r15+rbx*1+0x2]
;; 410fbf541f04 | movsx edx,WORD PTR [r15+rbx*1+0x4]
;; 03c2 | add eax,edx
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec28 | sub rsp,0x28
;; 8bd8 | mov ebx,eax
;; 488bea | mov rbp,rdx
;; 498b041f | mov rax,QWORD PTR [r15+rbx*1]
;; 4803c5 | add rax,rbp
;; 4989441f08 | mov QWORD PTR [r15+rbx*1+0x8],rax
;; 41896c1f10 | mov DWORD PTR [r15+rbx*1+0x10],ebp
;; 4883c428 | add rsp,0x28
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 8bd8 | mov ebx,eax
;; f2410f10441f08 | movsd xmm0,QWORD PTR [r15+rbx*1+0x8]
;; f20f5ac0 | cvtsd2ss xmm0,xmm0
;; f3410f11441f04 | movss DWORD PTR [r15+rbx*1+0x4],xmm0
;; f3410f10441f04 | movss xmm0,DWORD PTR [r15+rbx*1+0x4]
;; f30f5ac0 | cvtss2sd xmm0,xmm0
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; b900000080 | mov ecx,0x80000000
;; 4803cb | add rcx,rbx
;; 418b040f | mov eax,DWORD PTR [r15+rcx*1]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; 4883ec08 | sub rsp,0x8
;; 418b8710040000 | mov eax,DWORD PTR [r15+0x410]
;; 4883c408 | add rsp,0x8
;; c3 | ret
;; func 5
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 418b041f | mov eax,DWORD PTR [r15+rbx*1]
;; 498b5640 | mov rdx,QWORD PTR [r14+0x40]
;; 8b0402 | mov eax,DWORD PTR [rdx+rax*1]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 6
;; @0 entry body+0x0
;; @30 call body+0x7
;; 4883ec30 | sub rsp,0x30
;; 89442418 | mov DWORD PTR [rsp+0x18],eax
;; 89542420 | mov DWORD PTR [rsp+0x20],edx
;; 89742428 | mov DWORD PTR [rsp+0x28],esi
;; 8b742418 | mov esi,DWORD PTR [rsp+0x18]
;; 8b7c2420 | mov edi,DWORD PTR [rsp+0x20]
;; 448b5c2428 | mov r11d,DWORD PTR [rsp+0x28]
;; 488d054cfffdff | lea rax,[rip+0xfffffffffffdff4c] # 0xfffffffffffdff70
;; 488d1525fffdff | lea rdx,[rip+0xfffffffffffdff25] # 0xfffffffffffdff50
;; e800ffffff | call 0xffffffffffffff30
;; 4883c430 | add rsp,0x30
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 806bf338 | ldrsb w0, [x28, x19]
;; 9103138b | add x17, x28, x19
;; 20060039 | strb w0, [x17, #1]
;; 9103138b | add x17, x28, x19
;; 20064079 | ldrh w0, [x17, #2]
;; 9103138b | add x17, x28, x19
;; 210ac079 | ldrsh w1, [x17, #4]
;; 0000010b | add w0, w0, w1
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f40301aa | mov x20, x1
;; 806b73f8 | ldr x0, [x28, x19]
;; 0000148b | add x0, x0, x20
;; 9103138b | add x17, x28, x19
;; 3f0640f9 | ldr xzr, [x17, #8]
;; 200600f9 | str x0, [x17, #8]
;; 9103138b | add x17, x28, x19
;; 3f1240b9 | ldr wzr, [x17, #16]
;; 341200b9 | str w20, [x17, #16]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 9103138b | add x17, x28, x19
;; 200640fd | ldr d0, [x17, #8]
;; 0040621e | fcvt s0, d0
;; 9103138b | add x17, x28, x19
;; 3f0640bd | ldr s31, [x17, #4]
;; 200600bd | str s0, [x17, #4]
;; 9103138b | add x17, x28, x19
;; 200640bd | ldr s0, [x17, #4]
;; 00c0221e | fcvt d0, s0
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 1100b052 | mov w17, #-2147483648
;; 3102138b | add x17, x17, x19
;; 806b71b8 | ldr w0, [x28, x17]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; 801344b9 | ldr w0, [x28, #1040]
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 5
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 806b73b8 | ldr w0, [x28, x19]
;; 612340f9 | ldr x1, [x27, #64]
;; 206860b8 | ldr w0, [x1, x0]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 6
;; @0 entry body+0x0
;; @2c call body+0x7
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ffc300d1 | sub sp, sp, #48
;; e01b00b9 | str w0, [sp, #24]
;; e12300b9 | str w1, [sp, #32]
;; e22b00b9 | str w2, [sp, #40]
;; e21b40b9 | ldr w2, [sp, #24]
;; e32340b9 | ldr w3, [sp, #32]
;; e42b40b9 | ldr w4, [sp, #40]
;; 80f7ef10 | adr x0, #-131344
;; 61f6ef10 | adr x1, #-131380
;; aaffff97 | bl #-344
;; ffc30091 | add sp, sp, #48
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

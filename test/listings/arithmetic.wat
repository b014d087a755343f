;; Division with its checks, shifts, select on a float comparison, truncation with its traps, sign extension.
(module
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "remainder") (param i64 i64) (result i64) (i64.rem_u (local.get 0) (local.get 1)))
  (func (export "shift") (param i32 i32) (result i32) (i32.shl (local.get 0) (i32.rotr (local.get 1) (i32.const 3))))
  (func (export "select") (param f64 f64) (result f64)
    (select (local.get 0) (local.get 1) (f64.lt (local.get 0) (local.get 1))))
  (func (export "truncate") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func (export "extend") (param i32) (result i64) (i64.extend_i32_s (i32.extend8_s (local.get 0)))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; 8bc3 | mov eax,ebx
;; 85ed | test ebp,ebp
;; 0f8408000000 | je 0x1a
;; 99 | cdq
;; f7fd | idiv ebp
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; 0f0b | ud2
;; func 1
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 488bc3 | mov rax,rbx
;; 4885ed | test rbp,rbp
;; 0f840d000000 | je 0x23
;; 33d2 | xor edx,edx
;; 48f7f5 | div rbp
;; 488bc2 | mov rax,rdx
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; 0f0b | ud2
;; func 2
;; @0 entry body+0x0
;; 4883ec28 | sub rsp,0x28
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; 8bc5 | mov eax,ebp
;; c1c803 | ror eax,0x3
;; 8bc8 | mov ecx,eax
;; 8bd3 | mov edx,ebx
;; d3e2 | shl edx,cl
;; 8bc2 | mov eax,edx
;; 4883c428 | add rsp,0x28
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec30 | sub rsp,0x30
;; 440f28c0 | movaps xmm8,xmm0
;; 440f28c9 | movaps xmm9,xmm1
;; 66450f2ec8 | ucomisd xmm9,xmm8
;; 410f28c0 | movaps xmm0,xmm8
;; 7704 | ja 0x1b
;; 410f28c1 | movaps xmm0,xmm9
;; 4883c430 | add rsp,0x30
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 440f28c0 | movaps xmm8,xmm0
;; f2490f2cc0 | cvttsd2si rax,xmm8
;; 4863c8 | movsxd rcx,eax
;; 483bc8 | cmp rcx,rax
;; 7410 | je 0x25
;; 66450f2ec0 | ucomisd xmm8,xmm8
;; 0f8a0c000000 | jp 0x2c
;; e909000000 | jmp 0x2e
;; 8bc1 | mov eax,ecx
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; 0f0b | ud2
;; 0f0b | ud2
;; func 5
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 0fbec3 | movsx eax,bl
;; 4863c0 | movsxd rax,eax
;; 4883c410 | add rsp,0x10
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f403012a | mov w20, w1
;; 34010034 | cbz w20, #36
;; 9f060031 | cmn w20, #1
;; 600a417a | ccmp w19, #1, #0, eq
;; 47000054 | b.vc #8
;; 00000000 | udf #0
;; 600ed41a | sdiv w0, w19, w20
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; d40000b4 | cbz x20, #24
;; 700ad49a | udiv x16, x19, x20
;; 00ce149b | msub x0, x16, x20, x19
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
;; 800e9413 | ror w0, w20, #3
;; 6122c01a | lsl w1, w19, w0
;; e003012a | mov w0, w1
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ffc300d1 | sub sp, sp, #48
;; 0840601e | fmov d8, d0
;; 2940601e | fmov d9, d1
;; 0021691e | fcmp d8, d9
;; 004d691e | fcsel d0, d8, d9, mi
;; ffc30091 | add sp, sp, #48
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; 0840601e | fmov d8, d0
;; 0021681e | fcmp d8, d8
;; 06010054 | b.vs #32
;; 1001789e | fcvtzs x16, d8
;; 1fc230eb | cmp x16, w16, sxtw
;; c1000054 | b.ne #24
;; e003102a | mov w0, w16
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; 00000000 | udf #0
;; func 5
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 601e0013 | sxtb w0, w19
;; 007c4093 | sxtw x0, w0
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

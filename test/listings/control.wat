;; Blocks: if with results, nested loops, br_if that keeps operands, br_table with a default, unreachable code, early return.
(module
  (func (export "max") (param i32 i32) (result i32)
    (if (result i32) (i32.gt_s (local.get 0) (local.get 1)) (then (local.get 0)) (else (local.get 1))))
  (func (export "nested") (param i32) (result i32) (local $i i32) (local $j i32) (local $sum i32)
    (loop $outer
      (local.set $j (i32.const 0))
      (loop $inner
        (local.set $sum (i32.add (local.get $sum) (i32.mul (local.get $i) (local.get $j))))
        (br_if $inner (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get 0))))
      (br_if $outer (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))
    (local.get $sum))
  (func (export "switch") (param i32) (result i64)
    (block $c (block $b (block $a (br_table $a $b $c (local.get 0))) (return (i64.const 1))) (return (i64.const 2)))
    (i64.const 3))
  (func (export "dead") (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (unreachable)))
    (return (i32.const 1))
    (i32.add (i32.const 2)))
  (func (export "parameter") (param i32) (result i32)
    (local.get 0)
    (loop (param i32) (result i32)
      (i32.sub (i32.const 1))
      (br_if 0 (local.tee 0)  (i32.gt_s (local.get 0) (i32.const 0))))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; 3bdd | cmp ebx,ebp
;; 0f8e07000000 | jle 0x17
;; 8bc3 | mov eax,ebx
;; e902000000 | jmp 0x19
;; 8bc5 | mov eax,ebp
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; @e loop body+0x3
;; @10 loop body+0x9
;; 4883ec38 | sub rsp,0x38
;; 448bc8 | mov r9d,eax
;; 4533c0 | xor r8d,r8d
;; 33db | xor ebx,ebx
;; 33ed | xor ebp,ebp
;; 33db | xor ebx,ebx
;; 418bc0 | mov eax,r8d
;; 0fafc3 | imul eax,ebx
;; 03e8 | add ebp,eax
;; 83c301 | add ebx,0x1
;; 413bd9 | cmp ebx,r9d
;; 72f0 | jb 0x10
;; 4183c001 | add r8d,0x1
;; 453bc1 | cmp r8d,r9d
;; 72e5 | jb 0xe
;; 8bc5 | mov eax,ebp
;; 4883c438 | add rsp,0x38
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 488bc3 | mov rax,rbx
;; b902000000 | mov ecx,0x2
;; 3bc1 | cmp eax,ecx
;; 0f47c1 | cmova eax,ecx
;; 488d0d0e000000 | lea rcx,[rip+0xe] # 0x28
;; 488d4c8104 | lea rcx,[rcx+rax*4+0x4]
;; 486341fc | movsxd rax,DWORD PTR [rcx-0x4]
;; 4803c8 | add rcx,rax
;; ffe1 | jmp rcx
;; 0800 | or BYTE PTR [rax],al
;; 0000 | add BYTE PTR [rax],al
;; 0e | (bad)
;; 0000 | add BYTE PTR [rax],al
;; 001400 | add BYTE PTR [rax+rax*1],dl
;; 0000 | add BYTE PTR [rax],al
;; b801000000 | mov eax,0x1
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; b802000000 | mov eax,0x2
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; b803000000 | mov eax,0x3
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 85db | test ebx,ebx
;; 0f8502000000 | jne 0x10
;; 0f0b | ud2
;; b801000000 | mov eax,0x1
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; @9 loop body+0x3
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 891c24 | mov DWORD PTR [rsp],ebx
;; 8b0424 | mov eax,DWORD PTR [rsp]
;; 8d58ff | lea ebx,[rax-0x1]
;; 85db | test ebx,ebx
;; 0f8e05000000 | jle 0x1c
;; 891c24 | mov DWORD PTR [rsp],ebx
;; ebed | jmp 0x9
;; 8bc3 | mov eax,ebx
;; 4883c420 | add rsp,0x20
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f403012a | mov w20, w1
;; 7f02146b | cmp w19, w20
;; 6d000054 | b.le #12
;; e003132a | mov w0, w19
;; 02000014 | b #8
;; e003142a | mov w0, w20
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; @18 loop body+0x3
;; @1c loop body+0x9
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ffc300d1 | sub sp, sp, #48
;; f603002a | mov w22, w0
;; 15008052 | mov w21, #0
;; 13008052 | mov w19, #0
;; 14008052 | mov w20, #0
;; 13008052 | mov w19, #0
;; a07e131b | mul w0, w21, w19
;; 1400140b | add w20, w0, w20
;; 73060011 | add w19, w19, #1
;; 7f02166b | cmp w19, w22
;; 83ffff54 | b.lo #-16
;; b5060011 | add w21, w21, #1
;; bf02166b | cmp w21, w22
;; 03ffff54 | b.lo #-32
;; e003142a | mov w0, w20
;; ffc30091 | add sp, sp, #48
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; e00313aa | mov x0, x19
;; 50008052 | mov w16, #2
;; 1f00106b | cmp w0, w16
;; 1030909a | csel x16, x0, x16, lo
;; 9f2203d5 | csdb
;; b1000010 | adr x17, #20
;; 310a108b | add x17, x17, x16, lsl #2
;; 300280b9 | ldrsw x16, [x17]
;; 3102108b | add x17, x17, x16
;; 20021fd6 | br x17
;; 0c000000 | udf #12
;; 18000000 | udf #24
;; 24000000 | udf #36
;; 20008052 | mov w0, #1
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 40008052 | mov w0, #2
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 60008052 | mov w0, #3
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 53000035 | cbnz w19, #8
;; 00000000 | udf #0
;; 20008052 | mov w0, #1
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; @10 loop body+0x3
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f30300b9 | str w19, [sp]
;; e00340b9 | ldr w0, [sp]
;; 13040051 | sub w19, w0, #1
;; 7f020071 | cmp w19, #0
;; 6d000054 | b.le #12
;; f30300b9 | str w19, [sp]
;; fbffff17 | b #-20
;; e003132a | mov w0, w19
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

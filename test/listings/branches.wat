;; br_table, values carried by branches, a block parameter, several results.
(module
  (func (export "table") (param i32) (result i32)
    (block $b
      (block $a
        (br_table $a $b $a (local.get 0)))
      (return (i32.const 10)))
    (i32.const 20))
  (func (export "carry") (param i32 i32) (result i32)
    (block $out (result i32)
      (br_if $out (i32.const 7) (local.get 0))
      (drop)
      (i32.mul (local.get 1) (i32.const 3))))
  (func (export "swap") (param i32 i64) (result i64 i32)
    (local.get 1)
    (local.get 0)
    (block (param i64 i32) (result i64 i32))))

;; -- x64
;; func 0
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
;; 0000 | add BYTE PTR [rax],al
;; 0000 | add BYTE PTR [rax],al
;; 00b80a000000 | add BYTE PTR [rax+0xa],bh
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; b814000000 | mov eax,0x14
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; b807000000 | mov eax,0x7
;; 85db | test ebx,ebx
;; 0f8504000000 | jne 0x19
;; 8d446d00 | lea eax,[rbp+rbp*2+0x0]
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 488bea | mov rbp,rdx
;; 48892c24 | mov QWORD PTR [rsp],rbp
;; 895c2408 | mov DWORD PTR [rsp+0x8],ebx
;; 488b0c24 | mov rcx,QWORD PTR [rsp]
;; 48894c2428 | mov QWORD PTR [rsp+0x28],rcx
;; 8b4c2408 | mov ecx,DWORD PTR [rsp+0x8]
;; 894c2430 | mov DWORD PTR [rsp+0x30],ecx
;; 4883c420 | add rsp,0x20
;; c3 | ret

;; -- arm64
;; func 0
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
;; 04000000 | udf #4
;; 40018052 | mov w0, #10
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 80028052 | mov w0, #20
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f403012a | mov w20, w1
;; e0008052 | mov w0, #7
;; 53000035 | cbnz w19, #8
;; 8006140b | add w0, w20, w20, lsl #1
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f40301aa | mov x20, x1
;; f40300f9 | str x20, [sp]
;; f30b00b9 | str w19, [sp, #8]
;; f00340f9 | ldr x16, [sp]
;; f01b00f9 | str x16, [sp, #48]
;; f00b40b9 | ldr w16, [sp, #8]
;; f03b00b9 | str w16, [sp, #56]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

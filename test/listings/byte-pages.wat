;; Accesses of memories with pages of a byte, which may end anywhere. wabt cannot parse this: binaryen assembles it.
(module
  (memory $small 10 100 (pagesize 1))
  (memory $wide i64 10 100 (pagesize 1))
  (func $load (param i32) (result i32)
    (i32.load $small (local.get 0)))
  (func $load_offset (param i32) (result i64)
    (i64.load16_u $small offset=40 (local.get 0)))
  (func $store (param i32 i64)
    (i64.store $small offset=8 (local.get 0) (local.get 1)))
  (func $load_wide (param i64) (result f64)
    (f64.load $wide offset=0x100000000 (local.get 0)))
  (func $size (result i32)
    (memory.size $small))
  (func $grow (param i64) (result i64)
    (memory.grow $wide (local.get 0))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 488bc3 | mov rax,rbx
;; 498b5628 | mov rdx,QWORD PTR [r14+0x28]
;; 488d8a00000100 | lea rcx,[rdx+0x10000]
;; 4883c2fc | add rdx,0xfffffffffffffffc
;; 483bc2 | cmp rax,rdx
;; 480f4fc1 | cmovg rax,rcx
;; 418b0407 | mov eax,DWORD PTR [r15+rax*1]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 488bc3 | mov rax,rbx
;; 4883c028 | add rax,0x28
;; 498b5628 | mov rdx,QWORD PTR [r14+0x28]
;; 488d8a00000100 | lea rcx,[rdx+0x10000]
;; 4883c2fe | add rdx,0xfffffffffffffffe
;; 483bc2 | cmp rax,rdx
;; 480f4fc1 | cmovg rax,rcx
;; 410fb70407 | movzx eax,WORD PTR [r15+rax*1]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 488bea | mov rbp,rdx
;; 488bc3 | mov rax,rbx
;; 4883c008 | add rax,0x8
;; 498b5628 | mov rdx,QWORD PTR [r14+0x28]
;; 488d8a00000100 | lea rcx,[rdx+0x10000]
;; 4883c2f8 | add rdx,0xfffffffffffffff8
;; 483bc2 | cmp rax,rdx
;; 480f4fc1 | cmovg rax,rcx
;; 49892c07 | mov QWORD PTR [r15+rax*1],rbp
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 488bd8 | mov rbx,rax
;; 498b4648 | mov rax,QWORD PTR [r14+0x48]
;; 483bd8 | cmp rbx,rax
;; 480f42c3 | cmovb rax,rbx
;; 48b90000000001000000 | movabs rcx,0x100000000
;; 4803c1 | add rax,rcx
;; 498b5648 | mov rdx,QWORD PTR [r14+0x48]
;; 488d8a00000100 | lea rcx,[rdx+0x10000]
;; 4883c2f8 | add rdx,0xfffffffffffffff8
;; 483bc2 | cmp rax,rdx
;; 480f4fc1 | cmovg rax,rcx
;; 498b5640 | mov rdx,QWORD PTR [r14+0x40]
;; f20f100402 | movsd xmm0,QWORD PTR [rdx+rax*1]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; 4883ec08 | sub rsp,0x8
;; 498b4628 | mov rax,QWORD PTR [r14+0x28]
;; 4883c408 | add rsp,0x8
;; c3 | ret
;; func 5
;; @0 entry body+0x0
;; @18 call body+0x3
;; 4883ec10 | sub rsp,0x10
;; 4889442408 | mov QWORD PTR [rsp+0x8],rax
;; 488bd0 | mov rdx,rax
;; 488d053dfffdff | lea rax,[rip+0xfffffffffffdff3d] # 0xfffffffffffdff50
;; e8f8feffff | call 0xffffffffffffff10
;; 4883c410 | add rsp,0x10
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; e00313aa | mov x0, x19
;; 611740f9 | ldr x1, [x27, #40]
;; 30404091 | add x16, x1, #16, lsl #12 // =65536
;; 211000d1 | sub x1, x1, #4
;; 1f0001eb | cmp x0, x1
;; 00c2809a | csel x0, x16, x0, gt
;; 806b60b8 | ldr w0, [x28, x0]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; e00313aa | mov x0, x19
;; 00a00091 | add x0, x0, #40
;; 611740f9 | ldr x1, [x27, #40]
;; 30404091 | add x16, x1, #16, lsl #12 // =65536
;; 210800d1 | sub x1, x1, #2
;; 1f0001eb | cmp x0, x1
;; 00c2809a | csel x0, x16, x0, gt
;; 806b6078 | ldrh w0, [x28, x0]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f40301aa | mov x20, x1
;; e00313aa | mov x0, x19
;; 00200091 | add x0, x0, #8
;; 611740f9 | ldr x1, [x27, #40]
;; 30404091 | add x16, x1, #16, lsl #12 // =65536
;; 212000d1 | sub x1, x1, #8
;; 1f0001eb | cmp x0, x1
;; 00c2809a | csel x0, x16, x0, gt
;; 9f6b60f8 | ldr xzr, [x28, x0]
;; 946b20f8 | str x20, [x28, x0]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f30300aa | mov x19, x0
;; 602740f9 | ldr x0, [x27, #72]
;; 7f0200eb | cmp x19, x0
;; 6032809a | csel x0, x19, x0, lo
;; 3000c0d2 | mov x16, #4294967296
;; 0000108b | add x0, x0, x16
;; 612740f9 | ldr x1, [x27, #72]
;; 30404091 | add x16, x1, #16, lsl #12 // =65536
;; 212000d1 | sub x1, x1, #8
;; 1f0001eb | cmp x0, x1
;; 00c2809a | csel x0, x16, x0, gt
;; 612340f9 | ldr x1, [x27, #64]
;; 206860fc | ldr d0, [x1, x0]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; 601740f9 | ldr x0, [x27, #40]
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 5
;; @0 entry body+0x0
;; @18 call body+0x3
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; e00700f9 | str x0, [sp, #8]
;; e10300aa | mov x1, x0
;; 80f8ef10 | adr x0, #-131312
;; b3ffff97 | bl #-308
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

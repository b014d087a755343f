;; A memory with 64-bit addresses: an address that is not below its size is replaced by the size, without a branch.
(module
  (memory i64 1 4)
  (func (export "load") (param i64) (result i32) (i32.load offset=8 (local.get 0)))
  (func (export "store") (param i64 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "far") (param i64) (result i64) (i64.load offset=0x100000000 (local.get 0)))
  (func (export "grow") (param i64) (result i64) (i64.add (memory.grow (local.get 0)) (memory.size))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 488bd8 | mov rbx,rax
;; 498b4628 | mov rax,QWORD PTR [r14+0x28]
;; 483bd8 | cmp rbx,rax
;; 480f42c3 | cmovb rax,rbx
;; 418b440708 | mov eax,DWORD PTR [r15+rax*1+0x8]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 498b4628 | mov rax,QWORD PTR [r14+0x28]
;; 483bd8 | cmp rbx,rax
;; 480f42c3 | cmovb rax,rbx
;; 49892c07 | mov QWORD PTR [r15+rax*1],rbp
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 488bd8 | mov rbx,rax
;; 48b80000000001000000 | movabs rax,0x100000000
;; 4803c3 | add rax,rbx
;; 483bc3 | cmp rax,rbx
;; 0f8217000000 | jb 0x34
;; 498b5628 | mov rdx,QWORD PTR [r14+0x28]
;; 483bc2 | cmp rax,rdx
;; 480f42d0 | cmovb rdx,rax
;; 498b1417 | mov rdx,QWORD PTR [r15+rdx*1]
;; 488bc2 | mov rax,rdx
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; 0f0b | ud2
;; func 3
;; @0 entry body+0x0
;; @18 call body+0x3
;; 4883ec18 | sub rsp,0x18
;; 4889442410 | mov QWORD PTR [rsp+0x10],rax
;; 488bd0 | mov rdx,rax
;; 488d058dfffdff | lea rax,[rip+0xfffffffffffdff8d] # 0xfffffffffffdffa0
;; e868ffffff | call 0xffffffffffffff80
;; 498b5628 | mov rdx,QWORD PTR [r14+0x28]
;; 48c1ea10 | shr rdx,0x10
;; 4803c2 | add rax,rdx
;; 4883c418 | add rsp,0x18
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f30300aa | mov x19, x0
;; 601740f9 | ldr x0, [x27, #40]
;; 7f0200eb | cmp x19, x0
;; 6032809a | csel x0, x19, x0, lo
;; 9103008b | add x17, x28, x0
;; 200a40b9 | ldr w0, [x17, #8]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; 601740f9 | ldr x0, [x27, #40]
;; 7f0200eb | cmp x19, x0
;; 6032809a | csel x0, x19, x0, lo
;; 9f6b60f8 | ldr xzr, [x28, x0]
;; 946b20f8 | str x20, [x28, x0]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f30300aa | mov x19, x0
;; 2000c0d2 | mov x0, #4294967296
;; 0000138b | add x0, x0, x19
;; 1f0013eb | cmp x0, x19
;; 23010054 | b.lo #36
;; 611740f9 | ldr x1, [x27, #40]
;; 1f0001eb | cmp x0, x1
;; 0130819a | csel x1, x0, x1, lo
;; 816b61f8 | ldr x1, [x28, x1]
;; e00301aa | mov x0, x1
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 3
;; @0 entry body+0x0
;; @18 call body+0x3
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; e00b00f9 | str x0, [sp, #16]
;; e10300aa | mov x1, x0
;; 80fbef10 | adr x0, #-131216
;; d3ffff97 | bl #-180
;; 611740f9 | ldr x1, [x27, #40]
;; 21fc50d3 | lsr x1, x1, #16
;; 0000018b | add x0, x0, x1
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

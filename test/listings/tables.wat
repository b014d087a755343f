;; References and tables: get and set with their checks, size, grow through the host layer, null checks,
;; a function's reference.
(module
  (table $t 4 8 externref)
  (table $f 2 funcref)
  (func $own)
  (elem declare func $own)
  (func (export "get") (param i32) (result externref) (table.get $t (local.get 0)))
  (func (export "set") (param i32 externref) (table.set $t (local.get 0) (local.get 1)))
  (func (export "size") (result i32) (table.size $t))
  (func (export "grow") (param externref i32) (result i32) (table.grow $t (local.get 0) (local.get 1)))
  (func (export "null") (param externref) (result i32) (ref.is_null (local.get 0)))
  (func (export "function") (result funcref) (ref.func $own)))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 493b5e28 | cmp rbx,QWORD PTR [r14+0x28]
;; 0f8315000000 | jae 0x25
;; 498b4620 | mov rax,QWORD PTR [r14+0x20]
;; 488d04d8 | lea rax,[rax+rbx*8]
;; 490f434620 | cmovae rax,QWORD PTR [r14+0x20]
;; 488b00 | mov rax,QWORD PTR [rax]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; 0f0b | ud2
;; func 2
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 488bea | mov rbp,rdx
;; 493b5e28 | cmp rbx,QWORD PTR [r14+0x28]
;; 0f8315000000 | jae 0x28
;; 498b4620 | mov rax,QWORD PTR [r14+0x20]
;; 488d04d8 | lea rax,[rax+rbx*8]
;; 490f434620 | cmovae rax,QWORD PTR [r14+0x20]
;; 488928 | mov QWORD PTR [rax],rbp
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; 0f0b | ud2
;; func 3
;; @0 entry body+0x0
;; 4883ec08 | sub rsp,0x8
;; 498b4628 | mov rax,QWORD PTR [r14+0x28]
;; 4883c408 | add rsp,0x8
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; @22 call body+0x5
;; 4883ec20 | sub rsp,0x20
;; 4889442410 | mov QWORD PTR [rsp+0x10],rax
;; 89542418 | mov DWORD PTR [rsp+0x18],edx
;; 488b542410 | mov rdx,QWORD PTR [rsp+0x10]
;; 8b742418 | mov esi,DWORD PTR [rsp+0x18]
;; 488d0583fffdff | lea rax,[rip+0xfffffffffffdff83] # 0xfffffffffffdffa0
;; e85effffff | call 0xffffffffffffff80
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 5
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 488bd8 | mov rbx,rax
;; 4885db | test rbx,rbx
;; 0f94c0 | sete al
;; 0fb6c0 | movzx eax,al
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 6
;; @0 entry body+0x0
;; 4883ec08 | sub rsp,0x8
;; 488d0595fffdff | lea rax,[rip+0xfffffffffffdff95] # 0xfffffffffffdffa0
;; 4883c408 | add rsp,0x8
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 701740f9 | ldr x16, [x27, #40]
;; 7f0210eb | cmp x19, x16
;; 22010054 | b.hs #36
;; 70329f9a | csel x16, x19, xzr, lo
;; 9f2203d5 | csdb
;; 601340f9 | ldr x0, [x27, #32]
;; 000c108b | add x0, x0, x16, lsl #3
;; 000040f9 | ldr x0, [x0]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f40301aa | mov x20, x1
;; 701740f9 | ldr x16, [x27, #40]
;; 7f0210eb | cmp x19, x16
;; 22010054 | b.hs #36
;; 70329f9a | csel x16, x19, xzr, lo
;; 9f2203d5 | csdb
;; 601340f9 | ldr x0, [x27, #32]
;; 000c108b | add x0, x0, x16, lsl #3
;; 140000f9 | str x20, [x0]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; 601740f9 | ldr x0, [x27, #40]
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; @20 call body+0x5
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; e00b00f9 | str x0, [sp, #16]
;; e11b00b9 | str w1, [sp, #24]
;; e10b40f9 | ldr x1, [sp, #16]
;; e21b40b9 | ldr w2, [sp, #24]
;; 40fbef10 | adr x0, #-131224
;; d1ffff97 | bl #-188
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 5
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f30300aa | mov x19, x0
;; 7f0200f1 | cmp x19, #0
;; e0179f1a | cset w0, eq
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 6
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; e0fbef10 | adr x0, #-131204
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

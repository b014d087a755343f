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
;; 488bd8 | mov rbx,rax
;; 413b5e48 | cmp ebx,DWORD PTR [r14+0x48]
;; 0f830d000000 | jae 0x1e
;; 498b4640 | mov rax,QWORD PTR [r14+0x40]
;; 488b04d8 | mov rax,QWORD PTR [rax+rbx*8]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; 0f0b | ud2
;; func 2
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 413b5e48 | cmp ebx,DWORD PTR [r14+0x48]
;; 0f830d000000 | jae 0x21
;; 498b4640 | mov rax,QWORD PTR [r14+0x40]
;; 48892cd8 | mov QWORD PTR [rax+rbx*8],rbp
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; 0f0b | ud2
;; func 3
;; @0 entry body+0x0
;; 4883ec08 | sub rsp,0x8
;; 498b4648 | mov rax,QWORD PTR [r14+0x48]
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
;; 488d05b3fffdff | lea rax,[rip+0xfffffffffffdffb3] # 0xfffffffffffdffd0
;; e86effffff | call 0xffffffffffffff90
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
;; 488d05c5fffdff | lea rax,[rip+0xfffffffffffdffc5] # 0xfffffffffffdffd0
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
;; f30300aa | mov x19, x0
;; 704b40b9 | ldr w16, [x27, #72]
;; 7f02106b | cmp w19, w16
;; c2000054 | b.hs #24
;; 602340f9 | ldr x0, [x27, #64]
;; 007873f8 | ldr x0, [x0, x19, lsl #3]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; 704b40b9 | ldr w16, [x27, #72]
;; 7f02106b | cmp w19, w16
;; c2000054 | b.hs #24
;; 602340f9 | ldr x0, [x27, #64]
;; 147833f8 | str x20, [x0, x19, lsl #3]
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; 602740f9 | ldr x0, [x27, #72]
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
;; c0fcef10 | adr x0, #-131176
;; d5ffff97 | bl #-172
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
;; 60fdef10 | adr x0, #-131156
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

;; Integers: constants that an instruction holds and that it does not, comparisons as values, bit counts, 64-bit rotation,
;; a wrap that costs nothing.
(module
  (func (export "constants") (param i64) (result i64)
    (i64.xor (i64.and (local.get 0) (i64.const 0xff00ff00ff00ff00)) (i64.const 0x123456789abcdef0)))
  (func (export "compare") (param i32 i32) (result i32) (i32.le_u (local.get 0) (local.get 1)))
  (func (export "counts") (param i32) (result i32)
    (i32.add (i32.clz (local.get 0)) (i32.add (i32.ctz (local.get 0)) (i32.popcnt (local.get 0)))))
  (func (export "rotate") (param i64 i64) (result i64) (i64.rotl (local.get 0) (local.get 1)))
  (func (export "wrap") (param i64) (result i32) (i32.add (i32.wrap_i64 (local.get 0)) (i32.const 1)))
  (func (export "zero") (param i64) (result i32) (i64.eqz (local.get 0)))
  (func (export "multiply") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 10))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 488bd8 | mov rbx,rax
;; 48b800ff00ff00ff00ff | movabs rax,0xff00ff00ff00ff00
;; 488bd3 | mov rdx,rbx
;; 4823d0 | and rdx,rax
;; 48b8f0debc9a78563412 | movabs rax,0x123456789abcdef0
;; 4833d0 | xor rdx,rax
;; 488bc2 | mov rax,rdx
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; 3bdd | cmp ebx,ebp
;; 0f96c0 | setbe al
;; 0fb6c0 | movzx eax,al
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 0fbdc3 | bsr eax,ebx
;; b93f000000 | mov ecx,0x3f
;; 0f44c1 | cmove eax,ecx
;; 83f01f | xor eax,0x1f
;; 0fbcd3 | bsf edx,ebx
;; b920000000 | mov ecx,0x20
;; 0f44d1 | cmove edx,ecx
;; f30fb8f3 | popcnt esi,ebx
;; 03d6 | add edx,esi
;; 03c2 | add eax,edx
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 8bcd | mov ecx,ebp
;; 488bc3 | mov rax,rbx
;; 48d3c0 | rol rax,cl
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 488bd8 | mov rbx,rax
;; 8bc3 | mov eax,ebx
;; 83c001 | add eax,0x1
;; 4883c418 | add rsp,0x18
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
;; 4883ec18 | sub rsp,0x18
;; 8bd8 | mov ebx,eax
;; 6bc30a | imul eax,ebx,0xa
;; 4883c418 | add rsp,0x18
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f30300aa | mov x19, x0
;; e09f08b2 | mov x0, #-71777214294589696
;; 6102008a | and x1, x19, x0
;; 00de9bd2 | mov x0, #57072
;; 8057b3f2 | movk x0, #39612, lsl #16
;; 00cfcaf2 | movk x0, #22136, lsl #32
;; 8046e2f2 | movk x0, #4660, lsl #48
;; 210000ca | eor x1, x1, x0
;; e00301aa | mov x0, x1
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f403012a | mov w20, w1
;; 7f02146b | cmp w19, w20
;; e0879f1a | cset w0, ls
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; 6012c05a | clz w0, w19
;; 6102c05a | rbit w1, w19
;; 2110c05a | clz w1, w1
;; 7f02271e | fmov s31, w19
;; ff5b200e | cnt v31.8b, v31.8b
;; ffbb310e | addv b31, v31.8b
;; e203261e | fmov w2, s31
;; 2100020b | add w1, w1, w2
;; 0000010b | add w0, w0, w1
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f30300aa | mov x19, x0
;; f40301aa | mov x20, x1
;; f00314cb | neg x16, x20
;; 602ed09a | ror x0, x19, x16
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f30300aa | mov x19, x0
;; e003132a | mov w0, w19
;; 00040011 | add w0, w0, #1
;; ff430091 | add sp, sp, #16
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
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 51018052 | mov w17, #10
;; 607e111b | mul w0, w19, w17
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

;; Globals, memory.grow and memory.fill through the host layer, stores of constants, a big static offset.
(module
  (memory 1 2)
  (global $g (mut i32) (i32.const 5))
  (func (export "count") (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1)))
    (global.get $g))
  (func (export "grow") (param i32) (result i32)
    (memory.fill (i32.const 8) (local.get 0) (i32.const 100))
    (i32.store offset=4 (local.get 0) (i32.const -1))
    (i32.store8 offset=0xfffffff0 (local.get 0) (i32.const 7))
    (i32.add (memory.grow (local.get 0)) (memory.size))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 418b4620 | mov eax,DWORD PTR [r14+0x20]
;; 83c001 | add eax,0x1
;; 41894620 | mov DWORD PTR [r14+0x20],eax
;; 418b4620 | mov eax,DWORD PTR [r14+0x20]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; @22 call body+0x8
;; @4a call body+0x1f
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 895c2418 | mov DWORD PTR [rsp+0x18],ebx
;; ba08000000 | mov edx,0x8
;; 8bf3 | mov esi,ebx
;; bf64000000 | mov edi,0x64
;; 488d05f3fffdff | lea rax,[rip+0xfffffffffffdfff3] # 0xfffffffffffe0010
;; e8beffffff | call 0xffffffffffffffe0
;; 8b5c2418 | mov ebx,DWORD PTR [rsp+0x18]
;; 41c7441f04ffffffff | mov DWORD PTR [r15+rbx*1+0x4],0xffffffff
;; b9f0ffffff | mov ecx,0xfffffff0
;; 4803cb | add rcx,rbx
;; 41c6040f07 | mov BYTE PTR [r15+rcx*1],0x7
;; 8bd3 | mov edx,ebx
;; 488d05cbfffdff | lea rax,[rip+0xfffffffffffdffcb] # 0xfffffffffffe0010
;; e896ffffff | call 0xffffffffffffffe0
;; 498b5638 | mov rdx,QWORD PTR [r14+0x38]
;; 48c1ea10 | shr rdx,0x10
;; 03c2 | add eax,edx
;; 4883c420 | add rsp,0x20
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; 602340b9 | ldr w0, [x27, #32]
;; 00040011 | add w0, w0, #1
;; 602300b9 | str w0, [x27, #32]
;; 602340b9 | ldr w0, [x27, #32]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; @24 call body+0x8
;; @54 call body+0x1f
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f31b00b9 | str w19, [sp, #24]
;; 01018052 | mov w1, #8
;; e203132a | mov w2, w19
;; 830c8052 | mov w3, #100
;; 20ffef10 | adr x0, #-131100
;; ecffff97 | bl #-80
;; f31b40b9 | ldr w19, [sp, #24]
;; 10008012 | mov w16, #-1
;; 9103138b | add x17, x28, x19
;; 3f0640b9 | ldr wzr, [x17, #4]
;; 300600b9 | str w16, [x17, #4]
;; f0008052 | mov w16, #7
;; f1018012 | mov w17, #-16
;; 3102138b | add x17, x17, x19
;; 906b3138 | strb w16, [x28, x17]
;; e103132a | mov w1, w19
;; a0fdef10 | adr x0, #-131148
;; e0ffff97 | bl #-128
;; 611f40f9 | ldr x1, [x27, #56]
;; 21fc50d3 | lsr x1, x1, #16
;; 0000010b | add w0, w0, w1
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

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

;; -- code
;; func 0
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 418b4660 | mov eax,DWORD PTR [r14+0x60]
;; 83c001 | add eax,0x1
;; 41894660 | mov DWORD PTR [r14+0x60],eax
;; 418b4660 | mov eax,DWORD PTR [r14+0x60]
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; @24 call body+0x8
;; @4d call body+0x1f
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 895c2418 | mov DWORD PTR [rsp+0x18],ebx
;; ba08000000 | mov edx,0x8
;; 488bf3 | mov rsi,rbx
;; bf64000000 | mov edi,0x64
;; 488d050100feff | lea rax,[rip+0xfffffffffffe0001] # 0xfffffffffffe0020
;; e8bcffffff | call 0xffffffffffffffe0
;; 8b5c2418 | mov ebx,DWORD PTR [rsp+0x18]
;; 41c7441f04ffffffff | mov DWORD PTR [r15+rbx*1+0x4],0xffffffff
;; b9f0ffffff | mov ecx,0xfffffff0
;; 4803cb | add rcx,rbx
;; 41c6040f07 | mov BYTE PTR [r15+rcx*1],0x7
;; 488bd3 | mov rdx,rbx
;; 488d05d8fffdff | lea rax,[rip+0xfffffffffffdffd8] # 0xfffffffffffe0020
;; e893ffffff | call 0xffffffffffffffe0
;; 498b5648 | mov rdx,QWORD PTR [r14+0x48]
;; 48c1ea10 | shr rdx,0x10
;; 03c2 | add eax,edx
;; 4883c420 | add rsp,0x20
;; c3 | ret

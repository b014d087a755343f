;; A counted loop: pinned locals, a fused comparison, a scaled address; the back edge has no poll.
(module
  (memory 1)
  (func $sum (param $p i32) (param $n i32) (result i64) (local $s i64) (local $i i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
        (local.set $s
          (i64.add
            (local.get $s)
            (i64.load32_s offset=16 (i32.add (local.get $p) (i32.shl (local.get $i) (i32.const 2))))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (local.get $s)))

;; -- code
;; func 0
;; @0 entry body+0x0
;; @14 loop body+0x7
;; 4883ec40 | sub rsp,0x40
;; 4c8bc0 | mov r8,rax
;; 4c8bca | mov r9,rdx
;; bd00000000 | mov ebp,0x0
;; bb00000000 | mov ebx,0x0
;; 413bd9 | cmp ebx,r9d
;; 0f8311000000 | jae 0x2e
;; 418d0498 | lea eax,[r8+rbx*4]
;; 4963440710 | movsxd rax,DWORD PTR [r15+rax*1+0x10]
;; 4803e8 | add rbp,rax
;; 83c301 | add ebx,0x1
;; ebe6 | jmp 0x14
;; 488bc5 | mov rax,rbp
;; 4883c440 | add rsp,0x40
;; c3 | ret

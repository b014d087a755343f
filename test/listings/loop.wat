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

;; -- x64
;; func 0
;; @0 entry body+0x0
;; @e loop body+0x7
;; 4883ec40 | sub rsp,0x40
;; 448bc0 | mov r8d,eax
;; 448bca | mov r9d,edx
;; 33ed | xor ebp,ebp
;; 33db | xor ebx,ebx
;; 413bd9 | cmp ebx,r9d
;; 0f8311000000 | jae 0x28
;; 418d0498 | lea eax,[r8+rbx*4]
;; 4963440710 | movsxd rax,DWORD PTR [r15+rax*1+0x10]
;; 4803e8 | add rbp,rax
;; 83c301 | add ebx,0x1
;; ebe6 | jmp 0xe
;; 488bc5 | mov rax,rbp
;; 4883c440 | add rsp,0x40
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; @18 loop body+0x7
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; f503002a | mov w21, w0
;; f603012a | mov w22, w1
;; 14008052 | mov w20, #0
;; 13008052 | mov w19, #0
;; 7f02166b | cmp w19, w22
;; e2000054 | b.hs #28
;; a00a130b | add w0, w21, w19, lsl #2
;; 9103008b | add x17, x28, x0
;; 201280b9 | ldrsw x0, [x17, #16]
;; 1400148b | add x20, x0, x20
;; 73060011 | add w19, w19, #1
;; f9ffff17 | b #-28
;; e00314aa | mov x0, x20
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

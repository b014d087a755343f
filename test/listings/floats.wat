;; Floating point: arithmetic, minimum with its NaN, sign manipulation, comparison in a branch, conversions both ways.
(module
  (func (export "polynomial") (param f64) (result f64)
    (f64.add (f64.mul (f64.mul (local.get 0) (local.get 0)) (f64.const 3)) (f64.sqrt (local.get 0))))
  (func (export "minimum") (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1)))
  (func (export "sign") (param f64 f64) (result f64) (f64.copysign (f64.neg (local.get 0)) (f64.abs (local.get 1))))
  (func (export "round") (param f32) (result f32) (f32.nearest (f32.floor (local.get 0))))
  (func (export "branch") (param f64) (result i32)
    (if (result i32) (f64.ge (local.get 0) (f64.const 0)) (then (i32.const 1)) (else (i32.const 2))))
  (func (export "unsigned") (param i64) (result f64) (f64.convert_i64_u (local.get 0)))
  (func (export "saturate") (param f32) (result i32) (i32.trunc_sat_f32_u (local.get 0)))
  (func (export "bits") (param i64) (result f64) (f64.reinterpret_i64 (local.get 0))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 440f28c0 | movaps xmm8,xmm0
;; 410f28c0 | movaps xmm0,xmm8
;; f2410f59c0 | mulsd xmm0,xmm8
;; 48b90000000000000840 | movabs rcx,0x4008000000000000
;; 66480f6ec9 | movq xmm1,rcx
;; f20f59c1 | mulsd xmm0,xmm1
;; 0f57c9 | xorps xmm1,xmm1
;; f2410f51c8 | sqrtsd xmm1,xmm8
;; f20f58c1 | addsd xmm0,xmm1
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 440f28c0 | movaps xmm8,xmm0
;; 440f28c9 | movaps xmm9,xmm1
;; 410f28c0 | movaps xmm0,xmm8
;; 410f2ec1 | ucomiss xmm0,xmm9
;; 750f | jne 0x25
;; 7a06 | jp 0x1e
;; 410f56c1 | orps xmm0,xmm9
;; eb0c | jmp 0x2a
;; f3410f58c1 | addss xmm0,xmm9
;; eb05 | jmp 0x2a
;; f3410f5dc1 | minss xmm0,xmm9
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 440f28c0 | movaps xmm8,xmm0
;; 440f28c9 | movaps xmm9,xmm1
;; 660f76c0 | pcmpeqd xmm0,xmm0
;; 660f73f03f | psllq xmm0,0x3f
;; 410f57c0 | xorps xmm0,xmm8
;; 660f76c9 | pcmpeqd xmm1,xmm1
;; 660f73d101 | psrlq xmm1,0x1
;; 410f54c9 | andps xmm1,xmm9
;; 660f76ff | pcmpeqd xmm7,xmm7
;; 660f73f73f | psllq xmm7,0x3f
;; 0f28f1 | movaps xmm6,xmm1
;; 0f54f7 | andps xmm6,xmm7
;; 0f55f8 | andnps xmm7,xmm0
;; 0f56fe | orps xmm7,xmm6
;; 0f28c7 | movaps xmm0,xmm7
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 440f28c0 | movaps xmm8,xmm0
;; 0f57c0 | xorps xmm0,xmm0
;; 66410f3a0ac009 | roundss xmm0,xmm8,0x9
;; 660f3a0ac008 | roundss xmm0,xmm0,0x8
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 440f28c0 | movaps xmm8,xmm0
;; 0f57c0 | xorps xmm0,xmm0
;; 66440f2ec0 | ucomisd xmm8,xmm0
;; 0f820a000000 | jb 0x20
;; b801000000 | mov eax,0x1
;; e905000000 | jmp 0x25
;; b802000000 | mov eax,0x2
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 5
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 488bd8 | mov rbx,rax
;; 0f57c0 | xorps xmm0,xmm0
;; 4885db | test rbx,rbx
;; 7807 | js 0x16
;; f2480f2ac3 | cvtsi2sd xmm0,rbx
;; eb15 | jmp 0x2b
;; 488bcb | mov rcx,rbx
;; 48d1e9 | shr rcx,1
;; 7304 | jae 0x22
;; 4883c901 | or rcx,0x1
;; f2480f2ac1 | cvtsi2sd xmm0,rcx
;; f20f58c0 | addsd xmm0,xmm0
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 6
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 440f28c0 | movaps xmm8,xmm0
;; f3490f2cc0 | cvttss2si rax,xmm8
;; 8bc8 | mov ecx,eax
;; 483bc8 | cmp rcx,rax
;; 7410 | je 0x24
;; 0f57ff | xorps xmm7,xmm7
;; 33c9 | xor ecx,ecx
;; 440f2ec7 | ucomiss xmm8,xmm7
;; 7605 | jbe 0x24
;; b9ffffffff | mov ecx,0xffffffff
;; 8bc1 | mov eax,ecx
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; func 7
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 488bd8 | mov rbx,rax
;; 66480f6ec3 | movq xmm0,rbx
;; 4883c410 | add rsp,0x10
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; 0840601e | fmov d8, d0
;; 0009681e | fmul d0, d8, d8
;; 0110611e | fmov d1, #3.00000000
;; 0008611e | fmul d0, d0, d1
;; 01c1611e | fsqrt d1, d8
;; 0028611e | fadd d0, d0, d1
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; 0840201e | fmov s8, s0
;; 2940201e | fmov s9, s1
;; 0059291e | fmin s0, s8, s9
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; 0840601e | fmov d8, d0
;; 2940601e | fmov d9, d1
;; 0041611e | fneg d0, d8
;; 21c1601e | fabs d1, d9
;; 3f04417f | ushr d31, d1, #63
;; e0577f7f | sli d0, d31, #63
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; 0840201e | fmov s8, s0
;; 0041251e | frintm s0, s8
;; 0040241e | frintn s0, s0
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; 0840601e | fmov d8, d0
;; e003679e | fmov d0, xzr
;; 0021601e | fcmp d8, d0
;; 6b000054 | b.lt #12
;; 20008052 | mov w0, #1
;; 02000014 | b #8
;; 40008052 | mov w0, #2
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 5
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f30300aa | mov x19, x0
;; 6002639e | ucvtf d0, x19
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 6
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; 0840201e | fmov s8, s0
;; 0001391e | fcvtzu w0, s8
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 7
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f30300aa | mov x19, x0
;; 6002679e | fmov d0, x19
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

;; A loop over vectors in memory with a pinned sum, a constant from behind the code, lanes, a shift by a constant, v128 as
;; argument and result, operands that wait in their slots of 16 bytes.
(module
  (memory 1)
  (func (export "sum") (param $at i32) (param $end i32) (result f32) (local $sum v128)
    (loop $again
      (local.set $sum (f32x4.add (local.get $sum) (f32x4.mul (v128.load (local.get $at)) (v128.load offset=16 (local.get $at)))))
      (br_if $again (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 32))) (local.get $end))))
    (f32x4.extract_lane 0 (local.get $sum)))
  (func $swap (param v128) (result v128)
    (v128.or (i16x8.shl (local.get 0) (i32.const 8)) (i16x8.shr_u (local.get 0) (i32.const 8))))
  (func (export "calls") (param v128 i32) (result v128)
    (i8x16.add (i8x16.splat (local.get 1)) (call $swap (v128.and (local.get 0) (v128.const i64x2 0x5555555555555555 0x5555555555555555))))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; @d loop body+0x3
;; 4883ec50 | sub rsp,0x50
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; 66450fefc0 | pxor xmm8,xmm8
;; 410f10041f | movups xmm0,XMMWORD PTR [r15+rbx*1]
;; 410f104c1f10 | movups xmm1,XMMWORD PTR [r15+rbx*1+0x10]
;; 0f59c1 | mulps xmm0,xmm1
;; 440f58c0 | addps xmm8,xmm0
;; 83c320 | add ebx,0x20
;; 3bdd | cmp ebx,ebp
;; 72e7 | jb 0xd
;; 410f28c0 | movaps xmm0,xmm8
;; 4883c450 | add rsp,0x50
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec40 | sub rsp,0x40
;; 440f28c0 | movaps xmm8,xmm0
;; 410f28c0 | movaps xmm0,xmm8
;; 660f71f008 | psllw xmm0,0x8
;; 410f28c8 | movaps xmm1,xmm8
;; 660f71d108 | psrlw xmm1,0x8
;; 660febc1 | por xmm0,xmm1
;; 4883c440 | add rsp,0x40
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; @36 call body+0x1b
;; 4883ec48 | sub rsp,0x48
;; 0f11442430 | movups XMMWORD PTR [rsp+0x30],xmm0
;; 89442440 | mov DWORD PTR [rsp+0x40],eax
;; 660f6ec0 | movd xmm0,eax
;; 660fefff | pxor xmm7,xmm7
;; 660f3800c7 | pshufb xmm0,xmm7
;; 0f280d2f000000 | movaps xmm1,XMMWORD PTR [rip+0x2f] # 0x50
;; 0f10542430 | movups xmm2,XMMWORD PTR [rsp+0x30]
;; 660fdbd1 | pand xmm2,xmm1
;; 0f110424 | movups XMMWORD PTR [rsp],xmm0
;; 0f28c2 | movaps xmm0,xmm2
;; e89affffff | call 0xffffffffffffffd0
;; 0f100c24 | movups xmm1,XMMWORD PTR [rsp]
;; 660ffcc8 | paddb xmm1,xmm0
;; 0f28c1 | movaps xmm0,xmm1
;; 4883c448 | add rsp,0x48
;; c3 | ret
;; cc | int3
;; cc | int3
;; cc | int3
;; cc | int3
;; cc | int3
;; cc | int3
;; cc | int3
;; cc | int3
;; cc | int3
;; cc | int3
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp
;; 55 | push rbp

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; @14 loop body+0x3
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4301d1 | sub sp, sp, #80
;; f303002a | mov w19, w0
;; f403012a | mov w20, w1
;; 08e4006f | movi v8.2d, #0000000000000000
;; 806bf33c | ldr q0, [x28, x19]
;; 9103138b | add x17, x28, x19
;; 2106c03d | ldr q1, [x17, #16]
;; 00dc216e | fmul v0.4s, v0.4s, v1.4s
;; 08d5204e | fadd v8.4s, v8.4s, v0.4s
;; 73820011 | add w19, w19, #32
;; 7f02146b | cmp w19, w20
;; 23ffff54 | b.lo #-28
;; 0041201e | fmov s0, s8
;; ff430191 | add sp, sp, #80
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; 081ca04e | mov v8.16b, v0.16b
;; 0055184f | shl v0.8h, v8.8h, #8
;; 0105186f | ushr v1.8h, v8.8h, #8
;; 001ca14e | orr v0.16b, v0.16b, v1.16b
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; @2c call body+0x1b
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; e00f803d | str q0, [sp, #48]
;; e04300b9 | str w0, [sp, #64]
;; 000c014e | dup v0.16b, w0
;; a1e6024f | movi v1.16b, #85
;; e20fc03d | ldr q2, [sp, #48]
;; 421c214e | and v2.16b, v2.16b, v1.16b
;; e003803d | str q0, [sp]
;; 401ca24e | mov v0.16b, v2.16b
;; eaffff97 | bl #-88
;; e103c03d | ldr q1, [sp]
;; 2184204e | add v1.16b, v1.16b, v0.16b
;; 201ca14e | mov v0.16b, v1.16b
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

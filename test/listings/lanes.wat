;; Vectors: shuffle by a constant, lane replacement, a comparison's mask, conversion, a load that splats, saturating addition.
(module
  (memory 1)
  (func (export "shuffle") (param v128 v128) (result v128)
    (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get 0) (local.get 1)))
  (func (export "lane") (param v128 i64) (result v128) (i64x2.replace_lane 1 (local.get 0) (local.get 1)))
  (func (export "mask") (param v128 v128) (result i32) (i8x16.bitmask (i8x16.gt_s (local.get 0) (local.get 1))))
  (func (export "convert") (param v128) (result v128) (f32x4.convert_i32x4_u (local.get 0)))
  (func (export "splat") (param i32) (result v128) (v128.load32_splat offset=4 (local.get 0)))
  (func (export "saturate") (param v128 v128) (result v128) (i16x8.add_sat_s (local.get 0) (local.get 1)))
  (func (export "any") (param v128) (result i32) (v128.any_true (local.get 0))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec40 | sub rsp,0x40
;; 440f28c0 | movaps xmm8,xmm0
;; 440f28c9 | movaps xmm9,xmm1
;; 410f28c0 | movaps xmm0,xmm8
;; 66410f60c1 | punpcklbw xmm0,xmm9
;; 4883c440 | add rsp,0x40
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; 4883ec38 | sub rsp,0x38
;; 440f28c0 | movaps xmm8,xmm0
;; 488bd8 | mov rbx,rax
;; 410f28c0 | movaps xmm0,xmm8
;; 66480f3a22c301 | pinsrq xmm0,rbx,0x1
;; 4883c438 | add rsp,0x38
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec40 | sub rsp,0x40
;; 440f28c0 | movaps xmm8,xmm0
;; 440f28c9 | movaps xmm9,xmm1
;; 410f28c0 | movaps xmm0,xmm8
;; 66410f64c1 | pcmpgtb xmm0,xmm9
;; 660fd7c0 | pmovmskb eax,xmm0
;; 4883c440 | add rsp,0x40
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 440f28c0 | movaps xmm8,xmm0
;; 410f28f8 | movaps xmm7,xmm8
;; 660fdb3d2c000000 | pand xmm7,XMMWORD PTR [rip+0x2c] # 0x40
;; 660feb3d34000000 | por xmm7,XMMWORD PTR [rip+0x34] # 0x50
;; 410f28c0 | movaps xmm0,xmm8
;; 660f72d010 | psrld xmm0,0x10
;; 660feb0533000000 | por xmm0,XMMWORD PTR [rip+0x33] # 0x60
;; 0f5c053c000000 | subps xmm0,XMMWORD PTR [rip+0x3c] # 0x70
;; 0f58c7 | addps xmm0,xmm7
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; cc | int3
;; cc | int3
;; cc | int3
;; cc | int3
;; ff | (bad)
;; ff00 | inc DWORD PTR [rax]
;; 00ff | add bh,bh
;; ff00 | inc DWORD PTR [rax]
;; 00ff | add bh,bh
;; ff00 | inc DWORD PTR [rax]
;; 00ff | add bh,bh
;; ff00 | inc DWORD PTR [rax]
;; 0000 | add BYTE PTR [rax],al
;; 0000 | add BYTE PTR [rax],al
;; 4b0000 | rex.WXB add BYTE PTR [r8],al
;; 004b00 | add BYTE PTR [rbx+0x0],cl
;; 0000 | add BYTE PTR [rax],al
;; 4b0000 | rex.WXB add BYTE PTR [r8],al
;; 004b00 | add BYTE PTR [rbx+0x0],cl
;; 0000 | add BYTE PTR [rax],al
;; 53 | push rbx
;; 0000 | add BYTE PTR [rax],al
;; 005300 | add BYTE PTR [rbx+0x0],dl
;; 0000 | add BYTE PTR [rax],al
;; 53 | push rbx
;; 0000 | add BYTE PTR [rax],al
;; 005380 | add BYTE PTR [rbx-0x80],dl
;; 0000 | add BYTE PTR [rax],al
;; 53 | push rbx
;; 800000 | add BYTE PTR [rax],0x0
;; 53 | push rbx
;; 800000 | add BYTE PTR [rax],0x0
;; 53 | push rbx
;; 800000 | add BYTE PTR [rax],0x0
;; 53 | push rbx
;; func 4
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 8bd8 | mov ebx,eax
;; f3410f10441f04 | movss xmm0,DWORD PTR [r15+rbx*1+0x4]
;; 660f70c000 | pshufd xmm0,xmm0,0x0
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 5
;; @0 entry body+0x0
;; 4883ec40 | sub rsp,0x40
;; 440f28c0 | movaps xmm8,xmm0
;; 440f28c9 | movaps xmm9,xmm1
;; 410f28c0 | movaps xmm0,xmm8
;; 66410fedc1 | paddsw xmm0,xmm9
;; 4883c440 | add rsp,0x40
;; c3 | ret
;; func 6
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 440f28c0 | movaps xmm8,xmm0
;; 66450f3817c0 | ptest xmm8,xmm8
;; 0f95c0 | setne al
;; 0fb6c0 | movzx eax,al
;; 4883c420 | add rsp,0x20
;; c3 | ret

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; 081ca04e | mov v8.16b, v0.16b
;; 291ca14e | mov v9.16b, v1.16b
;; 0039094e | zip1 v0.16b, v8.16b, v9.16b
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ffc300d1 | sub sp, sp, #48
;; 081ca04e | mov v8.16b, v0.16b
;; f30300aa | mov x19, x0
;; 001da84e | mov v0.16b, v8.16b
;; 601e184e | mov v0.d[1], x19
;; ffc30091 | add sp, sp, #48
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; 081ca04e | mov v8.16b, v0.16b
;; 291ca14e | mov v9.16b, v1.16b
;; 0035294e | cmgt v0.16b, v8.16b, v9.16b
;; 1f04096f | ushr v31.16b, v0.16b, #7
;; ff17196f | usra v31.8h, v31.8h, #7
;; ff17326f | usra v31.4s, v31.4s, #14
;; ff17646f | usra v31.2d, v31.2d, #28
;; e03f010e | umov w0, v31.b[0]
;; f03f110e | umov w16, v31.b[8]
;; 0020102a | orr w0, w0, w16, lsl #8
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; 081ca04e | mov v8.16b, v0.16b
;; 00d9216e | ucvtf v0.4s, v8.4s
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; 9103138b | add x17, x28, x19
;; 31120091 | add x17, x17, #4
;; 20ca404d | ld1r { v0.4s }, [x17]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 5
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; 081ca04e | mov v8.16b, v0.16b
;; 291ca14e | mov v9.16b, v1.16b
;; 000d694e | sqadd v0.8h, v8.8h, v9.8h
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 6
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; 081ca04e | mov v8.16b, v0.16b
;; 1fa5a86e | umaxp v31.4s, v8.4s, v8.4s
;; f003669e | fmov x16, d31
;; 1f0200f1 | cmp x16, #0
;; e0079f1a | cset w0, ne
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

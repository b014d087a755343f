;; An indirect call: bounds, null and type checks, switch to the callee's instance and back.
(module
  (type $binary (func (param i32 i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $add)
  (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func (export "apply") (param i32 i32 i32) (result i32)
    (call_indirect (type $binary) (local.get 1) (local.get 2) (local.get 0))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 8bd8 | mov ebx,eax
;; 8bea | mov ebp,edx
;; 8d042b | lea eax,[rbx+rbp*1]
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; @58 call body+0x7
;; 4883ec30 | sub rsp,0x30
;; 89442418 | mov DWORD PTR [rsp+0x18],eax
;; 89542420 | mov DWORD PTR [rsp+0x20],edx
;; 89742428 | mov DWORD PTR [rsp+0x28],esi
;; 448b6c2418 | mov r13d,DWORD PTR [rsp+0x18]
;; 8b442420 | mov eax,DWORD PTR [rsp+0x20]
;; 8b542428 | mov edx,DWORD PTR [rsp+0x28]
;; 488d1decfffdff | lea rbx,[rip+0xfffffffffffdffec] # 0xfffffffffffe0010
;; 4c3b6b08 | cmp r13,QWORD PTR [rbx+0x8]
;; 0f8339000000 | jae 0x67
;; 488b0b | mov rcx,QWORD PTR [rbx]
;; 4a8d0ce9 | lea rcx,[rcx+r13*8]
;; 480f430b | cmovae rcx,QWORD PTR [rbx]
;; 488b19 | mov rbx,QWORD PTR [rcx]
;; 4885db | test rbx,rbx
;; 0f8424000000 | je 0x69
;; 837b1000 | cmp DWORD PTR [rbx+0x10],0x0
;; 0f851c000000 | jne 0x6b
;; 4c8b7308 | mov r14,QWORD PTR [rbx+0x8]
;; 4d8b3e | mov r15,QWORD PTR [r14]
;; ff13 | call QWORD PTR [rbx]
;; 4c8d3591fffdff | lea r14,[rip+0xfffffffffffdff91] # 0xfffffffffffdfff0
;; 4d8b3e | mov r15,QWORD PTR [r14]
;; 4883c430 | add rsp,0x30
;; c3 | ret
;; 0f0b | ud2
;; 0f0b | ud2
;; 0f0b | ud2

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; f303002a | mov w19, w0
;; f403012a | mov w20, w1
;; 6002140b | add w0, w19, w20
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; @64 call body+0x7
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ffc300d1 | sub sp, sp, #48
;; e01b00b9 | str w0, [sp, #24]
;; e12300b9 | str w1, [sp, #32]
;; e22b00b9 | str w2, [sp, #40]
;; fa1b40b9 | ldr w26, [sp, #24]
;; e02340b9 | ldr w0, [sp, #32]
;; e12b40b9 | ldr w1, [sp, #40]
;; 13ffef10 | adr x19, #-131104
;; 700640f9 | ldr x16, [x19, #8]
;; 5f0310eb | cmp x26, x16
;; 62020054 | b.hs #76
;; 50339f9a | csel x16, x26, xzr, lo
;; 9f2203d5 | csdb
;; 710240f9 | ldr x17, [x19]
;; 310e108b | add x17, x17, x16, lsl #3
;; 330240f9 | ldr x19, [x17]
;; d30100b4 | cbz x19, #56
;; 701240b9 | ldr w16, [x19, #16]
;; 1f020071 | cmp w16, #0
;; 81010054 | b.ne #48
;; 7b0640f9 | ldr x27, [x19, #8]
;; 700240f9 | ldr x16, [x19]
;; 7c0340f9 | ldr x28, [x27]
;; 00023fd6 | blr x16
;; fbfbef10 | adr x27, #-131204
;; 7c0340f9 | ldr x28, [x27]
;; ffc30091 | add sp, sp, #48
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 00000000 | udf #0
;; 00000000 | udf #0
;; 00000000 | udf #0

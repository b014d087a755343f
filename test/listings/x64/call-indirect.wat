;; An indirect call: bounds, null and type checks, switch to the callee's instance and back.
(module
  (type $binary (func (param i32 i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $add)
  (func $add (type $binary) (i32.add (local.get 0) (local.get 1)))
  (func (export "apply") (param i32 i32 i32) (result i32)
    (call_indirect (type $binary) (local.get 1) (local.get 2) (local.get 0))))

;; -- code
;; func 0
;; @0 entry body+0x0
;; 4883ec20 | sub rsp,0x20
;; 488bd8 | mov rbx,rax
;; 488bea | mov rbp,rdx
;; 8d042b | lea eax,[rbx+rbp*1]
;; 4883c420 | add rsp,0x20
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; @51 call body+0x7
;; 4883ec30 | sub rsp,0x30
;; 89442418 | mov DWORD PTR [rsp+0x18],eax
;; 89542420 | mov DWORD PTR [rsp+0x20],edx
;; 89742428 | mov DWORD PTR [rsp+0x28],esi
;; 448b6c2418 | mov r13d,DWORD PTR [rsp+0x18]
;; 8b442420 | mov eax,DWORD PTR [rsp+0x20]
;; 8b542428 | mov edx,DWORD PTR [rsp+0x28]
;; 488d1dfcfffdff | lea rbx,[rip+0xfffffffffffdfffc] # 0xfffffffffffe0020
;; 4c3b6b08 | cmp r13,QWORD PTR [rbx+0x8]
;; 0f8332000000 | jae 0x60
;; 488b0b | mov rcx,QWORD PTR [rbx]
;; 4a8b1ce9 | mov rbx,QWORD PTR [rcx+r13*8]
;; 4885db | test rbx,rbx
;; 0f8424000000 | je 0x62
;; 837b1000 | cmp DWORD PTR [rbx+0x10],0x0
;; 0f851c000000 | jne 0x64
;; 4c8b7308 | mov r14,QWORD PTR [rbx+0x8]
;; 4d8b3e | mov r15,QWORD PTR [r14]
;; ff13 | call QWORD PTR [rbx]
;; 4c8d3588fffdff | lea r14,[rip+0xfffffffffffdff88] # 0xfffffffffffdffe0
;; 4d8b3e | mov r15,QWORD PTR [r14]
;; 4883c430 | add rsp,0x30
;; c3 | ret
;; 0f0b | ud2
;; 0f0b | ud2
;; 0f0b | ud2

;; Entering and leaving a try is no instruction. A try_table's landing comes behind the code and branches to its label;
;; a catch body is its own landing, with the exception in the slot below its operands.
(module
  (tag $e (param i32))
  (func $call (param i32))
  (func $table (param i32) (result i32)
    (block $caught (result i32)
      (try_table (catch $e $caught) (call $call (local.get 0)))
      (i32.const 0)))
  (func $legacy (param i32)
    (try
      (do (call $call (local.get 0)))
      (catch $e (call $call) (rethrow 0))))
  (func $throw (param i32)
    (throw $e (local.get 0))))

;; -- x64
;; func 0
;; @0 entry body+0x0
;; 4883ec08 | sub rsp,0x8
;; 890424 | mov DWORD PTR [rsp],eax
;; 4883c408 | add rsp,0x8
;; c3 | ret
;; func 1
;; @0 entry body+0x0
;; @d call body+0xb
;; 4883ec10 | sub rsp,0x10
;; 89442408 | mov DWORD PTR [rsp+0x8],eax
;; e8e3ffffff | call 0xfffffffffffffff0
;; 33c0 | xor eax,eax
;; 4883c410 | add rsp,0x10
;; c3 | ret
;; 4c8d35d5fffdff | lea r14,[rip+0xfffffffffffdffd5] # 0xfffffffffffdfff0
;; 4d8b3e | mov r15,QWORD PTR [r14]
;; 8b4010 | mov eax,DWORD PTR [rax+0x10]
;; ebec | jmp 0xf
;; func 2
;; @0 entry body+0x0
;; @d call body+0x5
;; @2e call body+0x9
;; 4883ec18 | sub rsp,0x18
;; 89442410 | mov DWORD PTR [rsp+0x10],eax
;; e8b3ffffff | call 0xffffffffffffffc0
;; e927000000 | jmp 0x39
;; 4c8d35a7fffdff | lea r14,[rip+0xfffffffffffdffa7] # 0xfffffffffffdffc0
;; 4d8b3e | mov r15,QWORD PTR [r14]
;; 48890424 | mov QWORD PTR [rsp],rax
;; 8b4810 | mov ecx,DWORD PTR [rax+0x10]
;; 894c2408 | mov DWORD PTR [rsp+0x8],ecx
;; 8bc1 | mov eax,ecx
;; e892ffffff | call 0xffffffffffffffc0
;; 488b0424 | mov rax,QWORD PTR [rsp]
;; e889ffffff | call 0xffffffffffffffc0
;; 0f0b | ud2
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 895c2408 | mov DWORD PTR [rsp+0x8],ebx
;; 891c24 | mov DWORD PTR [rsp],ebx
;; 488d056cfffeff | lea rax,[rip+0xfffffffffffeff6c] # 0xfffffffffffeff80
;; 488bd4 | mov rdx,rsp
;; be08000000 | mov esi,0x8
;; e85fffffff | call 0xffffffffffffff80
;; 0f0b | ud2

;; -- arm64
;; func 0
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; e00300b9 | str w0, [sp]
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 1
;; @0 entry body+0x0
;; @10 call body+0xb
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; e00b00b9 | str w0, [sp, #8]
;; f9ffff97 | bl #-28
;; 00008052 | mov w0, #0
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; 9bfeef10 | adr x27, #-131120
;; 7c0340f9 | ldr x28, [x27]
;; 001040b9 | ldr w0, [x0, #16]
;; faffff17 | b #-24
;; func 2
;; @0 entry body+0x0
;; @10 call body+0x5
;; @30 call body+0x9
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; e01300b9 | str w0, [sp, #16]
;; edffff97 | bl #-76
;; 0b000014 | b #44
;; 7bfdef10 | adr x27, #-131156
;; 7c0340f9 | ldr x28, [x27]
;; e00300f9 | str x0, [sp]
;; 101040b9 | ldr w16, [x0, #16]
;; f00b00b9 | str w16, [sp, #8]
;; e003102a | mov w0, w16
;; e5ffff97 | bl #-108
;; e00340f9 | ldr x0, [sp]
;; e3ffff97 | bl #-116
;; 00000000 | udf #0
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; f30b00b9 | str w19, [sp, #8]
;; f30300b9 | str w19, [sp]
;; e0faf710 | adr x0, #-65700
;; e1030091 | mov x1, sp
;; 02018052 | mov w2, #8
;; d4ffff97 | bl #-176
;; 00000000 | udf #0

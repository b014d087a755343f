;; Calls: arguments in registers and in the outgoing area, several results, of an import; a tail call.
(module
  (import "env" "host" (func $host (param i32 f64) (result i64)))
  (func $many (param i32 i64 i32 i64 i32 i64 i32 i64) (result i64)
    (i64.add (local.get 1) (i64.add (local.get 5) (local.get 7))))
  (func $pair (param i32) (result i32 i32) (local.get 0) (i32.const 7))
  (func (export "stack") (param i64) (result i64)
    (call $many (i32.const 1) (local.get 0) (i32.const 3) (i64.const 4) (i32.const 5) (local.get 0) (i32.const 7) (i64.const 8)))
  (func (export "results") (param i32) (result i32) (i32.sub (call $pair (local.get 0))))
  (func (export "import") (param f64) (result i64) (call $host (i32.const 1) (local.get 0)))
  (func (export "tail") (param i32) (result i32) (return_call $self (i32.sub (local.get 0) (i32.const 1))))
  (func $self (param i32) (result i32) (local.get 0)))

;; -- x64
;; func 1
;; @0 entry body+0x0
;; 4883ec40 | sub rsp,0x40
;; 89442418 | mov DWORD PTR [rsp+0x18],eax
;; 488bda | mov rbx,rdx
;; 89742428 | mov DWORD PTR [rsp+0x28],esi
;; 48897c2430 | mov QWORD PTR [rsp+0x30],rdi
;; 44895c2438 | mov DWORD PTR [rsp+0x38],r11d
;; 488b6c2448 | mov rbp,QWORD PTR [rsp+0x48]
;; 4c8b442458 | mov r8,QWORD PTR [rsp+0x58]
;; 498d0428 | lea rax,[r8+rbp*1]
;; 4803c3 | add rax,rbx
;; 4883c440 | add rsp,0x40
;; c3 | ret
;; func 2
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 8bd8 | mov ebx,eax
;; 895c2420 | mov DWORD PTR [rsp+0x20],ebx
;; c744242807000000 | mov DWORD PTR [rsp+0x28],0x7
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 3
;; @0 entry body+0x0
;; @3e call body+0x11
;; 4883ec60 | sub rsp,0x60
;; 488bd8 | mov rbx,rax
;; 48895c2458 | mov QWORD PTR [rsp+0x58],rbx
;; 48891c24 | mov QWORD PTR [rsp],rbx
;; c744240807000000 | mov DWORD PTR [rsp+0x8],0x7
;; 48c744241008000000 | mov QWORD PTR [rsp+0x10],0x8
;; b801000000 | mov eax,0x1
;; 488bd3 | mov rdx,rbx
;; be03000000 | mov esi,0x3
;; bf04000000 | mov edi,0x4
;; 41bb05000000 | mov r11d,0x5
;; e872ffffff | call 0xffffffffffffffb0
;; 4883c460 | add rsp,0x60
;; c3 | ret
;; func 4
;; @0 entry body+0x0
;; @d call body+0x3
;; 4883ec28 | sub rsp,0x28
;; 89442420 | mov DWORD PTR [rsp+0x20],eax
;; e883ffffff | call 0xffffffffffffff90
;; 8b0c24 | mov ecx,DWORD PTR [rsp]
;; 894c2410 | mov DWORD PTR [rsp+0x10],ecx
;; 8b4c2408 | mov ecx,DWORD PTR [rsp+0x8]
;; 894c2418 | mov DWORD PTR [rsp+0x18],ecx
;; 8b442410 | mov eax,DWORD PTR [rsp+0x10]
;; 2b442418 | sub eax,DWORD PTR [rsp+0x18]
;; 4883c428 | add rsp,0x28
;; c3 | ret
;; func 5
;; @0 entry body+0x0
;; @23 call body+0x5
;; 4883ec18 | sub rsp,0x18
;; f20f11442410 | movsd QWORD PTR [rsp+0x10],xmm0
;; b801000000 | mov eax,0x1
;; f20f10442410 | movsd xmm0,QWORD PTR [rsp+0x10]
;; 488d0d07000000 | lea rcx,[rip+0x7] # 0x23
;; fff1 | push rcx
;; e90dffffff | jmp 0xffffffffffffff30
;; 4883c418 | add rsp,0x18
;; c3 | ret
;; func 6
;; @0 entry body+0x0
;; 4883ec18 | sub rsp,0x18
;; 89442410 | mov DWORD PTR [rsp+0x10],eax
;; 83c0ff | add eax,0xffffffff
;; 4883c418 | add rsp,0x18
;; e90c000000 | jmp 0x20
;; func 7
;; @0 entry body+0x0
;; 4883ec10 | sub rsp,0x10
;; 8bd8 | mov ebx,eax
;; 8bc3 | mov eax,ebx
;; 4883c410 | add rsp,0x10
;; c3 | ret

;; -- arm64
;; func 1
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4301d1 | sub sp, sp, #80
;; e01b00b9 | str w0, [sp, #24]
;; f30301aa | mov x19, x1
;; e22b00b9 | str w2, [sp, #40]
;; e31b00f9 | str x3, [sp, #48]
;; e43b00b9 | str w4, [sp, #56]
;; f40305aa | mov x20, x5
;; e64b00b9 | str w6, [sp, #72]
;; f50307aa | mov x21, x7
;; 8002158b | add x0, x20, x21
;; 0000138b | add x0, x0, x19
;; ff430191 | add sp, sp, #80
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 2
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; f32300b9 | str w19, [sp, #32]
;; f0008052 | mov w16, #7
;; f02b00b9 | str w16, [sp, #40]
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 3
;; @0 entry body+0x0
;; @34 call body+0x11
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff0301d1 | sub sp, sp, #64
;; f30300aa | mov x19, x0
;; f32300f9 | str x19, [sp, #64]
;; 20008052 | mov w0, #1
;; e10313aa | mov x1, x19
;; 62008052 | mov w2, #3
;; 83008052 | mov w3, #4
;; a4008052 | mov w4, #5
;; e50313aa | mov x5, x19
;; e6008052 | mov w6, #7
;; 07018052 | mov w7, #8
;; d8ffff97 | bl #-160
;; ff030191 | add sp, sp, #64
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 4
;; @0 entry body+0x0
;; @10 call body+0x3
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff8300d1 | sub sp, sp, #32
;; e02300b9 | str w0, [sp, #32]
;; e1ffff97 | bl #-124
;; f00340b9 | ldr w16, [sp]
;; f01300b9 | str w16, [sp, #16]
;; f00b40b9 | ldr w16, [sp, #8]
;; f01b00b9 | str w16, [sp, #24]
;; e01340b9 | ldr w0, [sp, #16]
;; f01b40b9 | ldr w16, [sp, #24]
;; 0000104b | sub w0, w0, w16
;; ff830091 | add sp, sp, #32
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 5
;; @0 entry body+0x0
;; @18 call body+0x5
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; e00b00fd | str d0, [sp, #16]
;; 20008052 | mov w0, #1
;; e00b40fd | ldr d0, [sp, #16]
;; bfffff97 | bl #-260
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret
;; func 6
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; e01300b9 | str w0, [sp, #16]
;; 00040051 | sub w0, w0, #1
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; 02000014 | b #8
;; func 7
;; @0 entry body+0x0
;; ff7bbfa9 | stp xzr, x30, [sp, #-16]!
;; ff4300d1 | sub sp, sp, #16
;; f303002a | mov w19, w0
;; e003132a | mov w0, w19
;; ff430091 | add sp, sp, #16
;; ff7bc1a8 | ldp xzr, x30, [sp], #16
;; c0035fd6 | ret

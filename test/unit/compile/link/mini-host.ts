/**
 * A host layer small enough to read: relocates, maps the guest's stack, runs the entry of the last instance and
 * exits with 7. For tests of stubs and images that must not depend on the real one. Has no memory.
 */

import wabt from 'wabt';
import { decodeModule } from '../../../../src/wasm/decode.js';
import type { Module } from '../../../../src/wasm/module.js';

const HOST = `(module
  (import "native" "syscall" (func $syscall (param i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "native" "blocking_syscall" (func $blocking (param i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "native" "load32_u" (func $load32 (param i64) (result i32)))
  (import "native" "load64" (func $load64 (param i64) (result i64)))
  (import "native" "store64" (func $store64 (param i64 i64)))
  (import "native" "store32" (func $store32 (param i64 i32)))
  (import "native" "runtime" (func $runtime (result i64)))
  (import "native" "invoke" (func $invoke (param i64 i64)))
  (import "native" "unwind" (func $unwind))
  (import "target" "SYS_exit_group" (global $exit_group i64))
  (import "target" "SYS_mmap" (global $mmap i64))
  (import "target" "SYS_write" (global $write i64))
  (func $word (param i64) (result i64) (call $load64 (i64.add (call $runtime) (local.get 0))))
  (func $setWord (param i64 i64) (call $store64 (i64.add (call $runtime) (local.get 0)) (local.get 1)))
  (func (export "boot") (param i64)
    (local $at i64) (local $end i64) (local $target i64) (local $base i64)
    (local.set $base (call $word (i64.const 48)))
    (local.set $at (i64.add (local.get $base) (call $word (i64.const 288))))
    (local.set $end (i64.add (local.get $at) (i64.shl (call $word (i64.const 296)) (i64.const 2))))
    (block $done
      (loop $next
        (br_if $done (i64.eq (local.get $at) (local.get $end)))
        (local.set $target (i64.add (local.get $base) (i64.extend_i32_u (call $load32 (local.get $at)))))
        (call $store64 (local.get $target) (i64.add (call $load64 (local.get $target)) (local.get $base)))
        (local.set $at (i64.add (local.get $at) (i64.const 4)))
        (br $next)))
    (call $setWord (i64.const 88) (i64.add (i64.const 1048576)
      (call $syscall (global.get $mmap) (i64.const 0) (i64.const 1048576) (i64.const 3) (i64.const 0x22) (i64.const -1) (i64.const 0)))))
  (func (export "start") (param $sp i64)
    (local $plan i64)
    (call $setWord (i64.const 104) (call $load64 (local.get $sp)))
    ;; a resumable image: exit with what the plan's first pointer points to
    (local.set $plan (call $word (i64.const 200)))
    (if (i64.ne (local.get $plan) (i64.const 0))
      (then (call $exit (call $load32 (call $load64 (local.get $plan))))))
    (local.set $plan (call $word (i64.const 192)))
    ;; instances of these tests have no memories, tables or segments: 9 words each, the entry last
    (call $invoke
      (call $load64 (i64.add (local.get $plan) (i64.shl (i64.mul (i64.const 9) (call $load64 (local.get $plan))) (i64.const 3))))
      (i64.add (call $runtime) (i64.const 3000)))
    (drop (call $syscall (global.get $exit_group) (i64.const 7) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))))
  (func (export "on_signal") (param i32 i64 i64))
  (func (export "raise") (param i32)
    (call $exit (i32.add (i32.const 100) (local.get 0))))
  (func $exit (param i32)
    (drop (call $syscall (global.get $exit_group) (i64.extend_i32_u (local.get 0)) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))))
  (func (export "proc_exit") (param i32) (call $exit (local.get 0)))
  ;; the first call undoes itself after it has destroyed its arguments; the second returns a - b
  (func (export "random_get") (param $a i32) (param $b i32) (result i32)
    (if (i32.eqz (call $load32 (i64.add (call $runtime) (i64.const 3100))))
      (then
        (call $store32 (i64.add (call $runtime) (i64.const 3100)) (i32.const 1))
        (call $store32 (i64.add (call $runtime) (i64.const 24)) (i32.const 1))
        (return (i32.const 99))))
    (i32.sub (local.get $a) (local.get $b)))
  ;; nine parameters: some travel on the stack
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)
    (i32.add (i32.mul (local.get 4) (i32.const 100))
      (i32.add (i32.mul (local.get 7) (i32.const 10)) (local.get 8))))
  (func (export "sched_yield") (result i32)
    (i32.wrap_i64 (call $blocking (global.get $write) (i64.const 1) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))))
  ;; as if a stop were wanted: gives -EINTR
  (func (export "fd_close") (param i32) (result i32)
    (call $store32 (i64.add (call $runtime) (i64.const 20)) (i32.const 1))
    (i32.wrap_i64 (call $blocking (global.get $write) (i64.const 1) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))))
  (func (export "fd_sync") (param i32) (result i32) (call $unwind) (i32.const 0))
  (func (export "memory_grow") (param i64 i32) (result i32) (i32.add (local.get 1) (i32.const 1)))
  (func (export "memory_init") (param i64 i64 i32 i32 i32))
  (func (export "memory_copy") (param i64 i64 i32 i32 i32))
  (func (export "memory_fill") (param i64 i32 i32 i32))
  (func (export "table_grow") (param i64 i64 i32) (result i32) (i32.const -1))
  (func (export "table_init") (param i64 i64 i32 i32 i32))
  (func (export "table_copy") (param i64 i64 i32 i32 i32))
  (func (export "table_fill") (param i64 i32 i64 i32))
  (func (export "throw_tag") (param i64 i64 i32) unreachable)
  (func (export "throw_ref") (param i64) unreachable)
  (func (export "atomic_wait32") (param i64 i64 i64 i32 i64) (result i32) (i32.const 1))
  (func (export "atomic_wait64") (param i64 i64 i64 i64 i64) (result i32) (i32.const 1))
)`;

/** Decodes a module in the text format. */
export async function moduleOf(wat: string): Promise<Module> {
  const { parseWat } = await wabt();
  const parsed = parseWat('test.wat', wat);
  try {
    return decodeModule(parsed.toBinary({ write_debug_names: true }).buffer, 'test.wat');
  } finally {
    parsed.destroy();
  }
}

export const miniHost = () => moduleOf(HOST);

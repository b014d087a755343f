/** Parts of programs in the text format, and what a snapshot's frames hold. */

import type { Frames } from '../../../src/snapshot/snapshot.js';
import type { ValType } from '../../../src/wasm/module.js';

/** The integers, floats and vectors of a frame as numbers: [locals, operands]. */
export function numbers(frames: Frames, frame: number): [bigint[], bigint[]] {
  const { locals, operands } = frames.site(frame);
  const value = (n: number) => {
    const { lo, hi, upper } = frames.value(frame, n);
    const bits = (BigInt(hi) << 32n) | BigInt(lo);
    return upper === undefined ? bits : (BigInt(upper.hi) << 96n) | (BigInt(upper.lo) << 64n) | bits;
  };
  return [
    Array.from(locals, (_: ValType, n) => value(n)),
    Array.from(operands, (_: ValType, n) => value(locals.length + n)),
  ];
}

/** Prints the letter in local 0 (i32): for use in a module with `IMPORTS`. */
export const PRINT = `
  (func $print (param i32)
    (i32.store8 (i32.const 16) (local.get 0))
    (i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))`;

export const IMPORTS = `
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`;

/**
 * A program that goes about a large memory by chance, for as long as it is moved: each page has the number of the last
 * visit, which a table at the start of the memory has, too. A page that is not as it was left traps.
 */

export interface WalkerOptions {
  /** Of 64 KiB; a power of two. */
  readonly pages: number;
  /** wag_snap.generation from which on it ends. */
  readonly last: number;
  /** Iterations of an empty loop after each visit; default: 20,000. */
  readonly idle?: number;
  /** Before its end it looks at every page; default: true. */
  readonly looks?: boolean;
}

/** Its text. It prints "ready" once all pages are filled, and "end". */
export function walkerProgram({ pages, last, idle = 20_000, looks = true }: WalkerOptions): Uint8Array {
  const table = 1024; // of 8 bytes for each page
  const first = Math.ceil((table + pages * 8) / 65536);
  return Buffer.from(`(module
  (import "wag_snap" "generation" (func $generation (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") ${pages + first})
  (data (i32.const 64) "ready\\n")
  (data (i32.const 80) "end\\n")
  (global $chance (mut i64) (i64.const 88172645463325252))
  (global $visits (mut i64) (i64.const 0))

  (func $print (param $from i32) (param $bytes i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $bytes))
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable)))

  (func $place (param $page i32) (result i32)
    (i32.add
      (i32.shl (i32.add (local.get $page) (i32.const ${first})) (i32.const 16))
      (i32.and (i32.mul (local.get $page) (i32.const 4104)) (i32.const 0xfff8))))
  (func $entry (param $page i32) (result i32)
    (i32.add (i32.const ${table}) (i32.shl (local.get $page) (i32.const 3))))

  (func $look (param $page i32)
    (if (i64.ne (i64.load (call $place (local.get $page))) (i64.load (call $entry (local.get $page))))
      (then unreachable)))
  (func $visit (param $page i32)
    (call $look (local.get $page))
    (global.set $visits (i64.add (global.get $visits) (i64.const 1)))
    (i64.store (call $place (local.get $page)) (global.get $visits))
    (i64.store (call $entry (local.get $page)) (global.get $visits)))

  (func $next (result i32)
    (global.set $chance (i64.xor (global.get $chance) (i64.shl (global.get $chance) (i64.const 13))))
    (global.set $chance (i64.xor (global.get $chance) (i64.shr_u (global.get $chance) (i64.const 7))))
    (global.set $chance (i64.xor (global.get $chance) (i64.shl (global.get $chance) (i64.const 17))))
    (i32.and (i32.wrap_i64 (i64.shr_u (global.get $chance) (i64.const 20))) (i32.const ${pages - 1})))

  (func (export "_start") (local $n i32)
    (loop $fill
      (call $visit (local.get $n))
      (br_if $fill (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const ${pages}))))
    (call $print (i32.const 64) (i32.const 6))
    (loop $walk
      (call $visit (call $next))
      (local.set $n (i32.const 0))
      (loop $idle (br_if $idle (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const ${idle}))))
      (br_if $walk (i32.lt_u (call $generation) (i32.const ${last}))))
    ${looks ? `(local.set $n (i32.const 0)) (loop $all (call $look (local.get $n)) (br_if $all (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const ${pages}))))` : ''}
    (call $print (i32.const 80) (i32.const 4))))`);
}

/**
 * A program that notices when one of its writes is lost. In each iteration it checks what it wrote to the same place
 * some hundred iterations ago, in three memories, and writes the next number there. Now and then it does the same with
 * bulk instructions, with calls of the host that write its memory (of which the kernel makes one), and with pages by
 * which a memory has grown. The expected values come from globals and locals, which are not in pages: a program
 * restored with older pages traps.
 */

/** Pages of 4 KiB that it writes in turn, in memory 0. */
const PLACES = 448;
/** The same in the others. */
const OTHER_PLACES = 240;

export interface WriterOptions {
  /** Empty iterations of a loop after each one: 0 writes as fast as can be. */
  readonly pace: number;
  /** wag_snap.generation from which on it ends by itself, with exit code 0. */
  readonly last: number;
}

/** Its text. It prints "ready" once it has written everything that it writes. */
export function writerProgram({ pace, last }: WriterOptions): Uint8Array {
  const place = (places: number) =>
    `(i32.add (i32.const 65536) (i32.mul (i32.wrap_i64 (i64.rem_u (local.get $i) (i64.const ${places}))) (i32.const 4104)))`;
  const visit = (memory: string, places: number, wide: boolean) => {
    const at = wide ? `(i64.extend_i32_u ${place(places)})` : place(places);
    return `
      (if (i64.ne (i64.load ${memory} ${at})
            (select (i64.sub (local.get $i) (i64.const ${places})) (i64.const 0)
              (i64.ge_u (local.get $i) (i64.const ${places}))))
        (then unreachable))
      (i64.store ${memory} ${at} (local.get $i))`;
  };
  const every = (iterations: number, body: string) =>
    `(if (i64.eqz (i64.rem_u (local.get $i) (i64.const ${iterations}))) (then ${body}))`;
  return Buffer.from(`(module
  (import "wag_snap" "generation" (func $generation (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory $main (export "memory") 32 64)
  (memory $other 20 20)
  (memory $wide i64 20 20)
  (data $ready (memory $main) (i32.const 64) "ready\\n")
  (data $text "what memory.init has written")
  (global $time (mut i64) (i64.const 0))
  (global $chance (mut i64) (i64.const 0))
  (global $filled (mut i32) (i32.const 0))
  (global $grown (mut i32) (i32.const 0))
  (global $left (mut i32) (i32.const 30))

  ;; 8 KiB at 1920 KiB are filled with a byte, and copied to 1936 KiB, where the text of a segment follows
  (func $bulk (local $byte i32)
    (if (i32.or
          (i32.ne (i32.load8_u (i32.const 1966080)) (global.get $filled))
          (i32.ne (i32.load8_u (i32.const 1990655)) (global.get $filled)))
      (then unreachable))
    (global.set $filled (i32.and (i32.add (global.get $filled) (i32.const 1)) (i32.const 255)))
    (memory.fill (i32.const 1966080) (global.get $filled) (i32.const 8192))
    (memory.copy (i32.const 1982464) (i32.const 1966080) (i32.const 8192))
    (memory.init $text (i32.const 1990656) (i32.const 0) (i32.const 28)))

  ;; the host writes at 1988 KiB, the kernel at 2000 KiB
  (func $host (local $at i32) (local $sum i64)
    (if (i64.ne (i64.load (i32.const 2035712)) (global.get $time)) (then unreachable))
    (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 2035712)))
    (global.set $time (i64.load (i32.const 2035712)))
    (if (i64.ne (call $sum) (global.get $chance)) (then unreachable))
    (if (call $random (i32.const 2048000) (i32.const 8192)) (then unreachable))
    (global.set $chance (call $sum)))
  (func $sum (result i64) (local $at i32) (local $sum i64)
    (loop $next
      (local.set $sum (i64.xor (i64.rotl (local.get $sum) (i64.const 1)) (i64.load offset=2048000 (local.get $at))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 512))) (i32.const 8192))))
    (local.get $sum))

  ;; the last page is as many as there are; the ones before it are looked at
  (func $grow (local $page i32)
    (local.set $page (i32.const 32))
    (loop $next
      (if (i32.lt_u (local.get $page) (i32.add (i32.const 32) (global.get $grown)))
        (then
          (if (i32.ne (i32.load offset=4096 (i32.mul (local.get $page) (i32.const 65536))) (local.get $page))
            (then unreachable))
          (local.set $page (i32.add (local.get $page) (i32.const 1)))
          (br $next))))
    (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1))
      (then
        (i32.store offset=4096 (i32.mul (local.get $page) (i32.const 65536)) (local.get $page))
        (global.set $grown (i32.add (global.get $grown) (i32.const 1))))))

  (func $end
    (if (i32.ge_s (call $generation) (i32.const ${last}))
      (then
        (global.set $left (i32.sub (global.get $left) (i32.const 1)))
        (if (i32.eqz (global.get $left)) (then (call $exit (i32.const 0)))))))

  (func (export "_start") (local $i i64) (local $pause i32)
    (loop $again
      ${visit('$main', PLACES, false)}
      ${visit('$other', OTHER_PLACES, false)}
      ${visit('$wide', OTHER_PLACES, true)}
      ${every(64, '(call $bulk)')}
      ${every(512, '(call $host)')}
      ${every(4096, '(call $grow)')}
      ${every(128, '(call $end)')}
      (if (i64.eq (local.get $i) (i64.const ${2 * PLACES}))
        (then
          (i32.store (i32.const 48) (i32.const 64))
          (i32.store (i32.const 52) (i32.const 6))
          (drop (call $write (i32.const 1) (i32.const 48) (i32.const 1) (i32.const 56)))))
      (local.set $pause (i32.const ${pace + 1}))
      (loop $wait
        (br_if $wait (local.tee $pause (i32.sub (local.get $pause) (i32.const 1)))))
      (local.set $i (i64.add (local.get $i) (i64.const 1)))
      (br $again))))
`);
}

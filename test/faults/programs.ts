/** The programs whose processes are disturbed. Their output shows whether that has harmed them. */

import { IMPORTS, PRINT } from '../unit/snapshot/programs.js';

const MEBIBYTES = 3;
const STATE = 100;

/**
 * Fills its memory, prints `A`, and answers each byte with a letter that depends on all bytes so far and on the memory.
 */
const TALK = `
    (func $start
      (local $i i32)
      (loop $fill
        (i64.store offset=4096 (local.get $i) (i64.const 1))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4096))) (i32.const ${(MEBIBYTES << 20) - 8192}))))
      (call $print (i32.const 65)))
    (func $sum (result i32) (local $i i32) (local $sum i32)
      (loop $next
        (local.set $sum (i32.add (local.get $sum) (i32.load offset=4096 (local.get $i))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 4096))) (i32.const ${(MEBIBYTES << 20) - 8192}))))
      (local.get $sum))
    (func $answer
      (i32.store (i32.const 0) (i32.const 32)) (i32.store (i32.const 4) (i32.const 1))
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (call $exit (i32.const 9))))
      (if (i32.eqz (i32.load (i32.const 8))) (then (call $print (i32.const 46)) (call $exit (i32.const 0))))
      (i32.store (i32.const ${STATE})
        (i32.rem_u
          (i32.add (i32.add (i32.mul (i32.load (i32.const ${STATE})) (i32.const 31)) (i32.load8_u (i32.const 32))) (call $sum))
          (i32.const 9973)))
      (call $print (i32.add (i32.const 97) (i32.rem_u (i32.load (i32.const ${STATE})) (i32.const 26)))))`;

/** Blocked in fd_read most of the time. */
export const BLOCKED = `(module ${IMPORTS} (memory ${MEBIBYTES * 16}) ${PRINT} ${TALK}
    (func (export "_start") (call $start) (loop $again (call $answer) (br $again))))`;

/** Counts most of the time, and looks for input in between. */
export const BUSY = `(module ${IMPORTS} (memory ${MEBIBYTES * 16}) ${PRINT} ${TALK}
    (func (export "_start") (local $i i32)
      (call $start)
      (i32.store8 (i32.const 216) (i32.const 0)) ;; a clock, relative, 0
      (i32.store (i32.const 224) (i32.const 1))
      (i32.store8 (i32.const 256) (i32.const 1)) ;; fd_read of descriptor 0
      (i64.store (i32.const 248) (i64.const 7))
      (loop $again
        (local.set $i (i32.const 0))
        (loop $count (br_if $count (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 2000000))))
        (drop (call $poll (i32.const 200) (i32.const 400) (i32.const 2) (i32.const 8)))
        (if (call $ready) (then (call $answer)))
        (br $again)))
    (func $ready (result i32) (local $i i32)
      (loop $next
        (if (i64.eq (i64.load (i32.add (i32.const 400) (i32.mul (local.get $i) (i32.const 32)))) (i64.const 7)) (then (return (i32.const 1))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.load (i32.const 8)))))
      (i32.const 0)))`;

const STEP = 4096;

/** What TALK answers: the same computation here. */
export class Conversation {
  private state = 0;

  answer(byte: number): string {
    const count = Math.ceil(((MEBIBYTES << 20) - 8192) / STEP);
    this.state = (this.state * 31 + byte + count) % 9973;
    return String.fromCharCode(97 + (this.state % 26));
  }

  copy(): Conversation {
    const copy = new Conversation();
    copy.state = this.state;
    return copy;
  }
}

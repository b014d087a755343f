/**
 * A program's request for a snapshot of itself (WAGSNAP_SNAPSHOTS=n, one end of a stream socket): a byte to the process
 * that has started it, which captures it and answers with a number.
 *
 * README.md of this folder says what holds for all of its files.
 */

export const SNAPSHOT_WANTED = 1; // u8: the whole request; the next one comes after the answer
export const SNAPSHOT_ANSWER_SIZE = 4; // i32: 0 when there is a snapshot, else a WASI errno: there is none
export const ERRNO_IO = 29; // the answer when it could not be taken
export const ERRNO_NOTSUP = 58; // what the program gets when nobody takes snapshots

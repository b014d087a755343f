/**
 * Linux's error numbers as WASI's.
 *
 * AssemblyScript. One byte per Linux errno, 0 to 133 (asm-generic/errno-base.h, errno.h: the same on every CPU).
 * Numbers without a counterpart become EIO (29).
 */

// biome-ignore format: rows of ten
const TABLE: usize = memory.data<u8>([
  0, 63, 44, 71, 27, 29, 60, 1, 45, 8, // ok PERM NOENT SRCH INTR IO NXIO 2BIG NOEXEC BADF
  12, 6, 48, 2, 21, 29, 10, 20, 75, 43, // CHILD AGAIN NOMEM ACCES FAULT (NOTBLK) BUSY EXIST XDEV NODEV
  54, 31, 28, 41, 33, 59, 74, 22, 51, 70, // NOTDIR ISDIR INVAL NFILE MFILE NOTTY TXTBSY FBIG NOSPC SPIPE
  69, 34, 64, 18, 68, 16, 37, 46, 52, 55, // ROFS MLINK PIPE DOM RANGE DEADLK NAMETOOLONG NOLCK NOSYS NOTEMPTY
  32, 29, 49, 24, 29, 29, 29, 29, 29, 29, // LOOP - NOMSG IDRM (CHRNG…)
  29, 29, 29, 29, 29, 29, 29, 29, 29, 29, // (BADE…)
  29, 29, 29, 29, 29, 29, 29, 47, 29, 29, // … NOLINK
  29, 65, 36, 29, 9, 61, 29, 29, 29, 29, // PROTO MULTIHOP BADMSG OVERFLOW
  29, 29, 29, 29, 25, 27, 29, 29, 57, 17, // ILSEQ RESTART(INTR) NOTSOCK DESTADDRREQ
  35, 67, 50, 66, 66, 58, 5, 5, 3, 4, // MSGSIZE PROTOTYPE … OPNOTSUPP (PF)AFNOSUPPORT ADDRINUSE ADDRNOTAVAIL
  38, 40, 39, 13, 15, 42, 30, 53, 29, 29, // NETDOWN NETUNREACH NETRESET CONNABORTED CONNRESET NOBUFS ISCONN NOTCONN
  73, 14, 23, 23, 7, 26, 72, 29, 29, 29, // TIMEDOUT CONNREFUSED HOSTDOWN HOSTUNREACH ALREADY INPROGRESS STALE
  29, 29, 19, 29, 29, 11, 29, 29, 29, 29, // DQUOT CANCELED
  62, 56, 29, 29, // OWNERDEAD NOTRECOVERABLE
]);
const COUNT: i64 = 134;
const EIO: i32 = 29;

/** WASI's errno for a system call's result: 0 when it did not fail. */
export function errnoOf(result: i64): i32 {
  if (result >= 0) return 0;
  return -result < COUNT ? <i32>load<u8>(TABLE + <usize>-result) : EIO;
}

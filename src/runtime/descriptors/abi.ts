/**
 * Numbers of WASI preview 1 as the guest sees them: errors, rights, flags, file types and the layouts of its
 * structures.
 *
 * AssemblyScript. Constants only. Source: the witx of wasi_snapshot_preview1. Names are witx names in capitals.
 */

export const ESUCCESS: i32 = 0;
export const EBADF: i32 = 8;
export const EFAULT: i32 = 21;
export const EINVAL: i32 = 28;
export const EIO: i32 = 29;
export const EMFILE: i32 = 33;
export const ENAMETOOLONG: i32 = 37;
export const ENOENT: i32 = 44;
export const ENOSYS: i32 = 52;
export const ENOTDIR: i32 = 54;
export const ENOTSOCK: i32 = 57;
export const ENOTSUP: i32 = 58;
export const EOVERFLOW: i32 = 61;
export const EPERM: i32 = 63;
export const EROFS: i32 = 69;
export const ESPIPE: i32 = 70;
export const ENOTCAPABLE: i32 = 76;

export const RIGHT_FD_DATASYNC: u64 = 1 << 0;
export const RIGHT_FD_READ: u64 = 1 << 1;
export const RIGHT_FD_SEEK: u64 = 1 << 2;
export const RIGHT_FD_FDSTAT_SET_FLAGS: u64 = 1 << 3;
export const RIGHT_FD_SYNC: u64 = 1 << 4;
export const RIGHT_FD_TELL: u64 = 1 << 5;
export const RIGHT_FD_WRITE: u64 = 1 << 6;
export const RIGHT_FD_ADVISE: u64 = 1 << 7;
export const RIGHT_FD_ALLOCATE: u64 = 1 << 8;
export const RIGHT_PATH_CREATE_DIRECTORY: u64 = 1 << 9;
export const RIGHT_PATH_CREATE_FILE: u64 = 1 << 10;
export const RIGHT_PATH_LINK_SOURCE: u64 = 1 << 11;
export const RIGHT_PATH_LINK_TARGET: u64 = 1 << 12;
export const RIGHT_PATH_OPEN: u64 = 1 << 13;
export const RIGHT_FD_READDIR: u64 = 1 << 14;
export const RIGHT_PATH_READLINK: u64 = 1 << 15;
export const RIGHT_PATH_RENAME_SOURCE: u64 = 1 << 16;
export const RIGHT_PATH_RENAME_TARGET: u64 = 1 << 17;
export const RIGHT_PATH_FILESTAT_GET: u64 = 1 << 18;
export const RIGHT_PATH_FILESTAT_SET_SIZE: u64 = 1 << 19;
export const RIGHT_PATH_FILESTAT_SET_TIMES: u64 = 1 << 20;
export const RIGHT_FD_FILESTAT_GET: u64 = 1 << 21;
export const RIGHT_FD_FILESTAT_SET_SIZE: u64 = 1 << 22;
export const RIGHT_FD_FILESTAT_SET_TIMES: u64 = 1 << 23;
export const RIGHT_PATH_SYMLINK: u64 = 1 << 24;
export const RIGHT_PATH_REMOVE_DIRECTORY: u64 = 1 << 25;
export const RIGHT_PATH_UNLINK_FILE: u64 = 1 << 26;
export const RIGHT_POLL_FD_READWRITE: u64 = 1 << 27;
export const RIGHT_SOCK_SHUTDOWN: u64 = 1 << 28;
export const RIGHT_SOCK_ACCEPT: u64 = 1 << 29;

export const LOOKUP_SYMLINK_FOLLOW: i32 = 1;

export const OFLAG_CREAT: i32 = 1;
export const OFLAG_DIRECTORY: i32 = 2;
export const OFLAG_EXCL: i32 = 4;
export const OFLAG_TRUNC: i32 = 8;

export const FDFLAG_APPEND: i32 = 1;
export const FDFLAG_DSYNC: i32 = 2;
export const FDFLAG_NONBLOCK: i32 = 4;
export const FDFLAG_RSYNC: i32 = 8;
export const FDFLAG_SYNC: i32 = 16;

// fstflags
export const FSTFLAG_ATIM: i32 = 1;
export const FSTFLAG_ATIM_NOW: i32 = 2;
export const FSTFLAG_MTIM: i32 = 4;
export const FSTFLAG_MTIM_NOW: i32 = 8;

// riflags, roflags, sdflags
export const RECV_PEEK: i32 = 1;
export const RECV_WAITALL: i32 = 2;
export const RECV_DATA_TRUNCATED: i32 = 1;
export const SHUT_RD: i32 = 1;
export const SHUT_WR: i32 = 2;

export const SIGNAL_NONE: i32 = 0;
export const SIGNAL_SYS: i32 = 30; // the last one

export const FILETYPE_UNKNOWN: i32 = 0;
export const FILETYPE_BLOCK_DEVICE: i32 = 1;
export const FILETYPE_CHARACTER_DEVICE: i32 = 2;
export const FILETYPE_DIRECTORY: i32 = 3;
export const FILETYPE_REGULAR_FILE: i32 = 4;
export const FILETYPE_SOCKET_DGRAM: i32 = 5;
export const FILETYPE_SOCKET_STREAM: i32 = 6;
export const FILETYPE_SYMBOLIC_LINK: i32 = 7;

// realtime is 0
export const CLOCK_MONOTONIC: i32 = 1;
export const CLOCK_THREAD_CPUTIME: i32 = 3; // the last one

// fdstat
export const FDSTAT_FILETYPE: i64 = 0; // u8
export const FDSTAT_FLAGS: i64 = 2; // u16
export const FDSTAT_RIGHTS: i64 = 8; // u64
export const FDSTAT_RIGHTS_INHERITING: i64 = 16; // u64
export const FDSTAT_SIZE: i64 = 24;

// filestat
export const FILESTAT_DEV: i64 = 0; // u64
export const FILESTAT_INO: i64 = 8; // u64
export const FILESTAT_FILETYPE: i64 = 16; // u8
export const FILESTAT_NLINK: i64 = 24; // u64
export const FILESTAT_FILE_SIZE: i64 = 32; // u64
export const FILESTAT_ATIM: i64 = 40; // u64, nanoseconds
export const FILESTAT_MTIM: i64 = 48;
export const FILESTAT_CTIM: i64 = 56;
export const FILESTAT_SIZE: i64 = 64;

// dirent: the name follows
export const DIRENT_NEXT: usize = 0; // u64: cookie of the next entry
export const DIRENT_INO: usize = 8; // u64
export const DIRENT_NAMLEN: usize = 16; // u32
export const DIRENT_TYPE: usize = 20; // u8
export const DIRENT_SIZE: i64 = 24;

// subscription
export const SUB_USERDATA: i64 = 0; // u64
export const SUB_TAG: i64 = 8; // u8: EVENTTYPE_*
export const SUB_CLOCK_ID: i64 = 16; // u32
export const SUB_CLOCK_TIMEOUT: i64 = 24; // u64
export const SUB_CLOCK_FLAGS: i64 = 40; // u16
export const SUB_FD: i64 = 16; // u32
export const SUB_SIZE: i64 = 48;
export const SUBCLOCK_ABSTIME: i32 = 1;

// event
export const EVENT_USERDATA: i64 = 0; // u64
export const EVENT_ERROR: i64 = 8; // u16
export const EVENT_TYPE: i64 = 10; // u8
export const EVENT_NBYTES: i64 = 16; // u64
export const EVENT_FLAGS: i64 = 24; // u16
export const EVENT_SIZE: i64 = 32;
export const EVENTTYPE_CLOCK: i32 = 0;
export const EVENTTYPE_FD_READ: i32 = 1;
export const EVENTTYPE_FD_WRITE: i32 = 2;
export const EVENTRW_HANGUP: i32 = 1;

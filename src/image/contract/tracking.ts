/**
 * The tracking record: how a tool asks a running process which pages it has written (ARCHITECTURE.md, "Tracking"). It
 * is in the runtime block, at RT_TRACKING. Offsets are in bytes from its start. It is zero in images of earlier
 * versions, which track nothing.
 *
 *     tool                                     process
 *      |-- request record, in one write ------->|
 *      |-- TRACK_SIGNAL ----------------------->|  the handler does what is asked, then writes the answer record,
 *      |                                        |  its number last
 *      |-- reads the answer until the number is its own; compares what the answer repeats with its request
 *
 * A session begins with TRACK_BEGIN and ends when another one begins, so that one of two tools notices the other. Each
 * scan reports what was written since the last scan of any session, and protects it again.
 *
 * README.md of this folder says what holds for all of its files.
 */

export const RT_TRACKING = 2048; // in the runtime block

// -- the record
export const TK_WAYS = 0; // u32: TRACK_USERFAULT | TRACK_PROTECT | TRACK_BOUNDED, what this process can do
export const TK_SESSION = 4; // u32: number of the session, 0 before the first
export const TK_SINCE = 8; // TRACK_ID_SIZE bytes: the snapshot that all that was written since differs from; zeros: none
// the request, written by the tool
export const TK_REQUEST = 64;
// the answer, written by the process: it repeats the request
export const TK_ANSWER = 128;
// results of the request
export const TK_RESULT = 192; // i64: of TRACK_BEGIN the session, of TRACK_SCAN how many regions, or -errno
/**
 * u64: of TRACK_SCAN, where it has stopped: the regions are of what is below. Processes of earlier versions may say a
 * place below their last regions: then it has stopped at the end of these.
 */
export const TK_REACHED = 200;
export const TK_REGIONS = 208; // u64: address of TRACK_REGIONS regions (REGION_*)
export const TK_BEFORE = 216; // TRACK_ID_SIZE bytes: of TRACK_BEGIN, what TK_SINCE was
export const TK_TOOK = 248; // u64: nanoseconds that the process was interrupted for
export const TRACKING_SIZE = 256;

// -- a request, and its repetition in the answer
export const RQ_NUMBER = 0; // u32: by chance, never 0
export const RQ_COMMAND = 4; // u32: TRACK_*
export const RQ_SESSION = 8; // u32
export const RQ_WAY = 12; // u32: of TRACK_BEGIN
export const RQ_START = 16; // u64: native addresses of what is to be scanned, in one memory; multiples of the page size
export const RQ_END = 24; // u64
export const RQ_ID = 32; // of TRACK_KEEP: the new TK_SINCE
/**
 * u64: of all other u64, in order: check = (check ^ u64) * CHECK_FACTOR, check ^= check >> 32. The process does nothing on a
 * request without it: of two that are written at the same time it may see a part of each, if rarely.
 */
export const RQ_CHECK = 32;
/** The same of TRACK_KEEP. */
export const RQ_KEEP_CHECK = 16;
export const CHECK_FACTOR = 0x9e3779b1; // a prime
export const REQUEST_SIZE = 64;
export const TRACK_ID_SIZE = 32;

// -- ways
/** userfaultfd's write protection in asynchronous mode, and PAGEMAP_SCAN: Linux 6.7. */
export const TRACK_USERFAULT = 1;
/** mprotect and SIGSEGV. */
export const TRACK_PROTECT = 2;
/**
 * Besides ways: a scan stops by itself, at TK_REACHED, when it has found TRACK_PAGES, unless the process is parked. Of one
 * without this the tool asks for a short range at a time.
 */
export const TRACK_BOUNDED = 4;
/** Pages of 4 KiB: to find and protect them takes a millisecond. */
export const TRACK_PAGES = 8192;

// -- commands
export const TRACK_BEGIN = 1; // a session: forgets TK_SINCE
export const TRACK_SCAN = 2; // what was written between RQ_START and RQ_END since the last scan; protects it again
export const TRACK_KEEP = 3; // what is written from now on is a difference to a snapshot: TK_SINCE = RQ_ID
export const TRACK_END = 4; // nothing is protected any more

// -- a region
export const REGION_START = 0; // u64: native address
export const REGION_END = 8; // u64
export const REGION_SIZE = 24; // as PAGEMAP_SCAN writes them
export const TRACK_REGIONS = 4096;

/** SIGURG: processes of earlier versions ignore it. */
export const TRACK_SIGNAL = 23;
/** -ESTALE: another session has begun. */
export const TRACK_STALE = -116;

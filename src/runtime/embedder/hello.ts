/**
 * The first messages to and from the embedder, before guest code runs: what the program imports from it, and whether it
 * provides that.
 *
 * AssemblyScript. The hello message carries the image's table, the program's session and its last call's number. The
 * embedder answers with a session, which a restored program keeps, or refuses; it has HELLO_SECONDS for it. A program
 * that needs an embedder and has none ends here, with 2; one that is refused ends with 1.
 */

import {
  EI_SIZE,
  EMBEDDER_PROTOCOL,
  HELLO_PENDING,
  HELLO_RESUMED,
  MSG_BODY,
  MSG_HELLO,
  MSG_KIND,
  MSG_LENGTH,
  MSG_REFUSE,
  MSG_WELCOME,
} from '../../image/contract/embedder';
import { HS_CALL, HS_SESSION } from '../../image/contract/host-state';
import { load32_u } from '../native/native';
import { SYS_ppoll } from '../native/target';
import { POLLFD_EVENTS, POLLFD_FD, POLLIN, call, native } from '../descriptors/linux';
import { STATE } from '../descriptors/table';
import {
  ARRIVED,
  CALL_PENDING,
  GONE,
  OUT,
  SENT,
  arrived,
  arrivedCount,
  awaitBytes,
  consume,
  embedderDescriptor,
  openEmbedder,
  queueMessage,
  send,
} from '../process/embedder-stream';
import { flush, put, putDecimal, putForeign } from '../process/message';
import { exit } from '../process/runtime-block';
import { importCount, putImport, table } from './table';

const HELLO_HEAD: i64 = 32;
const WELCOME_SIZE: i32 = 24;
const REASON_MAX: i32 = 4096;
const HELLO_SECONDS: i64 = 60;
const EXIT_FAILED: i32 = 1;
const EXIT_USAGE: i32 = 2;
/** Imports that a message names. */
const SHOWN: i32 = 10;

const POLLFD: usize = memory.data(8, 8);
const TIMEOUT: usize = memory.data(16, 8);

/** @param descriptor of WAGSNAP_EMBEDDER, 0 for none. @param resumes whether the program continues a snapshot */
export function greetEmbedder(descriptor: i64, resumes: bool): void {
  if (table() === 0) return;
  if (descriptor === 0) return lacksEmbedder();
  if (descriptor < 3) {
    put('wag-snap: WAGSNAP_EMBEDDER: expected a descriptor of 3 or more\n');
    return end(EXIT_USAGE);
  }
  openEmbedder(descriptor);
  const last = load<u64>(STATE, HS_CALL);
  store<u32>(OUT, EMBEDDER_PROTOCOL, MSG_BODY);
  store<u32>(OUT, (resumes ? HELLO_RESUMED : 0) | ((last & CALL_PENDING) !== 0 ? HELLO_PENDING : 0), MSG_BODY + 4);
  store<u64>(OUT, load<u64>(STATE, HS_SESSION), MSG_BODY + 8);
  store<u64>(OUT, load<u64>(STATE, HS_SESSION + 8), MSG_BODY + 16);
  store<u64>(OUT, last & ~CALL_PENDING, MSG_BODY + 24);
  queueMessage(MSG_HELLO, HELLO_HEAD, table(), <i64>(<u32>load32_u(table() + EI_SIZE)));
  if (send() !== SENT || receive(MSG_BODY) === GONE) return hasNoAnswer();
  const kind = load<u32>(arrived(), MSG_KIND);
  const length = load<i32>(arrived(), MSG_LENGTH);
  const isKnown =
    kind === MSG_WELCOME ? length === WELCOME_SIZE : kind === MSG_REFUSE && length >= 0 && length <= REASON_MAX;
  if (!isKnown) return hasNoAnswer();
  if (receive(MSG_BODY + length) === GONE) return hasNoAnswer();
  const body = arrived() + MSG_BODY;
  consume(MSG_BODY + length);
  if (kind === MSG_REFUSE) return isRefused(native(body), length);
  if (load<u32>(body) !== EMBEDDER_PROTOCOL) return hasNoAnswer();
  store<u64>(STATE, load<u64>(body, 8), HS_SESSION);
  store<u64>(STATE, load<u64>(body, 16), HS_SESSION + 8);
}

/** Waits until `count` bytes have arrived, with a time limit for each part of them. */
function receive(count: i32): i32 {
  while (arrivedCount() < count) {
    store<i32>(POLLFD, <i32>embedderDescriptor(), POLLFD_FD);
    store<u32>(POLLFD, POLLIN, POLLFD_EVENTS);
    store<i64>(TIMEOUT, HELLO_SECONDS);
    store<i64>(TIMEOUT, 0, 8);
    if (call(SYS_ppoll, native(POLLFD), 1, native(TIMEOUT)) <= 0) return GONE;
    if (awaitBytes(arrivedCount() + 1) !== ARRIVED) return GONE;
  }
  return ARRIVED;
}

function lacksEmbedder(): void {
  put('wag-snap: this program calls functions of the program that starts it (');
  const count = importCount();
  for (let i = 0; i < min(count, SHOWN); i++) {
    if (i > 0) put(', ');
    putImport(i);
  }
  if (count > SHOWN) {
    put(' and ');
    putDecimal(count - SHOWN);
    put(' more');
  }
  put('): start it through the library, with these functions as `imports`\n');
  end(EXIT_USAGE);
}

function hasNoAnswer(): void {
  put('wag-snap: descriptor ');
  putDecimal(embedderDescriptor());
  put(' (WAGSNAP_EMBEDDER): the embedder gives no valid answer\n');
  end(EXIT_FAILED);
}

function isRefused(reason: i64, length: i64): void {
  if (length > 0) {
    put('wag-snap: the embedder refuses: ');
    putForeign(reason, length);
    put('\n');
  }
  end(EXIT_FAILED);
}

function end(code: i32): void {
  flush();
  exit(code);
}

/**
 * Answers the embedder's requests about the memory of the guest that waits for it: MSG_READ, MSG_WRITE and MSG_SIZE,
 * each with one answer, in the order of the requests.
 *
 * AssemblyScript. A range is checked when its request arrives; the memory cannot change its size while the guest waits.
 * Bytes to read are sent from where they are. Bytes to write are copied as they arrive, so a request may be longer than
 * the stream's buffer, and a stop may come in the middle of one. This file keeps how far it has got.
 */

import {
  FAULT_BOUNDS,
  FAULT_MEMORY,
  MEMORY_PIECE,
  MSG_BODY,
  MSG_BYTES,
  MSG_FAULT,
  MSG_SIZE_IS,
  MSG_WRITTEN,
} from '../../image/contract/embedder';
import { MEM_BASE, MEM_SIZE } from '../../image/contract/instance';
import { copy, load64 } from '../native/native';
import { native } from '../descriptors/linux';
import { isWithin } from '../process/builtins';
import { touch } from '../process/lazy-pages';
import { OUT, arrived, arrivedCount, consume, queueMessage } from '../process/embedder-stream';
import { memoryRecord } from './table';

/** Bytes of a request before those to write: memory, length or reserved, address. */
export const REQUEST_SIZE: i32 = 16;

/** Of the request to write that is arriving: where its next byte goes, or 0 to pass over it; what is left; its fault. */
let writeTo: i64 = 0;
let writeLeft: i32 = 0;
let writeFault: u32 = 0;

/** A connection begins. */
export function forgetWrite(): void {
  writeLeft = 0;
}

export function isWriting(): bool {
  return writeLeft > 0;
}

let fault: u32 = 0;

/** Native address of a range, or 0 and `fault`. */
function rangeOf(ordinal: i32, index: u32, address: i64, length: i64): i64 {
  const record = memoryRecord(ordinal, index);
  fault = record === 0 ? FAULT_MEMORY : 0;
  if (record !== 0 && !isWithin(address, length, load64(record + MEM_SIZE))) fault = FAULT_BOUNDS;
  if (fault !== 0) return 0;
  const range = load64(record + MEM_BASE) + address;
  touch(range, length);
  return range;
}

function answerFault(code: u32): void {
  store<u32>(OUT, code, MSG_BODY);
  queueMessage(MSG_FAULT, 4, 0, 0);
}

/** @param body of the message, which has arrived. @returns false when it is not such a request */
export function answerRead(ordinal: i32, body: usize): bool {
  const length = <i64>load<u32>(body, 4);
  if (length > <i64>MEMORY_PIECE) return false;
  const from = rangeOf(ordinal, load<u32>(body), load<i64>(body, 8), length);
  if (from === 0) answerFault(fault);
  else queueMessage(MSG_BYTES, 0, from, length);
  return true;
}

export function answerSize(ordinal: i32, body: usize): void {
  const record = memoryRecord(ordinal, load<u32>(body));
  if (record === 0) return answerFault(FAULT_MEMORY);
  store<i64>(OUT, load64(record + MEM_SIZE), MSG_BODY);
  queueMessage(MSG_SIZE_IS, 8, 0, 0);
}

/** @param length of the bytes to write, which come after the request. @returns false when there are too many */
export function beginWrite(ordinal: i32, body: usize, length: i32): bool {
  if (<u32>length > <u32>MEMORY_PIECE) return false;
  writeTo = rangeOf(ordinal, load<u32>(body), load<i64>(body, 8), length);
  writeFault = fault;
  writeLeft = length;
  if (length === 0) answerWrite();
  return true;
}

/** Takes what has arrived of the bytes to write; answers when it was all. */
export function continueWrite(): void {
  const count = min(arrivedCount(), writeLeft);
  if (writeTo !== 0) {
    copy(writeTo, native(arrived()), count);
    writeTo += count;
  }
  consume(count);
  writeLeft -= count;
  if (writeLeft === 0) answerWrite();
}

function answerWrite(): void {
  if (writeFault !== 0) answerFault(writeFault);
  else queueMessage(MSG_WRITTEN, 0, 0, 0);
}

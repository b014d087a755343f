/**
 * wasi:io/streams and wasi:io/error. AssemblyScript.
 *
 * Output is written at once, so that flushing has nothing to do. Writing more than check-write has permitted traps, as
 * the WIT has it. A stream of a file has a position of its own. Whatever fails closes its stream.
 */

import { from_component } from './component';
import {
  AT_END,
  CLOSED,
  heldBy,
  Kind,
  open,
  permitOf,
  positionOf,
  SEQUENTIAL,
  setPermit,
  setPosition,
} from './handles';
import { buffer, checkList, CHUNK, found, give, vectorOf } from './memory';
import { descriptorReady } from './poll';
import { area, giveArea, giveClosed, giveFailed, giveList, giveOk64, giveOkList } from './results';
import { fd_filestat_get, fd_pread, fd_pwrite, fd_read, fd_write } from './wasi_snapshot_preview1';

const EAGAIN: i32 = 6;
const EPIPE: i32 = 64;
const FILESTAT_SIZE: usize = 32;
/** The most bytes of blocking-write-and-flush, which asks for no permit. */
const BLOCKING_MOST: u64 = 4096;
/** Where the payload of result<list<u8>, ..> and result<_, ..> is, and of result<u64, ..>. */
const WORD: usize = 4;
const LONG: usize = 8;

/** A stream's error, which closes it. @returns the errno */
function fail(stream: i32, errno: i32): i32 {
  setPosition(stream, CLOSED);
  return errno;
}

/**
 * Bytes into the buffer, or -errno: -EAGAIN for no bytes now, -EPIPE at the end or of a closed stream.
 *
 * @param waits for input when there is none yet
 */
function fill(stream: i32, length: u64, waits: bool): i32 {
  const fd = heldBy(stream, Kind.Input);
  const position = positionOf(stream);
  if (position == CLOSED) return -EPIPE;
  if (length == 0) return 0;
  const size = length > <u64>CHUNK ? CHUNK : <usize>length;
  for (;;) {
    if (position == SEQUENTIAL && !waits && !descriptorReady(fd, false, false)) return -EAGAIN;
    const vector = vectorOf(buffer, size);
    const errno = position == SEQUENTIAL ? fd_read(fd, vector, 1, found) : fd_pread(fd, vector, 1, position, found);
    if (errno == EAGAIN && !waits) return -EAGAIN;
    if (errno == EAGAIN) {
      descriptorReady(fd, false, true);
      continue;
    }
    if (errno != 0) return -fail(stream, errno);
    const got = load<i32>(found);
    if (got == 0) return -EPIPE;
    if (position != SEQUENTIAL) setPosition(stream, position + <i64>got);
    return got;
  }
}

/** An error of a stream: a result with stream-error at `payload`. */
function giveFailure(to: usize, payload: usize, errno: i32): void {
  if (errno == EPIPE) giveClosed(to, payload);
  else giveFailed(to, payload, errno);
}

function read(stream: i32, length: u64, to: usize, waits: bool): void {
  let got = fill(stream, length, waits);
  if (got == -EAGAIN) got = 0;
  if (got < 0) return giveFailure(to, WORD, -got);
  giveOkList(to, give(buffer, <usize>got, 1), <usize>got);
}

export function io_streams_input_stream_read(stream: i32, length: u64, to: usize): void {
  read(stream, length, to, false);
}

export function io_streams_input_stream_blocking_read(stream: i32, length: u64, to: usize): void {
  read(stream, length, to, true);
}

function skip(stream: i32, length: u64, to: usize, waits: bool): void {
  let got = fill(stream, length, waits);
  if (got == -EAGAIN) got = 0;
  if (got < 0) return giveFailure(to, LONG, -got);
  giveOk64(to, <u64>got);
}

export function io_streams_input_stream_skip(stream: i32, length: u64, to: usize): void {
  skip(stream, length, to, false);
}

export function io_streams_input_stream_blocking_skip(stream: i32, length: u64, to: usize): void {
  skip(stream, length, to, true);
}

/** A file is always ready, and so is what has a position. */
export function io_streams_input_stream_subscribe(stream: i32): i32 {
  const fd = heldBy(stream, Kind.Input);
  return positionOf(stream) == SEQUENTIAL ? open(Kind.Readable, fd) : open(Kind.Always, 0);
}

export function io_streams_output_stream_subscribe(stream: i32): i32 {
  const fd = heldBy(stream, Kind.Output);
  return positionOf(stream) == SEQUENTIAL ? open(Kind.Writable, fd) : open(Kind.Always, 0);
}

/** How much may be written at once. */
export function io_streams_output_stream_check_write(stream: i32, to: usize): void {
  const fd = heldBy(stream, Kind.Output);
  if (positionOf(stream) == CLOSED) return giveClosed(to, LONG);
  const isReady = positionOf(stream) != SEQUENTIAL || descriptorReady(fd, true, false);
  const permit = isReady ? <u64>CHUNK : 0;
  setPermit(stream, permit);
  giveOk64(to, permit);
}

/** Traps for more than was permitted; a closed stream says that it is closed. */
function usePermit(stream: i32, length: u64): void {
  heldBy(stream, Kind.Output);
  if (positionOf(stream) == CLOSED) return;
  const permit = permitOf(stream);
  if (length > permit) unreachable();
  setPermit(stream, permit - length);
}

/** All of the buffer's first bytes. Returns an errno: EPIPE of a closed stream. */
function drain(stream: i32, length: usize): i32 {
  const fd = heldBy(stream, Kind.Output);
  let position = positionOf(stream);
  if (position == CLOSED) return EPIPE;
  const isAtEnd = position == AT_END;
  for (let done: usize = 0; done < length; ) {
    if (isAtEnd) {
      const errno = fd_filestat_get(fd, found);
      if (errno != 0) return fail(stream, errno);
      position = load<i64>(found + FILESTAT_SIZE);
    }
    const vector = vectorOf(buffer + done, length - done);
    const errno = position == SEQUENTIAL ? fd_write(fd, vector, 1, found) : fd_pwrite(fd, vector, 1, position, found);
    if (errno == EAGAIN) {
      descriptorReady(fd, true, true);
      continue;
    }
    if (errno != 0) return fail(stream, errno);
    const wrote = load<u32>(found);
    done += <usize>wrote;
    if (position == SEQUENTIAL) continue;
    position += <i64>wrote;
    if (!isAtEnd) setPosition(stream, position);
  }
  return 0;
}

/** result<_, stream-error> */
function giveWritten(to: usize, errno: i32): void {
  if (errno != 0) return giveFailure(to, WORD, errno);
  store<u64>(area, 0);
  store<u32>(area, 0, 8);
  giveArea(to, 12, 4);
}

export function io_streams_output_stream_write(stream: i32, from: usize, length: usize, to: usize): void {
  usePermit(stream, <u64>length);
  write(stream, from, length, to);
}

function write(stream: i32, from: usize, length: usize, to: usize): void {
  checkList(from, length);
  let errno = drain(stream, 0);
  for (let done: usize = 0; done < length && errno == 0; ) {
    const part = min(length - done, CHUNK);
    from_component(buffer, from + done, part);
    errno = drain(stream, part);
    done += part;
  }
  giveWritten(to, errno);
}

export function io_streams_output_stream_blocking_write_and_flush(
  stream: i32,
  from: usize,
  length: usize,
  to: usize,
): void {
  if (<u64>length > BLOCKING_MOST) unreachable();
  write(stream, from, length, to);
}

export function io_streams_output_stream_write_zeroes(stream: i32, length: u64, to: usize): void {
  usePermit(stream, length);
  writeZeroes(stream, length, to);
}

function writeZeroes(stream: i32, length: u64, to: usize): void {
  let errno = drain(stream, 0);
  memory.fill(buffer, 0, CHUNK);
  for (let done: u64 = 0; done < length && errno == 0; ) {
    const part = min(length - done, <u64>CHUNK);
    errno = drain(stream, <usize>part);
    done += part;
  }
  giveWritten(to, errno);
}

export function io_streams_output_stream_blocking_write_zeroes_and_flush(stream: i32, length: u64, to: usize): void {
  if (length > BLOCKING_MOST) unreachable();
  writeZeroes(stream, length, to);
}

export function io_streams_output_stream_flush(stream: i32, to: usize): void {
  giveWritten(to, drain(stream, 0));
}

export function io_streams_output_stream_blocking_flush(stream: i32, to: usize): void {
  io_streams_output_stream_flush(stream, to);
}

function splice(stream: i32, source: i32, length: u64, to: usize, waits: bool): void {
  heldBy(source, Kind.Input);
  let errno = drain(stream, 0);
  if (errno != 0) return giveFailure(to, LONG, errno);
  let got = fill(source, length, waits);
  if (got == -EAGAIN) got = 0;
  if (got < 0) return giveFailure(to, LONG, -got);
  errno = drain(stream, <usize>got);
  if (errno != 0) return giveFailure(to, LONG, errno);
  giveOk64(to, <u64>got);
}

export function io_streams_output_stream_splice(stream: i32, source: i32, length: u64, to: usize): void {
  splice(stream, source, length, to, false);
}

export function io_streams_output_stream_blocking_splice(stream: i32, source: i32, length: u64, to: usize): void {
  splice(stream, source, length, to, true);
}

// "error "
const ERROR: usize = memory.data<u8>([101, 114, 114, 111, 114, 32, 0, 0, 0]);

/** string: the number of preview 1. */
export function io_error_error_to_debug_string(error: i32, to: usize): void {
  const errno = heldBy(error, Kind.Error);
  store<u8>(ERROR, <u8>(48 + errno / 10), 6);
  store<u8>(ERROR, <u8>(48 + (errno % 10)), 7);
  giveList(to, give(ERROR, 8, 1), 8);
}

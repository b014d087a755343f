/**
 * wasi:io/streams and wasi:io/error. AssemblyScript.
 *
 * Output is written at once, so that flushing has nothing to do. A stream of a file has a position of its own.
 */

import { allocate, from_component } from './component';
import { AT_END, Kind, open, positionOf, SEQUENTIAL, setPosition, heldBy } from './handles';
import { buffer, CHUNK, found, give, vectorOf } from './memory';
import { descriptorReady } from './poll';
import { area, giveArea, giveClosed, giveFailed, giveList, giveOk64, giveOkList } from './results';
import { fd_filestat_get, fd_pread, fd_pwrite, fd_read, fd_write } from './wasi_snapshot_preview1';

const EAGAIN: i32 = 6;
const EPIPE: i32 = 64;
const FILESTAT_SIZE: usize = 32;
/** Where the payload of result<list<u8>, ..> and result<_, ..> is, and of result<u64, ..>. */
const WORD: usize = 4;
const LONG: usize = 8;

/** Bytes into the buffer, or -errno. @param waits for input when there is none yet */
function fill(stream: i32, length: u64, waits: bool): i32 {
  const fd = heldBy(stream, Kind.Input);
  const position = positionOf(stream);
  const size = length > <u64>CHUNK ? CHUNK : <usize>length;
  for (;;) {
    if (position == SEQUENTIAL && !waits && !descriptorReady(fd, false, false)) return -EAGAIN;
    const vector = vectorOf(buffer, size);
    const errno = position == SEQUENTIAL ? fd_read(fd, vector, 1, found) : fd_pread(fd, vector, 1, position, found);
    if (errno == EAGAIN && waits) {
      descriptorReady(fd, false, true);
      continue;
    }
    if (errno != 0) return -errno;
    const got = load<i32>(found);
    if (position != SEQUENTIAL) setPosition(stream, position + <i64>got);
    return got;
  }
}

function read(stream: i32, length: u64, to: usize, waits: bool): void {
  if (length == 0) return giveOkList(to, allocate(1, 0), 0);
  const got = fill(stream, length, waits);
  if (got == -EAGAIN) return giveOkList(to, allocate(1, 0), 0);
  if (got < 0) return giveFailed(to, WORD, -got);
  if (got == 0) return giveClosed(to, WORD);
  giveOkList(to, give(buffer, <usize>got, 1), <usize>got);
}

export function io_streams_input_stream_read(stream: i32, length: u64, to: usize): void {
  read(stream, length, to, false);
}

export function io_streams_input_stream_blocking_read(stream: i32, length: u64, to: usize): void {
  read(stream, length, to, true);
}

function skip(stream: i32, length: u64, to: usize, waits: bool): void {
  if (length == 0) return giveOk64(to, 0);
  const got = fill(stream, length, waits);
  if (got == -EAGAIN) return giveOk64(to, 0);
  if (got < 0) return giveFailed(to, LONG, -got);
  if (got == 0) return giveClosed(to, LONG);
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
  const isReady = positionOf(stream) != SEQUENTIAL || descriptorReady(fd, true, false);
  giveOk64(to, isReady ? <u64>CHUNK : 0);
}

/** All of the buffer's first bytes. Returns an errno. */
function drain(stream: i32, length: usize): i32 {
  const fd = heldBy(stream, Kind.Output);
  let position = positionOf(stream);
  const isAtEnd = position == AT_END;
  for (let done: usize = 0; done < length; ) {
    if (isAtEnd) {
      const errno = fd_filestat_get(fd, found);
      if (errno != 0) return errno;
      position = load<i64>(found + FILESTAT_SIZE);
    }
    const vector = vectorOf(buffer + done, length - done);
    const errno = position == SEQUENTIAL ? fd_write(fd, vector, 1, found) : fd_pwrite(fd, vector, 1, position, found);
    if (errno == EAGAIN) {
      descriptorReady(fd, true, true);
      continue;
    }
    if (errno != 0) return errno;
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
  if (errno == EPIPE) return giveClosed(to, WORD);
  if (errno != 0) return giveFailed(to, WORD, errno);
  store<u64>(area, 0);
  store<u32>(area, 0, 8);
  giveArea(to, 12);
}

export function io_streams_output_stream_write(stream: i32, from: usize, length: usize, to: usize): void {
  let errno = 0;
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
  io_streams_output_stream_write(stream, from, length, to);
}

export function io_streams_output_stream_write_zeroes(stream: i32, length: u64, to: usize): void {
  let errno = 0;
  memory.fill(buffer, 0, CHUNK);
  for (let done: u64 = 0; done < length && errno == 0; ) {
    const part = min(length - done, <u64>CHUNK);
    errno = drain(stream, <usize>part);
    done += part;
  }
  giveWritten(to, errno);
}

export function io_streams_output_stream_blocking_write_zeroes_and_flush(stream: i32, length: u64, to: usize): void {
  io_streams_output_stream_write_zeroes(stream, length, to);
}

export function io_streams_output_stream_flush(stream: i32, to: usize): void {
  heldBy(stream, Kind.Output);
  giveWritten(to, 0);
}

export function io_streams_output_stream_blocking_flush(stream: i32, to: usize): void {
  io_streams_output_stream_flush(stream, to);
}

function splice(stream: i32, source: i32, length: u64, to: usize, waits: bool): void {
  heldBy(stream, Kind.Output);
  const got = length == 0 ? 0 : fill(source, length, waits);
  if (length == 0 || got == -EAGAIN) return giveOk64(to, 0);
  if (got < 0) return giveFailed(to, LONG, -got);
  if (got == 0) return giveClosed(to, LONG);
  const errno = drain(stream, <usize>got);
  if (errno == EPIPE) return giveClosed(to, LONG);
  if (errno != 0) return giveFailed(to, LONG, errno);
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

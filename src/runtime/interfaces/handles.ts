/**
 * The handle table: the resources that the component holds. A handle is an index; 0 is none.
 *
 * AssemblyScript. It lies in the interfaces' memory, so it is in a snapshot as any other data is. Descriptors of
 * preview 1 are counted: streams of a file may outlive its descriptor. Using a handle of the wrong kind traps, as in
 * any host of components.
 */

import { fd_close } from './wasi_snapshot_preview1';

export const enum Kind {
  Free = 0,
  Descriptor = 1,
  Input = 2,
  Output = 3,
  Directory = 4, // a stream of entries
  Error = 5,
  Readable = 6, // pollables
  Writable = 7,
  Clock = 8,
  Always = 9,
  TerminalInput = 10,
  TerminalOutput = 11,
  Network = 12,
}

const MAX_HANDLES: i32 = 4096;
const MAX_DESCRIPTORS: i32 = 4096;
const SIZE: i32 = 24;

/** For each handle: u32 kind, i32 value (a descriptor, an errno), i64 position (or a time, or a cookie), i64 how much may be written. */
const table: usize = memory.data(98304, 8); // MAX_HANDLES * SIZE
/** How many handles have a descriptor. */
const counts: usize = memory.data(16384, 4); // MAX_DESCRIPTORS * 4

let lowestFree: i32 = 1;

/** The position of a stream that has none of its own: it reads or writes where the descriptor is. */
export const SEQUENTIAL: i64 = -1;
/** Writes at the end, wherever that is. */
export const AT_END: i64 = -2;
/** An operation on the stream failed: it is closed. */
export const CLOSED: i64 = -3;

function slot(handle: i32): usize {
  return table + <usize>(handle * SIZE);
}

function hasDescriptor(kind: i32): bool {
  return kind >= Kind.Descriptor && kind <= Kind.Directory;
}

/** A new handle. Traps when there are too many. */
export function open(kind: i32, value: i32, position: i64 = 0): i32 {
  let handle = lowestFree;
  while (handle < MAX_HANDLES && load<i32>(slot(handle)) != Kind.Free) handle++;
  if (handle == MAX_HANDLES) unreachable();
  lowestFree = handle + 1;
  const at = slot(handle);
  store<i32>(at, kind);
  store<i32>(at, value, 4);
  store<i64>(at, position, 8);
  store<u64>(at, 0, 16);
  if (hasDescriptor(kind)) hold(value);
  return handle;
}

/** Counts a use of a descriptor of preview 1, which stays open until it was released as often. */
export function hold(fd: i32): void {
  if (<u32>fd >= <u32>MAX_DESCRIPTORS) unreachable();
  const at = counts + ((<usize>fd) << 2);
  store<u32>(at, load<u32>(at) + 1);
}

export function kindOf(handle: i32): i32 {
  return <u32>handle < <u32>MAX_HANDLES ? load<i32>(slot(handle)) : Kind.Free;
}

/** What a handle of that kind holds: a descriptor, an errno. */
export function heldBy(handle: i32, kind: i32): i32 {
  if (kindOf(handle) != kind) unreachable();
  return load<i32>(slot(handle), 4);
}

/** The position of a handle that has been checked. */
export function positionOf(handle: i32): i64 {
  return load<i64>(slot(handle), 8);
}

export function setPosition(handle: i32, position: i64): void {
  store<i64>(slot(handle), position, 8);
}

/** What check-write has permitted, and no write has used. */
export function permitOf(handle: i32): u64 {
  return load<u64>(slot(handle), 16);
}

export function setPermit(handle: i32, bytes: u64): void {
  store<u64>(slot(handle), bytes, 16);
}

/**
 * canon resource.drop, of one type each: `resource_drop_` and the name of the resource. A handle of another type traps
 * (Component Model, canon_resource_drop). Pollables are of several kinds.
 */
export function resource_drop_descriptor(handle: i32): void {
  drop(handle, Kind.Descriptor);
}

export function resource_drop_directory_entry_stream(handle: i32): void {
  drop(handle, Kind.Directory);
}

export function resource_drop_error(handle: i32): void {
  drop(handle, Kind.Error);
}

export function resource_drop_input_stream(handle: i32): void {
  drop(handle, Kind.Input);
}

export function resource_drop_network(handle: i32): void {
  drop(handle, Kind.Network);
}

export function resource_drop_output_stream(handle: i32): void {
  drop(handle, Kind.Output);
}

export function resource_drop_pollable(handle: i32): void {
  const kind = kindOf(handle);
  drop(handle, kind >= Kind.Readable && kind <= Kind.Always ? kind : Kind.Readable);
}

export function resource_drop_terminal_input(handle: i32): void {
  drop(handle, Kind.TerminalInput);
}

export function resource_drop_terminal_output(handle: i32): void {
  drop(handle, Kind.TerminalOutput);
}

/** Of a resource that nothing here makes. */
export function resource_drop_other(_handle: i32): void {
  unreachable();
}

function drop(handle: i32, kind: i32): void {
  if (kindOf(handle) != kind) unreachable();
  const at = slot(handle);
  const value = load<i32>(at, 4);
  store<i32>(at, Kind.Free);
  if (handle < lowestFree) lowestFree = handle;
  if (!hasDescriptor(kind)) return;
  const count = counts + ((<usize>value) << 2);
  const left = load<u32>(count) - 1;
  store<u32>(count, left);
  if (left == 0 && value > 2) fd_close(value);
}

/** wasi:cli: environment, exit, standard streams, terminals. AssemblyScript. */

import { Kind, open, SEQUENTIAL } from './handles';
import { found, freeScratch, give, scratch } from './memory';
import { area, giveArea, giveList } from './results';
import { asText, isText, TEXT_MOST } from './text';
import {
  args_get,
  args_sizes_get,
  environ_get,
  environ_sizes_get,
  fd_fdstat_get,
  proc_exit,
} from './wasi_snapshot_preview1';

const STRING: usize = 8; // address and length
const CHARACTER_DEVICE: u8 = 2;
const RIGHT_SEEK_TELL: u64 = (1 << 2) | (1 << 5);
const EQUALS: u8 = 61;

function lengthOf(text: usize): usize {
  let end = text;
  while (load<u8>(end) != 0) end++;
  return end - text;
}

/**
 * Puts a string of the component's at `to`: a copy of what is here. Bytes that are no UTF-8 become U+FFFD, as in `run`,
 * which has its arguments from Node.
 */
function putString(to: usize, text: usize, length: usize): void {
  if (!isText(text, length)) {
    const copy = scratch(length * TEXT_MOST);
    length = asText(copy, text, length);
    text = copy;
  }
  store<u32>(to, <u32>give(text, length, 1));
  store<u32>(to, <u32>length, 4);
}

/** list<tuple<string, string>> */
export function cli_environment_get_environment(to: usize): void {
  freeScratch();
  if (environ_sizes_get(found, found + 4) != 0) unreachable();
  const count = <usize>load<u32>(found);
  const pointers = scratch(count * 4);
  const text = scratch(<usize>load<u32>(found, 4));
  if (environ_get(pointers, text) != 0) unreachable();
  const list = scratch(count * 2 * STRING);
  for (let i: usize = 0; i < count; i++) {
    const entry = <usize>load<u32>(pointers + i * 4);
    const length = lengthOf(entry);
    let name: usize = 0;
    while (name < length && load<u8>(entry + name) != EQUALS) name++;
    const value = name < length ? name + 1 : length;
    putString(list + i * 2 * STRING, entry, name);
    putString(list + i * 2 * STRING + STRING, entry + value, length - value);
  }
  giveList(to, give(list, count * 2 * STRING, 4), count);
}

/** list<string> */
export function cli_environment_get_arguments(to: usize): void {
  freeScratch();
  if (args_sizes_get(found, found + 4) != 0) unreachable();
  const count = <usize>load<u32>(found);
  const pointers = scratch(count * 4);
  const text = scratch(<usize>load<u32>(found, 4));
  if (args_get(pointers, text) != 0) unreachable();
  const list = scratch(count * STRING);
  for (let i: usize = 0; i < count; i++) {
    const entry = <usize>load<u32>(pointers + i * 4);
    putString(list + i * STRING, entry, lengthOf(entry));
  }
  giveList(to, give(list, count * STRING, 4), count);
}

/** option<string>: preview 1 has none. */
export function cli_environment_initial_cwd(to: usize): void {
  store<u64>(area, 0);
  store<u32>(area, 0, 8);
  giveArea(to, 12, 4);
}

/** @param status 0 is ok, 1 an error */
export function cli_exit_exit(status: i32): void {
  if (<u32>status > 1) unreachable();
  proc_exit(status == 0 ? 0 : 1);
}

export function cli_exit_exit_with_code(code: i32): void {
  proc_exit(code & 0xff);
}

export function cli_stdin_get_stdin(): i32 {
  return open(Kind.Input, 0, SEQUENTIAL);
}

export function cli_stdout_get_stdout(): i32 {
  return open(Kind.Output, 1, SEQUENTIAL);
}

export function cli_stderr_get_stderr(): i32 {
  return open(Kind.Output, 2, SEQUENTIAL);
}

/** A character device without a position, as wasi-libc's isatty has it: /dev/null is none. */
function isTerminal(fd: i32): bool {
  if (fd_fdstat_get(fd, found) != 0 || load<u8>(found) != CHARACTER_DEVICE) return false;
  return (load<u64>(found, 8) & RIGHT_SEEK_TELL) == 0;
}

/** option<own<terminal>> */
function giveTerminal(to: usize, fd: i32, kind: i32): void {
  const handle = isTerminal(fd) ? open(kind, fd) : 0;
  store<u32>(area, handle == 0 ? 0 : 1);
  store<i32>(area, handle, 4);
  giveArea(to, 8, 4);
}

export function cli_terminal_stdin_get_terminal_stdin(to: usize): void {
  giveTerminal(to, 0, Kind.TerminalInput);
}

export function cli_terminal_stdout_get_terminal_stdout(to: usize): void {
  giveTerminal(to, 1, Kind.TerminalOutput);
}

export function cli_terminal_stderr_get_terminal_stderr(to: usize): void {
  giveTerminal(to, 2, Kind.TerminalOutput);
}

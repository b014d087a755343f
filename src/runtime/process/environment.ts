/**
 * What the kernel hands to a process: arguments and environment, on the initial stack (System V ABI 3.4.1).
 *
 * AssemblyScript. argc, the argument pointers, 0, the environment pointers, 0, the auxiliary vector. An invalid value
 * of a WAGSNAP_ variable ends the process with 2: a mistyped limit must not mean "no limit".
 */

import { NAME_MAX, RT_ARGC, RT_ARGV, RT_AUXV, RT_ENVP } from '../../image/contract/runtime-block';
import { load64, load8_u } from '../native/native';
import { flush, put, putByte, putForeign } from './message';
import { exit, setWord, word } from './runtime-block';

/** Fills RT_ARGC, RT_ARGV, RT_ENVP and RT_AUXV. @param sp the initial stack pointer */
export function findArguments(sp: i64): void {
  const argc = load64(sp);
  const envp = sp + 8 + argc * 8 + 8;
  let end = envp;
  while (load64(end) !== 0) end += 8;
  setWord(RT_ARGC, argc);
  setWord(RT_ARGV, sp + 8);
  setWord(RT_ENVP, envp);
  setWord(RT_AUXV, end + 8);
}

/** The number that a variable of the process's own environment holds, 0 when it is not there. `name` ends with "=". */
export function environmentNumber(name: string): i64 {
  const text = variable(name);
  if (text === 0) return 0;
  const end = endOfDigits(text);
  if (end === text || load8_u(end) !== 0) refuse(name, text, 'a number');
  return decimal(text, end);
}

/** A number from 0 to 2 ** 31 - 1; -1 when the variable is not there. */
export function environmentIndex(name: string): i64 {
  const text = variable(name);
  if (text === 0) return -1;
  const index = indexOf(text);
  if (index < 0) refuse(name, text, 'a number from 0 to 2147483647');
  return index;
}

/** What a text says that is such a number; -1 for another one. */
export function indexOf(text: i64): i64 {
  const end = endOfDigits(text);
  const value = decimal(text, end);
  return end === text || load8_u(end) !== 0 || value > LARGEST_INDEX ? -1 : value;
}

/** Bytes, as `--max-memory` takes them: `512M`, `1g`, `65536`. 0 when the variable is not there. */
export function environmentSize(name: string): i64 {
  const text = variable(name);
  if (text === 0) return 0;
  const end = endOfDigits(text);
  const unit = load8_u(end) | LOWER_CASE;
  const shift: i64 = unit === 0x6b ? 10 : unit === 0x6d ? 20 : unit === 0x67 ? 30 : 0;
  const count = decimal(text, end);
  const isEnded = load8_u(shift === 0 ? end : end + 1) === 0;
  if (!isEnded || count === 0 || count > LARGEST_SIZE >> shift) {
    refuse(name, text, 'a number of bytes, or one with K, M or G');
  }
  return count << shift;
}

/** Whether a variable has the second of its two valid values; the first is the default. */
export function environmentChoice(name: string, first: string, second: string): bool {
  const text = variable(name);
  if (text === 0 || is(text, first)) return false;
  if (is(text, second)) return true;
  put('wag-snap: ');
  putName(name);
  putValue(text);
  put(first);
  put(' or ');
  put(second);
  end();
  return false;
}

/** The address of a workload's name (image/workload-name.ts has the rule), 0 when the variable is not there. */
export function environmentName(name: string): i64 {
  const text = variable(name);
  if (text === 0) return 0;
  let end = text;
  while (end - text <= NAME_MAX && isNameByte(load8_u(end), end === text)) end++;
  if (end === text || end - text > NAME_MAX || load8_u(end) !== 0) {
    refuse(name, text, 'a letter, then letters, digits and . _ -, 63 characters at most');
  }
  return text;
}

function isNameByte(byte: i32, isFirst: bool): bool {
  const letter = byte | LOWER_CASE;
  if (letter >= 0x61 && letter <= 0x7a) return true;
  if (isFirst) return false;
  return (byte >= 48 && byte <= 57) || byte === 0x2d || byte === 0x2e || byte === 0x5f;
}

const LARGEST_SIZE: i64 = 0x20000000000000; // 2 ** 53
const LARGEST_INDEX: i64 = 0x7fffffff;
const LOWER_CASE: i32 = 0x20;
const EXIT_USAGE: i32 = 2;

/** Native address of the value of a variable of the image's own, named with its "=", or 0. */
export function variable(name: string): i64 {
  for (let at = word(RT_ENVP); load64(at) !== 0; at += 8) {
    const entry = load64(at);
    if (startsWith(entry, name)) return entry + name.length;
  }
  return 0;
}

function endOfDigits(text: i64): i64 {
  let end = text;
  while (load8_u(end) >= 48 && load8_u(end) <= 57) end++;
  return end;
}

/** Parses decimal digits. With more digits than any limit needs, the result is a number that is too large. */
function decimal(text: i64, end: i64): i64 {
  let value: i64 = 0;
  for (let at = text; at < end; at++) {
    value = value * 10 + load8_u(at) - 48;
    if (value > LARGEST_SIZE) return value;
  }
  return value;
}

/** Reports an invalid value, and ends the process: otherwise it would run without the limit. */
function refuse(name: string, text: i64, expected: string): void {
  put('wag-snap: ');
  putName(name);
  putValue(text);
  put(expected);
  end();
}

function putName(name: string): void {
  for (let i = 0; i < name.length - 1; i++) putByte(load<u16>(changetype<usize>(name) + (i << 1)));
}

function putValue(text: i64): void {
  let length: i64 = 0;
  while (load8_u(text + length) !== 0 && length < 256) length++;
  put(': "');
  putForeign(text, length);
  put('": expected ');
}

function end(): void {
  put('\n');
  flush();
  exit(EXIT_USAGE);
}

function is(address: i64, text: string): bool {
  return startsWith(address, text) && load8_u(address + text.length) === 0;
}

export function startsWith(address: i64, text: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (load8_u(address + i) !== <i32>load<u16>(changetype<usize>(text) + (i << 1))) return false;
  }
  return true;
}

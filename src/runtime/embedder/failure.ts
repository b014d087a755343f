/**
 * Why a call of the embedder's function has failed, for the message of its trap: `module.name: why`.
 *
 * AssemblyScript. UTF-8; what does not fit is left out.
 */

import { TRAP_TEXT_MAX } from '../../image/contract/embedder';
import { TH_TRAP_TEXT, TH_TRAP_TEXT_LENGTH } from '../../image/contract/thread';
import { load8_u, memoryBase } from '../native/native';
import { setThreadWord } from '../process/thread';
import { modulePart, namePart, namesOf } from './table';

const SIZE: i32 = 1536;
const text: usize = memory.data(1536);
/** Bytes of a module's or a function's name that are kept. */
const NAME_SHOWN: i64 = 200;
let length: i32 = 0;

/** Begins with the name of the import. */
export function beginFailure(ordinal: i32): void {
  length = 0;
  addBytes(namesOf(ordinal), min(modulePart(ordinal), NAME_SHOWN));
  add('.');
  addBytes(namesOf(ordinal) + modulePart(ordinal), min(namePart(ordinal), NAME_SHOWN));
  add(': ');
}

/** ASCII. */
export function add(words: string): void {
  for (let i = 0; i < words.length; i++) addByte(load<u16>(changetype<usize>(words) + (i << 1)));
}

/** @param from native address */
export function addBytes(from: i64, count: i64): void {
  for (let i: i64 = 0; i < min(count, <i64>TRAP_TEXT_MAX); i++) addByte(load8_u(from + i));
}

export function addDecimal(value: u32): void {
  if (value >= 10) addDecimal(value / 10);
  addByte(48 + (value % 10));
}

function addByte(byte: i32): void {
  if (length < SIZE) store<u8>(text + length++, <u8>byte);
}

export function endFailure(): void {
  setThreadWord(TH_TRAP_TEXT, memoryBase() + text);
  setThreadWord(TH_TRAP_TEXT_LENGTH, length);
}

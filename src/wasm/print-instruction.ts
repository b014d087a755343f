/**
 * An instruction of a validated body as a line of text, for listings: its name as in the text format, then its
 * immediates as the bytes have them (a label is a depth, a function an index, a block type a number).
 */

import { type Immediates, opcodeOf, Prefix } from './opcodes.js';
import { Reader } from './reader.js';
import { skipInstruction } from './skip.js';

/** Immediates that are so many bytes, shown in hexadecimal; other ones but constants are unsigned LEB128. */
const RAW: ReadonlySet<Immediates> = new Set<Immediates>([
  'v128',
  'lanes',
  'lane',
  'memarg lane',
  'reftype',
  'cast',
  'types',
]);

/** The text of the instruction at `position` of a module's bytes, and the position of the next one. */
export function printInstruction(
  bytes: Uint8Array,
  position: number,
): { readonly text: string; readonly next: number } {
  const next = skipInstruction(bytes, position);
  const reader = new Reader(bytes.subarray(0, next), 'listing');
  reader.pos = position;
  const code = readOpcode(reader);
  const opcode = opcodeOf(code);
  const words = opcode === undefined ? [] : printImmediates(reader, opcode.immediates);
  return { text: [opcode?.name ?? `0x${code.toString(16)}`, ...words].join(' '), next };
}

/** As the opcode table numbers them. */
function readOpcode(reader: Reader): number {
  const byte = reader.u8();
  if (byte === Prefix.Simd) return 0xfd000 + reader.u32();
  return byte === Prefix.Misc || byte === Prefix.Atomic || byte === Prefix.Object ? (byte << 8) + reader.u32() : byte;
}

function printImmediates(reader: Reader, immediates: Immediates): string[] {
  const { bytes } = reader;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (immediates === 'f32') return [String(view.getFloat32(reader.pos, true))];
  if (immediates === 'f64') return [String(view.getFloat64(reader.pos, true))];
  if (immediates === 'i32') return [String(reader.s32())];
  if (immediates === 'i64') {
    reader.s64();
    return [String((BigInt(reader.hi) << 32n) | BigInt(reader.lo >>> 0))];
  }
  if (immediates === 'block') return bytes[reader.pos] === 0x40 ? [] : [`(type ${reader.s33()})`];
  if (RAW.has(immediates)) return [`0x${Buffer.from(bytes.subarray(reader.pos)).toString('hex')}`];
  const words: string[] = [];
  while (reader.pos < bytes.length) words.push(String(reader.u64()));
  return words;
}

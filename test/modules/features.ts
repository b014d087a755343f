/**
 * Which features beyond the first version of WebAssembly a module uses: by its types and each instruction in its
 * bodies.
 */

import type { Module } from '../../src/wasm/module.js';
import { opcodeOf } from '../../src/wasm/opcodes.js';
import { Reader } from '../../src/wasm/reader.js';
import { skipInstruction } from '../../src/wasm/skip.js';

/** What everybody has had for years, and a table need not mention. */
const USUAL = new Set(['mvp', 'sign-extension', 'saturating-truncation', 'bulk-memory', 'multi-value']);

/** Names of proposals, in alphabetical order. The module's bodies must be valid. */
export function featuresOf(module: Module): string[] {
  const found = new Set<string>();
  for (let i = 0; i < module.bodyStart.length; i++) addInstructions(module, i, found);
  if (module.memories.some(({ shared }) => shared)) found.add('threads');
  if (module.memories.length > 1) found.add('multi-memory');
  for (const usual of USUAL) found.delete(usual);
  return [...found].sort();
}

function addInstructions({ bytes, bodyStart, bodyEnd }: Module, index: number, found: Set<string>): void {
  const end = bodyEnd[index]!;
  const reader = new Reader(bytes, 'module');
  reader.pos = bodyStart[index]!;
  reader.end = end;
  for (let groups = reader.u32(); groups > 0; groups--) {
    reader.u32();
    reader.s33();
  }
  for (let at = reader.pos; at < end; at = skipInstruction(bytes, at)) found.add(featureAt(bytes, at));
}

function featureAt(bytes: Uint8Array, at: number): string {
  const byte = bytes[at]!;
  if (byte < 0xfb) return opcodeOf(byte)?.feature ?? `0x${byte.toString(16)}`;
  let sub = 0;
  for (let i = 1, shift = 0; ; i++, shift += 7) {
    sub |= (bytes[at + i]! & 0x7f) << shift;
    if (bytes[at + i]! < 0x80) break;
  }
  return opcodeOf(byte === 0xfd ? 0xfd000 + sub : (byte << 8) | sub)?.feature ?? `0x${byte.toString(16)} ${sub}`;
}

/** Safepoints of the baseline tier where two things meet at one place of the code. */

import { expect, test } from 'vitest';
import { x64 } from '../../../../src/arch/x64/target.js';
import { readModule } from '../../../../src/wasm/wat.js';
import { listFunctions } from '../../../listings/listing.js';

const NOP = 0x90;

/** Code and text offsets of the call sites of the last function. */
async function compile(body: string): Promise<{ code: Uint8Array; calls: number[]; all: number[] }> {
  const wat = `(module (func $f) (func $reference (result funcref) (ref.null func)) (func $five (result i32) (i32.const 5))
    (func $test (param i32) (result i32) ${body}))`;
  const module = await readModule(new TextEncoder().encode(wat), 'sites.wat');
  const { code, sites } = listFunctions(module, x64).at(-1)!;
  const offsets = (lines: string[]) => lines.map((line) => Number.parseInt(line.slice(1), 16));
  return { code, calls: offsets(sites.filter((line) => line.includes(' call '))), all: offsets(sites) };
}

test('a label that others branch to is not at the return address before it', async () => {
  const { code, calls } = await compile(`
    (block (br_if 0 (local.get 0)) (call $f))
    (call $f) (call $f)
    (i32.const 1)`);
  expect(code[calls[0]]).toBe(NOP);
});

test('neither is the missing else of an if', async () => {
  const { code, calls } = await compile(`
    (call $f) (call $f)
    (if (local.get 0) (then (drop (call $reference))))
    (i32.const 1)`);
  expect(code[calls[2]]).toBe(NOP);
});

test('a label that nobody branches to costs nothing', async () => {
  const { code, calls } = await compile(`
    (call $f) (call $f)
    (block (call $f))
    (i32.const 1)`);
  expect(code[calls[2]]).not.toBe(NOP);
});

test('loop headers are apart from each other, from the entry and from return addresses', async () => {
  const { code, all } = await compile('(loop (loop (call $f) (loop (call $f) (call $f)))) (i32.const 1)');
  expect(new Set(all).size).toBe(all.length);
  expect(all.length).toBe(7);
  expect(all.every((offset) => offset < code.length)).toBe(true);
});

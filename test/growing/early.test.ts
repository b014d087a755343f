/** A program that begins while the rest of it is compiled, after a part of it was compiled while its module was read. */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { EarlyCompilation } from '../../src/api/early-compilation.js';
import { prepareProgram } from '../../src/api/program.js';
import { startPrepared } from '../../src/api/started-workload.js';
import { targets } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { temporaryFolder } from '../support/workload.js';

/** In an image, these bytes are in no code. */
const MARK = 0xf1;
const FUNCTIONS = 22;
/** Instructions of a body: i64.const 0 in ten bytes, and drop. */
const PAIRS = 8000;
const PAIR = Buffer.from([0x42, ...Buffer.alloc(9, 0x80), 0, 0x1a]);
const BODY_BYTES = PAIRS * PAIR.length + 2;
/** More than a MiB, which is compiled in its place on ARM64; the rest is too much to be compiled first. */
const EARLY_FUNCTIONS = 15;

const folder = temporaryFolder();
const arch = process.arch === 'arm64' ? 'arm64' : 'x64';

function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)];
}

const section = (id: number, contents: Uint8Array) =>
  Buffer.concat([Uint8Array.of(id, ...leb(contents.length)), contents]);

/** Functions that do nothing, in many bytes; the last one is _start. */
function longModule(): { bytes: Buffer<ArrayBuffer>; earlyEnd: number } {
  const pairs = Array.from({ length: PAIRS }, () => PAIR);
  const sized = Buffer.concat([Uint8Array.from(leb(BODY_BYTES)), Uint8Array.of(0), ...pairs, Uint8Array.of(0x0b)]);
  const beginning = Buffer.concat([
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    section(1, Uint8Array.of(1, 0x60, 0, 0)),
    section(3, Uint8Array.of(FUNCTIONS, ...Buffer.alloc(FUNCTIONS))),
    section(7, Uint8Array.of(1, 6, ...Buffer.from('_start'), 0, FUNCTIONS - 1)),
  ]);
  const bodies = Buffer.concat([Uint8Array.of(FUNCTIONS), ...Array.from({ length: FUNCTIONS }, () => sized)]);
  const bytes = Buffer.concat([beginning, section(10, bodies)]);
  return { bytes, earlyEnd: bytes.length - (FUNCTIONS - EARLY_FUNCTIONS) * sized.length };
}

const { bytes, earlyEnd } = longModule();

/** Runs it. @returns the image in the cache */
async function image(name: string, deterministic: boolean, change: (code: Uint8Array) => void): Promise<Buffer> {
  const cache = join(folder, name);
  mkdirSync(cache);
  vi.stubEnv('XDG_CACHE_HOME', cache);
  const options = { deterministic, allowMissingImports: false };
  const compilation = new EarlyCompilation('long', { arch, ...options });
  compilation.arrive(bytes.subarray(0, earlyEnd));
  while (compilation.compile(1000));
  const early = compilation.take()!;
  expect(early.pieces.length).toBeGreaterThan(5);
  for (const { code } of early.pieces) change(code);
  const file = {
    name: 'long',
    path: '',
    kind: 'module' as const,
    isTemporary: false,
    arrived: { bytes, early },
    release() {},
  };
  const prepare = () => prepareProgram(file, { arch, beginAtOnce: true, ...options }, { args: [], env: {} });
  const program = await startPrepared(prepare, { stdio: 'ignore' });
  expect((await program.exited).code).toBe(0);
  const images = () => readdirSync(join(cache, 'wag-snap'));
  await expect.poll(images, { timeout: 60_000 }).toEqual([expect.not.stringMatching(/tmp/)]);
  return readFileSync(join(cache, 'wag-snap', images()[0]));
}

test('the thread that makes the image gets what was compiled early', async () => {
  const target = targets[arch];
  const plain = compileImage([{ module: decodeModule(bytes, 'long'), file: 'long' }], { target });
  expect((await image('same', false, () => {})).equals(plain.bytes)).toBe(true);
  const marked: Uint8Array[] = [];
  const changed = await image('marked', true, (code) => marked.push(code.fill(MARK)));
  for (const code of marked) expect(changed.includes(Buffer.from(code))).toBe(true);
});

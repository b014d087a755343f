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

/** Functions that do nothing, in many bytes. _start, the last one, reads a byte of its input. */
function longModule(): { bytes: Buffer<ArrayBuffer>; earlyEnd: number } {
  const pairs = Array.from({ length: PAIRS }, () => PAIR);
  const sized = Buffer.concat([Uint8Array.from(leb(BODY_BYTES)), Uint8Array.of(0), ...pairs, Uint8Array.of(0x0b)]);
  const text = (name: string) => [name.length, ...Buffer.from(name)];
  const beginning = Buffer.concat([
    Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    section(1, Uint8Array.of(2, 0x60, 0, 0, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f)),
    section(2, Uint8Array.of(1, ...text('wasi_snapshot_preview1'), ...text('fd_read'), 0, 1)),
    section(3, Uint8Array.of(FUNCTIONS, ...Buffer.alloc(FUNCTIONS))),
    section(5, Uint8Array.of(1, 0, 1)),
    section(7, Uint8Array.of(1, ...text('_start'), 0, FUNCTIONS)),
  ]);
  // i32.store of a length at 12; fd_read(0, 8, 1, 16); drop
  const start = [0, 0x41, 12, 0x41, 1, 0x36, 2, 0, 0x41, 0, 0x41, 8, 0x41, 1, 0x41, 16, 0x10, 0, 0x1a, 0x0b];
  const bodies = Buffer.concat([
    Uint8Array.of(FUNCTIONS),
    ...Array.from({ length: FUNCTIONS - 1 }, () => sized),
    Uint8Array.of(start.length, ...start),
  ]);
  const bytes = Buffer.concat([beginning, section(10, bodies)]);
  return { bytes, earlyEnd: bytes.length - 1 - start.length - (FUNCTIONS - 1 - EARLY_FUNCTIONS) * sized.length };
}

const { bytes, earlyEnd } = longModule();

/** Runs it, to its end before the image is made or after. @returns the image in the cache */
async function image(
  name: string,
  waits: boolean,
  deterministic: boolean,
  change: (code: Uint8Array) => void,
): Promise<Buffer> {
  const cache = join(folder, name);
  mkdirSync(cache);
  vi.stubEnv('XDG_CACHE_HOME', cache);
  const options = { deterministic, allowMissingImports: false };
  const compilation = new EarlyCompilation('long', { arch, ...options });
  compilation.arrive(bytes.subarray(0, earlyEnd));
  while (compilation.compile(1000));
  const early = compilation.take()!;
  expect(early.pieces.length).toBeGreaterThan(1);
  for (const { code } of early.pieces) change(code);
  const arrived = { bytes, early };
  const file = { name: 'long', path: '', kind: 'module' as const, isTemporary: false, arrived, release() {} };
  const prepare = () => prepareProgram(file, { arch, beginAtOnce: true, ...options }, { args: [], env: {} });
  const program = await startPrepared(prepare, { stdio: waits ? 'pipe' : 'ignore' });
  if (!waits) expect((await program.exited).code).toBe(0);
  const images = () => readdirSync(join(cache, 'wag-snap'));
  await expect.poll(images, { timeout: 60_000 }).toEqual([expect.not.stringMatching(/tmp/)]);
  program.stdin?.end();
  expect((await program.exited).code).toBe(0);
  return readFileSync(join(cache, 'wag-snap', images()[0]));
}

test.each([
  ['another thread, while the program runs', true],
  ['this thread, after the program has ended', false],
])('what was compiled early is used by %s', async (name, waits) => {
  const target = targets[arch];
  const plain = compileImage([{ module: decodeModule(bytes, 'long'), file: 'long' }], { target });
  expect((await image(`${name}, same`, waits, false, () => {})).equals(plain.bytes)).toBe(true);
  const marked: Uint8Array[] = [];
  const changed = await image(`${name}, marked`, waits, true, (code) => marked.push(code.fill(MARK)));
  for (const code of marked) expect(changed.includes(Buffer.from(code))).toBe(true);
});

/**
 * Coredumps: of a crashed C program on both CPUs, against V8 and the program's own message; of linked modules and large
 * memories.
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { LimitError } from '../../src/base/errors.js';
import { writeCoredump } from '../../src/snapshot/coredump.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { readModuleBytes } from '../../src/wasm/wat.js';
import { capturePid, coredumpPid } from '../support/capture.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';
import { sampleSnapshot } from '../unit/snapshot/sample.js';
import { printedFrames, runInV8, v8Accepts } from './backtrace.js';
import { memoryOf, readCoredump } from './coredump-reader.js';

const folder = temporaryFolder();
const env = { WAGSNAP_ON_TRAP: 'park' };
const crash = join(import.meta.dirname, 'crash.wasm');

async function parked(path: string): Promise<{ workload: Workload; message: string }> {
  const workload = Workload.start(path, { env });
  return { workload, message: await workload.waitForTrap() };
}

/** Of a program that has trapped, which it ends. */
async function coredumpOf(source: string | Uint8Array, name: string, linked: Record<string, string> = {}) {
  const built = await build(source, join(folder, name), { linked });
  const { workload, message } = await parked(built.path);
  const file = join(folder, `${name}.core`);
  await coredumpPid(workload.pid, file, { kill: true });
  expect((await workload.ended()).code).toBe(134);
  return { file, bytes: readFileSync(file), message };
}

describe.each(['x64', 'arm64'] satisfies ArchName[])('a crashed C program on %s', (arch) => {
  test.runIf(canRun(arch))('is in its coredump', async () => {
    const built = await build(crash, join(folder, `crash-${arch}`), { arch });
    const { workload, message } = await parked(built.path);
    const file = join(folder, `${arch}.core`);
    await coredumpPid(workload.pid, file);
    const snapshot = join(folder, `${arch}.wsnap`);
    await capturePid(workload.pid, { output: snapshot, kill: true });
    await writeCoredump(readSnapshot(snapshot), join(folder, `${arch}-2.core`));
    expect((await workload.ended()).code).toBe(134);

    const bytes = readFileSync(file);
    expect(readFileSync(join(folder, `${arch}-2.core`)).equals(bytes)).toBe(true);
    expect(v8Accepts(bytes)).toBe(true);
    decodeModule(bytes);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    const module = readFileSync(crash);
    const { bodyStart, importedFuncCount } = decodeModule(module);
    const oracle = runInV8(module);
    const coredump = readCoredump(bytes);
    expect(oracle.frames).toHaveLength(4);
    expect(printedFrames(message).map(({ func, offset }) => ({ func, offset }))).toEqual(oracle.frames);
    expect(
      coredump.frames.map(({ func, offset }) => ({ func, offset: bodyStart[func - importedFuncCount] + offset })),
    ).toEqual(oracle.frames);
    const memory = Buffer.from((oracle.exports['memory'] as { buffer: ArrayBuffer }).buffer);
    expect(memoryOf(coredump, 0).equals(memory)).toBe(true);
    expect(memory.includes('what was there when it crashed')).toBe(true);
    expect(coredump.instances).toEqual([{ module: 0, memories: [0], globals: [0] }]);
    expect(coredump.segments.length).toBeLessThan(4); // zero pages are left out

    // `middle` still needs its depth, `outer` its depth, its sum and its weight.
    const [inner, middle, outer] = coredump.frames;
    expect(inner.locals.length).toBeGreaterThanOrEqual(3);
    expect(middle.locals[0]).toBe(3);
    expect(outer.locals).toContain(3);
  });
});

test('values are exact, of locals in registers at the trap too', async () => {
  const source = Buffer.from(`(module $values (memory 1)
    (global (mut i64) (i64.const -5)) (global f32 (f32.const -0.5)) (global (mut v128) (v128.const i32x4 1 2 3 4))
    (global (mut funcref) (ref.func $divide)) (global i32 (i32.const -2147483648)) (global f64 (f64.const 1e300))
    (func $divide (param $a i32) (param $b i32) (param $c f64) (param $v v128) (result i32)
      (loop (local.set $a (i32.add (local.get $a) (i32.const 1))) (br_if 0 (i32.lt_s (local.get $a) (i32.const 9))))
      (i32.div_s (local.get $a) (local.get $b)))
    (func $middle (param $x i64) (param $y f32) (param $r externref) (result i32) (local $z i32) (local $v v128) (local $w f64)
      (local.set $z (i32.const -3))
      (local.set $w (f64.const 6.25))
      (i32.add (i32.const 1000) (i32.add (i32.mul (local.get $z) (i32.const 7))
        (i32.add (i32.wrap_i64 (local.get $x)) (call $divide (i32.wrap_i64 (local.get $x)) (i32.const 0) (f64.const 2) (local.get $v))))))
    (func (export "_start")
      (drop (f64.add (f64.const 0.125) (f64.convert_i32_s
        (call $middle (i64.const -9223372036854775808) (f32.const 2.5) (ref.null extern)))))))`);
  const { bytes } = await coredumpOf(source, 'values');
  expect(v8Accepts(bytes)).toBe(true);
  const { frames, globals, modules, name, thread } = readCoredump(bytes);
  expect({ modules, name, thread }).toEqual({ modules: ['values'], name: 'values', thread: 'main' });
  const [divide, middle, start] = frames;
  expect(divide.locals).toHaveLength(4);
  expect(divide).toMatchObject({ locals: [9, 0, 2, undefined], stack: [] }); // $a is used most; a coredump has no v128
  expect(middle.locals).toEqual([-9223372036854775808n, 2.5, undefined, -3, undefined, 6.25]);
  expect(middle.stack).toEqual([1000, -21, 0]);
  expect([start.locals, start.stack]).toEqual([[], [0.125]]);
  expect(globals).toEqual([
    { type: 0x7e, value: -5n },
    { type: 0x7d, value: -0.5 },
    { type: 0x7b, value: 0x00000004_00000003_00000002_00000001n },
    { type: 0x70, value: undefined },
    { type: 0x7f, value: -2147483648 },
    { type: 0x7c, value: 1e300 },
  ]);
});

test('memories and globals of linked modules are found from each instance', async () => {
  const linked = {
    store: `(module (memory (export "first") 1) (memory (export "second") 2) (global (export "g") (mut i32) (i32.const 11))
      (global (export "h") (mut i32) (i32.const 22)) (data (memory 1) (i32.const 70000) "in the second"))`,
  };
  const main = Buffer.from(`(module (import "store" "second" (memory $m 2)) (import "store" "h" (global $h (mut i32)))
    (memory $own 1) (global $own (mut i64) (i64.const 33)) (data (memory $own) (i32.const 5) "own")
    (func (export "_start") (global.set $h (i32.const 44)) (i32.store8 $m (i32.const 3) (i32.const 9)) unreachable))`);
  const { bytes } = await coredumpOf(main, 'linked', linked);
  const coredump = readCoredump(bytes);
  decodeModule(bytes);
  expect(coredump.memories).toEqual([1, 2, 1]);
  expect(coredump.instances).toEqual([
    { module: 0, memories: [0, 1], globals: [0, 1] },
    { module: 1, memories: [1, 2], globals: [1, 2] },
  ]);
  expect(coredump.frames).toMatchObject([{ instance: 1, func: 0 }]);
  expect(coredump.globals.map(({ value }) => value)).toEqual([11, 44, 33n]);
  const second = memoryOf(coredump, 1);
  expect(second.toString('latin1', 70000, 70013)).toBe('in the second');
  expect(second[3]).toBe(9);
  expect(memoryOf(coredump, 2).toString('latin1', 5, 8)).toBe('own');
  expect(memoryOf(coredump, 0).every((byte) => byte === 0)).toBe(true);
});

test('a large memory with little in it makes a small coredump', async () => {
  const source = await readModuleBytes(
    Buffer.from(`(module (memory 32768) (func (export "_start")
      (i32.store (i32.const 0x7fff_0ffe) (i32.const -1)) (i32.store8 (i32.const 12345) (i32.const 1)) unreachable))`),
    'large',
  );
  const { bytes, file } = await coredumpOf(source, 'large');
  expect(statSync(file).size).toBeLessThan(20_000);
  const { memories, segments } = readCoredump(bytes);
  expect(memories).toEqual([32768]);
  expect(segments.map(({ offset, bytes: { length } }) => [offset, length])).toEqual([
    [0x3000, 4096],
    [0x7fff_0000, 8192],
  ]);
});

test('what is too much for the format is refused, and leaves no file', async () => {
  const pages = 70_000;
  const bytes = pages * 65536;
  const memory = { pages, maxPages: pages, extents: [{ offset: 0, fileOffset: 65536, bytes }] };
  const output = join(folder, 'huge.core');
  const dump = async (blocks: number) => {
    const snapshot = sampleSnapshot([{ ...memory, blocks: new Uint16Array(pages).fill(blocks) }], undefined);
    await writeCoredump({ path: crash, size: bytes, snapshot }, output);
  };
  await expect(dump(0xffff)).rejects.toThrow(LimitError);
  await expect(dump(0xffff)).rejects.toThrow(/less than 4 GiB/);
  // 560,000 runs of blocks are too many, so whole pages are written: too much
  await expect(dump(0x5555)).rejects.toThrow(/less than 4 GiB/);
  expect(existsSync(output)).toBe(false);
});

test('more than 4 GiB of addresses need 64 bits', async () => {
  const source = Buffer.from(`(module (memory i64 65540) (func (export "_start")
    (i32.store (i64.const 0x1_0002_0000) (i32.const 7)) unreachable))`);
  const { bytes } = await coredumpOf(source, 'wide');
  expect(decodeModule(bytes).memories).toMatchObject([{ min: 65540 }]);
  expect(readCoredump(bytes).segments).toMatchObject([{ memory: 0, offset: 0x1_0002_0000 }]);
});

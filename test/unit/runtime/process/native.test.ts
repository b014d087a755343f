/** Process life for real: images with the real host layer, their traps and signals. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { x64 } from '../../../../src/arch/x64/target.js';
import { type CompiledImage, compileImage } from '../../../../src/compile/compile.js';
import { writeImage } from '../../../../src/compile/image/write-file.js';
import { TRAP_MEMORY, TRAP_STACK, TRAP_UNREACHABLE } from '../../../../src/runtime/layout.js';
import { moduleOf } from '../../compile/image/mini-host.js';

const TRAPS = `(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
  (import "env" "absent" (func $absent (param i32 f64)))
  (type $v (func)) (type $i (func (result i32)))
  (memory (export "memory") 1)
  (table 3 funcref) (elem (i32.const 0) $typed)
  (func $typed (result i32) (i32.const 1))
  (func $recurse (param i32) (result i32) (i32.add (i32.const 1) (call $recurse (local.get 0))))
  (func $fault (param i32) (local $zero i32)
    (if (i32.eq (local.get 0) (i32.const 0)) (then unreachable))
    (if (i32.eq (local.get 0) (i32.const 1)) (then (drop (i32.load (i32.const 65533)))))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (drop (i32.div_u (i32.const 1) (local.get $zero)))))
    (if (i32.eq (local.get 0) (i32.const 3)) (then (drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))))
    (if (i32.eq (local.get 0) (i32.const 4)) (then (drop (i32.trunc_f64_s (f64.const nan)))))
    (if (i32.eq (local.get 0) (i32.const 5)) (then (drop (i32.trunc_f64_s (f64.const 1e10)))))
    (if (i32.eq (local.get 0) (i32.const 6)) (then (call_indirect (type $v) (i32.const 3))))
    (if (i32.eq (local.get 0) (i32.const 7)) (then (call_indirect (type $v) (i32.const 1))))
    (if (i32.eq (local.get 0) (i32.const 8)) (then (call_indirect (type $v) (i32.const 0))))
    (if (i32.eq (local.get 0) (i32.const 9)) (then (memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))))
    (if (i32.eq (local.get 0) (i32.const 10)) (then (table.copy (i32.const 2) (i32.const 0) (i32.const 2))))
    (if (i32.eq (local.get 0) (i32.const 11)) (then (call $absent (i32.const 1) (f64.const 2))))
    (if (i32.eq (local.get 0) (i32.const 12)) (then (drop (call $recurse (i32.const 1)))))
    (if (i32.eq (local.get 0) (i32.const 13)) (then (drop (i32.load offset=0xffffffff (i32.const -1))))))
  (func $main (export "_start")
    (drop (call $args (i32.const 0) (i32.const 4)))
    (call $fault (i32.sub (i32.load (i32.const 0)) (i32.const 1)))))`;

const WORDING = [
  'unreachable',
  'out of bounds memory access',
  'integer divide by zero',
  'integer overflow',
  'invalid conversion to integer',
  'integer overflow',
  'undefined element',
  'uninitialized element',
  'indirect call type mismatch',
  'out of bounds memory access',
  'out of bounds table access',
  'call of a missing import',
  'call stack exhausted',
  'out of bounds memory access',
];

/** Counts to a number that takes a few hundred milliseconds, then exits with 9. */
const LOOP = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "_start") (local i64)
    (loop (local.set 0 (i64.add (local.get 0) (i64.const 1)))
      (br_if 0 (i64.lt_u (local.get 0) (i64.const 1000000000))))
    (call $exit (i32.const 9))))`;

const folder = mkdtempSync(join(tmpdir(), 'wagsnap-process-'));
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const exitOf = (child: ChildProcess) =>
  new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));

async function build(name: string, wat: string): Promise<{ file: string; image: CompiledImage }> {
  const image = compileImage([{ module: await moduleOf(wat), file: name }], { target: x64, allowMissingImports: true });
  const file = join(folder, name);
  writeImage(image, file);
  return { file, image };
}

describe.runIf(process.arch === 'x64' && process.platform === 'linux')('a process', async () => {
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const traps = await build('traps', TRAPS);
  const loop = await build('loop', LOOP);

  it.each(WORDING.map((text, index) => [index, text] as const))('trap %i: %s', (index, text) => {
    const { status, stderr } = spawnSync(traps.file, new Array(index).fill('x'), { encoding: 'utf8' });
    const lines = stderr.split('\n');
    expect(lines[0]).toBe(`wasm trap: ${text}`);
    expect(status).toBe(134);
    const frames = lines.slice(1, -1);
    if (text === 'call stack exhausted') {
      expect(frames[1]).toMatch(/^ {2}#1 recurse \(0x[0-9a-f]+, func\[3\]\+0x[0-9a-f]+\)$/);
      expect(frames[2]).toMatch(/^ {2}\.\.\. \d{4,} more frames like #1$/);
      expect(frames.at(-1)).toMatch(/^ {2}#\d{4,} main \(0x[0-9a-f]+, func\[5\]\+0x[0-9a-f]+\)$/);
      return;
    }
    if (text === 'call of a missing import') expect(frames.shift()).toMatch(/^ {2}#0 \S*absent \(func\[1\]\)$/);
    expect(frames[0]).toMatch(/^ {2}#\d fault \(0x[0-9a-f]+, func\[4\]\+0x[0-9a-f]+\)$/);
    expect(frames[1]).toMatch(/^ {2}#\d main \(0x[0-9a-f]+, func\[5\]\+0x[0-9a-f]+\)$/);
    expect(frames.length).toBe(2);
  });

  it('traps far behind a memory of more than 4 GiB', async () => {
    const { file } = await build(
      'far',
      `(module (memory i64 81920 81920)
        (func (export "_start") (drop (i64.load8_u offset=0xfffffff0 (i64.const 5368709120)))))`,
    );
    const { status, stderr } = spawnSync(file, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 134,
      stderr: 'wasm trap: out of bounds memory access\n  #0 func-0 (0x33, func[0]+0x7)\n',
    });
  });

  it('goes on after stops whose senders are gone', async () => {
    const child = spawn(loop.file);
    await sleep(50);
    for (let i = 0; i < 20; i++) spawnSync('sh', ['-c', `kill -USR2 ${child.pid}`]);
    expect(await exitOf(child)).toBe(9);
  });

  it('goes on after a stop whose sender lives but claims nothing', async () => {
    const child = spawn(loop.file);
    await sleep(50);
    child.kill('SIGUSR2');
    await sleep(100);
    expect(readFileSync(`/proc/${child.pid}/status`, 'utf8')).toMatch(/^State:\tS/m);
    expect(await exitOf(child)).toBe(9);
  });

  it('parks at the first or the n-th safepoint when told to', async () => {
    for (const n of ['1', '7']) {
      const child = spawn(loop.file, { env: { WAGSNAP_PARK: n } });
      await sleep(100);
      child.kill('SIGUSR2'); // without a command: it stays
      await sleep(100);
      expect(readFileSync(`/proc/${child.pid}/status`, 'utf8')).toMatch(/^State:\tS/m);
      child.kill('SIGKILL');
      expect(await exitOf(child)).toBe('SIGKILL');
    }
  });

  it('obeys the driver after any trap', async () => {
    const { file, image } = await build(
      'driven',
      `(module (memory 1)
        (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
        (func (export "pair") (param f32 i64) (result i64 f32) (local.get 1) (local.get 0))
        (func $recurse (export "recurse") (call $recurse) (call $recurse))
        (func (export "fault") unreachable)
        (func (export "fill") (memory.fill (i32.const 65535) (i32.const 1) (i32.const 2))))`,
    );
    const input: number[] = [];
    const u32 = (value: number) => input.push(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
    const invoke = (name: string, args: number[], results: number) => {
      input.push(2);
      u32(image.functionRecord(1, name)!);
      u32(args.length);
      for (const arg of args) {
        u32(arg);
        u32(arg >> 31);
      }
      u32(results);
    };
    input.push(1);
    u32(1);
    for (let i = 0; i < 3; i++) {
      for (const name of ['recurse', 'fault', 'fill']) invoke(name, [], 0);
      invoke('add', [-2, 1], 1);
    }
    invoke('pair', [0x3fc00000, -5], 2);
    input.push(4);
    const { status, stdout } = spawnSync(file, { input: Uint8Array.from(input), env: { WAGSNAP_DRIVER: '1' } });
    const round = [TRAP_STACK, TRAP_UNREACHABLE, TRAP_MEMORY, 0, 255, 255, 255, 255, 0, 0, 0, 0];
    const pair = [0, 251, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0xc0, 0x3f, 0, 0, 0, 0];
    expect([...stdout]).toEqual([0, ...round, ...round, ...round, ...pair]);
    expect(status).toBe(0);
  });
});

/** Process life for real: images with the real host layer, their traps and signals. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { targets } from '../../../../src/arch/targets.js';
import { listWorkloads } from '../../../../src/capture/workloads.js';
import { type CompiledImage, compileImage } from '../../../../src/compile/link/compile.js';
import { writeImage } from '../../../../src/compile/link/write-file.js';
import { TRAP_MEMORY, TRAP_STACK, TRAP_UNREACHABLE } from '../../../../src/image/contract/traps.js';
import { nativeArch } from '../../../support/native-arch.js';
import { Output } from '../../../support/waiting.js';
import { moduleOf } from '../../compile/link/mini-host.js';

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

/** Prints A, counts and looks now and then whether its input has ended; then exits with 9, if it has counted right. */
const LOOP = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00") (data (i32.const 16) "A")
  (data (i32.const 72) "\\01") ;; a subscription: descriptor 0 can be read; the other one: 0 ns are over
  (func (export "_start") (local $i i64) (local $rounds i64)
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 40)))
    (i32.store (i32.const 128) (i32.const 1))
    (loop $round
      (local.set $rounds (i64.add (local.get $rounds) (i64.const 1000000)))
      (loop $count
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $count (i64.lt_u (local.get $i) (local.get $rounds))))
      (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 2) (i32.const 40)))
      (br_if $round (i32.eqz (i32.load8_u (i32.const 266))))) ;; the first event's type
    (call $exit (i32.add (i32.const 8) (i64.eq (local.get $i) (local.get $rounds))))))`;

const folder = mkdtempSync(join(tmpdir(), 'wagsnap-process-'));
const exitOf = (child: ChildProcess) =>
  new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));

/** What /proc says of a process: its state, signals that it has not taken yet, and CPU time in ticks. */
function statusOf({ pid }: ChildProcess): { state: string; pending: number; ticks: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const field = (name: string) => new RegExp(`^${name}:\\t(\\S+)`, 'm').exec(status)![1];
  const [, , , , , , , , , , , user, system] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return { state: field('State'), pending: Number(`0x${field('ShdPnd')}`), ticks: Number(user) + Number(system) };
}

const isParked = ({ pid }: ChildProcess) =>
  listWorkloads().find((workload) => workload.pid === pid)?.state === 'parked';

async function build(name: string, wat: string): Promise<{ file: string; image: CompiledImage }> {
  const target = targets[nativeArch];
  const image = compileImage([{ module: await moduleOf(wat), file: name }], { target, allowMissingImports: true });
  const file = join(folder, name);
  writeImage(image, file);
  return { file, image };
}

describe.runIf(process.platform === 'linux')('a process', async () => {
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

  it('traps far after a memory of more than 4 GiB', async () => {
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

  /** A process of LOOP that counts. */
  async function counting(): Promise<ChildProcess> {
    const child = spawn(loop.file);
    await new Output(child).has('A');
    return child;
  }

  /** It counts on, and ends as it should when it is told to. */
  async function goesOn(child: ChildProcess): Promise<void> {
    const { ticks } = statusOf(child);
    await expect.poll(() => statusOf(child).ticks).toBeGreaterThan(ticks + 1);
    child.stdin!.end();
    expect(await exitOf(child)).toBe(9);
  }

  it('continues after stops whose senders are gone', async () => {
    const child = await counting();
    for (let i = 0; i < 20; i++) spawnSync('sh', ['-c', `kill -USR2 ${child.pid}`]);
    await goesOn(child);
  });

  it('continues after a stop whose sender lives but claims nothing', async () => {
    const child = await counting();
    for (let stops = 0; ; stops++) {
      expect(stops, 'stops that nobody has seen').toBeLessThan(20);
      child.kill('SIGUSR2');
      if (await isSeenParked(child)) break;
    }
    await goesOn(child);
  });

  /** Looks until it has continued: false when this process was not there meanwhile. */
  async function isSeenParked(child: ChildProcess): Promise<boolean> {
    const { ticks } = statusOf(child);
    while (!isParked(child)) {
      if (statusOf(child).ticks > ticks + 100) return false;
      await setImmediate();
    }
    return true;
  }

  it('parks at the first or the n-th safepoint when told to', async () => {
    for (const n of ['1', '7']) {
      const child = spawn(loop.file, { env: { WAGSNAP_PARK: n } });
      await expect.poll(() => isParked(child)).toBe(true);
      const { ticks } = statusOf(child);
      child.kill('SIGUSR2'); // without a command: it stays
      await expect.poll(() => statusOf(child)).toMatchObject({ state: 'S', pending: 0 });
      expect(isParked(child)).toBe(true);
      expect(statusOf(child).ticks).toBeLessThan(ticks + 10);
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

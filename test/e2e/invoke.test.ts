/**
 * `run --invoke`, captured before the call and in the call itself. The command that restores prints the results, on
 * both CPUs.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { InputError, restore, restoreImage } from '../../src/api/index.js';
import { planCall } from '../../src/restore/call.js';
import { References } from '../../src/restore/placed-references.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import type { SnapshotCall, StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { nativeArch } from '../support/native-arch.js';
import { Output } from '../support/waiting.js';
import { build, canRun } from '../support/workload.js';

const tool = resolve(import.meta.dirname, '../../bin/wag-snap');
let folder = '';

/** Each function waits for a byte, then gives what it was given, and what _initialize has set. */
const MATH = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "base" "add" (func $add (param i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
  (global $base (mut i32) (i32.const 0))
  (func $wait
    (i32.store8 (i32.const 16) (i32.const 46))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_initialize") (call $wait) (global.set $base (call $add (i32.const 1000))))
  (func (export "many") (param i32 i64 f32 f64 i32 i32 i32 i32 i32 i32 i64) (result i32 i64 f32 f64 i64)
    (call $wait)
    (i32.add (local.get 0) (global.get $base)) (local.get 1) (local.get 2) (local.get 3)
    (i64.add (local.get 10) (i64.extend_i32_u (i32.add
      (i32.add (local.get 4) (local.get 5))
      (i32.add (i32.add (local.get 6) (local.get 7)) (i32.add (local.get 8) (local.get 9)))))))
  (func (export "one") (param f32) (result f32) (call $wait) (f32.mul (local.get 0) (f32.const 1.5)))
  (func (export "none") (call $wait))
  (func (export "vector") (param v128) (result v128) (call $wait) (local.get 0))
  (func (export "reference") (param externref) (result externref) (call $wait) (local.get 0))
  (func (export "bad") (result i32) (call $wait) (i32.div_u (i32.const 1) (i32.const 0)))
  (func (export "leave") (result i32) (call $wait) (call $exit (i32.const 7)) (i32.const 1)))`;
/** Is initialized before. */
const BASE = `(module (global $n (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $n (i32.const 7)))
  (func (export "add") (param i32) (result i32) (i32.add (local.get 0) (global.get $n))))`;

const children: ChildProcess[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-invoke-'));
  writeFileSync(join(folder, 'math.wat'), MATH);
  writeFileSync(join(folder, 'base.wat'), BASE);
  const made = wagSnap('', 'compile', 'math.wat', '--link', 'base=base.wat', '-o', 'math');
  expect(made.stderr).toBe('');
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGTERM');
});
afterAll(() => rmSync(folder, { recursive: true }));

function wagSnap(input: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(tool, args, { cwd: folder, encoding: 'utf8', input });
  return { status, stdout, stderr };
}

/** A call that waits for the nth time, and what it has printed. */
async function waiting(times: number, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(tool, ['run', ...args], { cwd: folder });
  children.push(child);
  const output = new Output(child);
  for (let n = 1; n <= times; n++) {
    await output.has('.'.repeat(n));
    if (n < times) child.stdin!.write('x');
  }
  return child;
}

const other = nativeArch === 'x64' ? 'arm64' : 'x64';
const CALLS: readonly (readonly [string, readonly string[], string, number, string])[] = [
  ['many', ['1', '-2', '1.5', '-0.25', '1', '2', '3', '4', '5', '6', '100'], '1008\n-2\n1.5\n-0.25\n121\n', 0, ''],
  ['one', ['2.5'], '3.75\n', 0, ''],
  ['none', [], '', 0, ''],
  ['vector', ['i32x4:1,2,3,-4'], 'i32x4:1,2,3,-4\n', 0, ''],
  ['reference', ['null'], 'null\n', 0, ''],
  ['bad', [], '', 134, 'wag-snap: trap: integer divide by zero\n'],
  ['leave', [], '', 7, ''],
];

describe.each(CALLS)('%s', (name, args, stdout, status, stderr) => {
  test('an uninterrupted call', () => {
    expect(wagSnap('xx', 'run', '--invoke', name, 'math', ...args)).toEqual({ status, stdout: `..${stdout}`, stderr });
  });

  // what runs before the call is the same for all
  test.each(['many', 'bad'].includes(name) ? [1, 2] : [2])('captured at wait %d, and again', async (times) => {
    const child = await waiting(times, '--invoke', name, 'math', ...args);
    const file = `${name}.wsnap`;
    expect(wagSnap('', 'capture', String(child.pid), '--kill', '-o', file).stderr).toBe('');
    const rest = '.'.repeat(2 - times);
    const arches = canRun(other) ? [nativeArch, other] : [nativeArch];
    for (const arch of arches) {
      const restored = wagSnap('xx', 'restore', '--arch', arch, file);
      expect(restored).toEqual({ status, stdout: `${rest}${stdout}`, stderr });
    }
    const again = spawn(tool, ['restore', '-v', '--arch', arches.at(-1)!, file], { cwd: folder });
    children.push(again);
    const said = await new Output(again).says(/^pid \d+$/m);
    const pid = /^pid (\d+)$/m.exec(said)![1];
    expect(wagSnap('', 'capture', pid, '--kill', '-o', 'again.wsnap').stderr).toBe('');
    expect(wagSnap('xx', 'restore', 'again.wsnap')).toEqual({ status, stdout: `${rest}${stdout}`, stderr });
  });
});

test('of an image that is there, and of one that is only in the cache', async () => {
  const child = await waiting(2, '--invoke', 'one', '--link', 'base=base.wat', 'math.wat', '2');
  expect(wagSnap('', 'capture', String(child.pid), '-o', 'goes-on.wsnap').status).toBe(0);
  const output = new Output(child);
  child.stdin!.write('x');
  await output.has('3\n');
  const { call } = JSON.parse(wagSnap('', 'inspect', '--json', 'goes-on.wsnap').stdout);
  expect(call).toEqual({ instance: 1, function: expect.any(Number), results: ['f32'] });
});

test('a call has somebody who wants its results', async () => {
  const child = await waiting(2, '--invoke', 'one', 'math', '2');
  const file = join(folder, 'wanted.wsnap');
  expect(wagSnap('', 'capture', String(child.pid), '--kill', '-o', file).status).toBe(0);
  expect(wagSnap('', 'restore', file, '-o', 'executable')).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('it is of a call (run --invoke)'),
  });
  expect(readdirSync(folder)).not.toContain('executable');
  expect(wagSnap('', 'restore', file, '--on-trap', 'park').status).toBe(2);
  await expect(restoreImage(file, { to: join(folder, 'executable') })).rejects.toMatchObject({ code: 'call' });
  const workload = await restore(file, { stdio: 'pipe' });
  workload.stdin!.end('x');
  const { code, reply } = await workload.exited;
  expect({ code, reply }).toEqual({
    code: 0,
    reply: { kind: 'results', results: [{ type: 'f32', value: 3, bits: 0x40400000 }] },
  });
});

test('images of before take a call by the driver, and are not captured meanwhile', async () => {
  const image = resolve(import.meta.dirname, `../../fixtures/snapshots/v1/${nativeArch}/quicksort.image`);
  expect(wagSnap('', 'run', '--invoke', '_start', image, '--max-stack', '1M').status).not.toBe(70);
  const direct = wagSnap('', 'run', '--invoke', '_start', image);
  expect(direct.status).toBe(0);
  expect(direct.stdout).toMatch(/quicksort/);
});

describe('a snapshot whose call is not what the module has', () => {
  let stored: StoredSnapshot;
  let refuse: (call: Partial<SnapshotCall>) => void;
  beforeAll(async () => {
    const child = await waiting(2, '--invoke', 'many', 'math', ...CALLS[0][1]);
    const file = join(folder, 'hostile.wsnap');
    expect(wagSnap('', 'capture', String(child.pid), '--kill', '-o', file).status).toBe(0);
    stored = readSnapshot(file);
    const built = await build(join(folder, 'math.wat'), join(folder, 'built'), { linked: { base: BASE } });
    const references = new References(built.image.identity);
    const plan = (call: Partial<SnapshotCall>) =>
      planCall({ ...stored.snapshot, call: { ...stored.snapshot.call!, ...call } }, built.modules, references);
    expect(plan({})).toMatchObject({ initialize: true, resultCells: 5 });
    refuse = (call) => expect(() => plan(call)).toThrow(InputError);
  });

  test('is refused', () => {
    const { call } = stored.snapshot;
    refuse({ func: 1000 });
    refuse({ instance: 5 });
    refuse({ func: 4 }); // $wait, to which no program can have a reference
    refuse({ results: call!.results.slice(1) });
    refuse({ results: call!.results.map(() => 0x70) });
    refuse({ arguments: call!.arguments.slice(2) });
    refuse({ arguments: Uint32Array.of(...call!.arguments, 0, 0) });
    refuse({ instance: 0, func: 1, initialize: true, results: new Uint8Array([0x7f]) });
  });
});

test('a snapshot of a call says so in its format', async () => {
  const child = await waiting(1, '--invoke', 'none', 'math');
  expect(wagSnap('', 'capture', String(child.pid), '--kill', '-o', 'format.wsnap').status).toBe(0);
  expect(readFileSync(join(folder, 'format.wsnap')).readUInt32LE(8)).toBe(3);
});

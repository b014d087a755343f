/**
 * Clones by the library, on each CPU: that each is told which one it is, has random numbers of its own, and the pages
 * that none has written in common with the others.
 */

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  attach,
  fork,
  InputError,
  openSnapshot,
  restore,
  run,
  type StartedWorkload,
  UsageError,
} from '../../../src/api/index.js';
import { canRun, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
const temporary = join(folder, 'tmp');
mkdirSync(temporary);
mkdirSync(join(folder, 'cache'));
vi.stubEnv('TMPDIR', temporary);
vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));

const started: StartedWorkload[] = [];
afterEach(async () => {
  for (const workload of started.splice(0)) await workload[Symbol.asyncDispose]();
  expect(readdirSync(temporary)).toEqual([]);
});

/** Of the memory that it fills, so that sharing is worth something. */
const PAGES = 128;

/**
 * Fills its memory. For each byte of input: a line of its generation and its number (a digit each, after "0"), 8 random
 * bytes as letters, and its environment, with "|" for NUL.
 */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wag_snap" "generation" (func $generation (result i32)))
  (import "wag_snap" "clone" (func $clone (result i32)))
  (memory (export "memory") ${PAGES + 1})
  (data (i32.const 0) "\\00\\01\\00\\00\\01\\00\\00\\00")
  (func $put (param $at i32) (param $length i32)
    (i32.store (i32.const 16) (local.get $at)) (i32.store (i32.const 20) (local.get $length))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32))))
  (func $line (local $i i32)
    (i32.store (i32.const 48) (i32.add (i32.const 0x2f2030)
      (i32.add (call $generation) (i32.shl (i32.add (call $clone) (i32.const 1)) (i32.const 16)))))
    (i32.store8 (i32.const 51) (i32.const 32))
    (drop (call $random (i32.const 52) (i32.const 8)))
    (loop $letter
      (i32.store8 offset=52 (local.get $i)
        (i32.add (i32.const 97) (i32.and (i32.load8_u offset=52 (local.get $i)) (i32.const 15))))
      (br_if $letter (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (i32.store8 (i32.const 60) (i32.const 32))
    (call $put (i32.const 48) (i32.const 13))
    (drop (call $sizes (i32.const 40) (i32.const 44)))
    (drop (call $environ (i32.const 2048) (i32.const 4096)))
    (local.set $i (i32.const 0))
    (loop $next
      (if (i32.eqz (i32.load8_u offset=4096 (local.get $i))) (then (i32.store8 offset=4096 (local.get $i) (i32.const 124))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.load (i32.const 44)))))
    (i32.store8 offset=4096 (local.get $i) (i32.const 10))
    (call $put (i32.const 4096) (i32.add (local.get $i) (i32.const 1))))
  (func (export "_start")
    (memory.fill (i32.const 65536) (i32.const 7) (i32.const ${PAGES * 65536}))
    (loop $next
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))
      (if (i32.eqz (i32.load (i32.const 32))) (then (return)))
      (call $line)
      (br $next))))`;

/** Lets it print a line. */
async function ask(workload: StartedWorkload): Promise<string> {
  const lines = createInterface({ input: workload.stdout! });
  workload.stdin!.write('?');
  for await (const line of lines) return line;
  throw new Error('it has ended');
}

/** Bytes that are a process's alone. */
function privateBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const sizes = Array.from(text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm), ([, size]) => Number(size));
  return sizes.reduce((sum, size) => sum + size, 0) * 1024;
}

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  const snapshot = join(folder, `${arch}.wsnap`);
  const start = async () => {
    const program = await run(new TextEncoder().encode(PROGRAM), { arch, env: { A: '1' }, name: 'job' });
    started.push(program);
    expect(await ask(program)).toMatch(/^0 \/ [a-p]{8} A=1\|$/);
    return program;
  };

  test.runIf(canRun(arch))('clones know which one they are, and are not alike', async () => {
    const program = await start();
    await program.capture({ to: snapshot, kill: true });
    const clones = await restore(snapshot, { arch, count: 3 });
    started.push(...clones);
    const lines = await Promise.all(clones.map(ask));
    for (const [n, line] of lines.entries()) {
      expect(line).toMatch(
        new RegExp(`^${n + 1} ${n} [a-p]{8} A=1\\|WAG_SNAP_GENERATION=${n + 1}\\|WAG_SNAP_CLONE=${n}\\|$`),
      );
    }
    expect(new Set(lines.map((line) => line.slice(4, 12))).size).toBe(3);
    await using second = await attach('job-1');
    expect(second.pid).toBe(clones[1].pid);
    if (arch === process.arch)
      for (const { pid } of clones) expect(privateBytes(pid)).toBeLessThan((PAGES * 65536) / 4);

    // what continues a clone is that one still
    await clones[2].capture({ to: join(folder, 'third.wsnap'), kill: true });
    using third = await openSnapshot(join(folder, 'third.wsnap'));
    expect(third).toMatchObject({ generation: 4, name: 'job-2' });
    const again = await restore(third, { arch });
    started.push(again);
    expect(await ask(again)).toMatch(/^4 2 [a-p]{8} A=1\|WAG_SNAP_CLONE=2\|WAG_SNAP_GENERATION=4\|$/);
    // ... unless it is cloned
    const [other] = await restore(third, { arch, count: 1 });
    started.push(other);
    expect(await ask(other)).toMatch(/^4 0 [a-p]{8} A=1\|WAG_SNAP_CLONE=0\|WAG_SNAP_GENERATION=4\|$/);
    for (const each of [...clones.slice(0, 2), again, other]) {
      each.stdin!.end();
      expect((await each.exited).code).toBe(0);
    }
  });

  test.runIf(canRun(arch))('a program that is forked continues', async () => {
    const program = await start();
    const clones = await fork(program, { arch, count: 2 });
    started.push(...clones);
    expect(await ask(clones[1])).toMatch(/^2 1 /);
    expect(await ask(clones[0])).toMatch(/^1 0 /);
    expect(await ask(program)).toMatch(/^0 \/ [a-p]{8} A=1\|$/);
  });
});

test('a fork that cannot be leaves nothing, and the program continues', async () => {
  mkdirSync(join(folder, 'd'), { recursive: true });
  const dirs = [{ host: join(folder, 'd'), guest: '/d', readOnly: false }];
  const program = await run(new TextEncoder().encode(PROGRAM), { dirs });
  started.push(program);
  await ask(program);
  const refused = fork(program, { count: 2 });
  await expect(refused).rejects.toThrow(InputError);
  await expect(refused).rejects.toThrow(`pid ${program.pid}: cannot be restored here; nothing was run or written`);
  expect(await ask(program)).toMatch(/^0 /);
  const clones = await fork(program, { count: 2, sameDirs: true, stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(...clones);
  expect(await ask(clones[1])).toMatch(/^2 1 /);
});

test.each([0, -1, 1.5, NaN, 1e9])('there are never %s of them', async (count) => {
  await expect(fork(process.pid, { count })).rejects.toThrow();
  await expect(restore('none.wsnap', { count })).rejects.toThrow(UsageError);
});

test('a fork that is given up starts nothing', async () => {
  const program = await run(new TextEncoder().encode(PROGRAM), {});
  started.push(program);
  await ask(program);
  const controller = new AbortController();
  controller.abort();
  await expect(fork(program, { count: 3, signal: controller.signal })).rejects.toThrow('interrupted');
  expect(await ask(program)).toMatch(/^0 /);
});

/** Captures of programs that are blocked in a host call: the call is made again where they go on. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { build, captureAndEnd, programPath, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();

test('in a read, between lines', async () => {
  const built = await build(programPath('readline'), join(folder, 'readline'));
  let workload = Workload.start(built.path, { stdin: 'pipe' });
  let printed = '';
  for (let i = 1; i <= 6; i++) {
    workload.stdin.write(`${i} ${i}\n`);
    await workload.waitFor(`readline ${i} sum`);
    const snapshot = join(folder, `readline-${i}.wsnap`);
    await captureAndEnd(workload, snapshot);
    printed += (await workload.ended()).stdout;
    workload = restoreAndStart(snapshot, built, join(folder, `readline-${i}`), { stdin: 'pipe' });
  }
  workload.stdin.end('100\n');
  const last = await workload.ended();
  expect(last.code).toBe(0);
  expect((printed + last.stdout).trim().split('\n')).toEqual([
    'readline ready',
    ...[2, 6, 12, 20, 30, 42, 142].map((sum, i) => `readline ${i + 1} sum ${sum}`),
    'readline end after 7 lines',
  ]);
});

test('in a sleep, which then lasts only what remained of it', async () => {
  const built = await build(programPath('sleeper'), join(folder, 'sleeper'));
  const args = ['6000']; // three sleeps: long ones, as a busy machine captures and starts slowly
  const workload = Workload.start(built.path, { args });
  await workload.waitFor('falls asleep');
  await sleep(1000);
  const snapshot = join(folder, 'sleeper.wsnap');
  await captureAndEnd(workload, snapshot);
  const first = await workload.ended();
  expect(first.stdout).toBe('sleeper falls asleep\n');
  await sleep(2000); // time that passes for nobody
  const restored = performance.now();
  const rest = restoreAndStart(snapshot, built, join(folder, 'sleeper-rest'));
  await rest.waitFor('in time');
  const left = performance.now() - restored;
  expect(left).toBeGreaterThan(50);
  expect(left).toBeLessThan(1900); // the whole sleep is 2000
  expect((await rest.ended()).stdout).toBe(`${'sleeper woke up, error 0, in time\n'.repeat(3)}sleeper done\n`);
});

test('in a reactor that only initializes, with its standard streams swapped', async () => {
  const source = `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_renumber" (func $renumber (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) "A")
    (func $print (param $fd i32)
      (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))
      (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))))
    (func (export "_initialize")
      (if (call $renumber (i32.const 1) (i32.const 2)) (then (unreachable))) ;; 2 is standard output now
      (call $print (i32.const 2))
      (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 1))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (call $print (i32.const 2))))`;
  const built = await build(Buffer.from(source), join(folder, 'reactor'));
  const first = Workload.start(built.path, { stdin: 'pipe' });
  await first.waitFor('A');
  const snapshot = join(folder, 'reactor.wsnap');
  await captureAndEnd(first, snapshot);
  const rest = restoreAndStart(snapshot, built, join(folder, 'reactor-rest'), { stdin: 'pipe' });
  rest.stdin.write('B');
  expect(await rest.ended()).toMatchObject({ code: 0, stdout: 'B', stderr: '' });
});

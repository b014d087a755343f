/** Captures of programs that are blocked in a host call: the call is made again where they continue. */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { readSnapshot } from '../../src/snapshot/format.js';
import {
  build,
  captureAndEnd,
  captureThere,
  programPath,
  restoreAndStart,
  temporaryFolder,
  Workload,
  withTimeLeft,
} from '../support/workload.js';
import { IMPORTS, PRINT } from '../unit/snapshot/programs.js';

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
    workload = await restoreAndStart(snapshot, built, join(folder, `readline-${i}`), { stdin: 'pipe' });
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

const HOUR = 3_600_000_000_000n; // nanoseconds
const SLEEPER = `(module ${IMPORTS} (memory 1) ${PRINT}
  (func (export "_start") (call $print (i32.const 65))
    (i32.store (i32.const 80) (i32.const 1)) ;; monotonic clock
    (i64.store (i32.const 88) (i64.const ${HOUR}))
    (if (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 8)) (then (unreachable)))
    (call $print (i32.const 66))))`;

test('in a sleep, which then lasts only what remained of it', async () => {
  const built = await build(Buffer.from(SLEEPER), join(folder, 'sleeper'));
  const file = (n: number) => join(folder, `sleeper-${n}.wsnap`);
  let started = performance.now();
  let workload = Workload.start(built.path);
  await workload.waitFor('A');
  let left = HOUR;
  for (let n = 1; n <= 3; n++) {
    await captureThere(workload, file(n), ({ host }) => host.pendingTimeout !== undefined);
    await captureAndEnd(workload, file(n));
    const lived = BigInt(Math.ceil((performance.now() - started) * 1e6));
    const { pendingTimeout } = readSnapshot(file(n)).snapshot.host;
    expect(pendingTimeout).toBeLessThan(left);
    expect(pendingTimeout).toBeGreaterThanOrEqual(left - lived);
    left = pendingTimeout!;
    expect((await workload.ended()).stdout).toBe(n === 1 ? 'A' : '');
    await sleep(500); // time that passes for nobody
    started = performance.now();
    workload = await restoreAndStart(file(n), built, join(folder, `sleeper-rest-${n}`));
  }
  workload.kill();
  const soon = withTimeLeft(readSnapshot(file(3)), 1_000_000n);
  expect(await (await restoreAndStart(soon, built, join(folder, 'sleeper-end'))).ended()).toEqual({
    code: 0,
    stdout: 'B',
    stderr: '',
  });
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
  const rest = await restoreAndStart(snapshot, built, join(folder, 'reactor-rest'), { stdin: 'pipe' });
  rest.stdin.write('B');
  expect(await rest.ended()).toMatchObject({ code: 0, stdout: 'B', stderr: '' });
});

/**
 * Captures of programs that wait for a value in a shared memory to change, and of the restored programs. With one
 * thread, such a wait lasts as long as its timeout, on either CPU.
 */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import {
  build,
  canRun,
  captureAndEnd,
  captureThere,
  restoreAndStart,
  temporaryFolder,
  Workload,
  withTimeLeft,
} from '../support/workload.js';

const folder = temporaryFolder();
const HOUR = 3_600_000_000_000n; // nanoseconds

/** Prints A, waits, prints B when the wait has ended as it should have; operands lie below the wait's own. */
const waiting = (instruction: string) => `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 1 shared)
  (data (i32.const 64) "AB")
  (func $print (param $from i32)
    (i32.store (i32.const 0) (local.get $from)) (i32.store (i32.const 4) (i32.const 1))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))))
  (func (export "_start")
    (local $expected i32) (local $timeout i64) (local $float f64)
    (local.set $expected (i32.const 1234567))
    (local.set $float (f64.const 2.5))
    (i32.atomic.store offset=128 (i32.const 0) (local.get $expected))
    (call $print (i32.const 64))
    (i64.const 40) (local.get $float) (local.get $expected)
    ${instruction}
    (if (i32.ne (i32.const 2)) (then (unreachable))) ;; it has timed out
    (if (i32.ne (i32.const 1234567)) (then (unreachable)))
    (if (f64.ne (f64.const 2.5)) (then (unreachable)))
    (if (i64.ne (i64.const 40)) (then (unreachable)))
    (call $print (i32.const 65))))`;

const able = canRun('x64') && canRun('arm64');

describe.runIf(able)('a wait', () => {
  const routes: readonly ArchName[][] = [
    ['x64', 'arm64', 'x64'],
    ['arm64', 'x64', 'arm64'],
  ];

  test.each(routes)('continues for what remained of its timeout: %s, %s, %s', async (...route) => {
    const own = join(folder, route[0]);
    const source = waiting(`(memory.atomic.wait32 offset=100 (i32.const 28) (i32.const 1234567) (i64.const ${HOUR}))`);
    const images = await Promise.all(
      route.map((arch, i) => build(Buffer.from(source), `${own}-${i}`, { arch, variation: i === 2 ? 1 : undefined })),
    );
    let workload = Workload.start(images[0].path);
    await workload.waitFor('A');
    let printed = '';
    let left = HOUR;
    for (let i = 1; i < images.length; i++) {
      const file = `${own}-${i}.wsnap`;
      await captureThere(workload, file, ({ host }) => host.pendingTimeout !== undefined);
      await captureAndEnd(workload, file);
      const stored = readSnapshot(file);
      const { frames, host } = stored.snapshot;
      expect(frames.site(0).kind).toBe('loop');
      expect(host.pendingTimeout).toBeLessThan(left);
      left = host.pendingTimeout!;
      printed += (await workload.ended()).stdout;
      const next = i === images.length - 1 ? withTimeLeft(stored, 1_000_000n) : stored;
      workload = await restoreAndStart(next, images[i], `${own}-rest-${i}`);
    }
    const last = await workload.ended();
    expect({ ...last, stdout: printed + last.stdout }).toEqual({ code: 0, stdout: 'AB', stderr: '' });
  });
});

test('without a timeout lasts until the process is ended, and can be captured again and again', async () => {
  const source = waiting('(memory.atomic.wait32 (i32.const 128) (local.get $expected) (i64.const -1))');
  const built = await build(Buffer.from(source), join(folder, 'endless'));
  let workload = Workload.start(built.path);
  await workload.waitFor('A');
  for (let i = 0; i < 3; i++) {
    const snapshot = join(folder, `endless-${i}.wsnap`);
    await captureAndEnd(workload, snapshot);
    await workload.ended();
    workload = await restoreAndStart(snapshot, built, join(folder, `endless-rest-${i}`));
  }
  process.kill(workload.pid, 'SIGTERM');
  expect(await workload.ended()).toEqual({ code: 'SIGTERM', stdout: '', stderr: '' });
});

test('ends after a stop that nobody has meant', async () => {
  const source = waiting(
    '(memory.atomic.wait64 (i32.const 128) (i64.const 1234567) (local.tee $timeout (i64.const 1000000000)))',
  );
  const built = await build(Buffer.from(source), join(folder, 'signalled'));
  const workload = Workload.start(built.path);
  await workload.waitFor('A');
  process.kill(workload.pid, 'SIGUSR2'); // nobody claims it: the process continues by itself after a while
  expect(await workload.ended()).toEqual({ code: 0, stdout: 'AB', stderr: '' });
});

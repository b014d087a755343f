/**
 * A program that reads into many buffers at once, captured and tracked by `protect`, which makes each of them writable
 * before the call: the work grows with their number, not with its square.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { capturePid } from '../../support/capture.js';
import { build, temporaryFolder, Workload } from '../../support/workload.js';

const BUFFERS = 1024;

/** For each byte of its input it makes 50 calls, and prints how long the shortest has taken: nanoseconds of the processor, as a u64. */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 40)
  (data (i32.const 64) "file")
  (func $check (param i32) (if (local.get 0) (then unreachable)))
  (func $now (result i64)
    (call $check (call $clock (i32.const 2) (i64.const 1) (i32.const 40)))
    (i64.load (i32.const 40)))
  (func $print
    (i32.store (i32.const 0) (i32.const 48)) (i32.store (i32.const 4) (i32.const 8))
    (call $check (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
  (func (export "_start") (local $i i32) (local $start i64) (local $took i64) (local $best i64)
    (call $check (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 32)))
    (memory.fill (i32.const 65536) (i32.const 1) (i32.const 2555904))
    (loop $next
      (i32.store offset=1024 (i32.mul (local.get $i) (i32.const 8)) (i32.add (i32.const 65536) (i32.mul (local.get $i) (i32.const 2048))))
      (i32.store offset=1028 (i32.mul (local.get $i) (i32.const 8)) (i32.const 1))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${BUFFERS}))))
    (call $print)
    (loop $again
      (i32.store (i32.const 0) (i32.const 56)) (i32.store (i32.const 4) (i32.const 1))
      (call $check (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))
      (local.set $best (i64.const -1))
      (local.set $i (i32.const 50))
      (loop $call
        (local.set $start (call $now))
        (call $check (call $pread (i32.load (i32.const 32)) (i32.const 1024) (i32.const ${BUFFERS}) (i64.const 0) (i32.const 16)))
        (local.set $took (i64.sub (call $now) (local.get $start)))
        (if (i32.ne (i32.load (i32.const 16)) (i32.const ${BUFFERS})) (then unreachable))
        (if (i64.lt_u (local.get $took) (local.get $best)) (then (local.set $best (local.get $took))))
        (br_if $call (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (i64.store (i32.const 48) (local.get $best))
      (call $print)
      (br $again))))`;

const folder = temporaryFolder();

test('a call with many buffers costs about as much after a capture as before', async () => {
  writeFileSync(join(folder, 'file'), 'x'.repeat(BUFFERS));
  const built = await build(Buffer.from(PROGRAM), join(folder, 'image'));
  const workload = Workload.start(built.path, {
    stdin: 'pipe',
    dirs: [{ host: folder, guest: '/', readOnly: true }],
  });
  const printed = async (bytes: number) => {
    await expect
      .poll(() => Buffer.from(workload.stdout, 'latin1').length, { interval: 5 })
      .toBeGreaterThanOrEqual(bytes);
    return Number(Buffer.from(workload.stdout, 'latin1').readBigUInt64LE(bytes - 8));
  };
  try {
    await printed(8);
    workload.stdin.write('.');
    const before = await printed(16);
    const { tracking } = await capturePid(workload.pid, { output: join(folder, 'it.wsnap'), tracking: 'protect' });
    expect(tracking?.way).toBe('protect');
    workload.stdin.write('.');
    // Twice as much or so; it was 300 times as much when each buffer took all before it once more.
    expect(await printed(24)).toBeLessThan(before * 20);
  } finally {
    workload.kill();
  }
});

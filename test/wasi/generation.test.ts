/**
 * What a program is told about being restored, over two restores on each CPU; and that its random numbers are new each
 * time.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { build, canRun, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

/**
 * For each byte of input: a line of its generation (a digit), 16 random bytes in hex and its environment, with "|" for
 * NUL. What lies in memory is overwritten before the next byte is read.
 */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))
  (import "wag_snap" "generation" (func $generation (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\00\\01\\00\\00\\01\\00\\00\\00")
  (func $put (param $at i32) (param $length i32)
    (i32.store (i32.const 16) (local.get $at)) (i32.store (i32.const 20) (local.get $length))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))
    (memory.fill (local.get $at) (i32.const 0) (local.get $length)))
  (func $hex (param i32) (result i32)
    (i32.add (local.get 0) (select (i32.const 87) (i32.const 48) (i32.gt_u (local.get 0) (i32.const 9)))))
  (func $numbers (local $i i32) (local $byte i32)
    (drop (call $random (i32.const 512) (i32.const 16)))
    (loop $next
      (local.set $byte (i32.load8_u (i32.add (i32.const 512) (local.get $i))))
      (i32.store8 offset=1024 (i32.mul (local.get $i) (i32.const 2)) (call $hex (i32.shr_u (local.get $byte) (i32.const 4))))
      (i32.store8 offset=1025 (i32.mul (local.get $i) (i32.const 2)) (call $hex (i32.and (local.get $byte) (i32.const 15))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16))))
    (memory.fill (i32.const 512) (i32.const 0) (i32.const 16))
    (call $put (i32.const 1024) (i32.const 32)))
  (func $variables (local $i i32)
    (drop (call $sizes (i32.const 40) (i32.const 44)))
    (drop (call $environ (i32.const 2048) (i32.const 4096)))
    (loop $next
      (if (i32.eqz (i32.load8_u offset=4096 (local.get $i))) (then (i32.store8 offset=4096 (local.get $i) (i32.const 124))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.load (i32.const 44)))))
    (call $put (i32.const 4096) (i32.load (i32.const 44))))
  (func (export "_start")
    (loop $next
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))
      (if (i32.eqz (i32.load (i32.const 32))) (then (return)))
      (i32.store (i32.const 48) (i32.add (call $generation) (i32.const 0x2030)))
      (call $put (i32.const 48) (i32.const 2))
      (call $numbers)
      (i32.store8 (i32.const 48) (i32.const 32))
      (call $put (i32.const 48) (i32.const 1))
      (call $variables)
      (i32.store8 (i32.const 48) (i32.const 10))
      (call $put (i32.const 48) (i32.const 1))
      (br $next))))`;

const folder = temporaryFolder();

describe.each(['x64', 'arm64'] as const)('on %s', (arch: ArchName) => {
  it.runIf(canRun(arch))('a program sees each of its restores, and never the same random numbers', async () => {
    const program = await build(new TextEncoder().encode(PROGRAM), join(folder, `image-${arch}`), { arch });
    const snapshots = [1, 2].map((n) => join(folder, `${arch}-${n}`));
    const lines: string[] = [];
    /** Lets it print a line. */
    const ask = async (workload: Workload) => {
      const before = workload.stdout.split('\n').length;
      workload.stdin.write('?');
      await workload.waitUntil((stdout) => stdout.split('\n').length > before, 'another line');
      const line = workload.stdout.split('\n')[before - 1];
      lines.push(line);
      return line;
    };
    const first = Workload.start(program.path, { stdin: 'pipe', env: { A: '1' } });
    expect(await ask(first)).toMatch(/^0 [0-9a-f]{32} A=1\|$/);
    await captureAndEnd(first, snapshots[0]);

    const second = await restoreAndStart(snapshots[0], program, join(folder, 'restored'), { stdin: 'pipe' });
    expect(await ask(second)).toMatch(/^1 [0-9a-f]{32} A=1\|WAG_SNAP_GENERATION=1\|$/);
    await captureAndEnd(second, snapshots[1]);
    expect(readSnapshot(snapshots[1]).snapshot.generation).toBe(2);

    for (const snapshot of [snapshots[1], snapshots[1]]) {
      const again = await restoreAndStart(snapshot, program, join(folder, 'restored'), { stdin: 'pipe' });
      expect(await ask(again)).toMatch(/^2 [0-9a-f]{32} A=1\|WAG_SNAP_GENERATION=2\|$/);
      again.stdin.end();
      expect((await again.ended()).code).toBe(0);
    }

    const numbers = lines.map((line) => line.slice(2, 34));
    expect(new Set(numbers).size).toBe(4);
    // what was drawn is nowhere in the host layer's part of a snapshot, nor, as it was overwritten, in the guest's
    for (const snapshot of snapshots) {
      const bytes = readFileSync(snapshot);
      for (const number of numbers) expect(bytes.indexOf(Buffer.from(number, 'hex'))).toBe(-1);
    }
  });
});

/** WAGSNAP_MAX_STACK on real stacks: how deep a program gets, and a captured stack that needs its size again. */

import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Built,
  build,
  canRun,
  captureAndEnd,
  restoreAndStart,
  temporaryFolder,
  Workload,
} from '../support/workload.js';

/**
 * Calls itself `depth` (the first byte of input) times 1000 deep and prints "x"; reads a byte; goes 1000 deeper and
 * prints "y".
 */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\01\\00\\00\\00")
  (func $get (result i32)
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32))) (i32.load8_u (i32.const 64)))
  (func $put (param i32)
    (i32.store8 (i32.const 64) (local.get 0))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))
  (func $down (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
      (else (i32.const 0))))
  (func $deep (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
      (else (call $put (i32.const 120)) (drop (call $get)) (drop (call $down (i32.const 1000))) (call $put (i32.const 121)) (i32.const 0))))
  (func (export "_start")
    (drop (call $deep (i32.mul (call $get) (i32.const 1000))))))`;

const folder = temporaryFolder();

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  let program: Built;
  beforeAll(async () => {
    program = await build(new TextEncoder().encode(PROGRAM), join(folder, `image-${arch}`), { arch });
  });
  const stack = (bytes: number) => ({ WAGSNAP_MAX_STACK: String(bytes) });
  const run = async (depth: number, env?: Record<string, string>) => {
    const workload = Workload.start(program.path, { stdin: 'pipe', env });
    workload.stdin.on('error', () => {}).end(Buffer.of(depth, 0));
    return workload.ended();
  };

  it.runIf(canRun(arch))('a smaller one is exhausted sooner', async () => {
    expect(await run(200)).toMatchObject({ stdout: 'xy', code: 0 });
    expect(await run(1, stack(1 << 18))).toMatchObject({ stdout: 'xy', code: 0 });
    const { stdout, stderr, code } = await run(200, stack(1 << 18));
    expect([stdout, code]).toEqual(['', 134]);
    expect(stderr).toMatch(/call stack exhausted/);
  });

  it.runIf(canRun(arch))('a captured one has as much as it needs, or is refused', async () => {
    const snapshot = join(folder, `snapshot-${arch}`);
    const output = join(folder, `restored-${arch}`);
    const workload = Workload.start(program.path, { stdin: 'pipe' });
    workload.stdin.write(Buffer.of(20));
    await workload.waitFor('x');
    const { frames } = await captureAndEnd(workload, snapshot);
    expect(frames).toBeGreaterThan(20_000);
    const restore = async (env?: Record<string, string>) => {
      const restored = await restoreAndStart(snapshot, program, output, { stdin: 'pipe', env });
      restored.stdin.on('error', () => {}).end('?');
      return restored.ended();
    };
    const refused = await restore(stack(1 << 18));
    expect(refused).toMatchObject({ stdout: '', code: 4 });
    const [, used] = /^wag-snap: --max-stack: the program has (\d+) bytes of stack in use, 262144 are allowed\n$/.exec(
      refused.stderr,
    )!;
    expect(await restore(stack(Number(used) - 1))).toMatchObject({ stdout: '', code: 4 });
    expect((await restore(stack(Number(used)))).stderr).not.toMatch(/--max-stack/);
    expect(await restore(stack(Number(used) + (1 << 18)))).toEqual({ stdout: 'y', stderr: '', code: 0 });
    expect(await restore()).toEqual({ stdout: 'y', stderr: '', code: 0 });
  });
});

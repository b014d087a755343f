/** The exception that a legacy catch body will rethrow, in a forged snapshot: another one, or none. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSnapshot } from '../../src/snapshot/format.js';
import { Frames, type Snapshot } from '../../src/snapshot/snapshot.js';
import { ValType } from '../../src/wasm/module.js';
import {
  type BuildOptions,
  build,
  canRun,
  captureAndEnd,
  restoreAndStart,
  temporaryFolder,
  Workload,
} from '../support/workload.js';

/** Catches an exception, waits for input, throws it again and leaves with 10 more than what it carries. */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00ready\\0a\\00\\00ready\\0a")
  (tag $value (param i32)) (tag $other (param i64 i64 exnref))
  (func $wait
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32))))
  (func (export "_start")
    (try
      (do
        (try
          (do (throw $value (i32.const 7)))
          (catch $value (drop) (call $wait) (rethrow 0))))
      (catch $value (call $proc_exit (i32.add (i32.const 10)))))))`;

const folder = temporaryFolder();

/** @param number of the exception that the catch body has, of the snapshot's and one more */
function forged(snapshot: Snapshot, number: number): Snapshot {
  const { frames } = snapshot;
  const words = frames.words.slice();
  for (let i = 0; i < frames.count; i++) {
    const { locals, operands } = frames.site(i);
    [...locals, ...operands].forEach((type, n) => {
      if (type === ValType.ExnRef) words[frames.wordOf(i, n)] = number;
    });
  }
  const types = Uint8Array.of(ValType.I64, ValType.I64, ValType.ExnRef);
  const other = { instance: 0, tag: 1, types, words: Uint32Array.of(1, 2, 3, 4, 1, 0) };
  return {
    ...snapshot,
    exceptions: [...(snapshot.exceptions ?? []), other],
    frames: new Frames(frames.sites, frames.siteOf, words),
  };
}

for (const arch of (['x64', 'arm64'] as const).filter(canRun)) {
  test(`${arch}: another exception goes its way, none is a trap`, async () => {
    const options: BuildOptions = { arch };
    const built = await build(Buffer.from(PROGRAM), join(folder, arch), options);
    const workload = Workload.start(built.path, { stdin: 'pipe' });
    await workload.waitFor('ready');
    const file = join(folder, `${arch}.wsnap`);
    await captureAndEnd(workload, file);
    const stored = readSnapshot(file);
    const restored = async (number: number) => {
      const changed = { ...stored, snapshot: forged(stored.snapshot, number) };
      return (await restoreAndStart(changed, built, join(folder, 'resumable'))).ended();
    };
    expect(await restored(1)).toMatchObject({ code: 17 });
    expect(await restored(2)).toMatchObject({ code: 134, stderr: expect.stringContaining('uncaught exception') });
    expect(await restored(0)).toMatchObject({ code: 134, stderr: expect.stringContaining('null reference') });
  });
}

/** A program is run, captured and continued. Argument: a folder to write to. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { capture, compile, type Exit, openSnapshot, restore, run, type StartedWorkload } from 'wag-snap';

const [folder = ''] = process.argv.slice(2);
const path = join(folder, 'echo.wsnap');

// prints a byte, reads one, prints it
const text = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 16) "?")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`;

async function ask(workload: StartedWorkload, answer: string): Promise<[said: string, exit: Exit]> {
  let said = '';
  workload.stdout?.on('data', (data: Buffer) => {
    said += data.toString();
  });
  workload.stdin?.end(answer);
  const closed = workload.stdout && once(workload.stdout, 'close');
  const exit = await workload.exited;
  await closed;
  return [said, exit];
}

const image = await compile(new TextEncoder().encode(text), { name: 'echo' });
const workload = await run(image, { programName: 'echo', dirs: [{ host: folder, guest: '/d' }] });
assert.ok(workload.stdout !== null);
const [first] = (await once(workload.stdout, 'data')) as [Buffer];
assert.equal(first.toString(), '?');
const report = await capture(workload, { to: path });
assert.equal(report.pid, workload.pid);
assert.deepEqual(await ask(workload, 'a'), ['a', { code: 0, signal: null, timedOut: false }]);

const snapshot = await openSnapshot(path);
assert.deepEqual(Buffer.from(await snapshot.memory().read(16, 1)).toString(), '?');
const again = await restore(snapshot, { dirs: [{ host: folder, guest: '/d' }] });
snapshot.close();
assert.deepEqual(await ask(again, 'b'), ['b', { code: 0, signal: null, timedOut: false }]);

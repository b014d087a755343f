/**
 * --max-memory and exceptions: exceptions that a program keeps count together with its memory, others do not pile up.
 */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();
const PAGE = 65536;
const BLOCK = 65536;
/** An exception of 100 values: a header and 16 bytes each. A block has a header of 16. */
const IN_BLOCK = Math.floor((BLOCK - 16) / (16 + 100 * 16));

/** Has two pages and $make, which throws, catches and returns a large exception. */
const program = (body: string) =>
  Buffer.from(`(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 2)
  (table $kept 5000 exnref)
  (global $count (mut i32) (i32.const 0))
  (tag $large (param ${'i64 '.repeat(100)}))
  (func $make (result exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (throw $large ${'(i64.const 7)'.repeat(100)}))
      (unreachable)))
  (func $keep (param $n i32)
    (loop $again
      (table.set (global.get $count) (call $make))
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "_start") (local $n i32) ${body}))`);

async function run(name: string, body: string, limit: number) {
  const { path } = await build(program(body), join(folder, name));
  const { code, stderr } = await Workload.start(path, { env: { WAGSNAP_MAX_MEMORY: String(limit) } }).ended();
  return { code, trap: stderr.split('\n')[0] };
}

const limit = 2 * PAGE + 3 * BLOCK;

test('as many are kept as fit, and no more', async () => {
  const keep = (n: number) => `(call $keep (i32.const ${n}))`;
  expect(await run('full', keep(3 * IN_BLOCK), limit)).toEqual({ code: 0, trap: '' });
  const trap = 'wasm trap: no memory for another exception';
  expect(await run('more', keep(3 * IN_BLOCK + 1), limit)).toEqual({ code: 134, trap });
  expect(await run('less', keep(3 * IN_BLOCK), limit - 1)).toEqual({ code: 134, trap });
  expect(await run('none', keep(1), 2 * PAGE)).toEqual({ code: 134, trap });
});

test('any number is made of which none is kept', async () => {
  const body = `(loop $again (drop (call $make))
    (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 20000))))`;
  expect(await run('garbage', body, 2 * PAGE + BLOCK)).toEqual({ code: 0, trap: '' });
});

test('memory grows by what exceptions have left', async () => {
  // the third page more is refused, and then another block
  const body = `(call $keep (i32.const ${IN_BLOCK}))
    (if (i32.ne (memory.grow (i32.const 3)) (i32.const -1)) (then (call $exit (i32.const 1))))
    (if (i32.ne (memory.grow (i32.const 2)) (i32.const 2)) (then (call $exit (i32.const 2))))
    (call $keep (i32.const 1))`;
  const { code, trap } = await run('grow', body, limit);
  expect([code, trap]).toEqual([134, 'wasm trap: no memory for another exception']);
});

test('those of a snapshot count', async () => {
  const built = await build(
    program(`(call $keep (i32.const ${IN_BLOCK})) (loop $wait (br $wait))`),
    join(folder, 'snap'),
  );
  // parked at a loop header after all calls of $keep: its last safepoint
  const workload = Workload.start(built.path, { env: { WAGSNAP_PARK: String(10 * IN_BLOCK) } });
  const snapshot = join(folder, 'a.wsnap');
  await captureAndEnd(workload, snapshot);
  const size = IN_BLOCK * (16 + 100 * 16);
  const restored = (bytes: number) =>
    restoreAndStart(snapshot, built, join(folder, 'restored'), { env: { WAGSNAP_MAX_MEMORY: String(bytes) } });
  const { code, stderr } = await (await restored(2 * PAGE + size - 1)).ended();
  expect({ code, stderr }).toEqual({
    code: 4,
    stderr: `wag-snap: --max-memory: the program starts with ${2 * PAGE + size} bytes, ${2 * PAGE + size - 1} are allowed\n`,
  });
  const runs = await restored(2 * PAGE + size);
  await captureAndEnd(runs, snapshot);
  expect((await runs.ended()).code).toBe(75);
});

/**
 * Exceptions stay as long as tables and globals of every type that can hold one refer to them, however many come and
 * go.
 */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { build, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();

/** Keeps an exception with the value 33, makes 200,000 others and leaves with the value. */
const program = (declaration: string, keep: string, kept: string) => `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  ${declaration}
  (memory (export "memory") 1)
  (tag $value (param i32))
  (func $make (param i32) (result exnref)
    (block $caught (result i32 exnref)
      (try_table (catch_ref $value $caught) (throw $value (local.get 0)))
      (unreachable))
    (return))
  (func (export "_start") (local $n i32) (local $e exnref)
    (local.set $e (call $make (i32.const 33)))
    ${keep}
    (local.set $e (ref.null exn))
    (loop $again
      (drop (call $make (i32.const 44)))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 200000))))
    (call $proc_exit
      (block $caught (result i32)
        (try_table (catch $value $caught) (throw_ref ${kept}))
        (unreachable)))))`;

test.each([
  ['a table', '(table 2 exnref)', '(table.set (i32.const 1) (local.get $e))', '(table.get (i32.const 1))'],
  [
    'a table with 64-bit indexes',
    '(table i64 2 exnref)',
    '(table.set (i64.const 1) (local.get $e))',
    '(table.get (i64.const 1))',
  ],
  ['a global', '(global $g (mut exnref) (ref.null exn))', '(global.set $g (local.get $e))', '(global.get $g)'],
])('in %s', async (_, declaration, keep, kept) => {
  const { path } = await build(Buffer.from(program(declaration, keep, kept)), join(folder, 'image'));
  expect(await Workload.start(path).ended()).toMatchObject({ stderr: '', code: 33 });
});

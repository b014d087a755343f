/** How much address space the memories of an image may reserve, and that the kernel gives that much. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LimitError } from '../../../../src/base/errors.js';
import { build, temporaryFolder, Workload } from '../../../support/workload.js';

const folder = temporaryFolder();
/** Each reserves 68 GiB. */
const MEMORIES = '(memory i64 1)'.repeat(100);
const MAIN = Buffer.from(`(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32))) ${MEMORIES}
  (func (export "_start")
    (i32.store8 99 (i64.const 65535) (i32.const 5))
    (call $proc_exit (i32.add (i32.load8_u 99 (i64.const 65535)) (i32.load8_u 98 (i64.const 65535))))))`);

function libraries(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`library${i}`, `(module ${MEMORIES})`]));
}

test.runIf(process.arch === 'x64')('900 memories of 68 GiB each', async () => {
  const built = await build(MAIN, join(folder, 'many'), { linked: libraries(8) });
  expect(await Workload.start(built.path).ended()).toMatchObject({ code: 5, stderr: '' });
});

test('more than 64 TiB are refused when compiling', async () => {
  const tooMany = build(MAIN, join(folder, 'more'), { linked: libraries(9) });
  await expect(tooMany).rejects.toThrow(LimitError);
  await expect(tooMany).rejects.toThrow(/test module: memories reserve more than 64 TiB of address space/);
});

test('memories that are imported are reserved once', async () => {
  const exported = Array.from({ length: 100 }, (_, i) => `(memory (export "m${i}") i64 1)`).join(' ');
  const imported = Array.from({ length: 100 }, (_, i) => `(import "exporting" "m${i}" (memory i64 1))`).join(' ');
  const linked = { ...libraries(8), exporting: `(module ${exported})` };
  const main = Buffer.from(`(module ${imported} (func (export "_start")))`);
  await expect(build(main, join(folder, 'imported'), { linked })).resolves.toBeDefined();
});

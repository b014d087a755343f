/**
 * A memory of 5 GiB with a few pages touched, beyond 4 GiB too: the size of its snapshot, what is said of it, and what
 * is refused.
 */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeSnapshot } from '../../bin/show/snapshot.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import type { SnapshotMemory, StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { hasHoles } from '../support/holes.js';
import { build, canRun, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

const PAGE = 65536;
const PAGES = 81920; // 5 GiB

const SOURCE = Buffer.from(`(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory $small 1)
  (memory (export "memory") i64 1 ${PAGES})
  (data (memory 1) (i64.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
  (func (export "_start")
    (i32.store8 $small (i32.const 65535) (i32.const 3))
    (drop (memory.grow 1 (i64.const ${PAGES - 1})))
    (i32.store8 1 (i64.const ${5 * 2 ** 30 - 1}) (i32.const 4))
    (i32.store8 1 (i64.const ${4 * 2 ** 30 + PAGE}) (i32.const 5))
    (i32.store8 1 (i64.const 16) (i32.const 65))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $proc_exit (i32.add
      (i32.load8_u $small (i32.const 65535))
      (i32.add (i32.load8_u 1 (i64.const ${5 * 2 ** 30 - 1})) (i32.load8_u 1 (i64.const ${4 * 2 ** 30 + PAGE})))))))`);

describe.runIf(canRun('x64') && canRun('arm64'))('a sparse memory', () => {
  const folder = temporaryFolder();

  test.each(['x64', 'arm64'] as const)('captured on %s', async (arch) => {
    const other = arch === 'x64' ? 'arm64' : 'x64';
    const built = await build(SOURCE, join(folder, arch), { arch });
    const onto = await build(SOURCE, join(folder, `${arch}-onto`), { arch: other });
    const first = Workload.start(built.path, { stdin: 'pipe' });
    await first.waitFor('A');
    const file = join(folder, `${arch}.wsnap`);
    await captureAndEnd(first, file);
    if (hasHoles(folder)) expect(statSync(file).blocks * 512).toBeLessThan(PAGE * 8);
    const stored = readSnapshot(file);
    const [small, large] = stored.snapshot.instances[0].memories;
    expect(small).toMatchObject({ pages: 1, maxPages: PAGE });
    expect(large).toMatchObject({ pages: PAGES, maxPages: PAGES });
    expect(large.extents.map(({ offset, bytes }) => [offset, bytes])).toEqual([
      [0, PAGE],
      [4 * 2 ** 30 + PAGE, PAGE],
      [5 * 2 ** 30 - PAGE, PAGE],
    ]);
    expect(describeSnapshot(stored).text).toMatch(
      /memory {6}81,921 pages of 64 KiB, 4 of them in use\n {4}#0 of instance 0: 1 page, 1 in use\n {4}#1 of instance 0: 81,920 pages, 3 in use\n/,
    );
    const selfContained = arch === 'arm64';
    const rest = await restoreAndStart(stored, onto, join(folder, `${arch}-rest`), { stdin: 'pipe', selfContained });
    rest.stdin.write('B');
    expect(await rest.ended()).toMatchObject({ code: 12, stderr: '' });
    const refused = (changed: StoredSnapshot) => expect(restoreAndStart(changed, onto, join(folder, 'refused')));
    await refused(withPages(stored, 1, PAGES + 1)).rejects.toThrow(/memory 1 has 81921 pages, of 1 to 81920/);
    await refused(withPages(stored, 0, PAGE + 1)).rejects.toThrow(/memory 0 has 65537 pages, of 1 to 65536/);
  });
});

function withPages(stored: StoredSnapshot, index: number, pages: number): StoredSnapshot {
  const [instance] = stored.snapshot.instances;
  const memories = instance.memories.map(
    (memory, i): SnapshotMemory => (i === index ? { ...memory, pages, maxPages: pages } : memory),
  );
  return { ...stored, snapshot: { ...stored.snapshot, instances: [{ ...instance, memories }] } };
}

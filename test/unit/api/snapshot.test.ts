/** What the library says of a snapshot: frames with values by name, memories, tables, globals, on both CPUs. */

import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { coredump, inspect, open, openSnapshot, run, type Snapshot, UsageError } from '../../../src/api/index.js';
import { canRun, temporaryFolder } from '../../support/workload.js';
import { writeSample } from '../snapshot/sample.js';

const folder = temporaryFolder();
vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));

/** Waits in a loop once it has printed a line; its values are known. */
const PROGRAM = `(module $values
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1 5)
  (memory $more (export "more") 2 2)
  (global $count (export "count") (mut i64) (i64.const -5))
  (global $nan f32 (f32.const nan:0x200001))
  (table $calls (export "calls") 3 7 funcref)
  (table $hosts 1 externref)
  (elem (table $calls) (i32.const 1) func $work)
  (data (i32.const 16) "\\20\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 32) "ready\\n")
  (data (memory $more) (i32.const 70000) "far away")
  (func $work (param $left i32) (param f64) (result i32) (local $sum i64) (local $wide v128) (local $ref funcref)
    (local.set $sum (i64.const 0x100000002))
    (local.set $wide (v128.const i32x4 1 2 3 0x80000000))
    (local.set $ref (ref.func $work))
    (i32.const -9)
    (loop $again (br $again)))
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 8)))
    (drop (call $work (i32.const -7) (f64.const -0)))))`;

async function captured(arch: 'x64' | 'arm64'): Promise<Snapshot> {
  const path = join(folder, `${arch}.wsnap`);
  const workload = await run(Buffer.from(PROGRAM), { arch, programName: 'values' });
  try {
    await new Promise((done) => workload.stdout!.once('data', done));
    const inner = async () => {
      await workload.capture({ to: path });
      const snapshot = await openSnapshot(path);
      if (snapshot.frames.at(0)?.kind === 'loop') return snapshot;
      snapshot.close();
      return undefined;
    };
    for (;;) {
      const snapshot = await inner();
      if (snapshot !== undefined) return snapshot;
    }
  } finally {
    await workload.kill('SIGKILL');
    await workload.exited;
  }
}

describe.each(['x64', 'arm64'] as const)('%s', (arch) => {
  test.skipIf(!canRun(arch))('values of all types are found by name and index', async () => {
    using snapshot = await captured(arch);
    expect(snapshot).toMatchObject({ kind: 'snapshot', generation: 1, trap: undefined, source: { arch } });
    expect(snapshot.args).toEqual(['values']);
    expect(snapshot.modules).toMatchObject([{ name: 'values' }]);
    expect(snapshot.descriptors.map(({ kind }) => kind)).toEqual(['stdio', 'stdio', 'stdio']);

    const [work, start, ...rest] = snapshot.frames;
    expect(rest).toEqual([]);
    expect([work.name, work.kind, start.name, start.kind]).toEqual(['work', 'loop', 'func-2', 'call']);
    expect(work.moduleOffset).toBeGreaterThan(work.offset);
    expect(work.locals.map(({ name }) => name)).toEqual(['left', undefined, 'sum', 'wide', 'ref']);
    expect(work.local('left')).toEqual({ type: 'i32', value: -7 });
    expect(work.locals[1].value).toEqual({ type: 'f64', value: -0, bits: 0x8000_0000_0000_0000n });
    expect(work.local('sum')).toEqual({ type: 'i64', value: 0x1_0000_0002n });
    expect(work.local('wide')).toEqual({
      type: 'v128',
      value: Uint8Array.from([1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0x80]),
    });
    expect(work.local('ref')).toEqual({ type: 'funcref', value: { instance: 0, function: 1 } });
    expect(work.local('nobody')).toBeUndefined();
    expect(work.operands).toEqual([{ type: 'i32', value: -9 }]);
    expect(snapshot.frames.at(-1)).toMatchObject({ name: 'func-2' });
    expect([snapshot.frames.length, snapshot.frames.at(2), snapshot.frames.at(-3)]).toEqual([2, undefined, undefined]);

    const [instance] = snapshot.instances;
    expect([instance.memoryCount, instance.tableCount, instance.globalCount]).toEqual([2, 2, 2]);
    expect(instance.global('count')).toEqual({ type: 'i64', value: -5n });
    expect(instance.global(1)).toEqual({ type: 'f32', value: Number.NaN, bits: 0x7fa0_0001 });
    const calls = instance.table('calls');
    expect([calls.type, calls.length, calls.maxLength]).toEqual(['funcref', 3, 7]);
    expect([0, 1].map((i) => calls.get(i).value)).toEqual([null, { instance: 0, function: 1 }]);
    expect(instance.table(1).get(0)).toEqual({ type: 'externref', value: null });
    expect(() => calls.get(3)).toThrow(UsageError);
    for (const wrong of [2, -1, 0.5, 'nobody', 'memory']) expect(() => instance.global(wrong)).toThrow(UsageError);
  });
});

test('a memory is read where it has something, and where it has nothing', async () => {
  using snapshot = await captured('x64' === process.arch ? 'x64' : 'arm64');
  const memory = snapshot.memory();
  expect([memory.pages, memory.maxPages, memory.size]).toEqual([1, 5, 65536]);
  expect(Buffer.from(await memory.read(32, 6)).toString()).toBe('ready\n');
  expect(await memory.read(65536, 0)).toHaveLength(0);
  const more = snapshot.memory('more');
  expect(more.ranges()).toEqual([{ address: 69632, length: 4096 }]);
  const whole = await more.read(0, more.size);
  expect(Buffer.from(whole.subarray(70000, 70008)).toString()).toBe('far away');
  expect(whole.filter((byte) => byte !== 0)).toHaveLength(8);
  expect(Buffer.from(await more.read(70003, 3)).toString()).toBe(' aw');
  for (const [address, length] of [
    [65535, 2],
    [-1, 1],
    [0, -1],
    [0.5, 1],
    [65537, 0],
    [Number.NaN, 1],
  ]) {
    await expect(memory.read(address, length)).rejects.toThrow(UsageError);
  }
  expect(() => snapshot.memory(2)).toThrow('the instance has no memory 2: it has 2');
  expect(() => snapshot.memory('calls')).toThrow('the instance exports no memory "calls"');
});

test('a snapshot without its module has values, but no names', async () => {
  const path = join(folder, 'sample.wsnap');
  await writeSample(path);
  using snapshot = await open(path);
  if (snapshot.kind !== 'snapshot') throw new Error('not a snapshot');
  expect(snapshot.frames.at(0)).toMatchObject({ function: 4, name: 'func-4', offset: 17, moduleOffset: undefined });
  expect(snapshot.frames.at(0)?.locals[0]).toEqual({ name: undefined, value: { type: 'i32', value: -1 } });
  expect(snapshot.frames.length).toBe(5);
  expect(snapshot.describe()).toEqual(await inspect(path));
});

test('another file of its name is not taken for it', async () => {
  const path = join(folder, 'replaced.wsnap');
  await writeSample(path);
  const snapshot = await openSnapshot(path);
  expect(snapshot.frames.at(0)).toBeDefined();
  cpSync(join(import.meta.dirname, '../../../fixtures/snapshots/v1/x64/screens.wsnap'), `${path}.new`);
  renameSync(`${path}.new`, path);
  const memory = snapshot.instances[0].memory(1);
  const [{ address }] = memory.ranges();
  const read = async () => Buffer.from(await memory.read(address, 4096));
  const before = await read();
  expect(before.some((byte) => byte !== 0)).toBe(true);
  await expect(coredump(snapshot, { to: join(folder, 'core') })).rejects.toThrow('has been replaced by another file');
  expect(() => snapshot.describe()).toThrow('has been replaced by another file');
  expect(await read()).toEqual(before);
  snapshot.close();
  await expect(memory.read(0, 1)).rejects.toThrow(`${path}: the snapshot has been closed`);
});

test('a difference to others is read with them, and says what is missing without', async () => {
  const chains = join(import.meta.dirname, '../../../fixtures/snapshots/v3/x64');
  using snapshot = await openSnapshot(join(chains, 'generations.wsnap'));
  expect(snapshot.parent).toBeDefined();
  const memory = snapshot.memory();
  const bytes = await memory.read(0, memory.size);
  expect(memory.ranges().every(({ address, length }) => bytes.subarray(address, address + length).some(Boolean))).toBe(
    true,
  );

  const alone = join(folder, 'alone.wsnap');
  cpSync(snapshot.path, alone);
  using lost = await openSnapshot(alone);
  expect(lost.frames.at(0)).toMatchObject({ offset: snapshot.frames.at(0)?.offset });
  await expect(lost.memory(0).read(0, memory.size)).rejects.toMatchObject({ code: 'no-parent' });
  await expect(lost.coredump({ to: join(folder, 'core') })).rejects.toMatchObject({ code: 'no-parent' });
  using found = await openSnapshot(alone, { search: [chains] });
  expect(Buffer.compare(await found.memory().read(0, memory.size), bytes)).toBe(0);
});

/**
 * Captures of programs that call their embedder: before a call, in it at every step, and after the answer; on one CPU,
 * continued on the other. No call is lost, and none is made twice.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { CallContext } from '../../src/api/embedder/call-context.js';
import type { Imports } from '../../src/api/embedder/import-object.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { capturePid } from '../support/capture.js';
import {
  type Built,
  build,
  canRun,
  captureAndEnd,
  restoreAndStart,
  temporaryFolder,
  Workload,
} from '../support/workload.js';

const folder = temporaryFolder();
const able = canRun('x64') && canRun('arm64');
const other = (arch: ArchName): ArchName => (arch === 'x64' ? 'arm64' : 'x64');
const PATIENCE = 60_000;

/** Adds up what `next` gives for 1 to the count that `count` gives, with values of all kinds alive, and tells `end`. */
const SOURCE = `(module
  (import "env" "count" (func $count (result i32)))
  (import "env" "next" (func $next (param i32 i64 f64 f32) (result i64 f32)))
  (import "env" "end" (func $end (param i64 f32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "something")
  (func (export "_start") (local $i i32) (local $n i32) (local $sum i64) (local $float f32)
    (local.set $n (call $count))
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (local.get $sum)
      (call $next (local.get $i) (i64.extend_i32_u (local.get $i)) (f64.const 0.5) (f32.const 0.25))
      (local.set $float (f32.add (local.get $float)))
      (local.set $sum (i64.add))
      (br_if $again (i32.lt_u (local.get $i) (local.get $n))))
    (call $end (local.get $sum) (local.get $float))))`;

const images = new Map<ArchName, Built>();
let files = 0;
const file = () => join(folder, `${++files}`);

beforeAll(async () => {
  for (const arch of ['x64', 'arm64'] as const) {
    if (canRun(arch))
      images.set(arch, await build(Buffer.from(SOURCE), join(folder, arch), { arch, hostImports: true }));
  }
});

/** An embedder that keeps what it was asked, and waits where a test wants it to. */
class Embedder {
  readonly numbers: number[] = [];
  readonly again: number[] = [];
  ended: [bigint, number] | undefined;
  onNext: (context: CallContext, i: number) => Promise<void> | void = () => {};

  constructor(readonly count: number) {}

  readonly imports: Imports = {
    env: {
      count: (context) => {
        this.note(context);
        return this.count;
      },
      next: async (context, i: number) => {
        this.note(context);
        await this.onNext(context, i);
        return [BigInt(i), 1];
      },
      end: (context, sum: bigint, float: number) => {
        this.note(context);
        this.ended = [sum, float];
      },
    },
  };

  private note({ call, again }: CallContext): void {
    this.numbers.push(call);
    if (again) this.again.push(call);
  }

  /** Every call was made once, in order, and the sum is right. */
  check(): void {
    const { count } = this;
    expect(this.numbers).toEqual(Array.from({ length: count + 2 }, (_, i) => i + 1));
    expect(this.ended).toEqual([BigInt((count * (count + 1)) / 2), count]);
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

describe.runIf(able).each<ArchName>(['x64', 'arm64'])('captured on %s', (arch) => {
  const start = (embedder: Embedder) => Workload.start(images.get(arch)!.path, { imports: embedder.imports });
  const resume = (snapshot: string, embedder: Embedder) =>
    restoreAndStart(snapshot, images.get(other(arch))!, file(), { imports: embedder.imports });

  test('in a call that is answered after the restore: it is not made again', async () => {
    const embedder = new Embedder(3);
    const [reached, release] = [deferred(), deferred()];
    embedder.onNext = async (_, i) => {
      if (i !== 2) return;
      reached.resolve();
      await release.promise;
    };
    const first = start(embedder);
    await reached.promise;
    const snapshot = file();
    await captureAndEnd(first, snapshot);
    expect(await first.ended()).toMatchObject({ code: 75 });
    const { embedder: state } = readSnapshot(snapshot).snapshot.host;
    expect(state).toMatchObject({ lastCall: 3, isPending: true });
    expect(state?.imports.map(({ name }) => name)).toEqual(['count', 'next', 'end']);
    const second = await resume(snapshot, embedder);
    await second.embedder!.greeted;
    release.resolve();
    expect(await second.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
    embedder.check();
  });

  test('in a call that is answered before the restore', async () => {
    const embedder = new Embedder(3);
    const [reached, release] = [deferred(), deferred()];
    embedder.onNext = async (_, i) => {
      if (i !== 2) return;
      reached.resolve();
      await release.promise;
    };
    const first = start(embedder);
    await reached.promise;
    const snapshot = file();
    await captureAndEnd(first, snapshot);
    await first.ended();
    release.resolve();
    await new Promise(setImmediate);
    const second = await resume(snapshot, embedder);
    expect(await second.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
    embedder.check();
  });

  test('in a call whose answer comes while it stands still', async () => {
    const embedder = new Embedder(2);
    const [reached, release] = [deferred(), deferred()];
    embedder.onNext = async (_, i) => {
      if (i !== 1) return;
      reached.resolve();
      await release.promise;
    };
    const first = start(embedder);
    await reached.promise;
    const snapshot = file();
    // progress is told while it stands still
    await capturePid(first.pid, { output: snapshot, kill: true, timeout: PATIENCE, onProgress: release.resolve });
    await first.ended();
    const second = await resume(snapshot, embedder);
    expect(await second.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
    embedder.check();
  });

  test('by another embedder: the call is made again, with its number', async () => {
    const embedder = new Embedder(3);
    const reached = deferred();
    embedder.onNext = async (_, i) => {
      if (i === 2) reached.resolve();
      if (i === 2) await new Promise(() => {});
    };
    const first = start(embedder);
    await reached.promise;
    const snapshot = file();
    await captureAndEnd(first, snapshot);
    await first.ended();
    const heir = new Embedder(3);
    const second = await resume(snapshot, heir);
    expect(await second.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(heir.numbers).toEqual([3, 4, 5]);
    expect(heir.again).toEqual([3]);
    expect(heir.ended).toEqual([6n, 3]);
  });

  test('while it runs on: the call is not disturbed', async () => {
    const embedder = new Embedder(3);
    const snapshots: string[] = [];
    let workload: Workload;
    embedder.onNext = async () => {
      const snapshot = file();
      await capturePid(workload.pid, { output: snapshot, timeout: PATIENCE });
      snapshots.push(snapshot);
    };
    workload = start(embedder);
    expect(await workload.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
    embedder.check();
    const heir = new Embedder(3);
    const last = await resume(snapshots[2], heir);
    expect(await last.ended()).toMatchObject({ code: 0 });
    expect(heir.numbers).toEqual([4, 5]);
    expect(heir.ended).toEqual([6n, 3]);
  });

  test('between two pieces of memory that the function reads and writes', async () => {
    const bytes = Uint8Array.from({ length: 65536 }, (_, i) => i * 7);
    const embedder = new Embedder(2);
    const [reached, release] = [deferred(), deferred()];
    let read: Uint8Array | undefined;
    embedder.onNext = async (context, i) => {
      if (i !== 1) return;
      await context.memory().write(0, bytes.subarray(0, 40000));
      reached.resolve();
      await release.promise;
      await context.memory().write(40000, bytes.subarray(40000));
      read = await context.memory().read(0, 65536);
    };
    const first = start(embedder);
    await reached.promise;
    const snapshot = file();
    await captureAndEnd(first, snapshot);
    await first.ended();
    release.resolve(); // its requests wait for the process that continues
    await new Promise(setImmediate);
    const second = await resume(snapshot, embedder);
    expect(await second.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
    expect(read).toEqual(bytes);
    embedder.check();
  });
});

test.runIf(able && process.arch === 'x64')(
  'captured at each safepoint of a run, before, between and after calls',
  async () => {
    let safepoints = 0;
    for (let n = 1; ; n++) {
      const embedder = new Embedder(2);
      const env = { WAGSNAP_PARK: `${n}` };
      const first = Workload.start(images.get('x64')!.path, { imports: embedder.imports, env });
      await first.embedder!.greeted;
      const snapshot = file();
      const captured = captureAndEnd(first, snapshot).then(
        () => true,
        () => false, // it has ended: there are no more
      );
      if (!(await captured)) break;
      await first.ended();
      safepoints++;
      const second = await restoreAndStart(snapshot, images.get('arm64')!, file(), { imports: embedder.imports });
      expect(await second.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
      embedder.check();
    }
    expect(safepoints).toBeGreaterThan(8);
  },
);

test.runIf(able)('10,000 calls with captures among them', async () => {
  const count = 10_000;
  const embedder = new Embedder(count);
  let arch: ArchName = 'x64';
  let workload = Workload.start(images.get(arch)!.path, { imports: embedder.imports });
  for (let moves = 0; moves < 8; moves++) {
    const [reached, from] = [deferred(), moves * 1100 + 100];
    // slower from here on: the capture is to find it among its calls, whichever it is then
    embedder.onNext = async (_, i) => {
      if (i < from) return;
      reached.resolve();
      await sleep(1);
    };
    await reached.promise;
    const snapshot = file();
    await captureAndEnd(workload, snapshot);
    await workload.ended();
    if (moves % 3 === 2) arch = other(arch);
    workload = await restoreAndStart(snapshot, images.get(arch)!, file(), { imports: embedder.imports });
  }
  embedder.onNext = () => {};
  expect(await workload.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
  embedder.check();
});

/**
 * wag_snap.snapshot: a program asks for a snapshot of itself. What it gets in the process that continues, in restored
 * ones, when nobody takes snapshots, and when none can be taken; and what its wag_snap_restored may do meanwhile. On both
 * CPUs, through the library.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { restore } from '../../src/api/restore.js';
import { type RunOptions, run } from '../../src/api/run.js';
import type { StartedWorkload } from '../../src/api/workload.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();
let files = 0;
const file = () => join(folder, `${++files}.wsnap`);

/** `say` prints a letter, a space or "-", and a number of three digits, in a buffer of its caller's. */
const SAY = `
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $say (param $at i32) (param $letter i32) (param $n i32)
    (i32.store8 offset=64 (local.get $at) (local.get $letter))
    (i32.store8 offset=65 (local.get $at) (i32.const 32))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then
      (i32.store8 offset=65 (local.get $at) (i32.const 45))
      (local.set $n (i32.sub (i32.const 0) (local.get $n)))))
    (i32.store8 offset=66 (local.get $at) (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))
    (i32.store8 offset=67 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
    (i32.store8 offset=68 (local.get $at) (i32.const 10))
    (i32.store (local.get $at) (i32.add (local.get $at) (i32.const 64)))
    (i32.store offset=4 (local.get $at) (i32.const 5))
    (drop (call $write (i32.const 1) (local.get $at) (i32.const 1) (i32.add (local.get $at) (i32.const 8)))))`;
const ASK = '(import "wag_snap" "snapshot" (func $snapshot (result i32)))';

const PLAIN = `(module ${ASK} ${SAY}
  (func (export "_start")
    (call $say (i32.const 0) (i32.const 97) (call $snapshot))
    (call $say (i32.const 0) (i32.const 98) (call $snapshot))))`;

/** As PLAIN, with a hook that asks for a snapshot, too. */
const HOOKED = `(module ${ASK} ${SAY}
  (func (export "wag_snap_restored") (call $say (i32.const 1024) (i32.const 104) (call $snapshot)))
  (func (export "_start")
    (call $say (i32.const 0) (i32.const 97) (call $snapshot))
    (call $say (i32.const 0) (i32.const 98) (call $snapshot))))`;

const bytes = (source: string) => new TextEncoder().encode(source);

async function output(workload: StartedWorkload): Promise<string> {
  const [said, errors, { code }] = await Promise.all([text(workload.stdout!), text(workload.stderr!), workload.exited]);
  return code === 0 && errors === '' ? said : `${said}${code}: ${errors}`;
}

describe.each((['x64', 'arm64'] as const).filter(canRun))('on %s', (arch: ArchName) => {
  const start = (source: string, options: RunOptions = {}) =>
    run(bytes(source), { programName: 'p', arch, ...options });

  test('nobody takes snapshots', async () => {
    const built = await build(bytes(PLAIN), join(folder, `plain-${arch}`), { arch });
    expect(await Workload.start(built.path).ended()).toEqual({ stdout: 'a-58\nb-58\n', stderr: '', code: 0 });
    expect(await output(await start(PLAIN))).toBe('a-58\nb-58\n');
  });

  test('0 in the one that continues, the generation in restored ones, on either CPU', async () => {
    const taken: string[] = [];
    const take = async (workload: StartedWorkload) => {
      taken.push(file());
      await workload.capture({ to: taken.at(-1)! });
    };
    expect(await output(await start(PLAIN, { onSnapshotRequest: take }))).toBe('a 00\nb 00\n');
    const [first, second] = taken;
    for (const other of (['x64', 'arm64'] as const).filter(canRun)) {
      expect(await output(await restore(first, { arch: other }))).toBe('a 01\nb-58\n');
      expect(await output(await restore(second, { arch: other }))).toBe('b 01\n');
    }
    expect(await output(await restore(first, { onSnapshotRequest: take, arch }))).toBe('a 01\nb 00\n');
    expect(await output(await restore(taken[2], { arch }))).toBe('b 02\n');
    const clones = await restore(second, { arch, count: 3 });
    expect(await Promise.all(clones.map(output))).toEqual(['b 01\n', 'b 02\n', 'b 03\n']);
  });

  test('none can be taken', async () => {
    let asked = 0;
    const onSnapshotRequest = () => {
      if (asked++ === 0) throw new Error('no');
    };
    expect(await output(await start(PLAIN, { onSnapshotRequest }))).toBe('a-29\nb 00\n');
  });

  test('captured by somebody else while it waits for the answer, and moved', async () => {
    const [copy, moved] = [file(), file()];
    const workload = await start(PLAIN, {
      onSnapshotRequest: async (asking) => {
        await asking.capture({ to: copy });
        await asking.capture({ to: moved, kill: true });
      },
    });
    expect(await output(workload)).toMatch(/^75: /);
    for (const snapshot of [copy, moved]) expect(await output(await restore(snapshot, { arch }))).toBe('a 01\nb-58\n');
  });

  test('a hook that asks for one, too: each call has the answer that is its own', async () => {
    const [first, second] = [file(), file()];
    const program = await start(HOOKED, { onSnapshotRequest: (asking) => asking.capture({ to: first, kill: true }) });
    await output(program);
    const again = await restore(first, { arch, onSnapshotRequest: (asking) => asking.capture({ to: second }) });
    expect(await output(again)).toBe('h 00\na 01\nb 00\n');
    expect(readSnapshot(second).snapshot.generation).toBe(2);
    expect(await output(await restore(first, { arch }))).toBe('h-58\na 01\nb-58\n');
  });

  test('in a hook, the answer is the hook’s, and the hook is not called again', async () => {
    const [first, second] = [file(), file()];
    const program = await start(HOOKED, { onSnapshotRequest: (asking) => asking.capture({ to: first, kill: true }) });
    await output(program);
    const again = await restore(first, {
      arch,
      onSnapshotRequest: (asking) => asking.capture({ to: second, kill: true }),
    });
    await output(again);
    expect(readSnapshot(second).snapshot.frames.suspended).toBe(2);
    for (const other of (['x64', 'arm64'] as const).filter(canRun)) {
      expect(await output(await restore(second, { arch: other }))).toBe('h 02\na 02\nb-58\n');
    }
  });

  test('whoever takes snapshots dies', async () => {
    const built = await build(bytes(PLAIN), join(folder, `alone-${arch}`), { arch });
    const { program, args } = (await import('../../src/api/launch.js')).launch(built.path, 'p');
    const child = spawn(program, [...args], {
      env: { WAGSNAP_SNAPSHOTS: '3' },
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    child.stdio[3]!.once('data', () => child.stdio[3]!.destroy());
    const said = text(child.stdout!);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(await said).toBe('a-58\nb-58\n');
  });
});

describe('a hook that does what the program was doing when it was captured', () => {
  const POLL = '(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))';
  /** Waits for a time by poll_oneoff. The subscription is at its buffer. */
  const SLEEP = `
  (func $sleep (param $at i32) (param $time i64)
    (i32.store offset=16 (local.get $at) (i32.const 1))
    (i64.store offset=24 (local.get $at) (local.get $time))
    (drop (call $poll (local.get $at) (i32.add (local.get $at) (i32.const 64)) (i32.const 1)
      (i32.add (local.get $at) (i32.const 128)))))`;

  test('sleeps: each has its own time', async () => {
    const source = `(module ${POLL} ${SAY} ${SLEEP}
      (func (export "wag_snap_restored")
        (call $sleep (i32.const 2048) (i64.const 1000000))
        (call $say (i32.const 1024) (i32.const 104) (i32.const 1))
        (call $sleep (i32.const 2048) (i64.const 3600000000000))
        (call $say (i32.const 1024) (i32.const 104) (i32.const 2)))
      (func (export "_start")
        (call $say (i32.const 0) (i32.const 97) (i32.const 1))
        (call $sleep (i32.const 3072) (i64.const 7200000000000))
        (call $say (i32.const 0) (i32.const 97) (i32.const 2))))`;
    const [first, second] = [file(), file()];
    const untilAsleep = async (workload: StartedWorkload, to: string, said: string) => {
      await once(workload.stdout!, 'data');
      for (;;) {
        await workload.capture({ to });
        const { frames, host } = readSnapshot(to).snapshot;
        if (frames.site(0).kind === 'entry' && host.pendingTimeout !== undefined) break;
      }
      await workload.kill('SIGKILL');
      await workload.exited;
      return said;
    };
    await untilAsleep(await run(bytes(source), { programName: 'p' }), first, 'a 01\n');
    await untilAsleep(await restore(first), second, 'h 01\n');
    const { pendingTimeout, suspended } = readSnapshot(second).snapshot.host;
    const hours = (time?: bigint) => Number(time) / 3.6e12;
    expect(hours(pendingTimeout)).toBeCloseTo(1, 1);
    expect(hours(suspended?.pendingTimeout)).toBeCloseTo(2, 1);
  });

  test('calls the embedder: the program repeats its own call, with its number', async () => {
    const source = `(module (import "env" "ask" (func $ask (param i32) (result i32))) ${SAY}
      (func (export "wag_snap_restored")
        (call $say (i32.const 1024) (i32.const 104) (call $ask (i32.const 10)))
        (call $say (i32.const 1024) (i32.const 104) (call $ask (i32.const 11))))
      (func (export "_start")
        (call $say (i32.const 0) (i32.const 97) (call $ask (i32.const 1)))
        (call $say (i32.const 0) (i32.const 97) (call $ask (i32.const 2)))))`;
    const calls: string[] = [];
    let waiting: ((context: { call: number; again: boolean }) => void) | undefined;
    const at = (number: number) => new Promise<void>((done) => (waiting = ({ call }) => call === number && done()));
    let hold = new Set<number>();
    const imports = () => ({
      env: {
        ask: (context: { call: number; again: boolean }, n: number) => {
          calls.push(`${context.call}${context.again ? ' again' : ''}: ${n}`);
          waiting?.(context);
          return hold.has(context.call) ? new Promise<number>(() => {}) : n;
        },
      },
    });
    const capturedAt = async (workload: StartedWorkload, number: number, there: Promise<void>) => {
      await there;
      for (const to = file(); ; ) {
        await workload.capture({ to });
        if (readSnapshot(to).snapshot.host.embedder?.isPending) {
          await workload.kill('SIGKILL');
          await workload.exited;
          return to;
        }
        expect(number).toBeGreaterThan(0);
      }
    };
    hold = new Set([2]);
    let there = at(2);
    const first = await capturedAt(await run(bytes(source), { programName: 'p', imports: imports() }), 2, there);
    // in the hook's second call
    hold = new Set([4]);
    there = at(4);
    const second = await capturedAt(await restore(first, { imports: imports() }), 4, there);
    expect(readSnapshot(second).snapshot.host).toMatchObject({
      suspended: { call: 2 },
      embedder: { lastCall: 4, isPending: true },
    });
    // in the program's call, which is repeated after the hook's
    hold = new Set([2]);
    there = at(2);
    const third = await capturedAt(await restore(second, { imports: imports() }), 2, there);
    expect(readSnapshot(third).snapshot.host).toMatchObject({
      suspended: { call: 2 },
      embedder: { lastCall: 4, isPending: true },
    });
    hold = new Set();
    expect(await output(await restore(third, { imports: imports() }))).toBe('h 10\nh 11\na 02\n');
    expect(calls).toEqual([
      ...['1: 1', '2: 2'], // the first process
      ...['3: 10', '4: 11'], // the second: its hook
      ...['4 again: 11', '2 again: 2'], // the third
      ...['5: 10', '6: 11', '2 again: 2'],
    ]);
  });
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeSnapshot } from '../../../bin/show/snapshot.js';
import { traceLines } from '../../../bin/show/trace.js';
import { targets } from '../../../src/arch/targets.js';
import { InputError, ToolError, WagSnapError } from '../../../src/base/errors.js';
import { writeResumable } from '../../../src/restore/restore.js';
import { readSnapshot } from '../../../src/snapshot/format.js';
import type { Snapshot } from '../../../src/snapshot/snapshot.js';
import { capturePid } from '../../support/capture.js';
import { hasHoles } from '../../support/holes.js';
import { nativeArch } from '../../support/native-arch.js';
import { type Built, build, captureAndEnd, captureThere, temporaryFolder, Workload } from '../../support/workload.js';
import { IMPORTS, numbers, PRINT } from '../snapshot/programs.js';

const DEPTH = 100_000;
/** The flag at address 1000 ends a spin; nothing sets it but the test, through nothing: it spins for ever. */
const SLEEP = 2_000_000_000; // nanoseconds
const SPIN = '(loop $again (br_if $again (i32.eqz (i32.load (i32.const 1000)))))';

const PROGRAMS = {
  loop: `(module ${IMPORTS} (memory 2) ${PRINT}
    (global $g (mut i64) (i64.const 0x123456789abcdef0)) (global $f f32 (f32.const 1.5)) (global $r (mut funcref) (ref.func $print))
    (table $t 3 8 funcref) (elem (i32.const 1) $print $work) (data $passive "abc") (data (i32.const 0x18000) "here")
    (func $work (param $n i32) (result i64) (local $i i64) (local $x f64)
      (local.set $x (f64.const 0.5))
      (call $print (i32.const 65))
      (i64.const 42)
      (loop $again (param i64) (result i64)
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $again (i32.eqz (i32.load (i32.const 1000))))))
    (func (export "_start") (i64.const 7) (call $work (i32.const 3)) (drop) (drop)))`,
  deep: `(module ${IMPORTS} (memory 1) ${PRINT}
    (func $down (param $n i32) (param $x f64) (result i32)
      (if (result i32) (local.get $n)
        (then (i32.add (local.get $n) (call $down (i32.sub (local.get $n) (i32.const 1)) (f64.add (local.get $x) (f64.const 1)))))
        (else (call $print (i32.const 65)) ${SPIN} (i32.const 0))))
    (func (export "_start") (drop (call $down (i32.const ${DEPTH - 3}) (f64.const 0)))))`,
  indirect: `(module ${IMPORTS} (memory 1) ${PRINT} (type $t (func (param i32 funcref) (result i32)))
    (table 4 funcref) (elem (i32.const 0) $a $b $c)
    (func $a (type $t) (i32.add (i32.const 1000) (call_indirect (type $t) (i32.add (local.get 0) (i32.const 1)) (ref.func $b) (i32.const 1))))
    (func $b (type $t) (i32.add (i32.mul (local.get 0) (i32.const 7)) (call_indirect (type $t) (i32.add (local.get 0) (i32.const 1)) (ref.null func) (i32.const 2))))
    (func $c (type $t) (call $print (i32.const 65)) ${SPIN} (i32.const 0))
    (func (export "_start") (drop (call_indirect (type $t) (i32.const 5) (ref.func $c) (i32.const 0)))))`,
  read: `(module ${IMPORTS} (memory 1) ${PRINT}
    (func $get (result i32)
      (i32.store (i32.const 0) (i32.const 32)) (i32.store (i32.const 4) (i32.const 1))
      (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (i32.load8_u (i32.const 32)))
    (func (export "_start") (call $print (i32.const 65)) (call $print (call $get)) (call $print (call $get))))`,
  sleep: `(module ${IMPORTS} (memory 1) ${PRINT}
    (func (export "_start") (call $print (i32.const 65))
      (i32.store (i32.const 80) (i32.const 1)) ;; monotonic clock
      (i64.store (i32.const 88) (i64.const ${SLEEP}))
      (drop (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 8)))
      (call $print (i32.const 66))))`,
  sparse: `(module ${IMPORTS} (memory 16384) ${PRINT}
    (func (export "_start")
      (i64.store (i32.const 0x3ffffff8) (i64.const 1)) (i64.store (i32.const 0x20000000) (i64.const 2))
      (drop (i64.load (i32.const 0x10000000)))
      (call $print (i32.const 65)) ${SPIN}))`,
  big: `(module ${IMPORTS} (memory 512) ${PRINT}
    (func (export "_start") (local $i i32)
      (loop $fill (i64.store (local.get $i) (i64.extend_i32_u (local.get $i)))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 64))) (i32.const 0x1c00000))))
      (call $print (i32.const 65))
      (loop $again (local.set $i (i32.const 0))
        (loop $inner (br_if $inner (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000000))))
        (br $again))))`,
} as const;

type Name = keyof typeof PROGRAMS;
const folder = temporaryFolder();
const programs = {} as Record<Name, Built>;
const running: Workload[] = [];

beforeAll(async () => {
  for (const [name, text] of Object.entries(PROGRAMS)) {
    programs[name as Name] = await build(Buffer.from(text), join(folder, name));
  }
});
afterAll(() => {
  for (const workload of running) workload.kill();
});

/** Starts a program and waits for its first letter. */
async function started(name: Name, ...args: string[]): Promise<Workload> {
  const workload = start(name, ...args);
  await workload.waitFor('A');
  return workload;
}

function start(name: Name, ...args: string[]): Workload {
  const env = { COLOR: 'blue', WAGSNAP_TEST: '1' };
  const workload = Workload.start(programs[name].path, { args, env, stdin: 'pipe' });
  running.push(workload);
  return workload;
}

/**
 * Captures where the program stays: in its loop, or blocked in a call of the host (they are functions 1 and 2). What is
 * in the file must be restorable, and no other file left.
 */
async function capture(workload: Workload, name: Name, kill = false): Promise<Snapshot> {
  const output = join(folder, 'out.wsnap');
  let { report } = await captureThere(workload, output, ({ frames }) => {
    const { kind, func } = frames.site(0);
    return kind === 'loop' || (kind === 'entry' && (func === 1 || func === 2));
  });
  if (kill) report = await captureAndEnd(workload, output);
  const stored = readSnapshot(output);
  const { snapshot } = stored;
  const { image, modules } = programs[name];
  const resumable = join(folder, 'resumable');
  await writeResumable(stored, image, modules, {
    target: targets[nativeArch],
    output: resumable,
    recordedDirectories: true,
  });
  expect(report).toMatchObject({ file: output, bytes: stored.size, frames: snapshot.frames.count });
  expect(report.trace.length).toBe(snapshot.frames.count);
  expect(report.pause).toBeLessThanOrEqual(report.total);
  expect(describeSnapshot(stored).text).toContain(traceLines(report.trace)[0]);
  expect(temporaryFiles()).toEqual([]);
  return snapshot;
}

function temporaryFiles(): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.tmp'));
}

/** What the memory holds, read from the file. */
function memoryOf(snapshot: Snapshot): Buffer {
  const file = readFileSync(join(folder, 'out.wsnap'));
  const { pages, extents } = snapshot.instances[0].memories[0];
  const bytes = Buffer.alloc(pages * 65536);
  for (const { offset, fileOffset, bytes: length } of extents)
    file.copy(bytes, offset, fileOffset, fileOffset + length);
  return bytes;
}

describe('capture of a process', () => {
  test('in a tight loop without calls', async () => {
    const workload = await started('loop', 'one', 'zwei ü');
    const first = await capture(workload, 'loop');
    const { frames, instances, host } = first;
    expect(frames.count).toBe(2);
    expect(frames.site(0)).toMatchObject({ kind: 'loop', func: 5, locals: Uint8Array.of(0x7f, 0x7e, 0x7c) });
    const [[n, i, x], operands] = numbers(frames, 0);
    expect([n, x, operands]).toEqual([3n, 0x3fe0000000000000n, [42n]]);
    expect(frames.site(1)).toMatchObject({ kind: 'call', func: 6 });
    expect(numbers(frames, 1)).toEqual([[], [7n]]);
    const [{ globals, tables, memories, droppedData, droppedElements }] = instances;
    expect(globals).toEqual([
      { type: 0x7e, lo: 0x9abcdef0, hi: 0x12345678 },
      { type: 0x7d, lo: 0x3fc00000, hi: 0 },
      { type: 0x70, lo: 4, hi: 1 },
    ]);
    expect(tables).toEqual([{ type: 0x70, elements: Uint32Array.of(0, 0, 4, 1, 5, 1), max: 8 }]);
    expect(memories[0]).toMatchObject({ pages: 2, maxPages: 65536 });
    expect(memoryOf(first).toString('latin1', 0x18000, 0x18005)).toBe('here\0');
    expect([...droppedData]).toEqual([0, 1]);
    expect([...droppedElements]).toEqual([1]);
    expect(host.args.map((bytes) => Buffer.from(bytes).toString())).toEqual(['program', 'one', 'zwei ü']);
    expect(host.env.map((bytes) => Buffer.from(bytes).toString())).toEqual(['COLOR=blue']);
    expect(host.descriptors.map(({ fd, kind }) => [fd, kind])).toEqual([
      [0, 'stdio'],
      [1, 'stdio'],
      [2, 'stdio'],
    ]);
    expect(first.source.arch).toBe(nativeArch);
    expect(first.phase).toEqual({ instance: 0, kind: 'entry' });

    const second = await capture(workload, 'loop'); // it continued
    expect(numbers(second.frames, 0)[0][1]).toBeGreaterThan(i);
    expect(second.host.monotonic).toBeGreaterThan(host.monotonic);
    await capture(workload, 'loop', true);
    expect((await workload.ended()).code).toBe(75);
  });

  test('in a recursion of 100,000 frames', async () => {
    const workload = await started('deep');
    const { frames } = await capture(workload, 'deep', true);
    expect(frames.count).toBe(DEPTH - 1);
    expect(frames.site(0).kind).toBe('loop');
    for (const frame of [0, 1, 2, 5000, DEPTH - 3]) {
      const [[n, x], operands] = numbers(frames, frame);
      expect(Number(n)).toBe(frame);
      expect(new Float64Array(BigUint64Array.of(x).buffer)[0]).toBe(DEPTH - 3 - frame);
      expect(operands).toEqual(frame === 0 ? [] : [BigInt(frame)]);
    }
    expect(new Set(frames.siteOf).size).toBe(3);
  });

  test('in a chain of indirect calls, with references', async () => {
    const { frames } = await capture(await started('indirect'), 'indirect', true);
    expect(Array.from({ length: frames.count }, (_, i) => frames.site(i).func)).toEqual([7, 6, 5, 8]);
    expect([0, 1, 2, 3].map((i) => numbers(frames, i))).toEqual([
      [[7n, 0n], []],
      [[6n, 0x100000006n], [42n]],
      [[5n, 0x100000007n], [1000n]],
      [[], []],
    ]);
  });

  test('blocked in read, which continues waiting', async () => {
    const workload = await started('read');
    for (let i = 0; i < 3; i++) {
      const { frames } = await capture(workload, 'read');
      expect(frames.site(0)).toMatchObject({ kind: 'entry', func: 1, offset: 0 });
      expect(numbers(frames, 0)).toEqual([[0n, 0n, 1n, 8n], []]);
      expect(frames.count).toBe(3);
    }
    workload.stdin.write('x');
    await workload.waitFor('Ax');
    await capture(workload, 'read');
    workload.stdin.write('y');
    expect(await workload.ended()).toMatchObject({ code: 0, stdout: 'Axy' });
  });

  test('in a sleep, which ends when it should', async () => {
    const begin = performance.now();
    const workload = await started('sleep');
    const { host, frames } = await capture(workload, 'sleep');
    const left = Number(host.pendingTimeout);
    expect(frames.site(0)).toMatchObject({ kind: 'entry', func: 2 });
    expect(left).toBeLessThan(SLEEP);
    expect(left).toBeGreaterThanOrEqual(SLEEP - (performance.now() - begin) * 1e6);
    // captured until it ends, which it would not if it began anew after each capture
    let captures = 0;
    let over: unknown;
    for (; over === undefined && captures < 1000; captures++) {
      await sleep(50);
      const output = join(folder, 'out.wsnap');
      over = await capturePid(workload.pid, { output, timeout: 60_000 }).then(
        () => undefined,
        (error: Error) => error,
      );
    }
    expect(over, `still there after ${captures} captures`).toBeInstanceOf(WagSnapError);
    expect(await workload.ended()).toMatchObject({ code: 0, stdout: 'AB' });
    expect(performance.now() - begin).toBeGreaterThanOrEqual(SLEEP / 1e6 - 1);
  });

  test('with a gigabyte of memory, of which little was ever touched', async () => {
    const workload = await started('sparse');
    const resident = () =>
      Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${workload.pid}/status`, 'latin1'))?.[1]);
    const before = resident();
    const [{ memories }] = (await capture(workload, 'sparse')).instances;
    expect(resident() - before).toBeLessThan(256); // KiB
    expect(memories[0].pages).toBe(16384);
    expect(memories[0].extents.map(({ offset, bytes }) => [offset, bytes])).toEqual([
      [0, 65536],
      [0x20000000, 65536],
      [0x3fff0000, 65536],
    ]);
    expect([...memories[0].blocks]).toEqual([1, 1, 0x8000]);
    if (hasHoles(folder)) expect(statSync(join(folder, 'out.wsnap')).blocks * 512).toBeLessThan(16 * 4096);
  });

  test('right after its start', async () => {
    for (let i = 0; i < 20; i++) {
      const workload = start('read');
      await capture(workload, 'read');
      workload.stdin.write('xy');
      expect(await workload.ended()).toMatchObject({ code: 0, stdout: 'Axy' });
    }
  });
});

describe('what cannot be captured', () => {
  const output = () => join(folder, 'none.wsnap');

  test('no such process', async () => {
    await expect(capturePid(2 ** 22 + 1, { output: output() })).rejects.toThrow(InputError);
    await expect(capturePid(0, { output: output() })).rejects.toThrow(InputError);
  });

  test('a process that is not ours', async () => {
    const child = spawn('/bin/sleep', ['60']);
    const error = await capturePid(child.pid!, { output: output() }).catch((caught) => caught);
    child.kill();
    expect(error).toBeInstanceOf(InputError);
    expect(error.exitCode).toBe(3);
    expect(error.message).toMatch(
      new RegExp(`pid ${child.pid} is not a wag-snap process: it runs \\S*(sleep|coreutils|busybox)`),
    );
  });

  test('a process that is suspended continues unharmed later', async () => {
    const workload = await started('read');
    process.kill(workload.pid, 'SIGSTOP');
    await expect.poll(() => readFileSync(`/proc/${workload.pid}/status`, 'latin1')).toMatch(/^State:\s*T/m);
    const error = await capturePid(workload.pid, { output: output() }).catch((caught) => caught);
    expect(error).toBeInstanceOf(ToolError);
    expect(error.message).toMatch(/suspended/);
    process.kill(workload.pid, 'SIGCONT');
    workload.stdin.write('xy');
    expect(await workload.ended()).toMatchObject({ code: 0, stdout: 'Axy' });
  });

  test('when the file cannot be written the process is not touched', async () => {
    const workload = await started('loop');
    await expect(capturePid(workload.pid, { output: '/nowhere/x.wsnap' })).rejects.toThrow('/nowhere/x.wsnap');
    await capture(workload, 'loop', true);
  });

  test('nothing is left of a failed one', () => {
    expect(existsSync(output())).toBe(false);
    expect(temporaryFiles()).toEqual([]);
  });
});

/** A script that captures, as a process of its own, and gets a signal when it has read a part of the memory. */
function toolScript(): string {
  const script = join(folder, 'tool.mjs');
  const source = new URL('../../../dist/src/capture', import.meta.url).href;
  writeFileSync(
    script,
    `import { captureProcess } from '${source}/capture.js';
    import { ImageProcess } from '${source}/process.js';
    const [pid, output, signal, part] = process.argv.slice(2);
    const controller = new AbortController();
    process.on('SIGTERM', () => controller.abort('SIGTERM'));
    let sent = false;
    const onProgress = (done, total) => {
      if (sent || done < total * part) return;
      sent = true;
      process.kill(process.pid, signal);
    };
    await captureProcess(await ImageProcess.attach(Number(pid)), { output, onProgress, signal: controller.signal });`,
  );
  return script;
}

describe('a tool that is killed half-way', () => {
  test.each(['SIGKILL', 'SIGTERM'] as const)('by %s: the process continues', async (signal) => {
    const workload = await started('big');
    const script = toolScript();
    const output = join(folder, `killed-${signal}.wsnap`);
    for (const part of [0, 0.2, 0.4, 0.6]) {
      const child = spawn(process.execPath, [script, String(workload.pid), output, signal, `${part}`], {
        stdio: 'ignore',
      });
      const [code] = await once(child, 'close');
      expect(code).not.toBe(0);
      expect(existsSync(output)).toBe(false);
      expect(temporaryFiles()).toHaveLength(signal === 'SIGKILL' ? 1 : 0);
      for (const name of temporaryFiles()) rmSync(join(folder, name));
    }
    const ticks = () => Number(readFileSync(`/proc/${workload.pid}/stat`, 'latin1').split(') ')[1].split(' ')[11]);
    const before = ticks();
    await expect.poll(ticks).toBeGreaterThan(before);
    await capture(workload, 'big', true);
  });
});

/**
 * Processes that are parked at their trap: for every kind of trap what they say, checked against V8, and what a capture
 * finds, on both CPUs; and what ends them.
 */

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { describeSnapshot } from '../../bin/show/snapshot.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { InputError } from '../../src/base/errors.js';
import { listWorkloads } from '../../src/capture/workloads.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { MISSING } from '../../src/snapshot/snapshot.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { readModuleBytes } from '../../src/wasm/wat.js';
import { capturePid, coredumpPid } from '../support/capture.js';
import * as L from '../support/layout.js';
import { build, canRun, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';
import { printedFrames, runInV8 } from './backtrace.js';
import { readCoredump } from './coredump-reader.js';

const folder = temporaryFolder();
const env = { WAGSNAP_ON_TRAP: 'park' };

interface Case {
  readonly kind: number;
  readonly message: string;
  /** Instructions of a function of which nothing is expected to remain on the stack. */
  readonly code: string;
  /** Fields of the module before it. */
  readonly fields?: string;
  /** V8 in the oldest Node.js does not know the instructions, or means another place. */
  readonly unlikeV8?: boolean;
}

const cases: readonly Case[] = [
  { kind: L.TRAP_UNREACHABLE, message: 'unreachable', code: 'unreachable' },
  {
    kind: L.TRAP_MEMORY,
    message: 'out of bounds memory access',
    code: '(i32.store8 (i32.const 65536) (i32.const 1))',
  },
  {
    kind: L.TRAP_MEMORY,
    message: 'out of bounds memory access',
    code: '(memory.fill (i32.const 65530) (i32.const 1) (i32.const 7))',
  },
  {
    kind: L.TRAP_DIVIDE_BY_ZERO,
    message: 'integer divide by zero',
    code: '(drop (i64.rem_u (i64.const 1) (global.get $zero)))',
    fields: '(global $zero (mut i64) (i64.const 0))',
  },
  {
    kind: L.TRAP_OVERFLOW,
    message: 'integer overflow',
    code: '(drop (i32.div_s (global.get $least) (i32.const -1)))',
    fields: '(global $least (mut i32) (i32.const -2147483648))',
    unlikeV8: true, // says that it was a division by zero
  },
  {
    kind: L.TRAP_INVALID_CONVERSION,
    message: 'invalid conversion to integer',
    code: '(drop (i32.trunc_f64_s (global.get $nan)))',
    fields: '(global $nan (mut f64) (f64.const nan))',
  },
  {
    kind: L.TRAP_TABLE,
    message: 'out of bounds table access',
    code: '(drop (table.get $t (i32.const 2)))',
    fields: '(table $t 2 funcref)',
  },
  {
    kind: L.TRAP_TABLE,
    message: 'out of bounds table access',
    code: '(table.fill $t (i32.const 1) (ref.null func) (i32.const 2))',
    fields: '(table $t 2 funcref)',
  },
  {
    kind: L.TRAP_UNDEFINED_ELEMENT,
    message: 'undefined element',
    code: '(call_indirect $t (i32.const 2))',
    fields: '(table $t 2 funcref)',
  },
  {
    kind: L.TRAP_UNINITIALIZED,
    message: 'uninitialized element',
    code: '(call_indirect $t (i32.const 1))',
    fields: '(table $t 2 funcref)',
  },
  {
    kind: L.TRAP_SIGNATURE,
    message: 'indirect call type mismatch',
    code: '(call_indirect $t (param f32) (f32.const 1) (i32.const 0))',
    fields: '(table $t 2 funcref) (elem (i32.const 0) $trapping)',
  },
  {
    kind: L.TRAP_EXCEPTION,
    message: 'uncaught exception of tag 0, oops',
    code: '(throw $e (i32.const 5))',
    fields: '(tag $e (export "oops") (param i32))',
    unlikeV8: true, // throws an exception whose stack begins elsewhere
  },
  {
    kind: L.TRAP_UNALIGNED,
    message: 'unaligned atomic',
    code: '(drop (i32.atomic.load (i32.const 2)))',
  },
  {
    kind: L.TRAP_UNSHARED,
    message: 'expected shared memory',
    code: '(drop (memory.atomic.wait32 (i32.const 4) (i32.const 0) (i64.const -1)))',
  },
  {
    kind: L.TRAP_NULL_REFERENCE,
    message: 'null reference',
    code: '(throw_ref (ref.null exn))',
    unlikeV8: true,
  },
];

/** The trap in the middle of three functions, with values that are still needed. */
function moduleFor({ code, fields = '' }: Case): Promise<Uint8Array> {
  const text = `(module $trap (memory 1) ${fields}
    (func $trapping (param $a i32) (local $b i64) (local.set $b (i64.const 4)) ${code})
    (func $calls (param $x i64) (result i64) (call $trapping (i32.const 9)) (local.get $x))
    (func (export "_start") (drop (call $calls (i64.const -77)))))`;
  return readModuleBytes(Buffer.from(text), 'trap');
}

describe.each(['x64', 'arm64'] satisfies ArchName[])('on %s', (arch) => {
  test.runIf(canRun(arch)).each(cases)('$message: $code', async (one) => {
    const bytes = await moduleFor(one);
    const path = join(folder, 'image');
    await build(bytes, path, { arch });
    const workload = Workload.start(path, { env });
    const message = await workload.waitForTrap();
    expect(message.split('\n')[0]).toBe(`wasm trap: ${one.message}`);
    const printed = printedFrames(message);
    if (!one.unlikeV8) expect(printed).toMatchObject(runInV8(bytes).frames);
    expect(printed.map(({ func }) => func)).toEqual([0, 1, 2]);

    const file = join(folder, 'snapshot');
    await capturePid(workload.pid, { output: file, kill: true });
    expect((await workload.ended()).code).toBe(134);
    const { snapshot } = readSnapshot(file);
    expect([snapshot.state, snapshot.trap]).toEqual(['trapped', { kind: one.kind, message: one.message }]);
    const { frames } = snapshot;
    const places = Array.from(frames.siteOf, (site) => frames.sites[site]);
    expect(places.map(({ kind }) => kind)).toEqual(['trap', 'call', 'call']);
    expect(places.map(({ func, offset }) => ({ func, bodyOffset: offset }))).toEqual(
      printed.map(({ func, bodyOffset }) => ({ func, bodyOffset })),
    );
    expect(frames.value(1, 0)).toMatchObject({ lo: -77 >>> 0, hi: 0xffffffff });
    expect(places[0].locals).toHaveLength(2);
    for (const [i, value] of [9, 4].entries()) {
      if (places[0].locals[i] !== MISSING) expect(frames.value(0, i).lo).toBe(value);
    }
  });

  test.runIf(canRun(arch))('a stack that is exhausted: who began it, and how many frames there are', async () => {
    const text = `(module $deep (func $deep (param i64) (result i64) (i64.add (call $deep (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
      (func $begin (drop (call $deep (i64.const 0)))) (func (export "_start") (call $begin)))`;
    const path = join(folder, 'deep');
    await build(Buffer.from(text), path, { arch });
    const workload = Workload.start(path, { env: { ...env, WAGSNAP_MAX_STACK: '131072' } });
    const message = await workload.waitForTrap();
    const left = Number(/^ {2}\.\.\. (\d+) more frames like #1$/m.exec(message)?.[1]);
    expect(left).toBeGreaterThan(1000);
    const names = Array.from(message.matchAll(/^ {2}(#\d+ [^ ]+)/gm), ([, name]) => name);
    expect(names).toEqual(['#0 deep', '#1 deep', `#${left + 2} begin`, `#${left + 3} func-2`]);

    const file = join(folder, 'snapshot');
    await capturePid(workload.pid, { output: file, kill: true });
    await workload.ended();
    const { frames, trap } = readSnapshot(file).snapshot;
    expect(trap?.message).toBe('call stack exhausted');
    expect(frames.count).toBe(left + 4);
    expect([...frames.site(0).locals]).toEqual([MISSING]); // its frame was not there yet
    expect(frames.value(frames.count - 3, 0)).toMatchObject({ lo: 0, hi: 0 });
    expect(frames.value(1, 0).lo).toBe(frames.count - 4);
  });
});

test('a call of a missing import', async () => {
  const path = join(folder, 'missing');
  const text = `(module (import "nobody" "has_it" (func $f (param i32))) (func (export "_start") (call $f (i32.const 1))))`;
  await build(Buffer.from(text), path, { allowMissingImports: true });
  const workload = Workload.start(path, { env });
  expect(await workload.waitForTrap()).toMatch(
    /^wasm trap: call of a missing import\n {2}#0 nobody\.has_it \(func\[0\]\)\n {2}#1 func-1 \(0x[0-9a-f]+, func\[1\]\+0x3\)\n$/,
  );
  const file = join(folder, 'missing.wsnap');
  await capturePid(workload.pid, { output: file, kill: true });
  expect(readSnapshot(file).snapshot.frames.sites.map(({ func, kind }) => [func, kind])).toEqual([
    [0, 'trap'],
    [1, 'call'],
  ]);
});

test('in a start function, and before any code has run', async () => {
  const path = join(folder, 'start');
  await build(Buffer.from('(module (func $early unreachable) (start $early) (func (export "_start")))'), path);
  const early = Workload.start(path, { env });
  expect(await early.waitForTrap()).toMatch(/#0 early /);
  const file = join(folder, 'start.wsnap');
  await capturePid(early.pid, { output: file, kill: true });
  expect(readSnapshot(file).snapshot.phase).toEqual({ instance: 0, kind: 'start' });

  await build(Buffer.from('(module (memory 1) (data (i32.const 65535) "ab") (func (export "_start")))'), path);
  const before = Workload.start(path, { env });
  expect(await before.waitForTrap()).toBe('wasm trap: out of bounds memory access\n');
  await capturePid(before.pid, { output: file });
  expect(readSnapshot(file).snapshot.frames.count).toBe(0);
  const core = join(folder, 'start.core');
  await coredumpPid(before.pid, core, { kill: true });
  expect(readCoredump(readFileSync(core))).toMatchObject({ frames: [], memories: [1] });
});

describe('a parked process', () => {
  const crash = join(import.meta.dirname, 'crash.wasm');
  const start = async (name: string) => {
    const built = await build(crash, join(folder, name));
    const workload = Workload.start(built.path, { env });
    await workload.waitForTrap();
    return { built, workload };
  };

  test('sleeps, is listed as trapped, and can be captured again and again', async () => {
    const { workload } = await start('again');
    const entry = () => listWorkloads().find(({ pid }) => pid === workload.pid);
    await expect.poll(entry).toMatchObject({ state: 'trapped', systemState: 'S' });
    const status = readFileSync(`/proc/${workload.pid}/status`, 'latin1');
    if (/^Seccomp:/m.test(status)) expect(status).toMatch(/^Seccomp:\t2$/m); // the filter lets it wait
    const files = ['a', 'b', 'c'].map((name) => join(folder, `${name}.wsnap`));
    for (const output of files) await capturePid(workload.pid, { output });
    const [first, ...others] = files.map((file) => readSnapshot(file).snapshot);
    for (const { frames, instances } of others) {
      expect(frames).toEqual(first.frames);
      expect(instances).toEqual(first.instances);
    }
    expect(entry()?.state).toBe('trapped');
    workload.kill();
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('ends on %s', async (signal) => {
    const { workload } = await start('ends');
    workload.kill(signal);
    expect((await workload.ended()).code).toBe(signal);
  });

  test('is not let go by a stray signal, and not kept from a tool by it', async () => {
    const { workload } = await start('stray');
    spawnSync('sh', ['-c', `kill -USR2 ${workload.pid}`]);
    const shell = spawn('sh', ['-c', `kill -USR2 ${workload.pid}; read line`], { stdio: ['pipe', 'ignore', 'ignore'] });
    const file = join(folder, 'stray-0.wsnap');
    await capturePid(workload.pid, { output: file });
    expect(shell.exitCode).toBe(null);
    shell.stdin.end();
    await capturePid(workload.pid, { output: join(folder, 'stray.wsnap'), kill: true });
    expect((await workload.ended()).code).toBe(134);
  });

  test('cannot be resumed', async () => {
    const { workload, built } = await start('over');
    const file = join(folder, 'over.wsnap');
    await capturePid(workload.pid, { output: file, kill: true });
    await expect(restoreAndStart(file, built, join(folder, 'never'))).rejects.toThrow(InputError);
    await expect(restoreAndStart(file, built, join(folder, 'never'))).rejects.toThrow(
      /the program has trapped \(out of bounds/,
    );
    const { text } = describeSnapshot(readSnapshot(file));
    expect(text).toMatch(/^ {2}trapped {5}out of bounds memory access$/m);
    const { bodyStart } = decodeModule(readFileSync(crash));
    const { frames } = readSnapshot(file).snapshot;
    const lines = Array.from(
      frames.siteOf,
      (site) => `0x${(bodyStart[frames.sites[site].func] + frames.sites[site].offset).toString(16)}`,
    );
    expect(Array.from(text.matchAll(/#\d+ \w+ \((.*)\)/g), ([, offset]) => offset)).toEqual(lines);
  });

  test('whose listener has gone does not stay', async () => {
    const built = await build(crash, join(folder, 'alone'));
    const fd = openSync('/dev/full', 'w');
    const alone = Workload.start(built.path, { env: { ...env, WAGSNAP_TRAP_FD: '3' }, descriptors: [fd] });
    closeSync(fd);
    const { code, stderr } = await alone.ended();
    expect(code).toBe(134);
    expect(stderr).not.toContain('parked');
  });
});

test('told to, as by default, a trap ends the process', async () => {
  const built = await build(join(import.meta.dirname, 'crash.wasm'), join(folder, 'plain'));
  const { code, stderr } = await Workload.start(built.path, { env: { WAGSNAP_ON_TRAP: 'exit' } }).ended();
  expect(code).toBe(134);
  expect(printedFrames(stderr)).toHaveLength(4);
  expect(stderr).not.toContain('parked');
});

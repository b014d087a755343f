/**
 * Processes whose functions are compiled when they are first called: what they ask for, captures, traps and the death of
 * the tool, on both CPUs.
 */

import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { targets } from '../../src/arch/targets.js';
import { REQUEST_ALL, REQUEST_TABLES } from '../../src/image/contract/growing-text.js';
import { readImage } from '../../src/image/reader.js';
import { checkTrapText } from '../../src/image/trap-text-check.js';
import { capturePid } from '../support/capture.js';
import { GrowingWorkload } from '../support/growing-workload.js';
import { build, canRun, restoreAndStart, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const workloads: GrowingWorkload[] = [];
afterEach(() => {
  for (const { child } of workloads.splice(0)) child.kill('SIGKILL');
});

/** Bodies of so many bytes are compiled alone. */
const filler = '(drop (i32.const 1234567))'.repeat(300);

/**
 * Prints a digit for each byte of its input, from 0 on, by functions that call each other directly and through a table.
 * The functions: 0 print, 1 next, 2 _start, 3 through, 4 traps, 5 never.
 */
const program = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table funcref (elem $through $traps))
  (type $step (func (param i32) (result i32)))
  (data (i32.const 0) "\\10\\00\\00\\00\\02\\00\\00\\00")
  (data (i32.const 32) "\\40\\00\\00\\00\\01\\00\\00\\00")
  (func $print (param i32) ${filler}
    (i32.store8 (i32.const 16) (i32.add (i32.const 48) (local.get 0)))
    (i32.store8 (i32.const 17) (i32.const 10))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24))))
  (func $next (param i32) (result i32) ${filler} (i32.add (local.get 0) (i32.const 1)))
  (func (export "_start") (local $n i32)
    ${filler}
    (loop $line
      (call $print (local.get $n))
      (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 24)))
      (if (i32.eqz (i32.load (i32.const 24))) (then (return)))
      (local.set $n (call_indirect (type $step) (local.get $n)
        (i32.eq (i32.load8_u (i32.const 64)) (i32.const 33))))
      (br $line)))
  (func $through (type $step) ${filler} (call $next (local.get 0)))
  (func $traps (type $step) ${filler} (unreachable))
  (func $never ${filler}))`;

const arches = (['x64', 'arm64'] as const).filter(canRun);

async function start(arch: (typeof arches)[number], wat = program): Promise<GrowingWorkload> {
  const workload = await GrowingWorkload.start(wat, folder, { arch });
  workloads.push(workload);
  return workload;
}

async function end({ child, failure }: GrowingWorkload): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(failure).toBeUndefined();
  return child.exitCode ?? child.signalCode;
}

describe.each(arches)('%s', (arch) => {
  test('compiles what is called, when it is called', async () => {
    const workload = await start(arch);
    await workload.output.has('0\n');
    expect(workload.requests).toEqual([2, 0]);
    workload.child.stdin!.write('.');
    await workload.output.has('1\n');
    expect(workload.requests).toEqual([2, 0, 3, 1]);
    workload.child.stdin!.end('.');
    await workload.output.has('2\n');
    expect(await end(workload)).toBe(0);
    expect(workload.requests).toEqual([2, 0, 3, 1]);
    expect(workload.output.stderr).toBe('');
  });

  test('is captured after it was compiled to its end, and continues; the snapshot continues on each CPU', async () => {
    const workload = await start(arch);
    await workload.output.has('0\n');
    workload.child.stdin!.write('.');
    await workload.output.has('1\n');
    const file = join(folder, `${arch}.wsnap`);
    await capturePid(workload.child.pid!, { output: file });
    expect(workload.requests.slice(4)).toEqual([REQUEST_ALL]);
    workload.child.stdin!.write('.');
    await workload.output.has('2\n');
    await capturePid(workload.child.pid!, { output: file, kill: true });
    expect(await end(workload)).toBe(75);
    expect(workload.requests.length).toBe(5);
    for (const target of arches) {
      const built = await build(Buffer.from(program), join(folder, `built-${arch}-${target}`), { arch: target });
      const restored = await restoreAndStart(file, built, join(folder, `restored-${arch}-${target}`), {
        stdin: 'pipe',
      });
      restored.stdin.end('.');
      expect(await restored.ended()).toEqual({ stdout: '3\n', stderr: '', code: 0 });
    }
  });

  test('is an image like any other when it is complete', async () => {
    const workload = await start(arch);
    await workload.output.has('0\n');
    while (workload.image.addNext());
    workload.image.complete();
    const image = readImage(workload.path);
    checkTrapText(image, targets[arch]);
    expect(image.identity.modules.at(-1)!.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(image.sites.functionCount).toBeGreaterThan(100);
    image.close();
    workload.child.stdin!.end('..');
    await workload.output.has('2\n');
    expect(await end(workload)).toBe(0);
    expect(workload.requests).toEqual([2, 0]);
  });

  test('a trap says where, by the tables of what is there', async () => {
    const workload = await start(arch);
    workload.child.stdin!.end('!');
    expect(await end(workload)).toBe(134);
    expect(workload.requests).toEqual([2, 0, 4, REQUEST_TABLES]);
    expect(workload.output.stderr).toContain('unreachable');
    expect(workload.output.stderr).toMatch(/#0 traps .*\n.*#1 func-4 /);
  });

  test('a signal that asks it to stop changes nothing while functions are missing', async () => {
    const workload = await start(arch);
    await workload.output.has('0\n');
    workload.child.kill('SIGUSR2');
    workload.child.stdin!.write('.');
    await workload.output.has('1\n');
    expect(workload.requests).toEqual([2, 0, 3, 1]);
    workload.child.stdin!.end();
    expect(await end(workload)).toBe(0);
  });

  test('without the tool it runs what is there, and says what is missing', async () => {
    const workload = await start(arch);
    await workload.output.has('0\n');
    workload.abandon();
    workload.child.stdin!.write('.');
    expect(await end(workload)).toBe(1);
    expect(workload.output.stdout).toBe('0\n');
    expect(workload.output.stderr).toBe(
      'wag-snap: the tool that compiles this program has ended, and it needs a function that is not compiled yet (function 3 of those that the module defines): run it again\n',
    );
  });
});

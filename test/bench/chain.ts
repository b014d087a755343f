/**
 * Snapshots that are differences to one another: how many bytes one has, against the blocks that the program has written
 * since, and how long a restore of the tenth takes to its first line, against the same snapshot as one file.
 *
 * The guest has 64 MiB, and for each byte that it reads it writes a word in 600 blocks of 4 KiB all over them, other
 * ones each time.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, folder, median, ROUNDS, wagSnap } from './measure.js';

const GENERATIONS = 10;
const WRITTEN = 600;
const BLOCK = 4096;
const PAGES = 1024;

const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") ${PAGES})
  (data (i32.const 64) ".\\0a")
  (func (export "_start") (local $i i32) (local $n i32)
    (local.set $i (i32.const 65536))
    (loop $fill
      (i64.store (local.get $i) (i64.const 1))
      (br_if $fill
        (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1024))) (i32.const ${PAGES * 65536 - 1024}))))
    (loop $round
      (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 2))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (i32.store (i32.const 0) (i32.const 32)) (i32.store (i32.const 4) (i32.const 1))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $i (i32.const 0))
      (loop $next
        (i32.store
          (i32.add
            (i32.const 69632)
            (i32.mul
              (i32.rem_u (i32.mul (local.get $n) (i32.const 7919)) (i32.const ${(PAGES - 2) * 16}))
              (i32.const ${BLOCK})))
          (local.tee $n (i32.add (local.get $n) (i32.const 1))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${WRITTEN}))))
      (br_if $round (i32.load (i32.const 8))))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))`;

const snapshot = (n: number) => join(folder, `chain-${n}.wsnap`);

/** Once for both figures. */
let captured: Promise<void> | undefined;

async function captureChain(): Promise<void> {
  const source = join(folder, 'chain.wat');
  writeFileSync(source, PROGRAM);
  const image = join(folder, 'chain');
  check([...wagSnap, 'compile', source, '-o', image]);
  const child = spawn(image, [], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  for (let n = 0; n < GENERATIONS; n++) {
    await nextLine(child);
    const parent = n === 0 ? [] : ['--parent', snapshot(n - 1)];
    check([...wagSnap, 'capture', String(child.pid), '-o', snapshot(n), ...parent]);
    child.stdin.write('.');
  }
  child.kill('SIGKILL');
  check([...wagSnap, 'compact', snapshot(GENERATIONS - 1), '-o', join(folder, 'chain-one.wsnap')]);
}

async function nextLine({ stdout }: ChildProcess): Promise<void> {
  await once(stdout as NodeJS.ReadableStream, 'data');
}

export const differenceBytes: Figure = {
  name: 'difference',
  title: 'bytes of a capture with a parent, against blocks written',
  bar: '<= 1.2 x',
  measure: async () => {
    await (captured ??= captureChain());
    const sizes = Array.from({ length: GENERATIONS - 1 }, (_, n) => statSync(snapshot(n + 1)).size);
    const value = Math.max(...sizes) / (WRITTEN * BLOCK);
    const details = [`capture with a parent: ${sizes.join(', ')} bytes, ${WRITTEN * BLOCK} written`];
    return { value: ratio(value), pass: value <= 1.2, details };
  },
};

export const chainRestore: Figure = {
  name: 'chain',
  title: `restore to the first line, a chain of ${GENERATIONS} against one file`,
  bar: '<= 1.3 x',
  measure: async () => {
    await (captured ??= captureChain());
    const files = [snapshot(GENERATIONS - 1), join(folder, 'chain-one.wsnap')];
    const times: number[][] = files.map(() => []);
    for (let round = -1; round < ROUNDS; round++) {
      for (const [i, file] of files.entries()) {
        const time = await timeToFirstLine([...wagSnap, 'restore', file]);
        if (round >= 0) times[i].push(time); // the first round fills the cache
      }
    }
    const [chain, one] = times.map(median);
    const details = [
      `restore to the first line: ${GENERATIONS} files ${milliseconds(chain)}, one ${milliseconds(one)}`,
    ];
    return { value: ratio(chain / one), pass: chain / one <= 1.3, details };
  },
};

async function timeToFirstLine(command: readonly string[]): Promise<number> {
  const start = performance.now();
  const child = spawn(command[0], command.slice(1), { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  await nextLine(child);
  const time = (performance.now() - start) / 1000;
  await closed;
  return time;
}

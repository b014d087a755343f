/**
 * Compile throughput of a big real module, the start of Node included: bytes per second of process time of one thread,
 * and how much sooner the image is there with two threads. V8 optimizes the compiler on threads of its own, so one
 * thread is compared on one processor.
 */

import { existsSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type Figure, ratio } from './figure.js';
import { check, folder, median, processTime, ROUNDS, wagSnap } from './measure.js';

const module = resolve('node_modules/esbuild-wasm/esbuild.wasm');
const megabytes = () => statSync(module).size / 1e6;

function compileWith(jobs: number): string[] {
  return [...wagSnap, 'compile', module, '--allow-missing-imports', '-o', `${folder}/esbuild`, '--jobs', String(jobs)];
}

/** Seconds until a command has ended. */
function wallTime(command: readonly string[]): number {
  const start = performance.now();
  check(command);
  return (performance.now() - start) / 1000;
}

export const compileSpeed: Figure = {
  name: 'compile',
  title: 'compile throughput, one thread',
  bar: '>= 10 MB/s',
  measure: () => {
    const cpu = Array.from({ length: ROUNDS }, () => processTime(compileWith(1)));
    const speed = megabytes() / median(cpu);
    const details = [`esbuild.wasm, ${megabytes().toFixed(1)} MB: ${median(cpu).toFixed(2)} s of process time`];
    return { value: `${speed.toFixed(1)} MB/s`, pass: speed >= 10, details };
  },
};

export const compileThreads: Figure = {
  name: 'jobs',
  title: 'compile, two processors against one',
  bar: '>= 1.6 x',
  measure: () => {
    if (availableParallelism() < 2) throw new Error('there is only one processor');
    if (!existsSync('/usr/bin/taskset')) throw new Error('taskset is not installed');
    const on = (processors: string, jobs: number) => ['taskset', '-c', processors, ...compileWith(jobs)];
    const times: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round++) {
      times[0].push(wallTime(on('0', 1)));
      times[1].push(wallTime(on('0,1', 2)));
      times[2].push(wallTime(on('0,1', 1)));
    }
    const [one, two, alone] = times.map(median);
    const details = [
      `esbuild.wasm: ${one.toFixed(2)} s on one processor, ${two.toFixed(2)} s on two`,
      `with one job on two processors, where V8's threads have the other one: ${alone.toFixed(2)} s, ${ratio(alone / two)}`,
    ];
    return { value: ratio(one / two), pass: one / two >= 1.6, details };
  },
};

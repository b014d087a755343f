/** Compile throughput: bytes of a big real module per second of process time, the start of Node included. */

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Figure } from './figure.js';
import { folder, median, processTime, ROUNDS, wagSnap } from './measure.js';

export const compileSpeed: Figure = {
  name: 'compile',
  title: 'compile throughput, one thread',
  bar: '>= 8 MB/s',
  measure: () => {
    const module = resolve('node_modules/esbuild-wasm/esbuild.wasm');
    const command = [...wagSnap, 'compile', module, '--allow-missing-imports', '-o', `${folder}/esbuild`];
    const megabytes = statSync(module).size / 1e6;
    const cpu: number[] = [];
    const wall: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      cpu.push(processTime(command));
      wall.push((performance.now() - start) / 1000);
    }
    const speed = megabytes / median(cpu);
    const details = [
      `esbuild.wasm, ${megabytes.toFixed(1)} MB: ${median(cpu).toFixed(2)} s of process time, ${median(wall).toFixed(2)} s of wall time`,
    ];
    return { value: `${speed.toFixed(1)} MB/s`, pass: speed >= 8, details };
  },
};

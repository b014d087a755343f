/**
 * Speed of the compiled code: process time of the whole run of an image, against the same module in V8 with its
 * baseline compiler alone (Liftoff) and with its optimizing compiler alone (TurboFan). V8's times include Node's start
 * and the compilation, ours the start of an image; sizes are chosen so that Liftoff takes about a second.
 */

import { resolve } from 'node:path';
import { type Figure, ratio } from './figure.js';
import { check, compile, elfSection, geometricMean, median, processTime, program, ROUNDS } from './measure.js';

/** Node 20 aborts when a WASI call on V8's fast path makes it collect garbage, as memories that have grown big do. */
const flags = ['--no-warnings', '--no-turbo-fast-api-calls'];

const programs: readonly { name: string; size: string }[] = [
  { name: 'nbody', size: '12000000' },
  { name: 'hashmap', size: '2000000' },
  { name: 'quicksort', size: '600000' },
  { name: 'fib', size: '40' },
  { name: 'sha256', size: '30000' },
  { name: 'mandelbrot', size: '3300' },
  { name: 'interp', size: '800' },
  { name: 'growmem', size: '400' },
  { name: 'fileio', size: '250000' },
];

interface Row {
  readonly name: string;
  readonly ours: number;
  readonly liftoff: number;
  readonly turbofan: number;
}

let rows: readonly Row[] | undefined;

function measureAll(): readonly Row[] {
  const runner = resolve('test/bench/v8-runner.mjs');
  return programs.map(({ name, size }) => {
    const image = compile(name);
    const node = (tier: string) => [process.execPath, ...flags, tier, runner, program(name), size];
    const commands = [[image, size], node('--liftoff-only'), node('--no-liftoff')];
    const outputs = commands.map(check);
    if (outputs[0] !== outputs[1]) throw new Error(`${name} prints something else than under V8`);
    const times: number[][] = commands.map(() => []);
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, command] of commands.entries()) times[index].push(processTime(command));
    }
    const [ours, liftoff, turbofan] = times.map(median);
    return { name, ours, liftoff, turbofan };
  });
}

const seconds = (value: number): string => value.toFixed(3).padStart(8);

export const againstLiftoff: Figure = {
  name: 'liftoff',
  title: 'code speed, against V8 --liftoff-only',
  bar: '<= 0.80 x',
  measure: () => {
    rows ??= measureAll();
    const mean = geometricMean(rows.map(({ ours, liftoff }) => ours / liftoff));
    const details = rows.map(
      ({ name, ours, liftoff, turbofan }) =>
        `${name.padEnd(12)}${seconds(ours)}${seconds(liftoff)}${seconds(turbofan)}` +
        `${(ours / liftoff).toFixed(2).padStart(10)}${(ours / turbofan).toFixed(2).padStart(10)}`,
    );
    const heading = `${'process s'.padEnd(12)}    ours liftoff turbofan / liftoff / turbofan`;
    return { value: ratio(mean), pass: mean <= 0.8, details: [heading, ...details] };
  },
};

export const againstTurbofan: Figure = {
  name: 'turbofan',
  title: 'code speed, against V8 --no-liftoff',
  bar: 'printed',
  measure: () => {
    rows ??= measureAll();
    return { value: ratio(geometricMean(rows.map(({ ours, turbofan }) => ours / turbofan))), pass: undefined };
  },
};

export const siteTables: Figure = {
  name: 'text',
  title: 'code with and without site tables',
  bar: 'text byte-identical',
  measure: () => {
    const different = programs.filter(({ name }) => {
      const withSites = elfSection(compile(name), '.text');
      return !withSites.equals(elfSection(compile(name, '--no-sites'), '.text'));
    });
    const names = different.map(({ name }) => name).join(', ');
    return { value: names ? `differs: ${names}` : `identical, ${programs.length} programs`, pass: names === '' };
  },
};

/**
 * A component of WASI 0.2 against the same program for preview 1: size of the image, the cached start of `wag-snap run`
 * in CPU time, and the time of the bare process. fixtures/components has the component, whose main core module is compiled
 * alone; `linked` compiles it the other way, with its adapter and our interfaces of WASI 0.2, as components without an
 * adapter for preview 1 are.
 */

import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadInterfaces } from '../../src/api/interfaces.js';
import { decodeComponent } from '../../src/wasm/component/decode.js';
import { instantiate } from '../../src/wasm/component/instantiate.js';
import { linkedProgram } from '../../src/wasm/component/native.js';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, folder, median, processTime, program, ROUNDS, wagSnap, wallTimeOfMany } from './measure.js';

const NAME = 'readline';
/** Of each round; they take turns, as a process takes a millisecond. */
const STARTS = 6;
const RUNS = 30;
const BAR = 1.3;
const component = () => resolve(`fixtures/components/${NAME}.wasm`);

/** The component as one module, linked. */
function linked(): string {
  const parts = decodeComponent(readFileSync(component()), 'component');
  const path = `${folder}/linked.wasm`;
  writeFileSync(path, linkedProgram(parts, instantiate(parts), loadInterfaces()).bytes);
  return path;
}

function figure(name: string, title: string, path: () => string): Figure {
  return {
    name,
    title,
    bar: `<= ${BAR} x each`,
    measure: () => {
      const sources = [path(), program(NAME)];
      const images = sources.map((source, i) => {
        const image = `${folder}/${name}-${i}`;
        check([...wagSnap, 'compile', source, '-o', image]);
        return image;
      });
      const expected = check([...wagSnap, 'run', sources[1]]);
      if (check([...wagSnap, 'run', sources[0]]) !== expected) throw new Error('the two print different things');
      const starts: [number[], number[]] = [[], []];
      const runs: [number[], number[]] = [[], []];
      for (let round = 0; round < ROUNDS * STARTS; round++) {
        for (const i of round % 2 === 0 ? [0, 1] : [1, 0]) {
          starts[i].push(processTime([...wagSnap, 'run', sources[i]]));
          runs[i].push(wallTimeOfMany(images[i], RUNS));
        }
      }
      const sizes = images.map((image) => statSync(image).size);
      const pairs = [sizes, starts.map(median), runs.map(median)];
      const [size, start, run] = pairs.map(([a, b]) => a / b);
      return {
        value: `${ratio(size)}, ${ratio(start)}, ${ratio(run)}`,
        pass: Math.max(size, start, run) <= BAR,
        details: [
          `${title}: image ${sizes.join(' against ')} bytes, cached start ${pairs[1].map(milliseconds).join(' against ')} of CPU, ` +
            `process ${pairs[2].map(milliseconds).join(' against ')}`,
        ],
      };
    },
  };
}

export const components: readonly Figure[] = [
  figure('component', 'component, against preview 1: size, start, process', component),
  figure('component-linked', 'the same, linked with the interfaces of 0.2', linked),
];

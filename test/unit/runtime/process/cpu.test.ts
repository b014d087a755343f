/** RT_CPU_NEEDS against what the CPU says of itself, before anything of the guest runs. */

import { expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from './fake-image.js';

it.each([
  ['needs nothing, has nothing', 0, 0, 0],
  ['needs nothing, has AVX', 0, L.CPU_AVX, 0],
  ['needs and has AVX', L.CPU_AVX, L.CPU_AVX, 0],
  ['needs AVX, has nothing', L.CPU_AVX, 0, 5],
  ['needs AVX, has something else', L.CPU_AVX, 2, 5],
])('%s', (_, needs, features, code) => {
  const { process } = bootedImage({ entry: true });
  let runs = 0;
  process.invoke = () => runs++;
  process.set32(process.runtime + L.RT_CPU_NEEDS, needs);
  process.cpuFeatures = features;
  expect(startProcess(process)).toBe(code);
  expect(runs).toBe(code === 0 ? 1 : 0);
  expect(process.text(2)).toBe(
    code === 0
      ? ''
      : 'wag-snap: the program was compiled for a CPU with AVX, which this one does not have or the operating system does not allow: compile it with --cpu x86-64-v2\n',
  );
});

/** Random modules of fixed seeds, native against V8. `npm run fuzz` continues with others. */

import { setImmediate } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { decodeModule } from '../../src/wasm/decode.js';
import { ExternKind, ValType } from '../../src/wasm/module.js';
import { AVX, specTarget } from '../spec/targets.js';
import { sized } from '../support/sampling.js';
import { NanMode } from './code.js';
import { Differential, type Variant } from './differential.js';
import { withOtherMemory } from './other-memory.js';
import { randomCase } from './random-module.js';

const BATCHES = sized(2, 24);
const BATCH = 40;

const variants: readonly Variant[] = [
  { sizes: { functions: 5, body: 60 }, deterministic: false },
  { sizes: { functions: 3, body: 300 }, deterministic: false },
  { sizes: { functions: 5, body: 60 }, deterministic: true },
  { sizes: { functions: 4, body: 150 }, deterministic: false, variation: 1 },
  { sizes: { functions: 5, body: 60, vectors: true }, deterministic: false },
  { sizes: { functions: 3, body: 200, vectors: true }, deterministic: true },
  { sizes: { functions: 4, body: 150, vectors: true }, deterministic: false, variation: 1 },
  { sizes: { functions: 5, body: 60, atomics: true }, deterministic: false },
  { sizes: { functions: 8, body: 60, tailCalls: true }, deterministic: false },
  { sizes: { functions: 6, body: 200, tailCalls: true, vectors: true }, deterministic: true },
  { sizes: { functions: 3, body: 200, atomics: true }, deterministic: true },
  { sizes: { functions: 5, body: 60 }, deterministic: false, memory: { index: 2, wide: false } },
  { sizes: { functions: 3, body: 200 }, deterministic: false, memory: { index: 0, wide: true } },
  { sizes: { functions: 5, body: 60, vectors: true }, deterministic: false, memory: { index: 1, wide: true } },
  { sizes: { functions: 5, body: 60, atomics: true }, deterministic: false, memory: { index: 3, wide: true } },
  { sizes: { functions: 5, body: 100 }, deterministic: false, memory: { index: 0, wide: false, small: true } },
  {
    sizes: { functions: 5, body: 60, vectors: true, atomics: true },
    deterministic: false,
    memory: { index: 1, wide: true, small: true },
  },
  { sizes: { functions: 6, body: 60, exceptions: true }, deterministic: false },
  {
    sizes: { functions: 4, body: 150, vectors: true, tailCalls: true, exceptions: true },
    deterministic: false,
    variation: 1,
  },
  { sizes: { functions: 6, body: 60, exceptions: true }, deterministic: false, tryTables: true },
  {
    sizes: { functions: 4, body: 150, vectors: true, tailCalls: true, exceptions: true },
    deterministic: true,
    tryTables: true,
  },
  { sizes: { functions: 5, body: 60 }, deterministic: false, wideArithmetic: true },
  { sizes: { functions: 3, body: 300 }, deterministic: false, wideArithmetic: true, variation: 1 },
  { sizes: { functions: 4, body: 200, vectors: true }, deterministic: true, arch: AVX },
  { sizes: { functions: 5, body: 60, references: true }, deterministic: false },
  { sizes: { functions: 5, body: 60, casts: true }, deterministic: false },
  {
    sizes: { functions: 4, body: 150, tailCalls: true, exceptions: true, casts: true },
    deterministic: true,
    memory: { index: 0, wide: true, small: true },
    wideArithmetic: true,
  },
  {
    sizes: { functions: 4, body: 150, vectors: true, tailCalls: true, exceptions: true, references: true },
    deterministic: true,
    memory: { index: 1, wide: true },
    tryTables: true,
  },
];

const differential = new Differential();
afterAll(() => differential.close());

for (const variant of variants) {
  const isHere = specTarget(variant.arch ?? 'x64') !== undefined;
  test.skipIf(!isHere)(`native code and V8 agree: ${JSON.stringify(variant)}`, async () => {
    for (let batch = 0; batch < BATCHES; batch++) {
      const seeds = Array.from({ length: BATCH }, (_, i) => 1 + batch * BATCH + i);
      const failures = differential.run(variant, seeds);
      await setImmediate(); // lets the runner hear of this process while there is load
      expect(failures.map(({ seed, message }) => `seed ${seed}: ${message}`)).toEqual([]);
    }
  });
}

test('the other memory is there', () => {
  const { modules } = randomCase(1, { sizes: { functions: 3, body: 60 }, nan: NanMode.Guarded });
  const { memories, exports } = decodeModule(withOtherMemory(modules[0].bytes, { index: 2, wide: true }));
  expect(memories.map(({ address }) => address)).toEqual([ValType.I32, ValType.I32, ValType.I64]);
  expect(exports.find(({ name }) => name === 'memory')).toMatchObject({ kind: ExternKind.Memory, index: 2 });
});

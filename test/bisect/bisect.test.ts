/** Functions compiled the plain way, and the search for the one that makes a difference. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { targets } from '../../src/arch/targets.js';
import { compileImage } from '../../src/compile/link/compile.js';
import { writeImage } from '../../src/compile/link/write-file.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { bisect } from './bisect.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-bisect-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([1, 2, 7, 8, 100])('of %i things each can be found', (count) => {
  for (let culprit = 0; culprit < count; culprit++) {
    let tries = 0;
    expect(
      bisect(count, (n) => {
        tries++;
        return n <= culprit;
      }),
    ).toBe(culprit);
    expect(tries).toBeLessThanOrEqual(2 + Math.ceil(Math.log2(count)));
  }
});

test('says so when there is nothing to find', () => {
  expect(bisect(5, () => true)).toContain('nothing is wrong');
  expect(bisect(5, () => false)).toContain('elsewhere');
});

const programs = ['fib', 'sha256', 'interp', 'nbody', 'quicksort'];

test.each(programs)('%s, half of it or all of it the plain way, prints the same', (name) => {
  const path = join(import.meta.dirname, '../../fixtures/programs', `${name}.wasm`);
  const module = decodeModule(readFileSync(path));
  const texts: string[] = [];
  const outputs = [() => false, (index: number) => index % 2 === 0, () => true].map((plain, i) => {
    const file = join(folder, `${name}-${i}`);
    const image = compileImage([{ module, file: path }], { target: targets.x64, debugging: { plain } });
    texts.push(Buffer.from(image.text).toString('latin1'));
    writeImage(image, file);
    const { stdout, status } = spawnSync(file, { encoding: 'utf8' });
    expect(status).toBe(0);
    return stdout;
  });
  expect(outputs[0].length).toBeGreaterThan(0);
  expect(outputs).toEqual([outputs[0], outputs[0], outputs[0]]);
  expect(new Set(texts).size).toBe(3);
});

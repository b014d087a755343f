/** WAGSNAP_MAX_MEMORY: memory.grow up to it, and a program that starts with more. */

import { expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from './fake-image.js';

const PAGE = 65536;

it('lets a memory grow up to the limit', () => {
  const image = bootedImage({ pages: 2, entry: true });
  const grow = (delta: number) => image.process.call('memory_grow', BigInt(image.memory), BigInt(delta));
  const results: unknown[] = [];
  image.process.invoke = () => results.push(grow(2), grow(2), grow(1), grow(1), grow(0));
  expect(startProcess(image.process, [`WAGSNAP_MAX_MEMORY=${5 * PAGE + 1}`])).toBe(0);
  expect(results).toEqual([2n, 0xffffffffn, 4n, 0xffffffffn, 5n]);
  expect(image.process.get64(image.memory + L.MEM_SIZE)).toBe(5 * PAGE);
});

it('starts nothing that is larger', () => {
  const { process } = bootedImage({ pages: 2, entry: true });
  expect(startProcess(process, [`WAGSNAP_MAX_MEMORY=${2 * PAGE - 1}`])).toBe(4);
  expect(process.text(2)).toBe('wag-snap: --max-memory: the program starts with 131072 bytes, 131071 are allowed\n');
  expect(startProcess(bootedImage({ pages: 2, entry: true }).process, [`WAGSNAP_MAX_MEMORY=${2 * PAGE}`])).toBe(0);
});

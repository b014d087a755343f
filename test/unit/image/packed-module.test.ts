/** Modules in images: packed when that is of use, the same bytes afterwards, and hostile ones. */

import { randomBytes } from 'node:crypto';
import { brotliCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { compileImage } from '../../../src/compile/link/compile.js';
import { packModule, unpackModule } from '../../../src/image/packed-module.js';
import { readImage } from '../../../src/image/reader.js';
import { miniHost, moduleOf } from '../compile/link/mini-host.js';

const MIB = 1 << 20;
/** Bytes of which half are equal. */
const ordinary = (size: number) => Buffer.concat([randomBytes(size / 2), Buffer.alloc(size / 2)]);

describe('packModule', () => {
  test.each([
    ['an ordinary one', ordinary(MIB), true],
    ['a small one', Buffer.alloc(1000), false],
    ['one that does not get smaller', randomBytes(MIB), false],
    ['one that gets suspiciously small', Buffer.alloc(MIB), false],
  ])('%s', (_, module, packs) => {
    const stored = packModule(module);
    expect(stored.length < module.length).toBe(packs);
    expect(Buffer.from(unpackModule(stored, module.length)).equals(module)).toBe(true);
  });
});

describe('unpackModule refuses', () => {
  const stored = packModule(ordinary(MIB));
  test.each<[string, Uint8Array, number, RegExp]>([
    ['a stream that is none', Buffer.alloc(stored.length, 0xff), MIB, /a packed module cannot be unpacked/],
    ['half a stream', stored.subarray(0, stored.length >> 1), MIB, /a packed module cannot be unpacked/],
    ['one of more bytes', stored, MIB - 1, /a packed module cannot be unpacked/],
    ['one of fewer bytes', stored, MIB + 1, /a packed module has another size/],
    [
      'one that would unpack to very much',
      brotliCompressSync(Buffer.alloc(64 * MIB)),
      64 * MIB,
      /the size of a packed/,
    ],
    ['one that is larger than the module', Buffer.alloc(1001), 1000, /the size of a packed module/],
  ])('%s', (_, bytes, size, message) => {
    expect(() => unpackModule(bytes, size)).toThrow(message);
  });
});

test('an image has its modules, packed and not', async () => {
  const data = Array.from(randomBytes(20_000), (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');
  const large = await moduleOf(`(module (memory 2) (data (i32.const 0) "${data}${'a'.repeat(40_000)}"))`);
  const modules = [large, await moduleOf('(module)'), large];
  const inputs = modules.map((module, i) => ({ module, file: `${i}`, name: `m${i}` }));
  const image = readImage(compileImage(inputs, { target: x64, hostLayer: await miniHost() }).bytes);
  const { size = 0 } = image.section('.wagsnap.wasm') ?? {};
  expect(size).toBeLessThan(large.bytes.length);
  expect(image.identity.modules.map(({ stored }) => stored !== undefined)).toEqual([false, true, false, true]);
  for (const [i, { bytes }] of modules.entries()) {
    expect(Buffer.from(image.moduleBytes(i + 1)!).equals(bytes)).toBe(true);
  }
});

/** Reading images: a compiled one gives back what was compiled; a hostile one gives InputError and nothing else. */

import { beforeAll, describe, expect, it } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { InputError } from '../../../src/base/errors.js';
import { type CompiledImage, compileImage } from '../../../src/compile/link/compile.js';
import { readImage } from '../../../src/image/reader.js';
import { miniHost, moduleOf } from '../compile/link/mini-host.js';

const PROGRAM = `(module
  (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
  (table 3 9 funcref) (elem (i32.const 0) $start)
  (memory 1 2) (data "passive")
  (global $g (mut i64) (i64.const -2))
  (func $start (export "_start") (local f64) (loop (call $exit (i32.const 1)) (br 0))))`;

describe('readImage', () => {
  let image: CompiledImage;
  beforeAll(async () => {
    const module = await moduleOf(PROGRAM);
    image = compileImage([{ module, file: 'main' }], { target: x64, hostLayer: await miniHost() });
  });

  it('gives back the identity', () => {
    expect(readImage(image.bytes).identity).toEqual(image.identity);
    expect(image.identity.instances[1].tables.types).toEqual([{ element: 0x70, min: 3, max: 9 }]);
    expect(image.identity.modules.map(({ host }) => host)).toEqual([true, false]);
  });

  it('names functions and finds their sites', () => {
    const read = readImage(image.bytes);
    const row = read.sites.functionRow(1, 1);
    expect(read.functionName(row)).toBe('start');
    expect(read.functionName(read.sites.functionRow(1, 0))).toBe('wasi_unstable.proc_exit');
    const { first, end } = read.sites.sitesOf(row);
    const kinds = [];
    for (let i = first; i < end; i++) kinds.push(read.sites.site(i).kind);
    expect(kinds).toEqual([2, 1, 0]); // entry, loop, call
  });

  it('says what is not an image', () => {
    expect(() => readImage(new Uint8Array(10))).toThrow(/not a wag-snap image: it is too short/);
    expect(() => readImage(new Uint8Array(100))).toThrow(/not a 64-bit ELF file/);
    expect(() => readImage(process.execPath)).toThrow(/not a wag-snap image/);
    expect(() => readImage('/nonexistent')).toThrow(/nonexistent: cannot be read: no such file/);
  });

  it('survives truncation and bit flips', () => {
    let seed = 1;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return Math.floor((seed / 0x100000000) * below);
    };
    const interesting = image.parts.filter(({ bytes }) => bytes.length < 20000);
    for (let i = 0; i < 600; i++) {
      const copy = image.bytes.slice(0, i % 10 === 0 ? random(image.size) : image.size);
      for (let k = 0; k <= i % 3; k++) {
        const part = interesting[random(interesting.length)];
        const at = part.fileOffset + random(part.bytes.length);
        if (at < copy.length) copy[at] ^= 1 << random(8);
      }
      try {
        const read = readImage(copy);
        const { sites } = read;
        for (let row = 0; row < sites.functionCount; row++) {
          read.functionName(row);
          sites.homes(row);
        }
        for (let row = 0; row < sites.siteCount; row++) {
          const site = sites.site(row);
          const owner = sites.functionAt(site.textOffset);
          if (owner >= 0) sites.frameMap(owner, site);
        }
        read.initialData();
        read.moduleBytes(1);
      } catch (error) {
        if (!(error instanceof InputError)) throw error;
      }
    }
  });
});

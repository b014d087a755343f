/** Resumable images: an image with plan and extents after it and other DATA, which still describes itself. */

import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { x64 } from '../../../src/arch/x64/target.js';
import { writeAt } from '../../../src/base/output.js';
import { type CompiledImage, compileImage } from '../../../src/compile/link/compile.js';
import { writeImage } from '../../../src/compile/link/write-file.js';
import { readImage } from '../../../src/image/reader.js';
import { ResumableImage } from '../../../src/image/resumable.js';
import { miniHost, moduleOf } from '../compile/link/mini-host.js';

describe('ResumableImage', () => {
  let folder: string;
  let compiled: CompiledImage;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wagsnap-resumable-'));
    const module = await moduleOf(`(module
      (global $r (export "r") (mut funcref) (ref.func $f))
      (global $n (export "n") (mut i32) (i32.const 1))
      (func $f (export "_start")))`);
    compiled = compileImage([{ module, file: 'main' }], { target: x64, hostLayer: await miniHost() });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function make(source: Uint8Array | string, path: string, extentBytes: number): void {
    const image = readImage(source);
    const resumable = new ResumableImage(image);
    expect(resumable.planStart % 65536).toBe(0);
    expect(resumable.extentsStart % 65536).toBe(0);
    resumable.data.bits(compiled.globalCell(1, 'r')!, 0, 0);
    resumable.data.u32(compiled.globalCell(1, 'n')!, 5);
    const bytes = new Uint8Array(24);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, resumable.planStart + 16, true);
    view.setUint32(16, 33, true);
    const fd = openSync(path, 'wx', 0o755);
    resumable.begin(fd);
    writeAt(fd, new Uint8Array(4096).fill(7), resumable.extentsStart);
    resumable.finish(fd, { bytes, pointers: Uint32Array.of(0) }, extentBytes);
    closeSync(fd);
    image.close();
  }

  it('is the same from bytes and from a file', () => {
    const original = join(folder, 'original');
    writeImage(compiled, original);
    make(compiled.bytes, join(folder, 'a'), 65536);
    make(original, join(folder, 'b'), 65536);
    expect(spawnSync('cmp', [join(folder, 'a'), join(folder, 'b')]).status).toBe(0);
  });

  it('runs with its plan', () => {
    make(compiled.bytes, join(folder, 'run'), 0);
    if (process.arch === 'x64') expect(spawnSync(join(folder, 'run')).status).toBe(33);
  });

  it('describes itself as before, with the patched data', () => {
    const path = join(folder, 'described');
    make(compiled.bytes, path, 4096);
    const image = readImage(path);
    expect(image.identity).toEqual(readImage(compiled.bytes).identity);
    expect(image.sites.siteCount).toBeGreaterThan(0);
    const data = image.initialData();
    expect(data[compiled.globalCell(1, 'n')! - image.identity.data.imageOffset]).toBe(5);
    expect(image.section('.wagsnap.pages')!.size).toBe(4096);
    expect(() => new ResumableImage(image)).toThrow(/cannot be made resumable/);
    image.close();
    const readelf = spawnSync('readelf', ['-aW', path], { encoding: 'utf8' });
    if (readelf.error === undefined) expect(readelf.stderr).toBe('');
  });
});

/**
 * The file of an image: well-formed ELF, nothing writable and executable, the same code with and without site
 * tables.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { x64 } from '../../../../src/arch/x64/target.js';
import { type CompiledImage, compileImage } from '../../../../src/compile/link/compile.js';
import { writeImage } from '../../../../src/compile/link/write-file.js';
import { RT_TEXT_FILE, RT_TRAP_TEXT_FILE } from '../../../../src/image/contract/runtime-block.js';
import { readImage } from '../../../../src/image/reader.js';
import type { Module } from '../../../../src/wasm/module.js';
import { miniHost, moduleOf } from './mini-host.js';

const PROGRAM = `(module
  (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
  (table 3 funcref) (elem (i32.const 0) $loop $start)
  (memory 1) (data (i32.const 5) "hello") (data "passive")
  (global $g (mut i64) (i64.const -2))
  (func $loop (param i32) (result i32)
    (loop (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (local.get 0)))
    (i32.load (local.get 0)))
  (func $start (export "_start") (call $exit (call $loop (i32.const 10)))))`;

describe('image file', () => {
  let folder: string;
  let module: Module;
  let hostLayer: Module;
  let image: CompiledImage;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'wagsnap-file-'));
    module = await moduleOf(PROGRAM);
    hostLayer = await miniHost();
    image = compileImage([{ module, file: 'main' }], { target: x64, hostLayer });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has nothing that readelf warns of', () => {
    const path = join(folder, 'image');
    writeImage(image, path);
    const { error, stderr, status } = spawnSync('readelf', ['-aW', path], { encoding: 'utf8' });
    if (error) return; // not installed
    expect(stderr).toBe('');
    expect(status).toBe(0);
  });

  it('maps no page both writable and executable, and wants no executable stack', () => {
    const { segments } = readImage(image.bytes).elf;
    for (const { flags } of segments) expect(flags & 3).not.toBe(3);
    expect(segments.some(({ type }) => type === 0x6474e551)).toBe(true);
  });

  it('has the same code without site tables', () => {
    const bare = compileImage([{ module, file: 'main' }], { target: x64, hostLayer, sites: false });
    expect(Buffer.compare(bare.text, image.text)).toBe(0);
    expect(readImage(bare.bytes).hasSites).toBe(false);
    expect(readImage(image.bytes).hasSites).toBe(true);
  });

  it('carries the module unless told not to', () => {
    expect(readImage(image.bytes).moduleBytes(1)).toEqual(new Uint8Array(module.bytes));
    const without = compileImage([{ module, file: 'main' }], { target: x64, hostLayer, includeModule: false });
    expect(readImage(without.bytes).moduleBytes(1)).toBe(undefined);
  });

  it('says where its text and trap text lie in the file, to be mapped again', () => {
    const read = readImage(image.bytes);
    const data = new DataView(read.initialData().buffer);
    const field = (offset: number) => Number(data.getBigUint64(offset, true));
    expect(field(RT_TEXT_FILE)).toBe(read.section('.text')!.fileOffset);
    expect(field(RT_TRAP_TEXT_FILE)).toBe(read.section('.wagsnap.traptext')!.fileOffset);
  });

  it('has trap text that differs from text at safepoints only', () => {
    const read = readImage(image.bytes);
    const text = read.loadedBytes(read.identity.text.imageOffset, read.identity.text.size);
    const trapText = read.sectionBytes('.wagsnap.traptext');
    const { sites } = read;
    let differing = 0;
    for (let at = 0; at < text.length; at++) if (text[at] !== trapText[at]) differing++;
    expect(differing).toBe(sites.siteCount);
    for (let row = 0; row < sites.siteCount; row++) expect(trapText[sites.site(row).textOffset]).toBe(0xcc);
  });
});

/** The list of what has arrived of a program's memory, and answers to the program. */

import { readSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { setImmediate as settled } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import * as L from '../../../src/image/contract/lazy-pages.js';
import { LazyPages, unitBytes } from '../../../src/restore/lazy-pages.js';
import { temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
let count = 0;
const open: LazyPages[] = [];
afterEach(() => {
  for (const pages of open.splice(0)) pages.close();
});

function lazy(...missing: number[]) {
  const pages = new LazyPages(join(folder, String(count++)), 'hier (pid 1)', Uint8Array.from(missing));
  open.push(pages);
  return pages;
}

/** The list as the process sees it. */
function list(pages: LazyPages): Buffer {
  const bytes = Buffer.alloc(8192);
  return bytes.subarray(0, readSync(pages.fd, bytes, 0, bytes.length, 0));
}

/** The process's end of a socket: what was answered, and a way to ask. */
class Process extends Duplex {
  answers = 0;
  override _read(): void {}
  override _write(data: Buffer, _: string, done: () => void): void {
    this.answers += data.length;
    done();
  }
  async ask(...units: number[]): Promise<void> {
    const bytes = Buffer.alloc(units.length * 4);
    units.forEach((unit, i) => void bytes.writeUInt32LE(unit, i * 4));
    // in two pieces
    this.push(bytes.subarray(0, 3));
    this.push(bytes.subarray(3));
    await settled();
  }
}

test('a file has a bit for each 64 KiB', () => {
  expect([0, 1, 65536, 65537, 8 * 65536, 8 * 65536 + 1].map(unitBytes)).toEqual([0, 1, 1, 1, 1, 2]);
});

test('the list names the source, and what is there', () => {
  const pages = lazy(0b101, 0x80);
  expect(pages.left).toBe(3);
  const bytes = list(pages);
  expect(bytes.length).toBe(L.LZ_BITS + 8);
  expect(bytes.readBigUInt64LE(L.LZ_MAGIC)).toBe(BigInt(L.LAZY_MAGIC));
  expect(bytes.readBigUInt64LE(L.LZ_UNITS)).toBe(64n);
  const length = Number(bytes.readBigUInt64LE(L.LZ_SOURCE_LENGTH));
  expect(bytes.toString('utf8', L.LZ_SOURCE, L.LZ_SOURCE + length)).toBe('hier (pid 1)');
  expect([...bytes.subarray(L.LZ_BITS)]).toEqual([0xfa, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
  expect([0, 1, 2, 15, 16, 63, 64].map((unit) => pages.isThere(unit))).toEqual([
    ...[false, true, false, false, true, true],
    false, // no file has it
  ]);
});

test('bytes are still to come when all of their units are', () => {
  const pages = lazy(0b1110);
  const UNIT = 65536;
  for (const [offset, length, missing] of [
    [UNIT, UNIT, true],
    [UNIT, 3 * UNIT, true],
    [2 * UNIT - 1, 2, true],
    [UNIT, 0, true],
    [0, 1, false],
    [UNIT - 1, 2, false],
    [UNIT, 3 * UNIT + 1, false],
    [UNIT, 2 ** 44, false],
    [2 ** 44, 1, false], // no file has it
    [2 ** 44, 0, false],
  ] as const) {
    expect([offset, length, pages.isMissing(offset, length)]).toEqual([offset, length, missing]);
  }
  pages.arrived(2, 1);
  expect([pages.isMissing(UNIT, UNIT), pages.isMissing(UNIT, UNIT + 1)]).toEqual([true, false]);
});

test('what arrives is in the list, once', () => {
  const pages = lazy(0xff, 0xff);
  pages.arrived(6, 4);
  pages.arrived(6, 1);
  pages.arrived(3, 0);
  expect(pages.left).toBe(12);
  expect([...list(pages).subarray(L.LZ_BITS, L.LZ_BITS + 3)]).toEqual([0xc0, 3, 0xff]);
  expect(() => pages.arrived(60, 5)).toThrow('unit 64 of a file with fewer has come');
  expect(pages.left).toBe(12);
  pages.arrived(0, 64);
  expect(pages.left).toBe(0);
});

test('a process is answered when what it waits for is there', async () => {
  const pages = lazy(0xff);
  const process = new Process();
  pages.serve(process);
  const wanted: number[] = [];
  await process.ask(3); // before anybody listens
  pages.onWanted((unit) => wanted.push(unit));
  expect([wanted, process.answers]).toEqual([[3], 0]);
  pages.arrived(2, 1);
  expect(process.answers).toBe(0);
  pages.arrived(3, 1);
  expect(process.answers).toBe(1);
  pages.arrived(3, 1);
  expect(process.answers).toBe(1);
  await process.ask(2);
  expect([wanted, process.answers]).toEqual([[3], 2]);
  await process.ask(4);
  expect([wanted, process.answers, process.destroyed]).toEqual([[3, 4], 2, false]);
});

test.each([
  ['two questions at once', [3, 4]],
  ['what no file has', [64]],
])('%s: it is not answered any more', async (_, units) => {
  const pages = lazy(0xff);
  const process = new Process();
  pages.serve(process);
  await process.ask(...units);
  expect(process.destroyed).toBe(true);
});

test('who closes it tells the process', () => {
  const pages = lazy(1);
  const process = new Process();
  pages.serve(process);
  pages.close();
  expect(process.destroyed).toBe(true);
  pages.close();
});

/** The image of an emulated process: a file is opened only when it is what the process has mapped. */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  constants,
  copyFileSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findMappedImage } from '../../../src/capture/mapped-image.js';
import type { Mapping } from '../../../src/capture/proc-maps.js';
import { ProcessFolder } from '../../../src/capture/process-folder.js';
import { readImage } from '../../../src/image/reader.js';
import { build, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
const image = join(folder, 'image');
const self = ProcessFolder.open(process.pid);
const opened: number[] = [];

beforeAll(async () => {
  await build(Buffer.from('(module (func (export "_start")))'), image);
});
afterAll(() => self.close());

function mapping(path: string, changes: Partial<Mapping> = {}): Mapping {
  const { ino, dev } = statSync(path);
  return { start: 0x10000, end: 0x10000000, readable: true, offset: 0, inode: ino, device: dev, path, ...changes };
}

function find(...maps: Mapping[]): string | undefined {
  const found = findMappedImage(self, maps, (fd) => {
    opened.push(statSync(`/proc/self/fd/${fd}`).ino);
    return readImage(fd);
  });
  if (found) closeSync(found.fd);
  return found?.path;
}

test('it is found by its path, or by a descriptor when that is another file now', () => {
  expect(find(mapping(image))).toBe(image);
  const moved = mapping(image);
  const fd = openSync(image, 'r');
  renameSync(image, `${image}2`);
  copyFileSync(`${image}2`, image);
  expect(find(moved)).toBe(image);
  closeSync(fd);
  opened.length = 0;
  expect(find(moved)).toBeUndefined();
  expect(opened).toEqual([]); // not the copy
});

test('another device is another file', () => {
  expect(find(mapping(image, { device: statSync('/proc').dev }))).toBeUndefined();
});

test('what is no regular file is not opened', () => {
  const fifo = join(folder, 'fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
  const fd = openSync(fifo, constants.O_RDWR | constants.O_NONBLOCK);
  writeSync(fd, 'x');
  opened.length = 0;
  expect(find(mapping(fifo), mapping('/dev/null'), mapping(folder))).toBeUndefined();
  expect(opened).toEqual([]);
  expect(readSync(fd, Buffer.alloc(2))).toBe(1);
  closeSync(fd);
});

test('a process with many files has only some of them looked at', () => {
  opened.length = 0;
  const maps = Array.from({ length: 100 }, (_, i) => {
    const path = join(folder, `file${i}`);
    writeFileSync(path, 'x');
    return mapping(path);
  });
  expect(find(...maps, mapping(image))).toBeUndefined();
  expect(opened).toHaveLength(64);
});

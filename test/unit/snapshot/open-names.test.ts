/**
 * Whether open files still have their names: files of this process, through a table of descriptors made for the test.
 */

import {
  closeSync,
  constants,
  fstatSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { O_PATH } from '../../../src/base/path-descriptor.js';
import { readOpenNames } from '../../../src/capture/open-names.js';
import { ProcessFolder } from '../../../src/capture/process-folder.js';
import type { ProcessMemory } from '../../../src/capture/process-memory.js';
import { FD_NATIVE, FD_SIZE, HS_FDS } from '../../../src/image/contract/host-state.js';
import type { Descriptor } from '../../../src/snapshot/host.js';
import { temporaryFolder } from '../../support/workload.js';
import { descriptor } from '../restore/descriptors.js';
import { sampleSnapshot } from './sample.js';

const folder = temporaryFolder();
const root = join(folder, 'root');
const at = (name: string) => join(root, name);
const opened: number[] = [];
const proc = ProcessFolder.open(process.pid);

beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root);
  writeFileSync(at('a'), 'secret');
});
afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd);
});

function open(path: string, flags: number = constants.O_RDWR): number {
  const fd = openSync(path, flags);
  opened.push(fd);
  return fd;
}

/** @param natives by guest descriptor */
function read(descriptors: readonly Descriptor[], natives: Readonly<Record<number, number>>) {
  const memory = {
    pid: process.pid,
    folder: proc,
    address: () => 0,
    read: (from: number, length: number) => {
      const table = Buffer.alloc(length);
      for (let at = 0; at < length; at += FD_SIZE) {
        table.writeInt32LE(natives[(from - HS_FDS + at) / FD_SIZE] ?? -1, at + FD_NATIVE);
      }
      return table;
    },
  } as unknown as ProcessMemory;
  return readOpenNames(memory, 0, { ...sampleSnapshot([], undefined).host, descriptors });
}

const preopen = descriptor(3, 'preopen', { guestName: '/', hostPath: root });
const file = (path: string, openFlags = 1) => descriptor(4, 'file', { path, preopen: 3, openFlags });
/** What is found of descriptor 4: its path, whether its contents go along, whether it is given up. */
const found = (path: string, native: number, openFlags = 1) => {
  const { host, unlinked, warnings } = read([preopen, file(path, openFlags)], { 3: open(root, O_PATH), 4: native });
  const [, four] = host.descriptors;
  return [Buffer.from(four.path).toString(), unlinked.length, four.nameless ?? false, warnings.length];
};

test('one that is where it was has its path, and who it is', () => {
  const fd = open(at('a'));
  expect(found('a', fd)).toEqual(['a', 0, false, 0]);
  const { host } = read([preopen, file('a')], { 3: open(root, O_PATH), 4: fd });
  const { ino, dev } = fstatSync(fd, { bigint: true });
  expect(host.descriptors[1].identity).toMatchObject({ inode: ino, device: dev });
  expect(host.descriptors[0].identity?.inode).toBe(fstatSync(open(root, O_PATH), { bigint: true }).ino);
});

test.each<[string, string, () => void]>([
  ['by a link', 'link', () => symlinkSync('a', at('link'))],
  ['by another name of the same file', 'b', () => linkSync(at('a'), at('b'))],
])('one that its path leads to %s has it', (_, path, prepare) => {
  prepare();
  expect(found(path, open(at('a')))).toEqual([path, 0, false, 0]);
});

test('of a directory that was closed, paths start at the root', () => {
  const { unlinked, host } = read([preopen, file('a')], { 4: open(at('a')) });
  expect([unlinked, host.descriptors[1].identity]).toEqual([[], expect.anything()]);
});

test('what NFS and FUSE call a removed file is no name', () => {
  for (const name of ['.nfs00000000000123ab00000001', '.fuse_hidden0000000b00000001']) {
    writeFileSync(at('a'), 'x');
    const fd = open(at('a'));
    renameSync(at('a'), at(name));
    expect(found('a', fd)).toEqual(['a', 1, false, 1]);
  }
  writeFileSync(at('a'), 'x');
  const fd = open(at('a'));
  renameSync(at('a'), at('.nfsx'));
  expect(found('a', fd)).toEqual(['.nfsx', 0, false, 0]);
});

test('contents that the process could not read are not taken', () => {
  const only = open(at('a'), O_PATH);
  const write = open(at('a'), constants.O_WRONLY);
  const reads = open(at('a'), constants.O_RDONLY);
  rmSync(at('a'));
  expect(found('a', only)).toEqual(['a', 0, true, 1]);
  expect(found('a', only, 2)).toEqual(['a', 0, true, 1]);
  expect(found('a', write, 3)).toEqual(['a', 0, true, 1]);
  expect(found('a', write, 2)).toEqual(['a', 1, false, 0]);
  expect(found('a', reads)).toEqual(['a', 1, false, 0]);
});

test('a table that makes no sense is left as it is', () => {
  const fd = open(at('a'));
  const lost = descriptor(4, 'file', { path: 'a', preopen: 9 });
  expect(read([lost], { 4: fd }).host.descriptors).toEqual([lost]);
  expect(read([preopen, file('a')], { 3: 1 << 30, 4: 1 << 30 }).host.descriptors).toEqual([preopen, file('a')]);
});

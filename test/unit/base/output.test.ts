/** Where an output goes, and what is never written over: the checks of output.ts, each at its edge. */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

/** What the next random part of a temporary name is; undefined: any. */
let random: Buffer | undefined;
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>();
  return { ...crypto, randomBytes: (size: number) => random ?? crypto.randomBytes(size) };
});
const { OutputFile, openDestination, writeOutput } = await import('../../../src/base/output.js');
const { temporaryPath } = await import('../../../src/base/temporary.js');

let folder: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-output-test-'));
});
afterEach(() => {
  random = undefined;
  rmSync(folder, { recursive: true, force: true });
});

const write = (path: string, text = 'new', mode = 0o644) =>
  writeOutput(path, (fd) => void writeSync(fd, text, 0), mode);

test('an output has a name', () => {
  expect(() => openDestination('')).toThrow('it has no name');
});

test('a folder and a socket are refused before any work', async () => {
  mkdirSync(at('folder'));
  const server = createServer().listen(at('socket'));
  await new Promise((listening) => server.once('listening', listening));
  try {
    expect(() => openDestination(at('folder'))).toThrow('it is a folder');
    expect(() => openDestination(at('socket'))).toThrow('it is a socket');
  } finally {
    server.close();
  }
});

test('a disk is refused before it is opened', ({ skip }) => {
  // a number that no driver has: opening it would fail, too, but with another reason
  if (spawnSync('mknod', [at('disk'), 'b', '240', '199']).status !== 0) skip('no permission to make a device');
  expect(() => openDestination(at('disk'))).toThrow('it is a disk');
});

test('an input is refused under any of its names', () => {
  writeFileSync(at('input'), 'precious');
  linkSync(at('input'), at('hard'));
  symlinkSync('input', at('soft'));
  for (const name of ['input', 'hard', 'soft']) {
    expect(() => openDestination(at(name), [at('input')])).toThrow(/is (the input|the same file as)/);
  }
  const { dev, ino } = statSync(at('input'));
  expect(() => openDestination(at('hard'), [{ name: 'standard input', dev, ino }])).toThrow('standard input');
  // one number alone is another file's
  expect(openDestination(at('hard'), [{ name: 'x', dev: dev + 1, ino }]).file).toBeDefined();
  expect(openDestination(at('hard'), [{ name: 'x', dev, ino: ino + 1 }]).file).toBeDefined();
  expect(readFileSync(at('input'), 'utf8')).toBe('precious');
});

test('a link stays, and what it leads to is replaced or made', () => {
  mkdirSync(at('other'));
  writeFileSync(at('other/file'), 'old');
  symlinkSync('other/file', at('link'));
  symlinkSync('other/none', at('dangling'));
  for (const [link, target] of [
    ['link', 'other/file'],
    ['dangling', 'other/none'],
  ]) {
    write(at(link));
    expect(lstatSync(at(link)).isSymbolicLink()).toBe(true);
    expect(readFileSync(at(target), 'utf8')).toBe('new');
    expect(realpathSync(at(link))).toBe(realpathSync(at(target)));
  }
});

test('a chain of links ends somewhere', () => {
  symlinkSync('b', at('a'));
  symlinkSync('a', at('b'));
  expect(() => openDestination(at('a'))).toThrow(/links lead in a circle, or are too many/);
  // one more than the kernel follows, the last of which leads to nothing
  for (let i = 0; i <= 40; i++) symlinkSync(`chain${i + 1}`, at(`chain${i}`));
  expect(() => openDestination(at('chain0'))).toThrow(/links lead in a circle, or are too many/);
  expect(openDestination(at('chain2')).file).toBe(at('chain41'));
});

test('a file of somebody else that has the temporary name is not written to', () => {
  random = Buffer.alloc(8, 7);
  const planted = temporaryPath(at('out'));
  writeFileSync(at('precious'), 'precious');
  symlinkSync(at('precious'), planted);
  expect(() => write(at('out'))).toThrow(/out/);
  expect([readFileSync(at('precious'), 'utf8'), existsSync(at('out'))]).toEqual(['precious', false]);
});

test('what a killed command has left in the folder is removed, whatever it was to be', () => {
  const { pid } = spawnSync('true');
  const owned = (name: string, owner: number) => {
    const path = temporaryPath(at(name)).replace(`-${process.pid}-`, `-${owner}-`);
    writeFileSync(path, 'half');
    return path;
  };
  const left = [owned('out', pid), owned('another', pid)];
  const kept = [
    owned('third', process.pid),
    at('.wag-snap-note'),
    left[0].replace(/\.tmp$/, '.txt'),
    left[0].replace('/.out', '/out'),
  ];
  for (const path of kept) writeFileSync(path, 'kept');
  write(at('out'));
  expect(left.filter((path) => existsSync(path))).toEqual([]);
  expect(kept.filter((path) => !existsSync(path))).toEqual([]);
});

test('a new file has the mode that it was made with', () => {
  for (const mode of [0o600, 0o640, 0o755]) {
    write(at('out'), 'text', mode);
    expect(statSync(at('out')).mode & 0o777 & ~process.umask()).toBe(mode & ~process.umask());
    expect(statSync(at('out')).mode & 0o777 & ~mode).toBe(0);
  }
});

test('nothing is left of one that fails, and the old file is whole', () => {
  writeFileSync(at('out'), 'old');
  const fail = () =>
    writeOutput(
      at('out'),
      (fd) => {
        writeSync(fd, 'half');
        throw new RangeError('no more');
      },
      0o644,
    );
  expect(fail).toThrow(RangeError);
  expect(readdirSync(folder)).toEqual(['out']);
  expect(readFileSync(at('out'), 'utf8')).toBe('old');
});

test('after commit() there is nothing to abandon', () => {
  const output = new OutputFile(openDestination(at('out')), 0o600);
  writeSync(output.fd, 'text');
  output.commit();
  output.abandon();
  expect(readFileSync(at('out'), 'utf8')).toBe('text');
});

test('a descriptor that was opened for the output is closed with it', () => {
  const fd = openSync(at('own'), 'w');
  const output = new OutputFile({ path: '-', sink: fd }, 0o600);
  writeSync(output.fd, 'through');
  output.commit();
  expect(readFileSync(at('own'), 'utf8')).toBe('through');
  expect(() => closeSync(fd)).toThrow('EBADF');
});

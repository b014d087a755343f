/** Files of the command line: each can be read at any position, none is kept longer than it is used. */

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

/** What the next reads of a file without positions yield: so many bytes, or an error's code. */
let reads: (number | string)[] = [];
/** What standard input is, instead of that of the tests. */
let standardInput = 0;
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const real = (fd: number) => (fd === 0 ? standardInput : fd);
  const readSync = (fd: number, buffer: Buffer, offset: number, length: number, position: number | null) => {
    const next = position === null ? reads.shift() : undefined;
    if (typeof next === 'string') throw Object.assign(new Error(next), { code: next, syscall: 'read' });
    return fs.readSync(real(fd), buffer, offset, Math.min(length, next ?? length), position);
  };
  const fstatSync = (fd: number) => fs.fstatSync(real(fd));
  return { ...fs, readSync, fstatSync, default: { ...fs, readSync, fstatSync } };
});
const { InputFile, inputIdentity, withInput } = await import('../../../../bin/programs/input-file.js');
const { limits } = await import('../../../../src/wasm/limits.js');

let folder: string;
let fifo: string;
const at = (name: string) => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-input-test-'));
  mkdirSync(at('tmp'));
  vi.stubEnv('TMPDIR', at('tmp'));
  fifo = at('fifo');
  expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
});
afterEach(() => {
  reads = [];
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const temporary = () => readdirSync(at('tmp'));

/** A FIFO with bytes in it, whose writers have gone once `use` looks at it. */
function fed<T>(bytes: Uint8Array, use: () => T): T {
  const fd = openSync(fifo, 'r+'); // keeps the bytes that are written now
  const shell = spawnSync('dd', [`of=${fifo}`, 'bs=64k', 'status=none'], { input: bytes });
  expect(shell.status).toBe(0);
  reads.push(...(reads.length > 0 ? [] : [bytes.length, 'EOF']));
  try {
    return use();
  } finally {
    closeSync(fd);
  }
}

const MODULE = Buffer.from('\0asm\u0001\0\0\0', 'latin1');

test('a regular file is itself', () => {
  writeFileSync(at('app.wasm'), MODULE);
  const input = InputFile.open(at('app.wasm'));
  expect([input.kind, input.name, input.path]).toEqual(['module', at('app.wasm'), at('app.wasm')]);
  input.release();
  expect(existsSync(at('app.wasm'))).toBe(true);
  expect(temporary()).toEqual([]);
});

test('what is none is copied to where only we can read it, until it is released', () => {
  fed(MODULE, () => {
    const input = InputFile.open(fifo);
    expect([input.kind, input.name]).toEqual(['module', fifo]);
    expect(readFileSync(input.path)).toEqual(MODULE);
    expect(statSync(input.path).mode & 0o777).toBe(0o700);
    expect(temporary()).toHaveLength(1);
    input.release();
    expect(temporary()).toEqual([]);
    input.release();
  });
});

test('standard input is copied also where it is a file: it may be written to by then, and has no name', () => {
  writeFileSync(at('module'), MODULE);
  standardInput = openSync(at('module'), 'r');
  try {
    const input = InputFile.open('-');
    expect([input.kind, input.name]).toEqual(['module', '-']);
    expect(input.path.startsWith(at('tmp'))).toBe(true);
    expect(readFileSync(input.path)).toEqual(MODULE);
    input.release();
    expect(inputIdentity('-')).toEqual({
      name: 'standard input',
      dev: expect.any(Number),
      ino: statSync(at('module')).ino,
    });
  } finally {
    closeSync(standardInput);
    standardInput = 0;
  }
});

test('it is released when its use fails, too', async () => {
  await fed(MODULE, async () => {
    await expect(withInput(fifo, () => Promise.reject(new Error('no use')))).rejects.toThrow('no use');
  });
  expect(temporary()).toEqual([]);
});

test('reads may be short, or have to be repeated as somebody made the pipe non-blocking', () => {
  const bytes = Buffer.concat([MODULE, Buffer.alloc(3000, 7)]);
  reads = [2, 'EAGAIN', 'EAGAIN', 1, 2000, 'EAGAIN', bytes.length - 2003, 'EOF'];
  fed(bytes, () => {
    const input = InputFile.open(fifo);
    expect(readFileSync(input.path)).toEqual(bytes);
    expect(input.kind).toBe('module');
    input.release();
  });
});

test('a failure to read is told, and leaves nothing', () => {
  reads = [8, 'EIO'];
  fed(MODULE, () => expect(() => InputFile.open(fifo)).toThrow(/fifo: cannot be read/));
  expect(temporary()).toEqual([]);
});

test('folders, sockets, and what is not there', () => {
  mkdirSync(at('folder'));
  expect(() => InputFile.open(at('folder'))).toThrow(
    expect.objectContaining({ message: `${at('folder')}: is a directory`, exitCode: 3 }),
  );
  expect(() => InputFile.open(at('none'))).toThrow(/none: no such file$/);
  expect(() => InputFile.open(at('fifo/below'))).toThrow(/no such file$/);
  const fdCount = () => readdirSync('/proc/self/fd').length;
  const before = fdCount();
  for (let i = 0; i < 20; i++) expect(() => InputFile.open(at('folder'))).toThrow();
  expect(fdCount()).toBe(before);
});

test.each([
  ['a text', 'hello', true],
  ['a module', MODULE.toString('latin1'), true],
  ['a snapshot', '\x7fWSNAP\r\n', false],
])('%s that does not end', (_, start, isRefused) => {
  const most = vi.spyOn(limits, 'moduleBytes', 'get' as never).mockReturnValue(1000 as never);
  try {
    const bytes = Buffer.concat([Buffer.from(start, 'latin1'), Buffer.alloc(1001, 0x20)]).subarray(0, 1001);
    fed(bytes, () => {
      if (isRefused) expect(() => InputFile.open(fifo)).toThrow(/has more than 1000 bytes/);
      else InputFile.open(fifo).release();
    });
    expect(temporary()).toEqual([]);
  } finally {
    most.mockRestore();
  }
});

test('a regular file may be of any size: it is not copied', () => {
  const fd = openSync(at('sparse'), 'w');
  ftruncateSync(fd, 1 << 30);
  closeSync(fd);
  expect(InputFile.open(at('sparse')).kind).toBe('other');
});

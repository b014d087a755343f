/** Where results go: files, links, pipes, devices, and what is never replaced. */

import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Workload } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const tool = join(root, 'bin/wag-snap');
const fib = join(root, 'fixtures/programs/fib.wasm');
const WAITS = `(module (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 16)))))`;

let parent = '';
let folder = '';
let snapshot: Buffer;
let waits = '';

beforeAll(async () => {
  parent = mkdtempSync(join(tmpdir(), 'wag-snap-output-'));
  folder = parent;
  writeFileSync(join(parent, 'waits.wat'), WAITS);
  waits = join(parent, 'waits');
  expect(wagSnap('compile', join(parent, 'waits.wat'), '-o', waits).status).toBe(0);
  const workload = Workload.start(waits, { stdin: 'pipe' });
  try {
    expect(wagSnap('capture', String(workload.pid), '-o', 'first.wsnap').stderr).toBe('');
    snapshot = readFileSync(join(parent, 'first.wsnap'));
  } finally {
    workload.stdin.end();
    await workload.ended();
  }
});
beforeEach(() => {
  folder = mkdtempSync(join(parent, 'test-'));
  copyFileSync(fib, join(folder, 'in.wasm'));
  writeFileSync(join(folder, 'in.wsnap'), snapshot);
});
afterAll(() => rmSync(parent, { recursive: true }));

function wagSnap(...args: string[]): SpawnSyncReturns<string> {
  return spawnSync(tool, args, { cwd: folder, encoding: 'utf8' });
}

/** Each command that writes, with its input and what is written when it is asked for an output. */
const commands = [
  ['compile', ['compile', 'in.wasm'], 'in.wasm'],
  ['restore', ['restore', 'in.wsnap'], 'in.wsnap'],
  ['coredump', ['coredump', 'in.wsnap'], 'in.wsnap'],
] as const;

describe.each(commands)('%s', (_, args, input) => {
  const result = () => {
    expect(wagSnap(...args, '-o', 'plain').stderr).toBe('');
    return readFileSync(join(folder, 'plain'));
  };

  test('replaces a file as a whole, and follows links', () => {
    const expected = result();
    writeFileSync(join(folder, 'old'), 'old');
    symlinkSync('old', join(folder, 'link'));
    symlinkSync('made', join(folder, 'dangling'));
    for (const name of ['link', 'dangling']) expect(wagSnap(...args, '-o', name).status).toBe(0);
    expect(readFileSync(join(folder, 'old')).equals(expected)).toBe(true);
    expect(readFileSync(join(folder, 'made')).equals(expected)).toBe(true);
    for (const name of ['link', 'dangling']) expect(lstatSync(join(folder, name)).isSymbolicLink()).toBe(true);
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('writes through to standard output, whatever it is called', () => {
    const expected = result();
    for (const name of ['-', '/dev/stdout', '/proc/self/fd/1']) {
      const { stdout, status } = spawnSync(tool, [...args, '-o', name], { cwd: folder });
      expect(status).toBe(0);
      expect(stdout.equals(expected), name).toBe(true);
    }
    const appended = join(folder, 'appended');
    writeFileSync(appended, 'before');
    const { status } = spawnSync(tool, [...args, '-o', '/dev/stdout'], {
      cwd: folder,
      stdio: ['ignore', openSync(appended, 'a'), 'ignore'],
    });
    expect(status).toBe(0);
    expect(readFileSync(appended).equals(Buffer.concat([Buffer.from('before'), expected]))).toBe(true);
  });

  test('writes through to a FIFO, which stays one', async () => {
    const expected = result();
    const fifo = join(folder, 'fifo');
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] });
    const chunks: Buffer[] = [];
    reader.stdout.on('data', (chunk) => chunks.push(chunk));
    const ended = new Promise((done) => reader.once('close', done));
    const writer = spawn(tool, [...args, '-o', 'fifo'], { cwd: folder, stdio: 'ignore' });
    const code = await new Promise((done) => writer.once('exit', done));
    await ended;
    expect(code).toBe(0);
    expect(Buffer.concat(chunks).equals(expected)).toBe(true);
    expect(lstatSync(fifo).isFIFO()).toBe(true);
  });

  test('leaves a device a device', ({ skip }) => {
    for (const [name, minor] of [
      ['null', '3'],
      ['full', '7'],
    ]) {
      if (spawnSync('mknod', [join(folder, name), 'c', '1', minor]).status !== 0)
        skip('needs mknod: root, no container');
    }
    expect(wagSnap(...args, '-o', 'null').status).toBe(0);
    const { status, stderr } = wagSnap(...args, '-o', 'full');
    expect([status, stderr]).toEqual([1, 'wag-snap: full: cannot be written: the disk is full\n']);
    for (const name of ['null', 'full']) expect(lstatSync(join(folder, name)).isCharacterDevice()).toBe(true);
  });

  test('refuses its own input under any name, and folders', () => {
    const before = readFileSync(join(folder, input));
    linkSync(join(folder, input), join(folder, 'hard'));
    symlinkSync(input, join(folder, 'soft'));
    mkdirSync(join(folder, 'directory'));
    for (const [name, why] of [
      [input, 'it is the input'],
      ['hard', `it is the same file as ${input}, which is read`],
      ['soft', `it is the same file as ${input}, which is read`],
      ['directory', 'it is a folder'],
    ]) {
      const { status, stdout, stderr } = wagSnap(...args, '-o', name);
      const code = name === 'directory' ? 1 : 2;
      expect([status, stdout, stderr]).toEqual([code, '', `wag-snap: ${name}: cannot be written: ${why}\n`]);
    }
    expect(readFileSync(join(folder, input)).equals(before)).toBe(true);
    expect(lstatSync(join(folder, 'soft')).isSymbolicLink()).toBe(true);
  });
});

describe.each([...commands, ['run --coredump', ['run', 'in.wasm'], 'in.wasm']] as const)('%s', (name, args, input) => {
  test('refuses the file behind standard input', () => {
    const option = name === 'run --coredump' ? '--coredump' : '-o';
    linkSync(join(folder, input), join(folder, 'hard'));
    for (const output of [input, 'hard']) {
      const line = [args[0], option, output, ...args.slice(1).map((arg) => (arg === input ? '-' : arg))];
      const { status, stderr } = spawnSync(tool, line, {
        cwd: folder,
        stdio: [openSync(join(folder, input), 'r'), 'pipe', 'pipe'],
        encoding: 'utf8',
      });
      expect(stderr).toBe(
        `wag-snap: ${output}: cannot be written: it is the same file as standard input, which is read\n`,
      );
      expect(status).toBe(2);
    }
    const original = input === 'in.wasm' ? readFileSync(fib) : snapshot;
    expect(readFileSync(join(folder, input)).equals(original)).toBe(true);
  });
});

test('a link below a linked folder leads where the kernel would go', () => {
  mkdirSync(join(folder, 'real/deep'), { recursive: true });
  symlinkSync('real/deep', join(folder, 'dl'));
  symlinkSync('../made', join(folder, 'real/deep/out'));
  expect(wagSnap('compile', 'in.wasm', '-o', 'dl/out').status).toBe(0);
  expect(statSync(join(folder, 'real/made')).size).toBeGreaterThan(0);
  expect(lstatSync(join(folder, 'dl/out')).isSymbolicLink()).toBe(true);
});

test('what holds a program’s memory is its owner’s alone, under any umask', () => {
  const script = 'umask "$1"; shift; exec "$@"';
  const modeOf = (umask: string, name: string, ...args: string[]) => {
    rmSync(join(folder, name), { force: true });
    const { stderr } = spawnSync('sh', ['-c', script, 'sh', umask, tool, ...args, '-o', name], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return (statSync(join(folder, name)).mode & 0o777).toString(8);
  };
  for (const umask of ['000', '022', '077']) {
    expect(modeOf(umask, 'restored', 'restore', 'in.wsnap')).toBe('700');
    expect(modeOf(umask, 'dumped', 'coredump', 'in.wsnap')).toBe('600');
  }
  expect(modeOf('000', 'compiled', 'compile', 'in.wasm')).toBe('777');
  expect(modeOf('022', 'compiled', 'compile', 'in.wasm')).toBe('755');
  expect(modeOf('077', 'compiled', 'compile', 'in.wasm')).toBe('700');
});

test('capture writes to links and pipes, and never over the program that runs', async () => {
  const image = join(folder, 'program');
  copyFileSync(waits, image);
  chmodSync(image, 0o755);
  const before = readFileSync(image);
  const workload = Workload.start(image, { stdin: 'pipe' });
  try {
    const pid = String(workload.pid);
    symlinkSync('made.wsnap', join(folder, 'link'));
    expect(wagSnap('capture', pid, '-o', 'link').status).toBe(0);
    expect(lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true);
    expect(statSync(join(folder, 'made.wsnap')).mode & 0o777).toBe(0o600);
    const piped = spawnSync(tool, ['capture', pid, '--json', '-o', '-'], { cwd: folder });
    expect(piped.status).toBe(0);
    writeFileSync(join(folder, 'piped.wsnap'), piped.stdout);
    expect(JSON.parse(piped.stderr.toString()).file).toBe('-');
    expect(wagSnap('inspect', 'piped.wsnap').stdout).toContain('snapshot piped.wsnap');
    const { status, stderr } = wagSnap('capture', pid, '--kill', '-o', 'program');
    expect(status).toBe(2);
    expect(stderr).toContain('program: cannot be written: it is the same file as /proc/');
    expect(readFileSync(image).equals(before)).toBe(true);
  } finally {
    workload.stdin.end();
    expect((await workload.ended()).code).toBe(0);
  }
});

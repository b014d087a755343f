/** Inputs that are no regular files: standard input, FIFOs, devices, descriptors; and what cannot be read at all. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workload } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const tool = join(root, 'bin/wag-snap');
const hello = readFileSync(join(root, 'fixtures/programs/hello.wasm'));
let folder = '';
let image: Buffer;
let snapshot: Buffer;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-input-'));
  writeFileSync(join(folder, 'hello.wasm'), hello);
  expect(run(['compile', 'hello.wasm', '-o', 'hello']).status).toBe(0);
  image = readFileSync(join(folder, 'hello'));
  const readline = join(root, 'fixtures/programs/readline.wasm');
  expect(run(['compile', readline, '-o', 'readline']).status).toBe(0);
  const workload = Workload.start(join(folder, 'readline'), { stdin: 'pipe' });
  try {
    expect(run(['capture', String(workload.pid), '--kill', '-o', 'it.wsnap']).stderr).toBe('');
  } finally {
    await workload.ended();
  }
  snapshot = readFileSync(join(folder, 'it.wsnap'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(args: readonly string[], input?: Uint8Array) {
  const temporary = mkdtempSync(join(folder, 'tmp-'));
  const env = { ...process.env, TMPDIR: temporary, XDG_DATA_HOME: join(folder, 'data') };
  const result = spawnSync(tool, args, { cwd: folder, env, input, encoding: 'utf8' });
  expect(readdirSync(temporary)).toEqual([]);
  rmSync(temporary, { recursive: true });
  return result;
}

const inputs: readonly (readonly [string, (name: string) => string[], () => Buffer, RegExp])[] = [
  ['inspect a module', (name) => ['inspect', name], () => hello, /^module /],
  ['inspect an image', (name) => ['inspect', name], () => image, /^image /],
  ['inspect a snapshot', (name) => ['inspect', name], () => snapshot, /^snapshot /],
  ['run a module', (name) => ['run', name], () => hello, /hello/i],
  ['run an image', (name) => ['run', name], () => image, /hello/i],
  ['compile', (name) => ['compile', name, '-o', 'made'], () => hello, /^$/],
  ['coredump', (name) => ['coredump', name, '-o', 'made'], () => snapshot, /^made$/m],
  ['restore -o', (name) => ['restore', name, '-o', 'made'], () => snapshot, /^made$/m],
];

describe.each(inputs)('%s', (_, args, contents, expected) => {
  test('from standard input', () => {
    const { stdout, stderr, status } = run(args('-'), contents());
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(expected);
  });

  test('from a FIFO, which is read once', async () => {
    const fifo = join(folder, 'fifo');
    rmSync(fifo, { force: true });
    expect(spawnSync('mkfifo', [fifo]).status).toBe(0);
    const writer = spawn('sh', ['-c', 'cat > fifo'], { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] });
    writer.stdin.on('error', () => {});
    writer.stdin.end(contents());
    const child = spawn(tool, args('fifo'), { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => (stdout += chunk));
    child.stderr.on('data', (chunk) => (stderr += chunk));
    const [code] = await once(child, 'close');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(expected);
  });
});

test('restoring from a pipe continues the program', async () => {
  const fd = join(folder, 'it.wsnap');
  const child = spawn('sh', ['-c', `"${tool}" restore /dev/fd/3 3<"${fd}"`], { stdio: ['pipe', 'pipe', 'inherit'] });
  let stdout = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stdin.end('one line\n');
  const [code] = await once(child, 'close');
  expect(code).toBe(0);
  expect(stdout).toContain('end after 1');
});

test('--module from a FIFO', async () => {
  const workload = Workload.start(join(folder, 'readline'), { stdin: 'pipe' });
  expect(run(['capture', String(workload.pid), '--kill', '--without-module', '-o', 'bare.wsnap']).stderr).toBe('');
  await workload.ended();
  const module = readFileSync(join(root, 'fixtures/programs/readline.wasm'));
  const { stderr, status } = run(['restore', 'bare.wsnap', '--module', '-', '-o', 'made'], module);
  expect([status, stderr]).toEqual([0, '']);
});

test('a device that never ends meets the limit of a module', () => {
  for (const args of [['inspect'], ['compile', '-o', 'made'], ['run'], ['restore'], ['coredump', '-o', 'made']]) {
    const { stderr, status } = run([args[0], '/dev/zero', ...args.slice(1)]);
    expect(stderr).toBe('wag-snap: /dev/zero: has more than 1073741824 bytes, which no module may have\n');
    expect(status).toBe(4);
  }
}, 300_000);

/** What a command says that has looked for a file, for a program, and for a snapshot in a store. */
function absent(command: string): string {
  const store = `no store of snapshots in ${join(folder, 'data/wag-snap/store')}: wag-snap capture -t NAME makes one`;
  if (['compile', 'run'].includes(command)) return 'no such file';
  if (command === 'restore') return `no such file, and ${store}`;
  return `no such file, no running program of this name, and ${store}`;
}

test('a socket, a folder and nothing are said to be so', async () => {
  const server = createServer();
  server.listen(join(folder, 'socket'));
  await once(server, 'listening');
  for (const command of ['inspect', 'compile', 'run', 'restore', 'coredump']) {
    for (const [name, why] of [
      ['socket', 'is a socket or a device that is not there'],
      ['.', 'is a directory'],
      ['absent', absent(command)],
    ]) {
      const { stderr, status } = run([command, name, ...(command === 'compile' ? ['-o', 'made'] : [])]);
      expect([command, status, stderr]).toEqual([command, 3, `wag-snap: ${name}: ${why}\n`]);
    }
  }
  server.close();
});

test('messages name what the user gave, not temporary files', () => {
  const { stderr } = run(['compile', '-', '-o', 'made'], Buffer.from('\0asm\x01\0\0\0\x05\x05\x05\x05', 'latin1'));
  expect(stderr).toContain('-: offset');
  const damaged = Buffer.from(snapshot);
  damaged[damaged.length - 1] ^= 1;
  for (const command of ['inspect', 'restore']) {
    expect(run([command, '-'], damaged).stderr).toMatch(/^wag-snap: standard input: /);
  }
  expect(run(['inspect', '-'], image.subarray(0, 5000)).stderr).toMatch(/^wag-snap: standard input: /);
});

test('restoring for a CPU that nothing here can run names the snapshot', ({ skip }) => {
  if (process.arch === 'arm64') skip('this machine runs ARM64');
  const bin = mkdtempSync(join(folder, 'path-'));
  const env = { ...process.env, PATH: bin };
  const { stderr, status } = spawnSync(process.execPath, [tool, 'restore', '--arch', 'arm64', 'it.wsnap'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(/^wag-snap: it\.wsnap is for arm64: to run it here, install qemu-user-static/);
  expect(existsSync(join(folder, 'image'))).toBe(false);
});

/** `migrate --attach`: a program that runs elsewhere with its streams here. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { processStatus } from '../../src/capture/process.js';
import { cli, MovingCounters, receiver } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { canRun, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { env, pids } = counters;
/** Echoes lines, and ends with exit code 7 at the end of its input. */
const ECHO = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 200) "on the error stream\\n")
  (func $put (param $fd i32) (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at))
    (i32.store (i32.const 4) (local.get $length))
    (drop (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start")
    (loop $more
      (i32.store (i32.const 0) (i32.const 1000))
      (i32.store (i32.const 4) (i32.const 5000))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (if (i32.load (i32.const 8))
        (then (call $put (i32.const 1) (i32.const 1000) (i32.load (i32.const 8))) (br $more))))
    (call $put (i32.const 2) (i32.const 200) (i32.const 20))
    (call $exit (i32.const 7))))`;
const image = join(folder, 'echo');

beforeAll(async () => {
  writeFileSync(`${image}.wat`, ECHO);
  expect(await counters.wagSnap('compile', `${image}.wat`, '-o', image)).toMatchObject({ status: 0 });
});

/** A program that has echoed a line. Its streams are sockets: nobody else can open those. */
async function start(): Promise<ChildProcess> {
  const child = spawn(image, [], { env: {}, stdio: ['pipe', 'pipe', 'ignore'] });
  pids.push(child.pid!);
  child.stdin!.write('here\n');
  await new Output(child).has('here\n');
  return child;
}

/** A command that stays with it. @returns the program's pid, once it has been moved */
async function attach(pid: number, ...options: string[]) {
  const output = counters.ownFolder();
  const args = [cli, 'migrate', String(pid), receiver, '--attach', '--output-dir', output, ...options];
  const tool = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  pids.push(tool.pid!);
  const streams = new Output(tool);
  const [, there] = /^pid (\d+) on /m.exec(await streams.says(/^pid \d+ on .*\n/m))!;
  pids.push(Number(there));
  return { tool, streams, there: Number(there), output };
}

const hasScript = spawnSync('script', ['--version']).status === 0;

/** A command line in a terminal of its own, where `ssh` starts a receiver on this host. `migrate` is the tool's. */
function inTerminal(line: (migrate: string) => string, pid: number) {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const tool = `'${process.execPath}' '${cli}'`;
  writeFileSync(join(bin, 'ssh'), `#!/bin/sh\nexec ${tool} receive --stdio\n`, { mode: 0o755 });
  const command = `exec sh -c "${line(`${tool} migrate ${pid} --output-dir '${counters.ownFolder()}'`)}"`;
  const child = spawn('script', ['-qfec', command, '/dev/null'], {
    env: { ...env, PATH: `${bin}:${process.env['PATH']}`, SHELL: '/bin/sh' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  pids.push(child.pid!);
  return { child, out: new Output(child) };
}

/** @returns the pid of the program there */
async function movedIn(out: Output): Promise<number> {
  const [, pid] = /pid (\d+) on /.exec(await out.has(/pid \d+ on [^\n]*\n/))!; // after the line that shows progress
  pids.push(Number(pid));
  return Number(pid);
}

const ended = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
  return child.exitCode;
};
const runs = (pid: number) => processStatus(pid) !== undefined && processStatus(pid)?.state !== 'Z';

describe('a program that was moved', () => {
  test.each([process.arch, process.arch === 'x64' ? 'arm64' : 'x64'])('has its streams here: %s', async (arch) => {
    if (!canRun(arch as 'x64')) return;
    const child = await start();
    const { tool, streams, output, there } = await attach(child.pid!, '--arch', arch);
    expect(await ended(child)).toBe(75);
    tool.stdin.write('one\n');
    await streams.has('one\n');
    const long = `${'x'.repeat(100)}\n`.repeat(3000);
    tool.stdin.write(long);
    await streams.has(`one\n${long}`);
    tool.stdin.end('two\n');
    expect(await ended(tool)).toBe(7);
    expect(streams.stdout).toBe(`one\n${long}two\n`);
    expect(streams.stderr).toMatch(/^pid \d+ on .*\non the error stream\n$/);
    expect(readdirSync(output).sort()).toEqual([
      expect.stringMatching(`${there}.err`),
      expect.stringMatching(`${there}.out`),
    ]);
    const whole = readdirSync(output).find((name) => name.endsWith('.out'))!;
    expect(readFileSync(join(output, whole), 'utf8')).toBe(streams.stdout);
  });

  test('runs on when it is detached, and when its tool dies', async () => {
    const counter = await counters.start();
    const { tool, streams, there } = await attach(counter.pid, '--dir', `${counter.data}::/d`);
    await streams.has(/line \d+\n/);
    tool.kill('SIGINT');
    expect(await ended(tool)).toBe(0);
    expect(streams.stderr).toMatch(/detached: pid \d+ continues on .*, and prints to .*\.out\n$/);
    expect(runs(there)).toBe(true);
    const again = await attach(there, '--dir', `${counter.data}::/d`);
    await again.streams.has(/line \d+\n/);
    again.tool.kill('SIGKILL');
    await ended(again.tool);
    const file = join(again.output, readdirSync(again.output).find((name) => name.endsWith('.out'))!);
    const before = readFileSync(file, 'utf8').length;
    while (readFileSync(file, 'utf8').length <= before) expect(runs(again.there)).toBe(true);
    writeFileSync(join(counter.data, 'stop'), '');
    while (runs(again.there)) await new Promise((done) => setTimeout(done, 5));
    expect(readFileSync(file, 'utf8')).toMatch(/\nend\n$/);
  });

  test('continues in the pipes that it had', async () => {
    const shell = spawn('/bin/sh', ['-c', `cat | { echo $$ >&2; exec '${image}' 2>/dev/null; } | cat`], {
      env: { PATH: process.env['PATH'] },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    pids.push(shell.pid!);
    const out = new Output(shell);
    shell.stdin.write('before\n');
    await out.has('before\n');
    // $$ is the outer shell: its child that has become the program is looked for
    const found = JSON.parse((await counters.wagSnap('ps', '--json')).stdout) as { pid: number; args: string[] }[];
    const pid = found.find(({ args }) => args[0] === image)!.pid;
    pids.push(pid);
    const { tool } = await attach(pid);
    shell.stdin.write('after\n');
    await out.has('before\nafter\n');
    shell.stdin.end();
    expect(await ended(tool)).toBe(7);
    await ended(shell);
    expect(out.stdout).toBe('before\nafter\n');
  });
});

describe.skipIf(!hasScript)('a program that was moved by ssh from a terminal', () => {
  test('continues in the terminal', async () => {
    const { child, out } = inTerminal((migrate) => `exec ${migrate} there`, (await start()).pid!);
    await movedIn(out);
    expect(out.stdout).toContain('; its streams stay here, until Ctrl-C detaches it');
    child.stdin.write('typed\n');
    await out.has(/typed\r\ntyped\r\n/); // the terminal's echo, and the program's
    child.stdin.write('\x04'); // Ctrl-D
    expect(await ended(child)).toBe(7);
    expect(out.stdout).toContain('on the error stream\r\n');
  });

  test('is detached by Ctrl-C', async () => {
    const { child, out } = inTerminal((migrate) => `exec ${migrate} there`, (await start()).pid!);
    const there = await movedIn(out);
    child.stdin.write('typed\n');
    await out.has(/typed\r\ntyped\r\n/);
    child.stdin.write('\x03');
    expect(await ended(child)).toBe(0);
    expect(out.stdout).toMatch(new RegExp(`detached: pid ${there} continues on .*, and prints to .*\\.out\r\n$`));
  });

  test.each([
    ['with --no-attach', (migrate: string) => `exec ${migrate} there --no-attach`],
    ['in the background', (migrate: string) => `set -m; ${migrate} there & wait \\$!`],
    ['by exec:', (migrate: string) => `exec ${migrate} exec:ssh`],
  ])('does not %s', async (_, line) => {
    const { child, out } = inTerminal(line, (await start()).pid!);
    await movedIn(out);
    expect(await ended(child)).toBe(0);
    expect(out.stdout).not.toContain('its streams stay here');
  });
});

/** The pid of `wag-snap run` means the program that it runs. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { during, Output } from '../support/waiting.js';

const root = join(import.meta.dirname, '../..');
const tool = join(root, 'bin/wag-snap');
const program = join(root, 'fixtures/programs/readline.wasm');
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-pid-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function wagSnap(...args: string[]) {
  return spawnSync(tool, args, { cwd: folder, encoding: 'utf8' });
}

const PID = /^pid (\d+)$/m;

/** A `wag-snap run` that waits for input, and the pid of its program. */
async function running(): Promise<{ run: ChildProcess; pid: number }> {
  const run = spawn(process.execPath, [tool, 'run', '-v', program], {
    env: { ...process.env, WAGSNAP_NO_EXEC: '1' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const text = await new Output(run).says(PID);
  return { run, pid: Number(PID.exec(text)![1]) };
}

test('capture, inspect and coredump follow it to the program', async () => {
  const { run, pid } = await running();
  const ended = once(run, 'exit');
  expect(pid).not.toBe(run.pid);
  expect(JSON.parse(wagSnap('inspect', '--json', String(run.pid)).stdout)).toMatchObject({ kind: 'process', pid });
  expect(wagSnap('coredump', String(run.pid), '-o', 'core').stderr).toBe('');
  expect(existsSync(join(folder, 'core'))).toBe(true);
  expect(wagSnap('capture', String(run.pid), '--kill', '-o', 'it.wsnap').stderr).toBe('');
  expect((await ended)[0]).toBe(75);
  expect(readFileSync(join(folder, 'it.wsnap')).length).toBeGreaterThan(1000);
});

test('a process with several programs is no choice, one with none says what it is', async () => {
  expect(wagSnap('compile', program, '-o', 'readline').status).toBe(0);
  const shell = spawn(
    'sh',
    ['-c', './readline < /dev/zero > /dev/null & ./readline < /dev/zero > /dev/null & echo up; wait'],
    {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const ended = once(shell, 'exit');
  await new Output(shell).has('up');
  const children = () => readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, 'latin1').trim().split(' ');
  await expect
    .poll(() => children().map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0]))
    .toEqual(['./readline', './readline']);
  const pids = children();
  const { stderr, status } = wagSnap('capture', String(shell.pid));
  for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
  await ended;
  expect(stderr).toBe(`wag-snap: pid ${shell.pid} is the parent of several programs: ${pids.join(', ')}\n`);
  expect(status).toBe(3);
  expect(wagSnap('capture', String(process.pid)).stderr).toMatch(
    /^wag-snap: pid \d+ is not a wag-snap process: it runs /,
  );
});

describe('--pid-file', () => {
  const pidFile = () => join(folder, 'the.pid');
  const start = (...args: string[]) =>
    spawn(process.execPath, [tool, ...args], { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] });
  /** What it says as soon as it is there: it is written as a whole. */
  const appeared = async (child: ChildProcess) => {
    const there = expect.poll(() => existsSync(pidFile())).toBe(true);
    await during(child, there);
    return readFileSync(pidFile(), 'latin1');
  };

  test('has the program’s pid as long as it runs, for run and restore', async () => {
    const first = start('run', '--pid-file', 'the.pid', program);
    const ended = once(first, 'exit');
    const text = await appeared(first);
    expect(text).toMatch(/^\d+\n$/);
    expect(wagSnap('capture', text.trim(), '--kill', '-o', 'next.wsnap').stderr).toBe('');
    expect((await ended)[0]).toBe(75);
    expect(existsSync(pidFile())).toBe(false);
    const second = start('restore', 'next.wsnap', '--pid-file', 'the.pid');
    const over = once(second, 'exit');
    expect(await appeared(second)).not.toBe(text);
    second.stdin!.end();
    expect((await over)[0]).toBe(0);
    expect(existsSync(pidFile())).toBe(false);
  });

  test('is removed also when a signal ends the program, but not when it is another’s by then', async () => {
    const run = start('run', '--pid-file', 'the.pid', program);
    const ended = once(run, 'exit');
    const pid = Number(await appeared(run));
    process.kill(pid, 'SIGKILL');
    expect((await ended)[1]).toBe('SIGKILL');
    expect(existsSync(pidFile())).toBe(false);
    const other = start('run', '--pid-file', 'the.pid', program);
    const over = once(other, 'exit');
    await appeared(other);
    writeFileSync(pidFile(), '1\n');
    other.stdin!.end();
    await over;
    expect(readFileSync(pidFile(), 'latin1')).toBe('1\n');
    rmSync(pidFile());
  });

  test('never replaces what is run or restored', () => {
    copyFileSync(program, join(folder, 'own.wasm'));
    for (const [command, file] of [
      ['run', 'own.wasm'],
      ['restore', 'next.wsnap'],
    ]) {
      const before = readFileSync(join(folder, file));
      const { stderr, status } = wagSnap(command, '--pid-file', file, file);
      expect([status, stderr]).toEqual([2, `wag-snap: ${file}: cannot be written: it is the input\n`]);
      expect(readFileSync(join(folder, file)).equals(before)).toBe(true);
    }
  });

  test('is no file that gets the coredump, whatever links lead there', () => {
    const file = (name: string) => join(folder, name);
    writeFileSync(file('there'), 'as it was');
    symlinkSync('there', file('soft'));
    linkSync(file('there'), file('hard'));
    symlinkSync('absent', file('dangling'));
    symlinkSync('.', file('here'));
    for (const command of [
      ['run', program],
      ['restore', 'next.wsnap'],
    ]) {
      for (const [pid, core] of [
        ['there', 'there'],
        ['soft', 'there'],
        ['there', 'hard'],
        ['absent', './absent'],
        ['dangling', 'absent'],
        ['absent', 'here/absent'],
        ['-', '/dev/stdout'],
      ]) {
        const { stderr, status } = wagSnap(command[0], '--pid-file', pid, '--coredump', core, ...command.slice(1));
        expect([status, stderr]).toEqual([
          2,
          `wag-snap: ${pid}: cannot be written: it is the same file as ${core}, which is written as well\n`,
        ]);
      }
    }
    expect(readFileSync(file('there'), 'latin1')).toBe('as it was');
    expect(existsSync(file('absent'))).toBe(false);
    for (const [pid, core] of [
      ['/dev/null', '/dev/null'],
      ['one', 'other'],
    ]) {
      const { status, stderr } = spawnSync(tool, ['run', '--pid-file', pid, '--coredump', core, program], {
        cwd: folder,
        encoding: 'utf8',
        input: '',
      });
      expect([status, stderr]).toEqual([0, '']);
    }
  });

  test('that cannot be written starts nothing', () => {
    const { stderr, status } = wagSnap('run', '--pid-file', '.', program);
    expect([status, stderr]).toEqual([1, 'wag-snap: .: cannot be written: it is a folder\n']);
    expect(wagSnap('restore', 'next.wsnap', '--pid-file', 'x', '-o', 'y').status).toBe(2);
  });
});

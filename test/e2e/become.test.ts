/**
 * `run` and `restore` become the program where Node can do that. The program then finds the same as in a child process,
 * and its end is the end of the command. Needs a Node with process.execve: this one, or one from npm, which is kept in
 * build/modules.
 */

import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { fetchPackage } from '../modules/fetch.js';
import { canRun } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const tool = join(root, 'bin/wag-snap');
const program = join(root, 'fixtures/programs/readline.wasm');

/** A Node that can, or why there is none. */
function findNode(): { path: string; missing?: undefined } | { path: string; missing: string } {
  if ('execve' in process) return { path: process.execPath };
  try {
    return { path: join(fetchPackage(`node-linux-${process.arch}@24`), 'bin/node') };
  } catch (error) {
    return { path: '', missing: `no Node with process.execve can be had: ${(error as Error).message}` };
  }
}

const node = findNode();

describe.skipIf(node.missing !== undefined)(`becoming the program${node.missing ? ` (${node.missing})` : ''}`, () => {
  let folder = '';
  let temporary = '';
  const children = new Set<ChildProcess>();
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'wag-snap-become-'));
    temporary = join(folder, 'tmp');
    mkdirSync(temporary);
    expect(wagSnap(['compile', program, '-o', 'reader']).status).toBe(0);
  });
  afterEach(async () => {
    for (const child of children) {
      child.stdin!.end();
      child.kill('SIGTERM');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    children.clear();
    expect(readdirSync(temporary)).toEqual([]);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const options = (more: NodeJS.ProcessEnv = {}) => ({
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary, ...more },
    encoding: 'utf8' as const,
  });
  function wagSnap(args: readonly string[], input: string | Buffer = '', env: NodeJS.ProcessEnv = {}) {
    return spawnSync(node.path, [tool, ...args], { ...options(env), input });
  }
  function start(args: readonly string[], env: NodeJS.ProcessEnv = {}, stdio: SpawnOptions['stdio'] = 'pipe') {
    const child = spawn(node.path, [tool, ...args], { ...options(env), stdio });
    children.add(child);
    return child;
  }
  /** Starts a command with -v, and waits until its program waits for input. */
  async function started(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = start(args, env);
    const shown = { text: '' };
    child.stdout!.on('data', (data) => (shown.text += data));
    let said = '';
    child.stderr!.on('data', (data) => (said += data));
    await expect.poll(() => /^pid (\d+)$/m.test(said), { timeout: 30_000 }).toBe(true);
    const pid = Number(/^pid (\d+)$/m.exec(said)![1]);
    await expect.poll(() => state(pid), { timeout: 30_000 }).toMatch(/^running S$/);
    return { child, pid, shown, said: () => said };
  }
  const state = (pid: number) => {
    const { stdout } = wagSnap(['inspect', '--json', String(pid)]);
    const { state, systemState } = stdout === '' ? { state: '', systemState: '' } : JSON.parse(stdout);
    return `${state} ${systemState}`;
  };
  const childrenOf = (pid: number) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim();

  /** All that a program finds of how it was started. */
  function surroundings(pid: number) {
    const of = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'latin1');
    const descriptors = readdirSync(`/proc/${pid}/fd`).map((fd) => {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`)
        .replace(/\[\d+\]/, '')
        .replace(/-[0-9a-f]+-\d+-\d+-[0-9a-f]+\//, '/')
        .replace(`/proc/${pid}/`, '/proc/self/');
      return `${fd} ${target} ${/^flags:\s*(\d+)/m.exec(of(`fdinfo/${fd}`))![1]}`;
    });
    return {
      signals: /^SigBlk:.*\nSigIgn:.*\nSigCgt:.*$/m.exec(of('status'))![0],
      descriptors,
      environment: of('environ').split('\0').sort(),
      arguments: of('cmdline'),
      comm: of('comm'),
      limits: of('limits')
        .split('\n')
        .filter((line) => !line.startsWith('Max pending')),
    };
  }

  test('run: the pid is the one that was started, and all that it finds is as in a child', async () => {
    const args = ['run', '-v', '--name', `its-${process.pid}`, '--env', 'K=V', program, 'one', 'two words'];
    const itself = await started(args);
    expect(itself.pid).toBe(itself.child.pid);
    expect(childrenOf(itself.pid)).toBe('');
    const child = await started(args, { WAGSNAP_NO_EXEC: '1' });
    expect(child.pid).not.toBe(child.child.pid);
    expect(surroundings(itself.pid)).toEqual(surroundings(child.pid));
    // the host layer itself ignores SIGPIPE
    expect(surroundings(itself.pid).signals).toMatch(/SigBlk:\s0+\nSigIgn:\s0+1000\n/);
    expect(surroundings(itself.pid).comm).toBe(`its-${process.pid}`.slice(0, 15).concat('\n'));
  });

  test('restore: from the snapshot’s own file, again and again', async () => {
    const first = await started(['run', '-v', program]);
    first.child.stdin!.write('1\n');
    await expect.poll(() => first.shown.text).not.toBe('');
    const ended = once(first.child, 'exit');
    expect(wagSnap(['capture', String(first.pid), '--kill', '-o', 'one.wsnap']).stderr).toBe('');
    expect(await ended).toEqual([75, null]);
    expect(first.said()).toMatch(/one\.wsnap\n$/);
    const itself = await started(['restore', '-v', 'one.wsnap']);
    expect(itself.pid).toBe(itself.child.pid);
    expect(readFileSync(`/proc/${itself.pid}/maps`, 'latin1')).toMatch(/one\.wsnap$/m);
    const child = await started(['restore', '-v', 'one.wsnap'], { WAGSNAP_NO_EXEC: '1' });
    expect(child.pid).not.toBe(child.child.pid);
    expect(surroundings(itself.pid)).toEqual(surroundings(child.pid));
    expect(wagSnap(['capture', String(itself.pid), '-o', 'two.wsnap']).stderr).toBe('');
    const again = await started(['restore', '-v', 'two.wsnap']);
    expect(again.pid).toBe(again.child.pid);
    for (const { child } of [itself, again]) child.stdin!.end();
    expect(await once(again.child, 'exit')).toEqual([0, null]);
  });

  test('restore: what is pruned from a store while the program begins stays until it has ended', async () => {
    const store = ['--store', 'store'];
    for (const file of ['one', 'two']) {
      expect(wagSnap(['snapshots', 'import', `${file}.wsnap`, '-t', 'job', ...store]).stderr).toBe('');
    }
    const { child, pid, shown } = await started(['restore', '-v', 'job', ...store]);
    expect(pid).toBe(child.pid);
    const prune = () => {
      expect(wagSnap(['snapshots', 'prune', '--keep', '0', ...store]).stderr).toBe('');
      return readdirSync(join(folder, 'store/ingest'));
    };
    const [links, ...others] = prune();
    expect(others).toEqual([]);
    expect(readFileSync(`/proc/${pid}/maps`, 'latin1')).toMatch(new RegExp(`store/ingest/${links}/[0-9a-f]{64}$`, 'm'));
    child.stdin!.end('5\n');
    await once(child, 'exit');
    expect(shown.text).toContain('readline end');
    expect(prune()).toEqual([]);
  });

  test('a snapshot from a pipe is a temporary file, which somebody has to remove', async () => {
    const snapshot = readFileSync(join(folder, 'one.wsnap'));
    const child = start(['restore', '-v', '-']);
    let said = '';
    child.stderr!.on('data', (data) => (said += data));
    child.stdin!.end(snapshot);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(Number(/^pid (\d+)$/m.exec(said)![1])).not.toBe(child.pid);
  });

  test('an image that is a temporary file is gone when it runs', async () => {
    const noCache = { XDG_CACHE_HOME: '/dev/null' };
    const { child, pid } = await started(['run', '-v', program], noCache);
    expect(pid).toBe(child.pid);
    expect(readlinkSync(`/proc/${pid}/exe`)).toMatch(/image \(deleted\)$/);
    expect(readFileSync(`/proc/${pid}/comm`, 'latin1')).toBe('readline.wasm\n');
    expect(readdirSync(temporary)).toEqual([]);
    expect(wagSnap(['capture', String(pid), '-o', 'gone.wsnap']).stderr).toBe('');
    const piped = start(['run', '-v', '-']);
    piped.stdin!.end(readFileSync(join(folder, 'reader')));
    expect(await once(piped, 'exit')).toEqual([0, null]);
  });

  test('its end is the program’s own', async () => {
    const exits = (code: string) => `(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (func (export "_start") ${code}))`;
    writeFileSync(join(folder, 'seven.wat'), exits('(call $exit (i32.const 7))'));
    writeFileSync(join(folder, 'trap.wat'), exits('unreachable'));
    expect(wagSnap(['run', 'seven.wat']).status).toBe(7);
    const trap = wagSnap(['run', 'trap.wat']);
    expect(trap.status).toBe(134);
    expect(trap.stderr).toMatch(/^wasm trap: unreachable/);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGKILL'] as const) {
      const { child, pid } = await started(['run', '-v', program]);
      expect(pid).toBe(child.pid);
      const ended = once(child, 'exit');
      child.kill(signal);
      expect(await ended).toEqual([null, signal]);
    }
  });

  test('what has to be done later keeps it a child', async () => {
    for (const more of [
      ['--timeout', '5m'],
      ['--coredump', 'core'],
      ['--pid-file', 'the.pid'],
    ]) {
      const { child, pid } = await started(['run', '-v', ...more, program]);
      expect(pid).not.toBe(child.pid);
      child.stdin!.end();
      expect(await once(child, 'exit')).toEqual([0, null]);
    }
    const long = 'x'.repeat(100_000);
    const { child, pid } = await started(['run', '-v', program, long]);
    expect(pid).not.toBe(child.pid);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toBe(`readline.wasm\0${long}\0`);
  });

  test.skipIf(!canRun('arm64') || process.arch === 'arm64')(
    'an emulator becomes it, where nothing is temporary',
    async () => {
      expect(wagSnap(['compile', program, '--arch', 'arm64', '-o', 'arm']).status).toBe(0);
      const { child, pid } = await started(['run', '-v', 'arm']);
      expect(pid).toBe(child.pid);
      const ended = once(child, 'exit');
      expect(wagSnap(['capture', String(pid), '--kill', '-o', 'arm.wsnap']).stderr).toBe('');
      expect((await ended)[0]).toBe(75);
      const restored = await started(['restore', '-v', '--arch', 'arm64', 'arm.wsnap']);
      expect(restored.pid).not.toBe(restored.child.pid);
    },
  );
});

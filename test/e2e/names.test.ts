/**
 * Names of workloads: given by `run` and `restore`, kept in snapshots, accepted in place of a pid, shown by the system.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { canRun } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const tool = join(root, 'bin/wag-snap');
const program = join(root, 'fixtures/programs/readline.wasm');
/** Names of this run: nothing else on the machine has them. */
const own = (name: string) => `${name}-${process.pid}`;
let folder = '';
const children = new Set<ChildProcess>();
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'wag-snap-names-'));
});
afterEach(async () => {
  for (const child of children) {
    child.stdin!.end();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  children.clear();
});
afterAll(() => rmSync(folder, { recursive: true }));

function wagSnap(...args: string[]) {
  return spawnSync(process.execPath, [tool, ...args], { cwd: folder, encoding: 'utf8' });
}

/** Starts a command with -v, and waits until its program waits for input. */
async function started(...args: string[]): Promise<{ command: ChildProcess; pid: number }> {
  const command = spawn(process.execPath, [tool, ...args], { cwd: folder, stdio: ['pipe', 'ignore', 'pipe'] });
  children.add(command);
  let pid: RegExpExecArray | null = null;
  for (let text = ''; pid === null; pid = /^pid (\d+)$/m.exec(text)) {
    const [chunk] = await Promise.race([
      once(command.stderr!, 'data'),
      once(command, 'exit').then(() => {
        throw new Error(`it has ended: ${text}`);
      }),
    ]);
    text += chunk;
  }
  const number = Number(pid[1]);
  await expect.poll(() => wagSnap('inspect', String(number)).stdout).toMatch(/ {2}state +running/);
  return { command, pid: number };
}

const comm = (pid: number) => readFileSync(`/proc/${pid}/comm`, 'latin1').trimEnd();
const entryOf = (pid: number) =>
  JSON.parse(wagSnap('ps', '--json').stdout).find((entry: { pid: number }) => entry.pid === pid);

const cpus = (['x64', 'arm64'] as const).filter(canRun);

describe.each(cpus)('of %s programs', (arch) => {
  const image = `reader-${arch}`;
  beforeAll(() => expect(wagSnap('compile', program, '--arch', arch, '-o', image).status).toBe(0));

  test('a name is taken wherever a pid is, and kept by a snapshot', async () => {
    const name = own(`job_${arch}.1`);
    const { command, pid } = await started('run', '-v', '--name', name, image, 'one', 'two words');
    expect(entryOf(pid)).toMatchObject({ name, args: [image, 'one', 'two words'] });
    expect(wagSnap('ps').stdout).toMatch(new RegExp(`^${pid} +${name} +${arch} `, 'm'));
    expect(JSON.parse(wagSnap('inspect', '--json', name).stdout)).toMatchObject({ kind: 'process', pid, name });
    expect(wagSnap('coredump', name, '-o', 'core').stderr).toBe('');
    const ended = once(command, 'exit');
    const captured = wagSnap('capture', name, '--kill');
    expect([captured.stdout, captured.stderr]).toEqual([`${name}-${pid}.wsnap\n`, '']);
    expect((await ended)[0]).toBe(75);
    const snapshot = `${name}-${pid}.wsnap`;
    expect(JSON.parse(wagSnap('inspect', '--json', snapshot).stdout).name).toBe(name);
    expect(wagSnap('inspect', snapshot).stdout).toContain(`\n  name        ${name}\n`);
    expect(wagSnap('inspect', name).stderr).toMatch(
      `wag-snap: ${name}: no such file, no running program of this name, and no`,
    );

    const second = await started('restore', '-v', '--arch', arch, snapshot);
    expect(entryOf(second.pid)).toMatchObject({ name, args: [image, 'one', 'two words'] });
    const third = await started('restore', '-v', '--arch', arch, snapshot);
    const both = [second.pid, third.pid].sort((a, b) => a - b).join(', ');
    expect(wagSnap('capture', name).stderr).toBe(
      `wag-snap: there are several programs named ${name}: give one of their pids: ${both}\n`,
    );
    expect(wagSnap('capture', name).status).toBe(3);
    const other = own('other');
    const fourth = await started('restore', '-v', '--arch', arch, '--name', other, snapshot);
    expect(JSON.parse(wagSnap('inspect', '--json', other).stdout)).toMatchObject({ pid: fourth.pid, name: other });
  });

  test('an executable made of a snapshot has the name, unless its environment has another', async () => {
    const name = own(`kept-${arch}`);
    await started('run', '-v', '--name', name, image);
    expect(wagSnap('capture', name, '-o', 'kept.wsnap').stderr).toBe('');
    for (const child of children) child.stdin!.end();
    const renamed = own(`again-${arch}`);
    for (const [args, expected] of [
      [[], name],
      [['--name', renamed], renamed],
    ] as const) {
      const made = wagSnap('restore', 'kept.wsnap', '--arch', arch, '-o', `rest-${arch}`, ...args);
      expect([made.status, made.stderr]).toEqual([0, '']);
      const { pid } = await started('run', '-v', `rest-${arch}`);
      expect(entryOf(pid).name).toBe(expected);
      expect(comm(pid)).toBe(expected.slice(0, 15));
    }
    const given = own(`given-${arch}`);
    const { pid } = await started('run', '-v', '--name', given, `rest-${arch}`);
    expect(entryOf(pid).name).toBe(given);
  });

  test('the system shows the name, else the program’s own', async () => {
    const long = `averyveryverylong${process.pid}`;
    expect(comm((await started('run', '-v', '--name', long, image)).pid)).toBe(long.slice(0, 15));
    expect(comm((await started('run', '-v', image)).pid)).toBe(image);
    expect(entryOf((await started('run', '-v', image)).pid).name).toBe(null);
  });
});

test('a module from the cache has its own name and arguments, also after a restore', async () => {
  const { pid } = await started('run', '-v', program, 'first', 'größer');
  expect(comm(pid)).toBe('readline.wasm');
  const shown = 'readline.wasm\0first\0größer\0';
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toBe(shown);
  expect(wagSnap('capture', String(pid), '-o', 'unnamed.wsnap').stderr).toBe('');
  expect(JSON.parse(wagSnap('inspect', '--json', 'unnamed.wsnap').stdout).name).toBe(null);
  const restored = await started('restore', '-v', 'unnamed.wsnap');
  expect(comm(restored.pid)).toBe('readline.wasm');
  expect(readFileSync(`/proc/${restored.pid}/cmdline`, 'utf8')).toBe(shown);
});

test('more arguments than the kernel would take are the program’s all the same', async () => {
  const long = 'x'.repeat(100_000);
  const { pid } = await started('run', '-v', program, 'first', long, 'last');
  expect(wagSnap('capture', String(pid), '-o', 'long.wsnap').stderr).toBe('');
  const restored = await started('restore', '-v', 'long.wsnap');
  expect(readFileSync(`/proc/${restored.pid}/cmdline`, 'utf8')).toBe('readline.wasm\0first\0');
  expect(wagSnap('capture', String(restored.pid), '-o', 'longer.wsnap').stderr).toBe('');
  expect(JSON.parse(wagSnap('inspect', '--json', 'longer.wsnap').stdout).host.args).toEqual([
    'readline.wasm',
    'first',
    long,
    'last',
  ]);
});

test('a file is meant before a program of its name', async () => {
  const name = own('both');
  writeFileSync(join(folder, name), '(module)');
  const { pid } = await started('run', '-v', '--name', name, program);
  expect(JSON.parse(wagSnap('inspect', '--json', name).stdout).kind).toBe('module');
  expect(wagSnap('coredump', name).stderr).toMatch(/is a module in the text format; coredump takes a snapshot/);
  expect(wagSnap('capture', name, '-o', 'both.wsnap').stderr).toBe('');
  expect(JSON.parse(wagSnap('inspect', '--json', String(pid)).stdout)).toMatchObject({ name });
});

test('what is started with a name that is none ends at once', () => {
  wagSnap('compile', program, '-o', 'refused');
  for (const name of ['', '7', 'a b', 'x'.repeat(64), 'é', '-a']) {
    const { status, stderr } = spawnSync(join(folder, 'refused'), { env: { WAGSNAP_NAME: name }, encoding: 'utf8' });
    expect([status, stderr]).toEqual([
      2,
      `wag-snap: WAGSNAP_NAME: "${name}": expected a letter, then letters, digits and . _ -, 63 characters at most\n`,
    ]);
  }
  for (const name of ['a', 'Z', 'a7._-z', 'x'.repeat(63)]) {
    const child = spawnSync(join(folder, 'refused'), { env: { WAGSNAP_NAME: name }, input: '', encoding: 'utf8' });
    expect(child.stderr).toBe('');
  }
});

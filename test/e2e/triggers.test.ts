/** Snapshots that a program gets while `run` or `restore` runs it: at intervals, at a signal, when it is idle. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { locked } from '../../src/snapshot/store/lock.js';
import { during, Output } from '../support/waiting.js';

const root = join(import.meta.dirname, '../..');
const program = join(root, 'fixtures/programs/readline.wasm');
const hasScript = spawnSync('script', ['--version']).status === 0;
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-triggers-'));
const env = { ...process.env, XDG_DATA_HOME: join(folder, 'data'), XDG_CACHE_HOME: join(folder, 'cache') };
afterAll(() => rmSync(folder, { recursive: true }));

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.stdin?.end(); // the program ends with its input, and the tool with the program
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});

function start(...args: string[]): { child: ChildProcess; out: Output } {
  const child = spawn(join(root, 'bin/wag-snap'), args, { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
  children.push(child);
  return { child, out: new Output(child) };
}

function tool(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(join(root, 'bin/wag-snap'), args, {
    cwd: folder,
    env,
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr };
}
const tags = (name: string) =>
  JSON.parse(tool(['snapshots', 'list', name, '--json']).stdout).map(({ tag }: { tag: string }) => Number(tag));

test('at intervals, of which so many stay; and at a signal, which ends it', async () => {
  const { child, out } = start(
    'run',
    '-v',
    '-t',
    'job',
    '--snapshot-every',
    '200ms',
    '--keep',
    '2',
    '--snapshot-on',
    'SIGTERM',
    program,
  );
  await out.has('ready');
  child.stdin?.write('40\n');
  await out.has('readline 1 sum 40');
  await out.says('job:4 is in the store');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([75, null]);
  const [kept, last] = tags('job');
  expect(last).toBe(kept + 1);
  expect(last).toBeGreaterThanOrEqual(5);
  expect(await out.says('ended by a capture')).toContain(`continues from job:${last} (`);
  expect(tool(['restore', 'job'], '2\n')).toEqual({
    status: 0,
    stdout: 'readline 2 sum 42\nreadline end after 2 lines\n',
    stderr: '',
  });
});

test('when it has been blocked for a while; a restored one, too', async () => {
  const first = start('run', '-t', 'idle', '--snapshot-when-idle', '500ms', program, '7');
  await first.out.has('ready');
  expect(await once(first.child, 'exit')).toEqual([75, null]);
  const second = start('restore', 'idle', '-t', 'idle', '--snapshot-when-idle', '500ms');
  second.child.stdin?.write('1\n');
  await second.out.has('readline 1 sum 8');
  expect(await once(second.child, 'exit')).toEqual([75, null]);
  expect(tags('idle')).toEqual([1, 2]);
  expect(tool(['restore', 'idle:2'], '2\n').stdout).toBe('readline 2 sum 10\nreadline end after 2 lines\n');
});

test('a program that asks for them, as the docs have it', () => {
  const text = readFileSync(join(root, 'docs/store.md'), 'utf8');
  const [, code] = /```c\n([\s\S]*?)```/.exec(text) ?? [];
  expect(readFileSync(join(root, 'fixtures/programs/asks.c'), 'utf8')).toContain(code);
  const [, ran, restored] =
    /\$ wag-snap run -t asks asks\.wasm\n([^$]*)\$ wag-snap restore asks:2\n([^`]*)```/.exec(text) ?? [];
  const asks = join(root, 'fixtures/programs/asks.wasm');
  expect(tool(['run', '-t', 'asks', asks])).toEqual({ status: 0, stdout: ran, stderr: '' });
  expect(tool(['restore', 'asks:2'])).toEqual({ status: 0, stdout: restored, stderr: '' });
  expect(tags('asks')).toEqual([1, 2, 3]);
  expect(tool(['restore', 'asks:3', '-t', 'asks', '--keep', '2'])).toMatchObject({ status: 0, stderr: '' });
  const last = tool(['restore', 'asks:1', '-t', 'asks', '--keep', '2']);
  expect(last.stdout).toBe(
    'step 1: restored, generation 1, restores 1\nstep 2: there is a snapshot\nstep 3: there is a snapshot\n',
  );
  expect(tags('asks')).toEqual([4, 5]);
});

test('one that it asks for and that cannot be taken: the program is told, and the user', () => {
  tool([
    'snapshots',
    'import',
    join(root, 'fixtures/snapshots/v3/x64/generations-0.wsnap'),
    '-t',
    'x',
    '--store',
    'lost',
  ]);
  writeFileSync(join(folder, 'lost', 'index.json'), 'no index');
  const { status, stdout, stderr } = tool([
    'run',
    '-t',
    'asks',
    '--store',
    'lost',
    join(root, 'fixtures/programs/asks.wasm'),
  ]);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: expect.stringContaining('step 1: no snapshot: I/O error\n'),
  });
  expect(stderr).toMatch(
    /^wag-snap: warning: the program has asked for a snapshot, and none was taken: .*index\.json: damaged/,
  );
});

describe('a signal', () => {
  const asked = ['--snapshot-on', 'SIGTERM', '--snapshot-on', 'SIGINT', program, '7'];

  async function endsCaptured(name: string, child: ChildProcess, signal: () => void): Promise<void> {
    const ended = once(child, 'exit');
    const store = join(env.XDG_DATA_HOME, 'wag-snap/store');
    // while it is locked, the capture cannot end
    const meanwhile = locked(store, async () => {
      signal();
      while (readdirSync(store).every((entry) => entry !== 'ingest')) await sleep(5);
      while (readdirSync(join(store, 'ingest')).length === 0) await sleep(5);
      for (let more = 0; more < 20; more++) {
        signal();
        await sleep(5);
      }
    });
    await during(child, meanwhile);
    expect(await ended).toEqual([75, null]);
    expect(tags(name)).toEqual([1]);
    expect(tool(['restore', name], '2\n').stdout).toBe('readline 1 sum 9\nreadline end after 1 lines\n');
  }

  test('that comes during the capture changes nothing', async () => {
    const { child, out } = start('run', '-t', 'again', ...asked);
    await out.has('ready');
    await endsCaptured('again', child, () => child.kill('SIGTERM'));
  });

  test('to the whole process group is for the tool: Ctrl-C, kill -- -PGID', async () => {
    const child = spawn(join(root, 'bin/wag-snap'), ['run', '-t', 'group', ...asked], {
      cwd: folder,
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    children.push(child);
    await new Output(child).has('ready');
    await endsCaptured('group', child, () => process.kill(-child.pid!, 'SIGINT'));
  });

  test('to a whole unit, as systemd sends it, is ignored by the program', async () => {
    const { child, out } = start('run', '-v', '-t', 'unit', ...asked);
    const [, pid] = await out.says(/^pid (\d+)$/m).then((said) => /^pid (\d+)$/m.exec(said)!);
    await out.has('ready');
    process.kill(Number(pid), 'SIGTERM');
    process.kill(Number(pid), 'SIGINT');
    await endsCaptured('unit', child, () => child.kill('SIGTERM'));
  });

  test.skipIf(!hasScript)('of a terminal, which the program reads', async () => {
    // exec: a shell that stays in the terminal's group, as dash does, would die of the Ctrl-C itself
    const run = `exec ${join(root, 'bin/wag-snap')} run -t terminal --snapshot-on SIGINT ${program}`;
    const child = spawn('script', ['-qfec', run, '/dev/null'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
    children.push(child);
    const out = new Output(child);
    await out.has('ready');
    child.stdin.write('7\n');
    await out.has('readline 1 sum 7');
    child.stdin.write('1\n');
    await out.has('readline 2 sum 8');
    child.stdin.write('\x03'); // Ctrl-C
    expect(await once(child, 'exit')).toEqual([75, null]);
    expect(tags('terminal')).toEqual([1]);
  });

  test.skipIf(!hasScript)('Ctrl-Z stops tool and program, and fg continues them', async () => {
    const run = `${join(root, 'bin/wag-snap')} run -v -t stopped --snapshot-on SIGINT ${program}`;
    writeFileSync(join(folder, 'job.sh'), `${run}\necho it is stopped\nread line\nfg\necho code $?\n`);
    const shell = 'exec sh -m job.sh'; // with job control
    const child = spawn('script', ['-qfec', shell, '/dev/null'], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
    children.push(child);
    const out = new Output(child);
    const [, pid] = /^pid (\d+)/m.exec(await out.has(/^pid \d+/m))!;
    await out.has('ready');
    child.stdin.write('7\n');
    await out.has('readline 1 sum 7');
    child.stdin.write('\x1a'); // Ctrl-Z
    await out.has('it is stopped');
    const stateOf = (one: string) => /^State:\s*(\S)/m.exec(readFileSync(`/proc/${one}/status`, 'latin1'))?.[1];
    const [, tool] = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))!;
    while ([pid, tool].some((one) => stateOf(one) !== 'T')) await sleep(5);
    child.stdin.write('continue\n');
    child.stdin.write('1\n');
    await out.has('readline 2 sum 8');
    child.stdin.write('\x03'); // Ctrl-C
    await out.has('code 75');
    expect(tags('stopped')).toEqual([1]);
  });

  test('that was not chosen ends the program', async () => {
    const { child, out } = start('run', '-t', 'other', ...asked);
    await out.has('ready');
    child.kill('SIGHUP');
    expect(await once(child, 'exit')).toEqual([null, 'SIGHUP']);
  });
});

test('one that cannot be taken is a warning; the signal after it ends the program', async () => {
  const { child, out } = start('run', '-v', '-t', 'job', '--store', 'spoiled', '--snapshot-on', 'term', program);
  await out.has('ready');
  writeFileSync(join(folder, 'spoiled', 'index.json'), 'no index');
  child.kill('SIGTERM');
  await out.says(/warning: no snapshot was taken, and the program continues: .*index\.json: damaged/);
  child.stdin?.write('5\n');
  await out.has('readline 1 sum 5');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
});

test.each<[string[], string, number?]>([
  [['--snapshot-every', '1s'], 'snapshots need a name: -t NAME'],
  [['-t', 'job'], '-t job needs --snapshot-every'],
  [['--keep', '2'], 'snapshots need a name: -t NAME'],
  [['-t', 'job', '--snapshot-every', '1s', '--keep', '0'], '--keep 0: expected a number, from 1 on'],
  [['-t', 'job:1', '--snapshot-every', '1s'], 'give -t NAME'],
  [['-t', 'job', '--snapshot-on', 'SIGKILL'], '--snapshot-on SIGKILL: expected one of'],
  [['-t', 'job', '--snapshot-every', '1s', '--invoke', 'f'], 'are not for --invoke'],
  [['-t', 'a job', '--snapshot-every', '1s'], 'a job: is not the name of a snapshot in a store', 3],
])('wrong usage: %j', (options, says, code = 2) => {
  const { status, stdout, stderr } = tool(['run', ...options, program]);
  expect({ status, stdout, stderr }).toEqual({ status: code, stdout: '', stderr: expect.stringContaining(says) });
});

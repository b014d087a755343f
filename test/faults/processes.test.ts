/** Captures of processes that are not, or not now, to be captured: what the command says, and that nothing happens to them. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { capturePid } from '../../src/snapshot/capture.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { build, temporaryFolder, Workload } from '../support/workload.js';
import { Talker } from './capture-sweep.js';
import { command, type Outcome, wrongEnding } from './command.js';
import { BLOCKED, BUSY } from './programs.js';
import { Tally } from './tally.js';

vi.setConfig({ testTimeout: 300_000 });
const folder = temporaryFolder();
const out = join(folder, 'out');
const output = join(out, 'it.wsnap');
const tally = new Tally('processes').printAtEnd();
const isRoot = process.geteuid?.() === 0;
const NOBODY = ['setpriv', '--reuid', '65534', '--clear-groups'];
const children: ChildProcess[] = [];
let talker: Talker;

beforeAll(async () => {
  mkdirSync(out);
  chmodSync(folder, 0o755);
  chmodSync(out, 0o777);
  await build(Buffer.from(BLOCKED), join(folder, 'blocked'));
  await build(Buffer.from(BUSY), join(folder, 'busy'));
  talker = await Talker.start(join(folder, 'blocked'));
});
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
});

function has(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}

async function capture(pid: number, through?: readonly string[]): Promise<Outcome> {
  return command(['capture', String(pid), '-o', output], { folder, through });
}

/** The capture fails as it should, leaves no file, and the process answers. */
async function refused(name: string, outcome: Outcome, code: number, says: RegExp): Promise<void> {
  const wrong =
    wrongEnding(outcome, [code]) ??
    (says.test(outcome.stderr) ? undefined : `it says ${outcome.stderr}`) ??
    (readdirSync(out).length > 0 ? `left: ${readdirSync(out)}` : undefined) ??
    (await talker.wrongAnswer());
  tally.add(name, wrong);
  expect(wrong, name).toBeUndefined();
}

async function started(program: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((done) => child.once('spawn', done));
  return child;
}

function status(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'latin1');
}

describe('refused', () => {
  test('a process that has ended', async () => {
    const child = await started('true');
    if (child.exitCode === null) await new Promise((done) => child.once('exit', done));
    await refused('ended', await capture(child.pid!), 1, /there is no process with pid \d+/);
  });

  test('a zombie', async () => {
    const parent = await started(
      'sh',
      '-c',
      `"$0" </dev/null >/dev/null & echo $!; exec sleep 3600`,
      join(folder, 'busy'),
    );
    const pid = Number(await new Promise((done) => parent.stdout!.once('data', done)));
    // the shell would reap it, what it becomes does not
    await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'latin1')).toBe('sleep\n');
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => status(pid)).toMatch(/^State:\s*Z/m);
    await refused('zombie', await capture(pid), 1, /has ended \(its parent has not noticed yet\)/);
  });

  test('a process of another program, and the command itself', async () => {
    const child = await started('sleep', '3600');
    await refused('sleep', await capture(child.pid!), 3, /is not a wag-snap process: it runs /);
    const own = ['sh', '-c', 'node=$0; cli=$1; exec "$node" "$cli" capture $$ -o "$4"'];
    const outcome = await command(['capture', '', output], { folder, through: own });
    await refused('itself', outcome, 3, /is not a wag-snap process: it runs /);
  });

  test.skipIf(!existsSync('/proc/2/stat') || !/^Kthread:\s*1/m.test(status(2)))('a kernel thread', async () => {
    await refused('kernel thread', await capture(2), 3, /it is a kernel thread\n$/);
  });

  test('a suspended one', async () => {
    process.kill(talker.pid, 'SIGSTOP');
    await expect.poll(() => status(talker.pid)).toMatch(/^State:\s*T/m);
    const outcome = await capture(talker.pid);
    process.kill(talker.pid, 'SIGCONT');
    await refused('suspended', outcome, 1, /is suspended: let it run \(kill -CONT \d+\)/);
  });

  test.skipIf(!has('gdb', '--version'))('one that a debugger holds', async () => {
    const gdb = spawn('gdb', ['-q', '-nx', '-p', String(talker.pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
    children.push(gdb);
    try {
      await expect.poll(() => status(talker.pid), { timeout: 20_000 }).toMatch(/^State:\s*t/m);
      const outcome = await capture(talker.pid);
      gdb.stdin.end('detach\nquit\n');
      await new Promise((done) => gdb.once('close', done));
      await refused('debugger', outcome, 1, /is held by a debugger \(pid \d+\)/);
    } finally {
      gdb.kill('SIGKILL');
    }
  });

  test.skipIf(!isRoot || !has('setpriv', '--version'))("another user's", async () => {
    const outcome = await capture(talker.pid, NOBODY);
    await refused('other user', outcome, 1, /capture as the user who runs it, or as root/);
  });

  test.skipIf(!isRoot || !has('unshare', '-m', 'true'))('without /proc, or with one that hides processes', async () => {
    const mounted = (what: string, ...then: string[]) => [
      'unshare',
      '-m',
      'sh',
      '-c',
      `${what}; exec "$@"`,
      'sh',
      ...then,
    ];
    const without = await capture(talker.pid, mounted('mount -t tmpfs none /proc'));
    await refused('no /proc', without, 1, /\/proc is not there: mount it/);
    const hidden = await capture(talker.pid, mounted('mount -t proc -o hidepid=invisible proc /proc', ...NOBODY));
    await refused('hidepid', hidden, 1, /is hidden|capture as the user who runs it, or as root/);
  });
});

describe('at once', () => {
  test('three captures of one process: one at least succeeds, the others say so', async () => {
    for (let round = 0; round < 2; round++) {
      const files = [1, 2, 3].map((n) => join(folder, `${round}-${n}.wsnap`));
      const args = files.map((file) => ['capture', String(talker.pid), '-o', file]);
      const outcomes = await Promise.all(args.map((each) => command(each, { folder })));
      for (const [i, outcome] of outcomes.entries()) {
        const busy = outcome.code === 0 || /is being captured by another process/.test(outcome.stderr);
        if (outcome.code === 0) readSnapshot(files[i]);
        tally.add('several captures', wrongEnding(outcome, [0, 1]) ?? (busy ? undefined : outcome.stderr));
      }
      expect(outcomes.some(({ code }) => code === 0)).toBe(true);
      expect(await talker.wrongAnswer()).toBeUndefined();
    }
    expect(tally.failures).toEqual([]);
  });

  test('signals in great numbers', async () => {
    for (const program of ['blocked', 'busy']) {
      const own = await Talker.start(join(folder, program));
      const script = `const end = Date.now() + 3000; const names = process.argv.slice(2);
        const send = () => { try { for (let i = 0; i < 20; i++) process.kill(${own.pid}, names[i % names.length]); } catch {}
        if (Date.now() < end) setTimeout(send, 1); }; send();`;
      const bursts = [
        ['SIGWINCH', 'SIGCONT', 'SIGURG'],
        ['SIGCHLD', 'SIGWINCH'],
        ['SIGUSR2', 'SIGCONT', 'SIGWINCH'],
      ];
      const senders = await Promise.all(bursts.map((names) => started(process.execPath, '-e', script, '--', ...names)));
      const ended = Promise.all(senders.map((child) => new Promise((done) => child.once('exit', done))));
      let captured = 0;
      for (let running = true; running; ) {
        running = await Promise.race([ended.then(() => false), sleep(1).then(() => true)]);
        const wrong = await capturePid(own.pid, { output, timeout: 4000 }).then(
          () => void captured++,
          (error) => (/is being captured by another process/.test(error.message) ? undefined : String(error.stack)),
        );
        tally.add(`signals to ${program}`, wrong ?? (await own.wrongAnswer()));
      }
      await capturePid(own.pid, { output });
      expect(await own.wrongEnd()).toBeUndefined();
    }
    expect(tally.failures).toEqual([]);
  });

  test('captures while it starts and ends', async () => {
    for (let i = 0; i < 24; i++) {
      const workload = Workload.start(join(folder, i % 2 ? 'blocked' : 'busy'), { stdin: 'pipe' });
      if (i % 4 < 2)
        await sleep(i / 8); // in its first milliseconds
      else await workload.waitFor('A');
      const capturing = capturePid(workload.pid, { output }).then(
        () => void readSnapshot(output),
        (error) => error,
      );
      if (i % 4 >= 2) await sleep(i / 8);
      workload.stdin.end();
      const error = await capturing;
      const { code, stdout } = await workload.ended();
      const fine = error === undefined || /ended|no process/.test(error.message);
      const wrong = code === 0 && stdout === 'A.' ? undefined : `ends with ${code}: ${stdout}`;
      tally.add('start and end', wrong ?? (fine ? undefined : String(error.stack)));
    }
    expect(tally.failures).toEqual([]);
  });
});

test('the process that all this happened to ends well', async () => {
  expect(await talker.wrongEnd()).toBeUndefined();
});

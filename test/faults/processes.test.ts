/**
 * Captures of processes that cannot be captured, or not now: what the command reports, and that nothing happens to
 * them.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSnapshot } from '../../src/snapshot/format.js';
import { capturePid } from '../support/capture.js';
import { untilState } from '../support/waiting.js';
import { build, temporaryFolder, Workload } from '../support/workload.js';
import { Talker } from './capture-sweep.js';
import { CLI, command, type Outcome, wrongEnding } from './command.js';
import { BLOCKED, BUSY } from './programs.js';
import { Tally } from './tally.js';

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

/** Whether a command can be run here, and succeeds. */
function works(...command: string[]): boolean {
  return spawnSync(command[0], command.slice(1), { stdio: 'ignore' }).status === 0;
}

/** A user who can read the command and Node.js: they may lie in root's own folder. */
const hasOtherUser = isRoot && works(...NOBODY, process.execPath, CLI, '--version');
const mounting = (what: string) => ['unshare', '-m', 'sh', '-c', `${what} && exec "$@"`, 'sh'];
const WITHOUT_PROC = mounting('mount -t tmpfs none /proc');
const HIDING_PROC = mounting('mount -t proc -o hidepid=2 proc /proc');

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
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  await new Promise((done) => child.once('spawn', done));
  return child;
}

async function exited(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done));
}

function status(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'latin1');
}

describe('refused', () => {
  test('a process that has ended', async () => {
    const child = await started('true');
    await exited(child);
    await refused('ended', await capture(child.pid!), 3, /there is no process with pid \d+/);
  });

  test('a zombie', async () => {
    // with an input that does not end: as its descriptor 0, a shell's job in the background has /dev/null, and would
    // end at once
    const script = 'exec 3<&0; "$0" <&3 >/dev/null 3<&- & echo $!; exec sleep 3600';
    const parent = await started('sh', '-c', script, join(folder, 'blocked'));
    const pid = Number(await new Promise((done) => parent.stdout!.once('data', done)));
    // the shell would reap it, what it becomes does not
    await expect.poll(() => readFileSync(`/proc/${parent.pid}/comm`, 'latin1')).toBe('sleep\n');
    await expect.poll(() => readlinkSync(`/proc/${pid}/exe`)).toBe(join(folder, 'blocked'));
    expect(readlinkSync(`/proc/${pid}/fd/0`)).not.toBe('/dev/null');
    process.kill(pid, 'SIGKILL');
    await untilState(pid, 'Z');
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
    await untilState(talker.pid, 'T');
    const outcome = await capture(talker.pid);
    process.kill(talker.pid, 'SIGCONT');
    await refused('suspended', outcome, 1, /is suspended: let it run \(kill -CONT \d+\)/);
  });

  test('one that a debugger holds', async ({ skip }) => {
    const gdb = spawn('gdb', ['-q', '-nx', '-p', String(talker.pid)], { stdio: ['pipe', 'ignore', 'pipe'] });
    children.push(gdb);
    let said = '';
    gdb.stderr.on('data', (text) => (said += text));
    gdb.once('error', (error) => (said += `ptrace: ${error.message}`)); // there is none
    try {
      await expect.poll(() => `${status(talker.pid)}${said}`).toMatch(/^State:\s*t|ptrace: /m);
      if (!/^State:\s*t/m.test(status(talker.pid))) return skip(`gdb cannot hold a process here: ${said}`);
      const outcome = await capture(talker.pid);
      gdb.stdin.end('detach\nquit\n');
      await new Promise((done) => gdb.once('close', done));
      await refused('debugger', outcome, 1, /is held by a debugger \(pid \d+\)/);
    } finally {
      gdb.kill('SIGKILL');
    }
  });

  test("another user's", async ({ skip }) => {
    if (!hasOtherUser) return skip('needs root, setpriv and a command that others can read');
    const outcome = await capture(talker.pid, NOBODY);
    await refused('other user', outcome, 1, /capture as the user who runs it, or as root/);
  });

  test('without /proc', async ({ skip }) => {
    if (!works(...WITHOUT_PROC, 'true')) return skip('needs root, unshare and the right to mount');
    await refused('no /proc', await capture(talker.pid, WITHOUT_PROC), 1, /\/proc is not there: mount it/);
  });

  test('with a /proc that hides processes', async ({ skip }) => {
    if (!hasOtherUser || !works(...HIDING_PROC, 'true')) return skip('needs another user and the right to mount');
    const hidden = await capture(talker.pid, [...HIDING_PROC, ...NOBODY]);
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
      const ended = Promise.all(senders.map(exited));
      for (let running = true; running; ) {
        running = await Promise.race([ended.then(() => false), sleep(1).then(() => true)]);
        const wrong = await capturePid(own.pid, { output, timeout: 60_000 }).then(
          () => undefined,
          (error) => (/is being captured by another process/.test(error.message) ? undefined : String(error.stack)),
        );
        tally.add(`signals to ${program}`, wrong ?? (await own.wrongAnswer()));
      }
      await capturePid(own.pid, { output, timeout: 60_000 });
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
      const capturing = capturePid(workload.pid, { output, timeout: 60_000 }).then(
        () => void readSnapshot(output),
        (error) => error,
      );
      if (i % 4 >= 2) await sleep(i / 8);
      workload.stdin.end();
      const error = await capturing;
      const { code, stdout } = await workload.ended();
      const fine = error === undefined || /ended|is ending|no process/.test(error.message);
      const wrong = code === 0 && stdout === 'A.' ? undefined : `ends with ${code}: ${stdout}`;
      tally.add('start and end', wrong ?? (fine ? undefined : String(error.stack)));
    }
    expect(tally.failures).toEqual([]);
  });
});

test('the process that all this happened to ends well', async () => {
  expect(await talker.wrongEnd()).toBeUndefined();
});

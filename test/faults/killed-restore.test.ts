/** Restores that are ended while their program runs, on both CPUs; and a sample of the other faults on ARM64. */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, openSync, readdirSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { processStatus } from '../../src/capture/process.js';
import { random } from '../support/random.js';
import { seed } from '../support/sampling.js';
import { build, canRun, captureAndEnd, temporaryFolder, Workload } from '../support/workload.js';
import { CaptureSweep } from './capture-sweep.js';
import { command, faultsFor, wrongEnding } from './command.js';
import { BLOCKED, Conversation } from './programs.js';
import { RestoreSweep } from './restore-sweep.js';
import { Tally } from './tally.js';

const folder = temporaryFolder();
const tmp = join(folder, 'tmp');
const cli = resolve(process.env['WAGSNAP_CLI'] ?? 'bin/wag-snap');
// the command is to be killed, not the program that it would become
const env = { ...process.env, TMPDIR: tmp, XDG_CACHE_HOME: join(folder, 'cache'), WAGSNAP_NO_EXEC: '1' };
const tally = new Tally('killed restores and ARM64').printAtEnd();
const running: ChildProcess[] = [];
const next = random(seed);
mkdirSync(tmp);
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Also whose parent, which may be the first process of a container, has not noticed. */
function hasEnded(pid: number): boolean {
  return (processStatus(pid)?.state ?? 'Z') === 'Z';
}

/** `wag-snap restore -v`, and its program's pid. */
class Restored {
  readonly conversation = new Conversation();
  private output = '';
  private expected = '';
  readonly ended: Promise<[number | null, NodeJS.Signals | null]>;

  private constructor(
    readonly child: ChildProcess,
    readonly pid: number,
    /** Its input: a named pipe, which outlives the command. */
    private readonly input: number,
  ) {
    child.stdout!.on('data', (data) => (this.output += data));
    this.ended = new Promise((done) => child.once('exit', (code, signal) => done([code, signal])));
  }

  static async start(snapshot: string, arch: string): Promise<Restored> {
    const path = join(folder, `input-${running.length}`);
    spawnSync('mkfifo', [path]);
    const input = openSync(path, 'r+');
    const args = [cli, 'restore', '-v', '--arch', arch, snapshot];
    const child = spawn(process.execPath, args, { env, stdio: [input, 'pipe', 'pipe'] });
    running.push(child);
    let stderr = '';
    const pid = await new Promise<number>((done, fail) => {
      child.stderr!.on('data', (data) => {
        stderr += data;
        const found = /^pid (\d+)$/m.exec(stderr);
        if (found) done(Number(found[1]));
      });
      child.once('exit', () => fail(new Error(stderr)));
    });
    return new Restored(child, pid, input);
  }

  async answers(): Promise<void> {
    this.expected += this.conversation.answer(120);
    writeSync(this.input, 'x');
    await expect.poll(() => this.output).toBe(this.expected);
  }
}

describe.each(['x64', 'arm64'] as const)('%s', (arch) => {
  const runs = canRun(arch);
  const snapshot = join(folder, `${arch}.wsnap`);

  async function blocked(): Promise<string> {
    const { path } = await build(Buffer.from(BLOCKED), join(folder, arch), { arch });
    return path;
  }

  test.skipIf(!runs)('a program outlives a restore that is killed, and can be captured', async () => {
    const workload = Workload.start(await blocked(), { stdin: 'pipe' });
    await workload.waitFor('A');
    await captureAndEnd(workload, snapshot);

    const restored = await Restored.start(snapshot, arch);
    await restored.answers();
    restored.child.kill('SIGKILL');
    await restored.ended;
    await restored.answers();
    // the next restore leaves alone what the program still needs
    const other = await Restored.start(snapshot, arch);
    await other.answers();
    await restored.answers();
    const output = join(folder, `${arch}-again.wsnap`);
    const outcome = await command(['capture', String(restored.pid), '-o', output], { folder });
    expect(wrongEnding(outcome, [0])).toBeUndefined();
    await restored.answers();
    process.kill(restored.pid, 'SIGKILL');
    await expect.poll(() => hasEnded(restored.pid)).toBe(true);
    tally.add(`${arch}: SIGKILL of restore`, undefined);

    // ended by a signal it takes its program and its files along
    other.child.kill('SIGTERM');
    expect(await other.ended).toEqual([null, 'SIGTERM']);
    await expect.poll(() => hasEnded(other.pid)).toBe(true);
    tally.add(`${arch}: SIGTERM to restore`, undefined);

    const last = await command(['restore', '--arch', arch, snapshot], { folder, env });
    expect(last).toMatchObject({ code: 0, stdout: '.' });
    expect(readdirSync(tmp)).toEqual([]);
  });
});

test.skipIf(!canRun('arm64'))(`a sample of all faults on ARM64, seed ${seed}`, async () => {
  const { path } = await build(Buffer.from(BLOCKED), join(folder, 'sample'), { arch: 'arm64' });
  const captures = await CaptureSweep.start(folder, path);
  const faults = faultsFor(await captures.trace(), next);
  for (let i = 0; i < faults.length; i += 11) await captures.inject(faults[i], tally);
  expect(await captures.finish()).toBeUndefined();

  const restores = RestoreSweep.make(folder, 'run', join(folder, 'arm64.wsnap'), new Conversation(), [
    '--arch',
    'arm64',
  ]);
  const steps = faultsFor(await restores.trace(), next);
  for (let i = 0; i < steps.length; i += 15) await restores.inject(steps[i], tally);
  expect(await restores.finish()).toBeUndefined();
  expect(tally.failures).toEqual([]);
});

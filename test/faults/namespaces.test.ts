/**
 * Captures of a process in another pid namespace, which does not know its capturer's pid: killed at each kind of call,
 * suspended for long, or two at once. Needs the right to make pid namespaces (root).
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { ImageProcess } from '../../src/capture/process.js';
import { STATE_PARKED } from '../../src/image/contract/runtime-block.js';
import { TH_STATE } from '../../src/image/contract/thread.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { random } from '../support/random.js';
import { seed } from '../support/sampling.js';
import { untilState } from '../support/waiting.js';
import { build, temporaryFolder, Workload } from '../support/workload.js';
import { CaptureSweep, childOf, Talker } from './capture-sweep.js';
import { command, type Fault, faultsFor, type Outcome, wrongEnding } from './command.js';
import { BLOCKED, BUSY } from './programs.js';
import { Tally } from './tally.js';

const INSIDE = ['unshare', '--pid', '--fork', '--kill-child'];
const allowed = spawnSync(INSIDE[0], [...INSIDE.slice(1), 'true']).status === 0;
if (!allowed) console.log('skipped: pid namespaces cannot be made here (unshare --pid)');
/** Longer than a process waits for its capturer to claim it. */
const LONG = 5000;

const folder = temporaryFolder();
const tally = new Tally('namespaces').printAtEnd();

describe.skipIf(!allowed)('a process of another pid namespace', () => {
  beforeAll(async () => {
    await build(Buffer.from(BLOCKED), join(folder, 'blocked'));
    await build(Buffer.from(BUSY), join(folder, 'busy'));
    await build(Buffer.from('(module (func (export "_start") unreachable))'), join(folder, 'trap'));
  });

  test(`continues when its capturer is killed, wherever that is, seed ${seed}`, { timeout: 7_200_000 }, async () => {
    const sweep = await CaptureSweep.start(folder, join(folder, 'blocked'), INSIDE);
    const faults = faultsFor(await sweep.trace(), random(seed));
    const lifeline = faults.filter(({ label }) => / \/proc\/self\/fd\/N(\/fd\/N)?$/.test(label));
    const calls = new Set(lifeline.map(({ label }) => label.split(' ')[0]));
    expect(calls).toEqual(new Set(['openSync', 'fstatSync', 'readlinkSync', 'readSync', 'statSync']));
    for (const fault of faults)
      if (fault.act === 'SIGKILL' || lifeline.includes(fault)) await sweep.inject(fault, tally);
    expect(await sweep.finish()).toBeUndefined();
    expect(tally.failures).toEqual([]);
    expect(tally.injected).toBeGreaterThan(8);
  });

  test('is held by a capturer that stands still, and by no other', async () => {
    const talker = await Talker.start(join(folder, 'busy'), INSIDE);
    const attached = await ImageProcess.attach(talker.pid);
    const isParked = () => attached.memory.u32(attached.thread + TH_STATE) === STATE_PARKED;
    for (const then of ['SIGCONT', 'SIGKILL'] as const) {
      const slow = await SlowCapture.start(talker.pid, join(folder, then));
      expect(isParked()).toBe(true);
      await sleep(LONG);
      expect(isParked()).toBe(true);
      const second = await command(['capture', String(talker.pid), '-o', join(folder, 'second')], { folder });
      expect(wrongEnding(second, [1])).toBeUndefined();
      expect(second.stderr).toMatch(/is being captured by another process: try again later/);
      expect(isParked()).toBe(true);
      const outcome = await slow.end(then);
      if (then === 'SIGCONT') {
        expect(wrongEnding(outcome, [0])).toBeUndefined();
        readSnapshot(slow.output);
      } else expect(outcome.signal).toBe('SIGKILL');
      expect(await talker.wrongAnswer()).toBeUndefined();
    }
    attached.close();
    expect(await talker.wrongEnd()).toBeUndefined();
  });

  test('continues when nobody claims it', async () => {
    const talker = await Talker.start(join(folder, 'blocked'), INSIDE);
    for (let i = 0; i < 2; i++) {
      process.kill(talker.pid, 'SIGUSR2');
      expect(await talker.wrongAnswer()).toBeUndefined();
    }
    expect(await talker.wrongEnd()).toBeUndefined();
  });

  test('is captured by one of several at once', async () => {
    const talker = await Talker.start(join(folder, 'busy'), INSIDE);
    const files = [1, 2, 3].map((n) => join(folder, `at-once-${n}`));
    const outcomes = await Promise.all(
      files.map((file) => command(['capture', String(talker.pid), '-o', file], { folder })),
    );
    outcomes.forEach((outcome, i) => {
      expect(wrongEnding(outcome, [0, 1])).toBeUndefined();
      if (outcome.code === 0) readSnapshot(files[i]);
      else expect(outcome.stderr).toMatch(/is being captured by another process/);
    });
    expect(outcomes.some(({ code }) => code === 0)).toBe(true);
    expect(await talker.wrongAnswer()).toBeUndefined();
    expect(await talker.wrongEnd()).toBeUndefined();
  });

  test('is not stopped without a descriptor for its lifeline', async () => {
    const talker = await Talker.start(join(folder, 'busy'), [...INSIDE, 'prlimit', '--nofile=4:4']);
    const args = ['capture', String(talker.pid), '--timeout', '1', '-o', join(folder, 'none')];
    let outcome = await command(args, { folder });
    for (let more = 10; more > 0 && /came to no safepoint within/.test(outcome.stderr); more--) {
      outcome = await command(args, { folder }); // it has not had its turn
    }
    expect(wrongEnding(outcome, [1])).toBeUndefined();
    expect(outcome.stderr).toMatch(/has no file descriptor left \(ulimit -n\)/);
    expect(await talker.wrongAnswer()).toBeUndefined();
    expect(await talker.wrongEnd()).toBeUndefined();
  });

  test('is captured where it has trapped, also after a capturer was killed', async () => {
    const workload = Workload.start(join(folder, 'trap'), { env: { WAGSNAP_ON_TRAP: 'park' }, through: INSIDE });
    await workload.waitForTrap();
    const pid = childOf(workload.pid);
    const slow = await SlowCapture.start(pid, join(folder, 'trapped-1'));
    const busy = await command(['capture', String(pid), '--timeout', '500ms', '-o', join(folder, 'trapped-2')], {
      folder,
    });
    expect(busy.stderr).toMatch(/is being captured by another process: try again later/);
    await slow.end('SIGKILL');
    for (const name of ['trapped-3', 'trapped-4']) {
      const outcome = await command(['capture', String(pid), '-o', join(folder, name)], { folder });
      expect(wrongEnding(outcome, [0])).toBeUndefined();
      expect(readSnapshot(join(folder, name)).snapshot.state).toBe('trapped');
    }
    workload.kill();
    await workload.ended();
  });
});

/** A capture that is suspended while the process stands still for it. */
class SlowCapture {
  private constructor(
    readonly output: string,
    private readonly pid: number,
    private readonly outcome: Promise<Outcome>,
  ) {}

  static async start(pid: number, output: string): Promise<SlowCapture> {
    const own = `${output}-command`;
    mkdirSync(own);
    // the first time is before it is asked to stop (what does it run), then its memories are read
    const fault: Fault = { label: 'openSync /proc/self/fd/N/maps', nth: 1, act: 'SIGSTOP' };
    let started = -1;
    const outcome = command(['capture', String(pid), '-o', output, '--no-tracking'], {
      folder: own,
      fault,
      onStart: (child) => (started = child),
    });
    await Promise.race([untilState(started, 'T').catch(() => outcome), outcome]);
    if (!existsSync(join(own, 'mark'))) throw new Error(`not suspended: ${JSON.stringify(await outcome)}`);
    return new SlowCapture(output, started, outcome);
  }

  end(signal: NodeJS.Signals): Promise<Outcome> {
    process.kill(this.pid, signal);
    return this.outcome;
  }
}

/**
 * Moves that break, with real processes: each side killed or suspended, the link silent or closed, at each message; each
 * disk full. At the end the program runs once, or it is parked and `ps` says so; then the advice of the tool is followed,
 * and it runs once. In the end it has printed each of its lines once.
 *
 * A test run tries some of it (the seed is printed), `npm test -- --exhaustive` all.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { processStatus } from '../../src/capture/process.js';
import { command, type Ended } from '../support/command.js';
import { type Counter, cli, ends, expectWhole, MovingCounters, receiver } from '../support/moving-counter.js';
import { sample, seed } from '../support/sampling.js';
import { temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { env, image, pids } = counters;
const relay = resolve(import.meta.dirname, '../support/breaking-relay.mjs');
const UNDECIDED = 76;

const STEPS = [
  { from: 'source', what: 'hello', kind: 1 },
  { from: 'target', what: 'welcome', kind: 32 },
  { from: 'source', what: 'the outline', kind: 16, file: 0 },
  { from: 'source', what: 'look', kind: 2 },
  { from: 'target', what: 'ready', kind: 33 },
  { from: 'source', what: 'the modules', kind: 16, file: 2 },
  { from: 'source', what: 'modules', kind: 7 },
  { from: 'target', what: 'compiled', kind: 34 },
  { from: 'source', what: 'the snapshot', kind: 16, file: 1 },
  { from: 'source', what: 'round', kind: 8 },
  { from: 'target', what: 'received', kind: 42 },
  { from: 'source', what: 'prepare', kind: 3 },
  { from: 'target', what: 'prepared', kind: 35 },
  { from: 'source', what: 'commit', kind: 4 },
  { from: 'target', what: 'running', kind: 36 },
] as const;
const FAULTS = [
  'source is killed',
  'target is killed',
  'source sleeps',
  'target sleeps',
  'nothing passes',
  'link closes',
] as const;

const cases = FAULTS.flatMap((fault) =>
  STEPS.flatMap((step) => [true, false].map((passed) => ({ fault, ...step, passed }))),
);

interface Listed {
  readonly pid: number;
  readonly args: readonly string[];
  readonly state: string;
}

/** The program's processes beside the one at home. Waits for those that are still about to begin, or to end. */
async function elsewhere(home: number): Promise<readonly number[]> {
  for (;;) {
    const { stdout } = await counters.wagSnap('ps', '--json');
    const own = (JSON.parse(stdout) as Listed[]).filter(({ pid, args }) => args[0] === image && pid !== home);
    const settled = own.filter(({ pid }) => processStatus(pid)?.state !== 'Z' && processStatus(pid) !== undefined);
    if (settled.every(({ state }) => state === 'running')) return settled.map(({ pid }) => pid);
    await sleep(20);
  }
}

/** What the tool advises is done. @returns the pid of the one that runs */
async function runsOnce(counter: Counter, ended: Ended | undefined): Promise<number> {
  const there = await elsewhere(counter.pid);
  pids.push(...there);
  expect(there.length).toBeLessThanOrEqual(1);
  const isHere = counter.child.exitCode === null && counter.child.signalCode === null;
  const state = isHere ? await counters.stateOf(counter.pid) : 'ended';
  if (state === 'kept') {
    if (ended !== undefined) {
      expect(ended.status).toBe(UNDECIDED);
      expect(ended.stderr).toContain(`wag-snap resume ${counter.pid}`);
    }
    const how = there.length === 1 ? ['--end'] : [];
    expect(await counters.wagSnap('resume', String(counter.pid), ...how)).toMatchObject({ status: 0, stderr: '' });
  } else if (ended !== undefined) {
    expect(ended.status === 0).toBe(there.length === 1);
  }
  const [pid = counter.pid] = there;
  if (there.length === 1 && state === 'running') throw new Error('it runs twice');
  return pid;
}

async function fileIs(path: string): Promise<string> {
  while (!existsSync(path)) await sleep(10);
  return readFileSync(path, 'utf8');
}

describe(`a move breaks (seed ${seed})`, () => {
  const chosen = sample(cases, FAULTS.length, ({ fault }) => fault);
  test.each(chosen)(
    '$fault at $what (passed on: $passed)',
    { timeout: 120_000 },
    async ({ what: _, fault, ...strike }) => {
      const counter = await counters.start();
      const done = join(counter.output, '..', 'done');
      const options = JSON.stringify({ ...strike, fault, done });
      // its cache is empty, so that the modules are sent
      const there = `env XDG_CACHE_HOME='${counters.ownFolder()}' '${process.execPath}' '${cli}' receive --stdio`;
      const to = `exec:exec '${process.execPath}' '${relay}' '${options}' ${there}`;
      const ended = await counters.migrate(counter.pid, counter, to, '--timeout', '2s');
      await fileIs(done);
      const isKilled = fault === 'source is killed';
      expectWhole(await ends(counter, await runsOnce(counter, isKilled ? undefined : ended)));
    },
  );
});

/** Runs a command where a folder is a file system of its own, of so many KiB. */
const tiny = (kibibytes: number, path: string, words: string) => {
  const user = process.getuid?.() === 0 ? '-m' : '-rm';
  return `unshare ${user} sh -c 'mount -t tmpfs -o size=${kibibytes}k none "${path}" && TMPDIR="${path}" exec ${words}'`;
};
const canMount = (() => {
  mkdirSync(join(folder, 'probe'), { recursive: true });
  return spawnSync('sh', ['-c', tiny(64, join(folder, 'probe'), 'true')]).status === 0;
})();

/** KiB into which nothing of a move goes: not even its outline. */
const NOTHING_FITS = 4;

describe('a disk is full', () => {
  const sizes = [64, 128, 256, 512, 768, 1024, 1536, 2048, 3072];
  const sides = ['source', 'target'];
  const some = sides.flatMap((side) => sizes.map((size) => ({ side, size })));
  const smallest = sides.map((side) => ({ side, size: NOTHING_FITS }));
  test.for([...smallest, ...sample(some, 2, ({ side }) => side)])(
    'of the $side, of $size KiB',
    { timeout: 120_000 },
    async ({ side, size }, { skip }) => {
      if (!canMount) skip('needs a mount namespace');
      const counter = await counters.start();
      const full = join(counter.output, '..', 'full');
      mkdirSync(full, { recursive: true });
      const tool = `"${process.execPath}" "${cli}"`;
      const dirs = ['--dir', `${counter.data}::/d`, '--output-dir', counter.output];
      let ended: Ended;
      if (side === 'target') {
        ended = await counters.migrate(counter.pid, counter, `exec:${tiny(size, full, `${tool} receive --stdio`)}`);
      } else {
        const to = receiver.replaceAll("'", '"').replaceAll('"', '\\"');
        const words = `${tool} migrate ${counter.pid} "${to}" ${dirs.join(' ')}`;
        ended = await command('sh', ['-c', tiny(size, full, words)], { env });
      }
      if (ended.status !== 0 || size === NOTHING_FITS) {
        expect(ended.status).toBe(1);
        expect(ended.stderr).toMatch(/the disk is full|there is room for/);
      }
      expectWhole(await ends(counter, await runsOnce(counter, ended)));
      if (existsSync(counter.output)) {
        expect(readdirSync(counter.output).filter((name) => name.startsWith('.'))).toEqual([]);
      }
    },
  );
});

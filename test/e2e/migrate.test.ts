/**
 * Moves of a program from the command line, through a receiver of this machine. After all moves, it has printed each of
 * its lines once.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { findEmulator } from '../../src/api/launch.js';
import { processStatus } from '../../src/capture/process.js';
import { type Counter, ends, expectWhole, MovingCounters, movedPid, receiver } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { temporaryFolder } from '../support/workload.js';
import { writerProgram } from '../support/writer-program.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { pids } = counters;
const other = process.arch === 'arm64' ? 'x64' : 'arm64';

const wagSnap = (...args: readonly string[]) => counters.wagSnap(...args);
const start = () => counters.start();
const migrate = (pid: number, counter: Counter, ...more: string[]) => counters.migrate(pid, counter, ...more);
const stateOf = (pid: number) => counters.stateOf(pid);

describe('a program', () => {
  test('ends here and continues there', async () => {
    const counter = await start();
    const moved = await migrate(counter.pid, counter, receiver, '-v');
    expect(moved).toMatchObject({ status: 0 });
    expect(moved.stderr).toMatch(/stood still for [\d.]+ ms, \d+ bytes were sent/);
    if (counter.child.exitCode === null) await once(counter.child, 'close');
    expect([counter.child.exitCode, counter.out.stderr]).toEqual([
      75,
      expect.stringMatching(/^wag-snap: ended by a capture; continues from pid \d+ on /),
    ]);
    expectWhole(await ends(counter, movedPid(moved)));
  });

  test('goes to the other CPU and back, three times', async ({ skip }) => {
    if (findEmulator('arm64') === undefined && process.arch !== 'arm64') skip('needs qemu-user-static');
    const counter = await start();
    let { pid } = counter;
    for (const arch of [other, process.arch, other, process.arch, other, process.arch]) {
      pid = movedPid(await migrate(pid, counter, receiver, '--arch', arch));
    }
    expectWhole(await ends(counter, pid));
  });

  test('finds each of its writes, wherever it is moved while it writes', async ({ skip }) => {
    if (findEmulator('arm64') === undefined && process.arch !== 'arm64') skip('needs qemu-user-static');
    const own = counters.ownFolder();
    const writer = join(folder, 'writer');
    writeFileSync(`${writer}.wat`, writerProgram({ pace: 20_000, last: 4 }));
    expect(await wagSnap('compile', `${writer}.wat`, '-o', writer)).toMatchObject({ status: 0 });
    const child = spawn(writer, [], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
    await new Output(child).has('ready');
    let pid = child.pid!;
    pids.push(pid);
    const rounds: number[] = [];
    for (const arch of [process.arch, other, other, process.arch]) {
      const args = ['--output-dir', own, '--arch', arch, '--json', '--downtime', '1ms'];
      const { stdout, stderr } = await wagSnap('migrate', String(pid), receiver, ...args);
      expect(stderr).toBe('');
      const events = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string; pid: number });
      pid = events.find(({ event }) => event === 'moved')!.pid;
      pids.push(pid);
      rounds.push(events.filter(({ event }) => event === 'round').length);
    }
    expect(rounds[0]).toBeGreaterThan(0); // most of it was sent while it ran
    // the last one ends by itself; a write that it does not find is a trap
    while (processStatus(pid) !== undefined && processStatus(pid)?.state !== 'Z') await sleep(5);
    const said = readdirSync(own).filter((name) => name.endsWith('.err'));
    expect(said).toHaveLength(4);
    expect(said.map((name) => readFileSync(join(own, name), 'utf8')).filter((text) => /trap/.test(text))).toEqual([]);
  });

  test('is copied, and both continue', async () => {
    const counter = await start();
    const copy = movedPid(await migrate(counter.pid, counter, receiver, '--keep'));
    expect(await stateOf(counter.pid)).toBe('running');
    const lines = await ends(counter, copy);
    expect(lines.filter((line) => line === 'end')).toHaveLength(2);
    expect(counter.child.exitCode).toBe(0);
  });

  test('is only looked at by a dry run', async () => {
    const counter = await start();
    const looked = await migrate(counter.pid, counter, receiver, '--dry-run', '--json');
    expect(looked.stderr).not.toMatch(/nothing was started/); // which the receiver would say
    expect(looked.stdout).toMatch(/^\{"event":"ready","host":/m);
    expect(looked.stdout).toMatch(/\n\{"event":"possible","host":"[^"]+"\}\n$/);
    expectWhole(await ends(counter, counter.pid));
    expect(existsSync(counter.output)).toBe(false);
  });
});

/** A program that writes to megabytes of memory, and ends after a while. */
async function startWriter(): Promise<number> {
  const writer = join(folder, 'fast-writer');
  if (!existsSync(writer)) {
    writeFileSync(`${writer}.wat`, writerProgram({ pace: 20_000, last: 30 }));
    expect(await wagSnap('compile', `${writer}.wat`, '-o', writer)).toMatchObject({ status: 0 });
  }
  const child = spawn(writer, [], { env: {}, stdio: ['ignore', 'pipe', 'ignore'] });
  await new Output(child).has('ready');
  pids.push(child.pid!);
  return child.pid!;
}

interface Event {
  readonly event: string;
  readonly [field: string]: unknown;
}

/** @returns what it prints with --json */
async function events(pid: number, ...options: readonly string[]): Promise<{ status: unknown; events: Event[] }> {
  const args = ['--output-dir', counters.ownFolder(), '--json', ...options];
  const { stdout, status } = await wagSnap('migrate', String(pid), receiver, ...args);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  const moved = events.at(-1);
  if (moved?.event === 'moved') pids.push(moved['pid'] as number);
  return { status, events };
}

describe('how it is sent', () => {
  test('compressed: fewer bytes are on the way, and no more than may be in a second', async () => {
    const pid = await startWriter();
    const started = performance.now();
    const sent = await events(pid, '--compress', '--limit-rate', '1M', '--downtime', '200ms');
    const [connected] = sent.events;
    expect(['zstd', 'brotli']).toContain(connected['codec']);
    const moved = sent.events.at(-1)!;
    expect(moved).toMatchObject({ event: 'moved' });
    expect(moved['wire']).toBeLessThan((moved['bytes'] as number) / 2);
    expect((moved['wire'] as number) / 2 ** 20 - 0.1).toBeLessThan((performance.now() - started) / 1000);
    const rounds = sent.events.filter(({ event }) => event === 'round');
    expect(rounds.map(({ round }) => round)).toEqual(rounds.map((_, n) => n + 1));
    expect(sent.events.filter(({ event }) => event === 'left')).toHaveLength(rounds.length);
  });

  test('for no longer than it may: then it is stopped, or continues here', async () => {
    const pid = await startWriter();
    // less than any pause
    const strict = ['--downtime', '1ms', '--max-time', '50ms'];
    const cancelled = await events(pid, ...strict, '--on-timeout', 'cancel');
    expect(cancelled.events.at(-1)).toMatchObject({
      event: 'failed',
      code: 'timeout',
      exitCode: 4,
      headline: expect.stringMatching(/: (after 50 ms )?it would stand still for \d+ ms, not 1$/),
      details: [`pid ${pid} continues here`],
    });
    expect([cancelled.status, await stateOf(pid)]).toEqual([4, 'running']);
    expect((await events(pid, ...strict)).events.at(-1)).toMatchObject({ event: 'moved' });
    const alone = await wagSnap('migrate', '1', 'other', '--on-timeout', 'cancel');
    expect([alone.status, alone.stderr]).toEqual([2, expect.stringMatching(/--on-timeout cancel needs --max-time/)]);
  });

  test('with the contents of its files, where that is asked for', async () => {
    const own = counters.ownFolder();
    const [here, same, other] = ['here', 'same', 'other'].map((name) => join(own, name));
    for (const dir of [here, same, other]) {
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, 'named'), dir === other ? 'not this' : 'contents');
      utimesSync(join(dir, 'named'), 1000, 1000);
    }
    const image = join(folder, 'files');
    const program = join(import.meta.dirname, '../wasi/programs/files.wasm');
    expect(await wagSnap('compile', program, '-o', image)).toMatchObject({ status: 0 });
    const child = spawn(image, [], { env: { WAGSNAP_DIR: `${here}::/` }, stdio: ['pipe', 'pipe', 'ignore'] });
    pids.push(child.pid!);
    const out = new Output(child);
    child.stdin.write('open 4 /named r\n');
    await out.has('open 4');
    const warnings = async (dir: string, ...options: string[]) => {
      const looked = await events(child.pid!, '--dry-run', '--dir', `${dir}::/`, ...options);
      return looked.events.find(({ event }) => event === 'ready')!['warnings'];
    };
    expect(await warnings(other)).toEqual([]); // of the same size and age
    expect(await warnings(same, '--hash-files')).toEqual([]);
    expect(await warnings(other, '--hash-files')).toEqual([expect.stringMatching(/contents|sha256/)]);
  });
});

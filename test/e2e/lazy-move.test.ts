/**
 * Lazy moves from the command line, through a receiver of this machine: a program that checks its pages while they come,
 * and tools that die, or are suspended, before all have come.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { findEmulator } from '../../src/api/launch.js';
import { processStatus } from '../../src/capture/process.js';
import { cli, MovingCounters, receiver } from '../support/moving-counter.js';
import { Output, untilState } from '../support/waiting.js';
import { type WalkerOptions, walkerProgram } from '../support/walker-program.js';
import { build, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const counters = new MovingCounters(folder);
const { env, pids } = counters;
const other = process.arch === 'arm64' ? 'x64' : 'arm64';
const hasOther = process.arch === 'arm64' || findEmulator('arm64') !== undefined;

interface Event {
  readonly event: string;
  readonly pid?: number;
  readonly bytes?: number;
}

/** A program at home. @returns its process, and the folder for what it prints elsewhere */
async function start(options: WalkerOptions): Promise<{ child: ChildProcess; pid: number; out: Output; own: string }> {
  const own = counters.ownFolder();
  mkdirSync(own);
  const image = join(own, 'walker');
  await build(walkerProgram(options), image);
  const child = spawn(image, [], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  const out = new Output(child);
  await out.has('ready');
  pids.push(child.pid!);
  return { child, pid: child.pid!, out, own };
}

/** A move on its way. */
class Move {
  readonly child: ChildProcess;
  stderr = '';
  readonly events: Event[] = [];
  readonly ended: Promise<number | null>;
  private rest = '';
  private wake = () => {};

  constructor(pid: number, own: string, to: string, ...more: readonly string[]) {
    const args = ['migrate', `${pid}`, to, '--output-dir', own, '--lazy', '--json', ...more];
    this.child = spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr?.on('data', (data: Buffer) => {
      this.stderr += data.toString();
    });
    this.child.stdout?.on('data', (data: Buffer) => {
      const lines = (this.rest + data.toString()).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) this.events.push(JSON.parse(line) as Event);
      this.wake();
    });
    this.ended = once(this.child, 'close').then(([code]) => {
      this.wake();
      return code as number | null;
    });
  }

  /** Waits for an event. */
  async has(name: string): Promise<Event> {
    for (;;) {
      const found = this.events.find(({ event }) => event === name);
      if (found !== undefined) return found;
      if (this.child.exitCode !== null) throw new Error(`no ${name}: ${this.stderr}`);
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  /** Waits until it runs there. @returns its pid */
  async runs(): Promise<number> {
    const { pid } = await this.has('running');
    pids.push(pid!);
    return pid!;
  }
}

async function ends(pid: number): Promise<void> {
  while (processStatus(pid) !== undefined && processStatus(pid)?.state !== 'Z') await sleep(5);
}

/** What programs have printed there, all in one. */
function printed(own: string, kind: 'out' | 'err'): string {
  const files = readdirSync(own).filter((name) => name.endsWith(`.${kind}`));
  const all = files.map((name) => readFileSync(join(own, name), 'utf8')).join('');
  return all.replaceAll(/^wag-snap: ended by a capture; continues from pid \d+ on .*\n/gm, '');
}

const LOST = /^wasm trap: pages lost: the rest of its memory was on .+ \(pid \d+\), and no more of it will ever come\n/;

test('a program finds its pages while they come, on both CPUs', async ({ skip }) => {
  if (!hasOther) skip('needs qemu-user-static');
  const { pid: first, own } = await start({ pages: 128, last: 3 });
  let pid = first;
  for (const arch of [process.arch, other, process.arch]) {
    const move = new Move(pid, own, receiver, '--arch', arch, '--limit-rate', '16M');
    pid = await move.runs();
    expect([undefined, 'arriving', 'running']).toContain(await counters.stateOf(pid));
    expect([await move.ended, move.stderr]).toEqual([0, '']);
    const names = move.events.map(({ event }) => event);
    expect(names.indexOf('running')).toBeLessThan(names.indexOf('lazy'));
    expect(names.slice(-2)).toEqual(['complete', 'moved']);
    const left = move.events.filter(({ event }) => event === 'lazy').map(({ bytes }) => bytes!);
    expect(left[0]).toBeGreaterThan(2 << 20);
    expect([left.at(-1), left]).toEqual([0, [...left].sort((a, b) => b - a)]);
  }
  await ends(pid);
  expect([printed(own, 'out'), printed(own, 'err')]).toEqual(['end\n', '']);
});

test('one that ends first needs the rest no more', async () => {
  const { pid, own, child } = await start({ pages: 128, last: 1, looks: false });
  const move = new Move(pid, own, receiver, '--limit-rate', '1M');
  await move.runs();
  expect([await move.ended, move.stderr]).toEqual([0, '']);
  if (child.exitCode === null) await once(child, 'close');
  expect([child.exitCode, printed(own, 'out')]).toEqual([75, 'end\n']);
});

/** Iterations between two visits of a program that does not need all of its pages at once. */
const SLOW = 300_000_000;
/** The same of one that has not all of them by when the tools have done something else, however slow they are. */
const SLOWER = 4_000_000_000;

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'the source dies (%s): its program ends there, and is parked here',
  async (signal) => {
    const { child, pid, own, out } = await start({ pages: 128, last: 2, idle: SLOWER });
    const move = new Move(pid, own, receiver, '--limit-rate', '50K');
    const there = await move.runs();
    const refused = await counters.wagSnap('resume', `${pid}`);
    expect([refused.status, refused.stderr]).toEqual([
      1,
      expect.stringContaining(`is being moved by pid ${move.child.pid}`),
    ]);
    if (signal === 'SIGTERM') {
      move.child.kill('SIGTERM'); // is not heard: the program there would be lost
      await sleep(100);
      expect(move.child.exitCode).toBe(null);
    }
    move.child.kill('SIGKILL');
    await move.ended;
    await ends(there);
    expect(printed(own, 'err')).toMatch(LOST);
    expect(await counters.stateOf(pid)).toBe('kept');
    expect(await counters.wagSnap('resume', `${pid}`)).toMatchObject({ status: 0 });
    const again = new Move(pid, own, receiver);
    await again.runs();
    expect(await again.ended).toBe(0);
    if (child.exitCode === null) await once(child, 'close');
    expect(out.stdout).toBe('ready\n');
  },
);

test('the receiver dies: both sides say so', async () => {
  const { pid, own } = await start({ pages: 128, last: 2, idle: SLOWER });
  const file = join(own, 'receiver');
  const to = `exec:echo $$ >'${file}'; exec '${process.execPath}' '${cli}' receive --stdio`;
  const move = new Move(pid, own, to, '--limit-rate', '50K');
  const there = await move.runs();
  process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
  expect(await move.ended).toBe(76);
  expect(move.stderr).toMatch(
    /pid \d+ on .* runs without \d+ bytes of its memory \(.* gone\); here pid \d+ stays parked/,
  );
  expect(move.stderr).toContain(`wag-snap resume ${pid} lets it continue here`);
  expect(move.events.at(-1)).toMatchObject({ event: 'failed', code: 'owing', exitCode: 76 });
  await ends(there);
  expect(printed(own, 'err')).toMatch(LOST);
  expect(await counters.stateOf(pid)).toBe('kept');
  expect(await counters.wagSnap('resume', `${pid}`, '--end')).toMatchObject({ status: 0 });
});

test('either side is suspended: the program waits', async () => {
  const { pid, own } = await start({ pages: 128, last: 1, idle: SLOW });
  const file = join(own, 'receiver');
  const to = `exec:echo $$ >'${file}'; exec '${process.execPath}' '${cli}' receive --stdio`;
  const move = new Move(pid, own, to, '--limit-rate', '1M');
  const there = await move.runs();
  for (const tool of [move.child.pid!, Number(readFileSync(file, 'utf8'))]) {
    process.kill(tool, 'SIGSTOP');
    await untilState(tool, 'T');
    await untilState(there, 'S'); // in the read of an answer
    process.kill(tool, 'SIGCONT');
  }
  expect([await move.ended, move.stderr]).toEqual([0, '']);
  await ends(there);
  expect([printed(own, 'out'), printed(own, 'err')]).toEqual(['end\n', '']);
});

/** Passes bytes on 20 ms later, at most 8 MiB a second. */
const SLOW_LINK = `
  const { spawn } = require('node:child_process');
  const [program, ...args] = process.argv.slice(2);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const pass = (from, to) => {
    let free = 0;
    const queue = []; // timers of different lengths may come in another order
    from.on('data', (data) => {
      queue.push(data);
      free = Math.max(free, performance.now()) + data.length / 8389;
      if (free > performance.now() + 10) from.pause();
      setTimeout(() => {
        to.write(queue.shift());
        from.resume();
      }, 20 + free - performance.now());
    });
    from.on('end', () => setTimeout(() => to.end(), 22 + Math.max(free - performance.now(), 0)));
    to.on('error', () => {});
  };
  pass(process.stdin, child.stdin);
  pass(child.stdout, process.stdout);
`;

test('over a slow link it runs long before its memory is there', async () => {
  const { pid, own } = await start({ pages: 256, last: 1 });
  writeFileSync(join(own, 'link.cjs'), SLOW_LINK);
  const to = `exec:'${process.execPath}' '${join(own, 'link.cjs')}' '${process.execPath}' '${cli}' receive --stdio`;
  const move = new Move(pid, own, to);
  const there = await move.runs();
  expect([await move.ended, move.stderr]).toEqual([0, '']);
  const left = move.events.filter(({ event }) => event === 'lazy').map(({ bytes }) => bytes!);
  expect(left[0]).toBeGreaterThan(8 << 20);
  await ends(there);
  expect([printed(own, 'out'), printed(own, 'err')]).toEqual(['end\n', '']);
});

test('captured or moved on while its pages come, it has all of them', async () => {
  const { pid, own } = await start({ pages: 128, last: 2 });
  const move = new Move(pid, own, receiver, '--limit-rate', '8M');
  const there = await move.runs();
  const snapshot = join(own, 'snapshot');
  const [captured, code] = await Promise.all([counters.wagSnap('capture', `${there}`, '-o', snapshot), move.ended]);
  expect([captured.status, code]).toEqual([0, 0]);
  expect(existsSync(snapshot)).toBe(true);
  expect(await counters.wagSnap('verify', snapshot)).toMatchObject({ status: 0 });
  const next = new Move(there, own, receiver);
  const last = await next.runs();
  expect([await next.ended, next.stderr]).toEqual([0, '']);
  await ends(last);
  expect([printed(own, 'out'), printed(own, 'err')]).toEqual(['end\n', '']);
});

test('what fits into no pause is sent afterwards', async () => {
  const { pid, own } = await start({ pages: 128, last: 1 });
  const args = ['--max-time', '1ms', '--on-timeout', 'lazy', '--downtime', '5ms', '--limit-rate', '20M'];
  const { status, stdout, stderr } = await counters.wagSnap(
    ...['migrate', `${pid}`, receiver, '--output-dir', own, '--json', ...args],
  );
  expect([status, stderr]).toEqual([0, '']);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
  const names = events.map(({ event }) => event);
  expect(names).toContain('round');
  expect(names).toContain('complete');
  await ends(events.find(({ event }) => event === 'moved')!.pid!);
  expect([printed(own, 'out'), printed(own, 'err')]).toEqual(['end\n', '']);
});

test('what cannot be together is refused', async () => {
  const { pid } = await start({ pages: 16, last: 9 });
  for (const [args, why] of [
    [['--lazy', '--keep'], 'a program that goes on here does not keep its pages as they are'],
    [['--lazy', '--attach'], 'its output cannot come back while its memory is sent; leave out one of them'],
    [['--lazy', '--max-time', '1s'], '--lazy with --max-time: nothing is sent beforehand'],
    [['--max-time', '1s', '--on-timeout', 'lazy', '--keep'], '--on-timeout lazy with --keep'],
  ] as const) {
    const { status, stderr } = await counters.wagSnap('migrate', `${pid}`, receiver, ...args);
    expect([status, stderr]).toEqual([2, expect.stringContaining(why)]);
  }
});

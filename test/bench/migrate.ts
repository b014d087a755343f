/**
 * `npm run bench -- migrate`: programs on their way to another receiver of this machine, by the command line and a pipe.
 * The programs write 50 MB/s, or nothing; what they have touched is in memory, and their images are in the cache.
 */

import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, folder, median, wagSnap } from './measure.js';
import { startWriter } from './tracking-pause.js';

const GIBI = 1024;
const RATE = 50_000_000;
const SMALL = 16;
const ROUNDS = 3;
const receiver = `exec:'${process.execPath}' '${resolve('bin/wag-snap')}' receive --stdio`;

interface Move {
  /** Seconds. */
  readonly downtime: number;
  readonly bytes: number;
  /** Bytes and seconds of the rounds. */
  readonly sent: number;
  readonly time: number;
  readonly pid: number;
}

/** Moves a program here. It is the caller's to end where it runs then. */
function move(pid: number): Move {
  const printed = check([...wagSnap, 'migrate', String(pid), receiver, '--json', '--output-dir', `${folder}/moved`]);
  const events = printed
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number | string>);
  const moved = events.at(-1)!;
  const rounds = events.filter(({ event }) => event === 'round');
  const sum = (field: string) => rounds.reduce((total, round) => total + Number(round[field]), 0);
  return {
    downtime: Number(moved['downtime']) / 1e6,
    bytes: Number(moved['bytes']),
    sent: sum('bytes'),
    time: sum('milliseconds') / 1000,
    pid: Number(moved['pid']),
  };
}

/** The same from here to here again and again, after a first time that fills the cache. @param then with each move */
async function moves(name: string, mebibytes: number, rate: number | undefined, then: (move: Move) => void) {
  const child = await startWriter(name, mebibytes, rate);
  let pid = child.pid!;
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const moved = move(pid);
      pid = moved.pid;
      if (round > 0) then(moved);
    }
  } finally {
    process.kill(pid, 'SIGKILL');
  }
}

/** Seconds of what one does without `migrate`: capture, copy, restore. */
async function byHand(mebibytes: number): Promise<number> {
  const child = await startWriter('by-hand', mebibytes, RATE);
  const [snapshot, copy] = [`${folder}/by-hand.wsnap`, `${folder}/by-hand-copy.wsnap`];
  const start = performance.now();
  check([...wagSnap, 'capture', String(child.pid), '--kill', '-o', snapshot]);
  check(['cp', snapshot, copy]);
  const restored = spawn(wagSnap[0], [...wagSnap.slice(1), 'restore', '-v', copy], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const pid = await startedPid(restored);
    const seconds = (performance.now() - start) / 1000;
    process.kill(pid, 'SIGKILL');
    return seconds;
  } finally {
    restored.kill('SIGKILL');
    for (const path of [snapshot, copy]) rmSync(path);
  }
}

/** The pid that `-v` prints when the program is started. */
function startedPid(restored: ChildProcessByStdio<null, null, Readable>): Promise<number> {
  let text = '';
  return new Promise((resolve, reject) => {
    restored.stderr.on('data', (data) => {
      text += data;
      const found = /^pid (\d+)$/m.exec(text);
      if (found) resolve(Number(found[1]));
    });
    restored.once('close', () => reject(new Error(`restore has ended: ${text}`)));
  });
}

/**
 * Bytes a second of a file that goes through a pipe into another one, while the program runs, as it does while it is
 * sent. Whoever calls removes a copy when the next one is complete, as a program ends here after it runs there: a copy
 * that gets the last one's memory, which the machine has at hand, takes a fifth of the time on some virtual machines.
 */
function plainCopy(path: string, to: string): number {
  const start = performance.now();
  const { status } = spawnSync('sh', ['-c', `cat '${path}' | cat > '${to}'`]);
  const seconds = (performance.now() - start) / 1000;
  if (status !== 0) throw new Error('cat has failed');
  return statSync(path).size / seconds;
}

const downtime: Figure = {
  name: 'migrate-downtime',
  title: 'downtime, 1 GiB, 50 MB/s, against capture, copy, restore',
  bar: '<= 0.05 x',
  measure: async () => {
    const times: number[] = [];
    await moves('move-large', GIBI, RATE, (move) => times.push(move.downtime));
    const hand = await byHand(GIBI);
    const value = median(times) / hand;
    const details = [`migrate: stands still for ${times.map(milliseconds).join(', ')}; by hand ${milliseconds(hand)}`];
    return { value: ratio(value), pass: value <= 0.05, details };
  },
};

const small: Figure = {
  name: 'migrate-small',
  title: `downtime of a program of ${SMALL} MiB, image cached there`,
  bar: '<= 60 ms',
  measure: async () => {
    const times: number[] = [];
    await moves('move-small', SMALL, RATE, (move) => times.push(move.downtime));
    const value = median(times);
    return { value: milliseconds(value), pass: value <= 0.06 };
  },
};

const bytes: Figure = {
  name: 'migrate-bytes',
  title: 'bytes sent / bytes touched, 1 GiB, 50 MB/s',
  bar: '<= 1.3 x',
  measure: async () => {
    const sent: number[] = [];
    await moves('move-bytes', GIBI, RATE, (move) => sent.push(move.bytes / 2 ** 30));
    const value = median(sent);
    return { value: ratio(value), pass: value <= 1.3 };
  },
};

const rate: Figure = {
  name: 'migrate-rate',
  title: 'rate of sending 1 GiB, against cat | cat > FILE',
  bar: '>= 0.7 x',
  measure: async () => {
    const [rates, copies]: number[][] = [[], []];
    const snapshot = `${folder}/plain-rate.wsnap`;
    let copy = snapshot;
    try {
      await moves('move-rate', GIBI, RATE, ({ pid, sent, time }) => {
        if (copy === snapshot) check([...wagSnap, 'capture', String(pid), '-o', snapshot]);
        const next = `${snapshot}-${rates.length}`;
        rates.push(sent / time);
        copies.push(plainCopy(snapshot, next));
        if (copy !== snapshot) rmSync(copy);
        copy = next;
      });
    } finally {
      for (const path of [snapshot, copy]) rmSync(path, { force: true });
    }
    const value = median(rates.map((rate, n) => rate / copies[n]));
    const text = (speeds: number[]) => speeds.map((speed) => (speed / 1e6).toFixed(0)).join(', ');
    return { value: ratio(value), pass: value >= 0.7, details: [`MB/s: ${text(rates)}; copies ${text(copies)}`] };
  },
};

/** A program that has touched so much, and prints a line about every millisecond. */
function printer(mebibytes: number): string {
  return `(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") ${mebibytes * 16 + 1})
    (data (i32.const 0) "\\10\\00\\00\\00\\05\\00\\00\\00")
    (data (i32.const 16) "line\\n")
    (func (export "_start") (local $at i32)
      (local.set $at (i32.const 65536))
      (loop $touch
        (i32.store (local.get $at) (local.get $at))
        (br_if $touch (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4096))) (i32.const ${mebibytes << 20}))))
      (loop $lines
        (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
        (local.set $at (i32.const 1000000))
        (loop $wait (br_if $wait (local.tee $at (i32.sub (local.get $at) (i32.const 1)))))
        (br $lines))))`;
}

/** Seconds from the command to the first line that the moved program prints. */
async function firstLine(pid: number, ...options: string[]): Promise<{ seconds: number; pid: number }> {
  const output = `${folder}/first-line`;
  rmSync(output, { recursive: true, force: true });
  const start = performance.now();
  const args = ['migrate', String(pid), receiver, '--json', '--output-dir', output, ...options];
  const child = spawn(wagSnap[0], [...wagSnap.slice(1), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const moved = text(child.stdout);
  const ended = once(child, 'close');
  const isThere = () =>
    existsSync(output) &&
    readdirSync(output).some(
      (name) => name.endsWith('.out') && (statSync(join(output, name), { throwIfNoEntry: false })?.size ?? 0) > 0,
    );
  while (!isThere()) {
    if (child.exitCode !== null) throw new Error('migrate has ended, and nothing was printed');
    await sleep(1);
  }
  const seconds = (performance.now() - start) / 1000;
  await ended;
  const last = JSON.parse((await moved).trim().split('\n').at(-1)!) as { pid: number };
  return { seconds, pid: last.pid };
}

const lazy: Figure = {
  name: 'migrate-lazy',
  title: 'lazy: first line of output, 1 GiB, against not lazy',
  bar: '<= 0.15 x',
  measure: async () => {
    const path = `${folder}/printer`;
    writeFileSync(`${path}.wat`, printer(GIBI));
    check([...wagSnap, 'compile', `${path}.wat`, '-o', path]);
    const child = spawn(path, [], { stdio: ['ignore', 'pipe', 'inherit'] });
    let pid = child.pid!;
    try {
      await once(child.stdout, 'data');
      child.stdout.resume();
      const [plain, early]: number[][] = [[], []];
      for (let round = 0; round <= ROUNDS; round++) {
        for (const [times, options] of [
          [plain, []],
          [early, ['--lazy']],
        ] as const) {
          const moved = await firstLine(pid, ...options);
          pid = moved.pid;
          if (round > 0) times.push(moved.seconds); // the first time fills the cache
        }
      }
      const value = median(early) / median(plain);
      const details = [`lazy: ${early.map(milliseconds).join(', ')}; not lazy ${plain.map(milliseconds).join(', ')}`];
      return { value: ratio(value), pass: value <= 0.15, details };
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  },
};

export const migrateFigures: readonly Figure[] = [downtime, small, bytes, rate, lazy];

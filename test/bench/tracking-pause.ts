/**
 * `npm run bench -- pause`: captures of programs that write while they are captured, against captures that copy
 * everything while the program stands still, in turns, of the same process.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMemories } from '../../src/capture/instance-state.js';
import { ImageProcess } from '../../src/capture/process.js';
import type { TrackingReport } from '../../src/snapshot/capture-report.js';
import { FIRST_GUEST } from '../../src/snapshot/snapshot.js';
import { type Figure, milliseconds, ratio } from './figure.js';
import { check, folder, median, ROUNDS, wagSnap } from './measure.js';

const RATE = 50_000_000;
/** Addresses of i64 in the program's memory. */
const COUNTER = 8;
const GAPS = [16, 24];

/**
 * A program that touches its memory, says so, and then writes pages of 4 KiB in turn, so many bytes a second, or as fast
 * as it can: what it has missed while it stood still it does not make up for. It counts what it does besides at COUNTER.
 * By its own clock it notes at GAPS the longest times that it could not run for: the longest at first, then the second.
 */
function writer(mebibytes: number, bytesPerSecond: number | undefined): string {
  const pages = mebibytes * 256 - 32;
  const wait =
    bytesPerSecond === undefined
      ? ''
      : `(loop $wait
          (call $look)
          (i64.store (i32.const ${COUNTER}) (i64.add (i64.load (i32.const ${COUNTER})) (i64.const 1)))
          (br_if $wait (i64.lt_u (i64.sub (i64.load (i32.const 0)) (local.get $start))
            (i64.const ${Math.round(4096e9 / bytesPerSecond)}))))
         (local.set $start (i64.load (i32.const 0)))`;
  return `(module
    (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") ${mebibytes * 16})
    (data (i32.const 64) "ready\\n")
    (global $last (mut i64) (i64.const 0))
    (func $look (local $gap i64)
      (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 0)))
      (local.set $gap (i64.sub (i64.load (i32.const 0)) (global.get $last)))
      (global.set $last (i64.load (i32.const 0)))
      (if (i64.gt_u (local.get $gap) (i64.load (i32.const ${GAPS[1]})))
        (then
          (i64.store (i32.const ${GAPS[1]}) (local.get $gap))
          (if (i64.gt_u (local.get $gap) (i64.load (i32.const ${GAPS[0]})))
            (then
              (i64.store (i32.const ${GAPS[1]}) (i64.load (i32.const ${GAPS[0]})))
              (i64.store (i32.const ${GAPS[0]}) (local.get $gap)))))))
    (func $page (param $n i64) (result i32)
      (i32.add (i32.const 65536) (i32.mul (i32.wrap_i64 (i64.rem_u (local.get $n) (i64.const ${pages}))) (i32.const 4096))))
    (func (export "_start") (local $done i64) (local $start i64)
      (loop $touch
        (memory.fill (call $page (local.get $done)) (i32.const 1) (i32.const 4096))
        (br_if $touch (i64.lt_u (local.tee $done (i64.add (local.get $done) (i64.const 1))) (i64.const ${pages}))))
      (i32.store (i32.const 48) (i32.const 64))
      (i32.store (i32.const 52) (i32.const 6))
      (drop (call $write (i32.const 1) (i32.const 48) (i32.const 1) (i32.const 56)))
      (drop (call $clock (i32.const 1) (i64.const 1) (i32.const 0)))
      (local.set $start (i64.load (i32.const 0)))
      (global.set $last (local.get $start))
      (local.set $done (i64.const 1))
      (loop $again
        (memory.fill (call $page (local.get $done)) (i32.wrap_i64 (local.get $done)) (i32.const 4096))
        (local.set $done (i64.add (local.get $done) (i64.const 1)))
        ${wait}
        (br $again))))`;
}

export async function startWriter(name: string, mebibytes: number, rate: number | undefined): Promise<ChildProcess> {
  const source = `${folder}/${name}.wat`;
  writeFileSync(source, writer(mebibytes, rate));
  check([...wagSnap, 'compile', source, '-o', `${folder}/${name}`]);
  const child = spawn(`${folder}/${name}`, [], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => fail(new Error(`${name} ended: ${code ?? signal}`)));
    child.stdout?.once('data', () => done());
  });
  return child;
}

interface Capture {
  readonly pause: number;
  readonly total: number;
  readonly tracking: TrackingReport | null;
}

function capture(pid: number, ...options: string[]): Capture {
  const file = `${folder}/pause.wsnap`;
  const { pause, total, tracking } = JSON.parse(
    check([...wagSnap, 'capture', String(pid), '--json', '-o', file, ...options]),
  );
  rmSync(file);
  return { pause: pause / 1e6, total: total / 1e6, tracking };
}

interface Rounds {
  readonly tracked: readonly Capture[];
  readonly still: readonly Capture[];
}

async function inTurns(name: string, mebibytes: number, rate: number | undefined): Promise<Rounds> {
  const child = await startWriter(name, mebibytes, rate);
  try {
    const tracked: Capture[] = [];
    const still: Capture[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      tracked.push(capture(child.pid!));
      still.push(capture(child.pid!, '--no-tracking'));
    }
    return { tracked, still };
  } finally {
    child.kill('SIGKILL');
  }
}

const of = (captures: readonly Capture[], what: 'pause' | 'total') => median(captures.map((one) => one[what]));

let large: Promise<Rounds> | undefined;
const largeOnce = () => {
  large ??= inTurns('writes1024', 1024, RATE);
  return large;
};

export const trackingPauses: readonly Figure[] = [
  {
    name: 'pause',
    title: 'pause, 1 GiB, written at 50 MB/s, against standing still',
    bar: '<= 0.06 x',
    measure: async () => {
      const { tracked, still } = await largeOnce();
      const value = of(tracked, 'pause') / of(still, 'pause');
      const { rounds = [], written = 0, rest = 0 } = tracked[0].tracking ?? {};
      const details = [
        `pause, 1 GiB: ${milliseconds(of(tracked, 'pause'))}, standing still ${milliseconds(of(still, 'pause'))}`,
        `rounds of ${rounds.join(', ')} bytes; ${written} written meanwhile, ${rest} left for the pause`,
      ];
      return { value: ratio(value), pass: value <= 0.06, details };
    },
  },
  {
    name: 'pause-16',
    title: 'the same, 16 MiB',
    bar: '<= 5 ms and <= 0.3 x',
    measure: async () => {
      const { tracked, still } = await inTurns('writes16', 16, RATE);
      const pause = of(tracked, 'pause');
      const value = pause / of(still, 'pause');
      return {
        value: `${milliseconds(pause)}, ${ratio(value)}`,
        pass: pause <= 0.005 && value <= 0.3,
        details: [`pause, 16 MiB: standing still ${milliseconds(of(still, 'pause'))}`],
      };
    },
  },
  {
    name: 'pause-slice',
    title: 'longest interruption of a program that is tracked',
    bar: '<= 5 ms',
    measure: async () => {
      const { tracked } = await largeOnce();
      const slice = median(tracked.map(({ tracking }) => tracking?.slice ?? Number.POSITIVE_INFINITY)) / 1e6;
      const { gaps, gapsBefore } = await besideOnce();
      const details = [
        `by the program's own clock, 1 GiB: could not run for ${gaps.map(milliseconds).join(' (the pause) and ')} ` +
          `while it was captured, for ${gapsBefore.map(milliseconds).join(' and ')} in a second before`,
      ];
      return { value: milliseconds(slice), pass: slice <= 0.005, details };
    },
  },
  {
    name: 'pause-all',
    title: 'pause, all of 256 MiB written all the time',
    bar: '<= 1.1 x',
    measure: async () => {
      const { tracked, still } = await inTurns('writes256', 256, undefined);
      const value = of(tracked, 'pause') / of(still, 'pause');
      const details = [
        `pause, all written: ${milliseconds(of(tracked, 'pause'))}, standing still ${milliseconds(of(still, 'pause'))}`,
      ];
      return { value: ratio(value), pass: value <= 1.1, details };
    },
  },
  {
    name: 'pause-total',
    title: 'whole capture, 1 GiB, against standing still',
    bar: '<= 1.5 x',
    measure: async () => {
      const { tracked, still } = await largeOnce();
      const value = of(tracked, 'total') / of(still, 'total');
      const details = [`total: ${milliseconds(of(tracked, 'total'))}, ${milliseconds(of(still, 'total'))}`];
      return { value: ratio(value), pass: value <= 1.5, details };
    },
  },
  {
    name: 'pause-speed',
    title: "a program's speed at 50 MB/s while it is captured",
    bar: '>= 0.8 x',
    measure: async () => {
      const { speed } = await besideOnce();
      return { value: ratio(speed), pass: speed >= 0.8 };
    },
  },
];

interface Beside {
  /** Of the program while it is captured, against before. */
  readonly speed: number;
  /** Seconds that the program could not run for: the longest and the second, captured and before. */
  readonly gaps: readonly number[];
  readonly gapsBefore: readonly number[];
}

let beside: Promise<Beside> | undefined;
const besideOnce = () => {
  beside ??= measureBeside();
  return beside;
};

/** What a program sees of captures, by what it notes in its memory. */
async function measureBeside(): Promise<Beside> {
  const child = await startWriter('writes1024', 1024, RATE);
  const process = await ImageProcess.attach(child.pid!);
  try {
    const { memory, base, image } = process;
    const identity = image.identity.instances[FIRST_GUEST];
    const { address } = readMemories(memory, base + identity.start, identity)[0];
    const during = async (act: () => Promise<void>) => {
      memory.write(address + GAPS[0], new Uint8Array(16));
      const from = memory.u64(address + COUNTER);
      const start = performance.now();
      await act();
      const rate = Number(memory.u64(address + COUNTER) - from) / (performance.now() - start);
      return { rate, gaps: GAPS.map((gap) => Number(memory.u64(address + gap)) / 1e9) };
    };
    const rounds: { before: Awaited<ReturnType<typeof during>>; captured: Awaited<ReturnType<typeof during>> }[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const before = await during(() => sleep(1000));
      rounds.push({ before, captured: await during(() => captureBeside(child.pid!)) });
    }
    const longest = (which: 'before' | 'captured') =>
      GAPS.map((_, i) => median(rounds.map((round) => round[which].gaps[i])));
    return {
      speed: median(rounds.map(({ before, captured }) => captured.rate / before.rate)),
      gaps: longest('captured'),
      gapsBefore: longest('before'),
    };
  } finally {
    process.close();
    child.kill('SIGKILL');
  }
}

async function captureBeside(pid: number): Promise<void> {
  const file = `${folder}/beside.wsnap`;
  const [program, ...words] = [...wagSnap, 'capture', String(pid), '-o', file];
  const child = spawn(program, words, { stdio: 'ignore' });
  const code = await new Promise((done) => child.once('exit', done));
  rmSync(file, { force: true });
  if (code !== 0) throw new Error(`capture: exit ${code}`);
}

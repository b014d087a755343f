/**
 * `npm run bench -- between`: what tracking between two incremental captures costs a program, by each way of tracking.
 *
 * The guest writes pages of 4 KiB in turn, and counts in between, so that it writes 50 MB in a second. After a capture,
 * only the first write of each page costs something. So the time of a page in the first round is compared with that in
 * later rounds: by processor time, and by the quickest of many rounds, as the machine may be busy.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { captureProcess } from '../../src/capture/capture.js';
import { readMemories } from '../../src/capture/instance-state.js';
import { ImageProcess } from '../../src/capture/process.js';
import type { TrackingWay } from '../../src/capture/written-pages.js';
import { locateAncestors } from '../../src/snapshot/chain.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { FIRST_GUEST } from '../../src/snapshot/snapshot.js';
import { type Figure, ratio } from './figure.js';
import { check, folder, median, ROUNDS, wagSnap } from './measure.js';

const RATE = 50_000_000;
const MEBIBYTES = 16;
/** What is compared is small: it takes more rounds than other figures do. */
const TURNS = 6 * ROUNDS;
const PLACES = MEBIBYTES * 256 - 16;
/** Addresses of i32 in the program's memory: pages written, and how far it counts after each. */
const WRITTEN = 8;
const COUNTS = 12;
const FIRST_COUNTS = 20_000;

const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") ${MEBIBYTES * 16})
  (data (i32.const 64) "ready\\n")
  (data (i32.const ${COUNTS}) "\\20\\4e\\00\\00") ;; FIRST_COUNTS
  (func (export "_start") (local $n i32) (local $i i32)
    (loop $again
      (memory.fill
        (i32.add (i32.const 65536) (i32.mul (i32.rem_u (local.get $n) (i32.const ${PLACES})) (i32.const 4096)))
        (local.get $n) (i32.const 4096))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const ${PLACES})))
      (if (i32.eq (local.get $n) (i32.const ${PLACES}))
        (then
          (i32.store (i32.const 48) (i32.const 64)) (i32.store (i32.const 52) (i32.const 6))
          (drop (call $write (i32.const 1) (i32.const 48) (i32.const 1) (i32.const 56)))))
      (i32.store (i32.const ${WRITTEN}) (local.get $n))
      (local.set $i (i32.load (i32.const ${COUNTS})))
      (loop $count (br_if $count (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (br $again))))`;

async function start(): Promise<ChildProcess> {
  const source = join(folder, 'between.wat');
  writeFileSync(source, PROGRAM);
  check([...wagSnap, 'compile', source, '-o', join(folder, 'between')]);
  const child = spawn(join(folder, 'between'), [], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((done, fail) => {
    child.once('error', fail);
    child.once('exit', (code, signal) => fail(new Error(`the program ended: ${code ?? signal}`)));
    child.stdout.once('data', () => done());
  });
  return child;
}

/** Nanoseconds of processor time that a process has had. */
const processorTime = (pid: number) => Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]);

/** Speeds after a capture, against those when each page has been written. */
async function measureBetween(tracking: TrackingWay): Promise<{ tracked: number[]; free: number[]; written: number }> {
  const child = await start();
  const process = await ImageProcess.attach(child.pid!);
  try {
    const { memory, base, image, pid } = process;
    const { address } = readMemories(
      memory,
      base + image.identity.instances[FIRST_GUEST].start,
      image.identity.instances[FIRST_GUEST],
    )[0];
    await process.prepareSignals(() => {});
    const pages = () => memory.u32(address + WRITTEN);
    const reach = async (count: number) => {
      while (pages() < count) await sleep(10);
    };
    /** Nanoseconds that a page takes, from now on for some pages. */
    const timeOfPage = async (count: number) => {
      const [from, time] = [pages(), processorTime(pid)];
      await reach(from + count);
      return (processorTime(pid) - time) / (pages() - from);
    };
    const wanted = (4096e9 / RATE) * (FIRST_COUNTS / (await timeOfPage(PLACES / 2)));
    memory.writeU32(address + COUNTS, Math.round(wanted));
    const [tracked, free]: number[][] = [[], []];
    const written: number[] = [];
    let parent: string | undefined;
    for (let round = 0; round <= TURNS; round++) {
      const output = join(folder, `between-${round}.wsnap`);
      const stored = parent === undefined ? undefined : await locateAncestors(readSnapshot(parent));
      const { tracking: report } = await captureProcess(process, { output, tracking, parent: stored });
      if (stored !== undefined && typeof report?.since !== 'number') throw new Error('the capture was not remembered');
      parent = output;
      const from = pages();
      tracked.push(await timeOfPage(PLACES * 0.9));
      await reach(from + PLACES + 64);
      free.push(await timeOfPage(PLACES * 0.9));
      if (report?.since) written.push(report.since);
    }
    return { tracked, free, written: median(written) };
  } finally {
    process.close();
    child.kill('SIGKILL');
  }
}

const figureOf = (way: TrackingWay): Figure => ({
  name: `between-${way}`,
  title: `speed between two incremental captures, 50 MB/s, ${way}`,
  bar: '>= 0.97 x',
  measure: async () => {
    const { tracked, free, written } = await measureBetween(way);
    const value = Math.min(...free) / Math.min(...tracked);
    const microseconds = [tracked, free].map((times) => (Math.min(...times) / 1000).toFixed(2));
    const details = [
      `between captures, ${way}: a page takes ${microseconds.join(' us, untracked ')} us; ${written} bytes written`,
    ];
    return { value: ratio(value), pass: value >= 0.97, details };
  },
});

export const speedBetween: readonly Figure[] = [figureOf('userfault'), figureOf('protect')];

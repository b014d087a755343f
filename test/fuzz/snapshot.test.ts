/**
 * Forged snapshots: 10,000 random mutations, of processes parked at all kinds of sites, are refused as the input's fault or
 * a limit, or restored to a process that runs, traps or exits, but never dies of a fatal signal.
 *
 * WAGSNAP_SEED repeats a run, WAGSNAP_ROUNDS makes it longer.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { x64 } from '../../src/arch/x64/target.js';
import { ExitCode, InputError, LimitError } from '../../src/errors.js';
import { writeResumable } from '../../src/restore/restore.js';
import { readSnapshot, readSnapshotModule } from '../../src/snapshot/format.js';
import type { FrameKind } from '../../src/snapshot/snapshot.js';
import { random } from '../support/random.js';
import { type Built, build, captureAndEnd, temporaryFolder, Workload } from '../support/workload.js';
import { SnapshotMutator } from './snapshot-mutations.js';

const seed = Number(process.env['WAGSNAP_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const rounds = Number(process.env['WAGSNAP_ROUNDS'] ?? 10_000);
/** Of the snapshots that are accepted, how many are run: starting a process takes longer than all the rest. */
const RUNS = Math.max(400, rounds / 25);
const RUN_MILLISECONDS = 400;

/** A bit of everything that a frame can hold and a reference can be in; its rest takes no time. */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory 3 5) (data (i32.const 0x20010) "text") (data $passive "more text")
  (table $t 6 12 funcref) (table $x 3 externref) (elem (i32.const 1) $double $sum $walk) (elem $later func $sum $sum)
  (global $count (mut i32) (i32.const 0)) (global $big (mut i64) (i64.const -1)) (global $fixed f64 (f64.const 0.25))
  (global $ref (mut funcref) (ref.func $double))
  (type $unary (func (param i64) (result i64)))
  (func $double (param i64) (result i64) (i64.mul (local.get 0) (i64.const 2)))
  (func $sum (param $n i64) (result i64) (local $s i64) (local $f f32) (local $r funcref)
    (local.set $r (table.get $t (i32.const 2)))
    (f64.const 1.5)
    (loop $again (param f64) (result f64)
      (local.set $s (i64.add (local.get $s) (local.get $n)))
      (local.set $f (f32.add (local.get $f) (f32.const 0.5)))
      (f64.add (f64.convert_i64_s (local.get $s)))
      (br_if $again (i64.ne (i64.const 0) (local.tee $n (i64.sub (local.get $n) (i64.const 1))))))
    (i64.trunc_sat_f64_s)
    (table.set $t (i32.const 5) (local.get $r))
    (i64.add (local.get $s)))
  (func $walk (param $n i64) (result i64)
    (if (i64.eqz (local.get $n)) (then (return (i64.extend_i32_u (memory.grow (i32.const 0))))))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i64.store (i32.add (i32.const 0x10000) (i32.mul (i32.wrap_i64 (local.get $n)) (i32.const 4096))) (local.get $n))
    (i64.add (local.get $n)
      (call_indirect $t (type $unary) (i64.sub (local.get $n) (i64.const 1))
        (select (i32.const 3) (i32.const 2) (i64.gt_u (local.get $n) (i64.const 3))))))
  (func $rest (param $n i32) (result i32 i32)
    (i64.store (i32.const 88) (i64.const 1000)) (i32.store (i32.const 80) (i32.const 1))
    (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 8))
    (local.get $n))
  (func $print (i32.store (i32.const 0) (i32.const 0x20010)) (i32.store (i32.const 4) (i32.const 4))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (func (export "_start") (local $round i32)
    (table.set $x (i32.const 1) (ref.null extern))
    (loop $again
      (global.set $big (call $walk (i64.const 9)))
      (call $rest (local.get $round)) (drop) (drop)
      (call $print)
      (br_if $again (i32.lt_u (local.tee $round (i32.add (local.get $round) (i32.const 1))) (i32.const 3))))))`;

const folder = temporaryFolder();

test(`${rounds} mutated snapshots (seed ${seed})`, { timeout: 1_200_000 }, async () => {
  const next = random(seed);
  const built = await build(Buffer.from(PROGRAM), join(folder, 'image'));
  const files = await parkedSnapshots(built);
  const mutators = files.map((file) => new SnapshotMutator(file, next));
  const outcomes = { refused: 0, restored: 0, run: 0 };
  const path = join(folder, 'mutated.wsnap');
  const output = join(folder, 'resumable');
  for (let round = 0; round < rounds; round++) {
    const file = mutators[round % mutators.length].mutate();
    writeFileSync(path, file);
    const accepted = attempt(path, built, output, () => keep(file, round));
    if (!accepted) {
      outcomes.refused++;
      continue;
    }
    outcomes.restored++;
    if (outcomes.run >= RUNS) continue;
    outcomes.run++;
    const problem = await run(output);
    if (problem !== undefined) throw new Error(`round ${round}, seed ${seed}: ${problem}; see ${keep(file, round)}`);
  }
  if (process.env['WAGSNAP_VERBOSE']) console.log(outcomes);
  expect(outcomes.refused).toBeGreaterThan(rounds * 0.2);
  expect(outcomes.restored).toBeGreaterThan(rounds * 0.02);
});

/** Reads and restores; only the two kinds of error that are somebody else's fault may end it. */
function attempt(path: string, { image, module }: Built, output: string, kept: () => string): boolean {
  try {
    const stored = readSnapshot(path);
    const bytes = readSnapshotModule(stored, stored.snapshot.modules[0]);
    if (bytes && !Buffer.from(bytes).equals(module.bytes)) throw new Error('another module with the same hash');
    writeResumable(
      stored,
      image,
      stored.snapshot.instances.map(() => module),
      { target: x64, output },
    );
    return true;
  } catch (error) {
    if (error instanceof InputError || error instanceof LimitError) return false;
    throw new Error(`seed ${seed}: ${kept()}: ${(error as Error).stack}`);
  }
}

/** Runs it for a while. Returns what is wrong, if anything is. */
async function run(image: string): Promise<string | undefined> {
  const workload = Workload.start(image);
  const timer = setTimeout(() => workload.kill(), RUN_MILLISECONDS);
  const { code, stderr } = await workload.ended();
  clearTimeout(timer);
  if (code === 'SIGKILL') return undefined;
  if (typeof code === 'string') return `it died of ${code}: ${stderr}`;
  return code === ExitCode.bug || /fatal signal/.test(stderr) ? `exit ${code}: ${stderr}` : undefined;
}

function keep(file: Buffer, round: number): string {
  const path = `/tmp/wag-snap-fuzz-${seed}-${round}.wsnap`;
  writeFileSync(path, file);
  return path;
}

/** Snapshots of the program at sites of each kind. */
async function parkedSnapshots({ path }: Built): Promise<Buffer[]> {
  const files: Buffer[] = [];
  const kinds = new Set<FrameKind>();
  for (const n of [1, 3, 6, 12, 20, 25, 30, 33, 38, 45, 50, 57, 64]) {
    const workload = Workload.start(path, { env: { WAGSNAP_PARK: String(n) } });
    const file = join(folder, `${n}.wsnap`);
    await captureAndEnd(workload, file);
    kinds.add(readSnapshot(file).snapshot.frames.site(0).kind);
    files.push(readFileSync(file));
  }
  expect([...kinds].sort()).toEqual(['entry', 'loop', 'return']);
  return files;
}

/**
 * Locals in registers at instructions that trap, of each kind and on both CPUs: they have their values, but for the one
 * that the result would have gone to, where its register may be overwritten by then.
 */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readSnapshot } from '../../src/snapshot/format.js';
import { MISSING } from '../../src/snapshot/snapshot.js';
import { build, canRun, captureAndEnd, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();

/** Instructions, and the number of the local that they set, -1 for none. */
const cases: Readonly<Record<string, readonly [code: string, result: number]>> = {
  unreachable: ['unreachable', -1],
  load: ['(local.set $i (i32.load (i32.const -4)))', 0],
  'load of a float': ['(local.set $d (f64.load (i32.const -4)))', 3],
  store: ['(i64.store (i32.const -4) (local.get $l))', -1],
  'load of a lane': ['(local.set $v (v128.load8_lane 3 (i32.const -4) (v128.const i32x4 1 2 3 4)))', 4],
  'load of a splat': ['(local.set $v (v128.load32_splat (i32.const -4)))', 4],
  divide: ['(local.set $i (i32.div_s (local.get $i) (global.get $zero)))', 0],
  overflow: ['(local.set $l (i64.div_s (i64.const 0x8000000000000000) (i64.extend_i32_s (global.get $minus))))', 1],
  'truncate to i32': ['(local.set $i (i32.trunc_f64_s (global.get $nan)))', 0],
  'truncate to u32': ['(local.set $i (i32.trunc_f64_u (f64.const 1e10)))', 0],
  'truncate to i64': ['(local.set $l (i64.trunc_f64_s (f64.const 1e30)))', 1],
  'truncate to u64': ['(local.set $l (i64.trunc_f64_u (f64.const 1e30)))', 1],
  'load of a table': ['(drop (table.get (i32.const 9)))', -1],
  'indirect call': ['(call_indirect (i32.const 0))', -1],
  'atomic operation': ['(local.set $i (i32.atomic.rmw.add (i32.const -4) (i32.const 1)))', 0],
  'unaligned one': ['(local.set $l (i64.atomic.load (local.get $i)))', 1],
  'a builtin': ['(memory.fill (i32.const -4) (local.get $i) (i32.const 9))', -1],
};

/** $i is used as well after a call, which brings the others to their slots, as in a loop. */
const program = (code: string) => `(module (memory 1) (table 1 funcref)
  (global $zero (mut i32) (i32.const 0)) (global $minus (mut i32) (i32.const -1)) (global $nan (mut f64) (f64.const nan))
  (func $use (param i32 i64 f32 f64 v128))
  (func (export "_start") (local $i i32) (local $l i64) (local $f f32) (local $d f64) (local $v v128) (local $n i32)
    (local.set $f (f32.const 0.5))
    (local.set $d (f64.const 1024))
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 3)))
      (local.set $l (i64.sub (local.get $l) (i64.extend_i32_u (local.get $i))))
      (local.set $f (f32.add (local.get $f) (f32.const 1)))
      (local.set $d (f64.mul (local.get $d) (f64.const 0.5)))
      (local.set $v (i32x4.add (local.get $v) (i32x4.splat (local.get $i))))
      (if (i32.eqz (local.get $n))
        (then (call $use (local.get $i) (local.get $l) (local.get $f) (local.get $d) (local.get $v))))
      (br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 5))))
    ${code}))`;

/** Bits, lowest word first. */
const VALUES = [
  [15, 0],
  [-45 >>> 0, 0xffffffff],
  [0x40b00000, 0],
  [0, 0x40400000],
  [45, 45, 45, 45],
  [5, 0],
];

const arches = (['x64', 'arm64'] as const).filter(canRun);
test.each(arches.flatMap((arch) => Object.keys(cases).map((name) => [name, arch] as const)))(
  '%s on %s',
  async (name, arch) => {
    const [code, result] = cases[name]!;
    const { path } = await build(Buffer.from(program(code)), join(folder, 'image'), { arch });
    const workload = Workload.start(path, { env: { WAGSNAP_ON_TRAP: 'park' } });
    await workload.waitForTrap();
    const file = join(folder, 'snapshot');
    await captureAndEnd(workload, file);
    await workload.ended();
    const { frames } = readSnapshot(file).snapshot;
    const site = frames.site(0);
    expect(site.kind).toBe('trap');
    const mayMiss = /truncate|lane/.test(name) ? result : -1;
    for (const [i, words] of VALUES.entries()) {
      if (i === mayMiss && site.locals[i] === MISSING) continue;
      expect(site.locals[i], `local ${i}`).not.toBe(MISSING);
      const { lo, hi, upper } = frames.value(0, i);
      expect([lo, hi, ...(upper ? [upper.lo, upper.hi] : [])], `local ${i}`).toEqual(words);
    }
  },
);

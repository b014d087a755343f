/** Modules as binaryen writes them with all features: run on both CPUs, captured at every site, continued on the other. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeModule } from '../../src/wasm/decode.js';
import { assembleByBinaryen } from '../support/binaryen.js';
import { seed } from '../support/sampling.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';
import { captureAtEverySite, sitesIn } from './every-site.js';

const folder = temporaryFolder();
const arches = (['x64', 'arm64'] as const).filter(canRun);

const [F_HI, F_LO, C] = [0x2360ed051fc65da4n, 0x4385df649fccf645n, 0xda3e39cb94b95bdbn];

const COMPACT_IMPORTS = readFileSync(join(import.meta.dirname, 'compact-imports.wasm'));

/** A generator of numbers of 128 bits, x -> x * F + C, and the difference and signed product of two of its halves. */
const WIDE_ARITHMETIC = assembleByBinaryen(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\08\\00\\00\\00\\21\\00\\00\\00")
  (func $digits (param $at i32) (param $value i64) (local $i i32) (local $digit i32)
    (loop $next
      (local.set $digit (i32.wrap_i64 (i64.shr_u (local.get $value) (i64.const 60))))
      (i32.store8
        (i32.add (local.get $at) (local.get $i))
        (i32.add
          (local.get $digit)
          (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
      (local.set $value (i64.shl (local.get $value) (i64.const 4)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 16)))))
  (func $print (param $lo i64) (param $hi i64)
    (call $digits (i32.const 8) (local.get $hi))
    (call $digits (i32.const 24) (local.get $lo))
    (i32.store8 (i32.const 40) (i32.const 10))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 48))))
  (func $next (param $lo i64) (param $hi i64) (result i64 i64)
    (local $a i64) (local $b i64)
    (i64.mul_wide_u (local.get $lo) (i64.const ${F_LO})) (local.set $b) (local.set $a)
    (i64.add128
      (local.get $a)
      (i64.add
        (local.get $b)
        (i64.add
          (i64.mul (local.get $lo) (i64.const ${F_HI}))
          (i64.mul (local.get $hi) (i64.const ${F_LO}))))
      (i64.const ${C})
      (i64.const 0)))
  (func (export "_start")
    (local $i i32) (local $lo i64) (local $hi i64) (local $a i64) (local $b i64)
    (loop $again
      (call $next (local.get $lo) (local.get $hi)) (local.set $hi) (local.set $lo)
      (call $print (local.get $lo) (local.get $hi))
      (i64.sub128 (local.get $lo) (local.get $hi) (local.get $hi) (local.get $lo)) (local.set $b) (local.set $a)
      (call $print (local.get $a) (local.get $b))
      (i64.mul_wide_s (local.get $lo) (local.get $hi)) (local.set $b) (local.set $a)
      (call $print (local.get $a) (local.get $b))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))))`);

function wideNumbers(): string {
  const lines: bigint[] = [];
  const low = (x: bigint) => BigInt.asUintN(64, x);
  for (let x = 0n, i = 0; i < 6; i++) {
    x = BigInt.asUintN(128, x * ((F_HI << 64n) | F_LO) + C);
    const [lo, hi] = [low(x), x >> 64n];
    lines.push(x, x - ((lo << 64n) | hi), BigInt.asIntN(64, lo) * BigInt.asIntN(64, hi));
  }
  return lines.map((line) => `${BigInt.asUintN(128, line).toString(16).padStart(32, '0')}\n`).join('');
}

const PROGRAMS = [
  ['compact imports', COMPACT_IMPORTS, { stdout: 'A\nB\nC\nD\nE\n', code: 5 }],
  ['wide arithmetic', WIDE_ARITHMETIC, { stdout: wideNumbers(), code: 0 }],
] as const;

test('binaryen writes compact imports', () => {
  expect(COMPACT_IMPORTS.toString('latin1').split('wasi_snapshot_preview1')).toHaveLength(3); // two groups
  expect(decodeModule(COMPACT_IMPORTS).imports.map(({ name }) => name)).toEqual([
    'fd_write',
    'fd_read',
    'proc_exit',
    'sched_yield',
  ]);
});

for (const [name, bytes, ending] of PROGRAMS) {
  const own = name.replaceAll(' ', '-');

  test.each(arches)(`${name}: run, %s`, async (arch) => {
    const { path } = await build(bytes, join(folder, `${own}-${arch}`), { arch });
    expect(await Workload.start(path).ended()).toMatchObject(ending);
  });

  test.runIf(arches.length === 2)(`${name}: continues on the other CPU from every site, seed ${seed}`, async () => {
    const x64 = await build(bytes, join(folder, `${own}-there`), { arch: 'x64' });
    const arm64 = await build(bytes, join(folder, `${own}-back`), { arch: 'arm64' });
    const there = await captureAtEverySite(x64, folder, {}, { reached: 12, seed }, arm64);
    expect(there.failures).toEqual([]);
    const back = await captureAtEverySite(arm64, folder, {}, 1000, x64, sitesIn(arm64, x64, there.reached));
    expect(back.failures).toEqual([]);
    expect(back.reached.length).toBeGreaterThan(3);
  });
}

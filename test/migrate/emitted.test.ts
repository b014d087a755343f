/**
 * Modules as binaryen writes them with all features, and a component: run on both CPUs, captured at every site, continued on the other
 * CPU.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadInterfaces } from '../../src/api/interfaces.js';
import { decodeComponent } from '../../src/wasm/component/decode.js';
import { instantiate } from '../../src/wasm/component/instantiate.js';
import { linkedProgram } from '../../src/wasm/component/native.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { assembleByBinaryen } from '../support/binaryen.js';
import { seed } from '../support/sampling.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';
import { castsProgram } from './casts.js';
import { captureAtEverySite, sitesIn } from './every-site.js';
import { subtypesProgram } from './subtypes.js';

const folder = temporaryFolder();
const arches = (['x64', 'arm64'] as const).filter(canRun);

const [F_HI, F_LO] = [0x2360ed051fc65da4n, 0x4385df649fccf645n];
const [C_HI, C_LO] = [0x58515f4200000000n, 0xda3e39cb94b95bdbn]; // its lowest half word is zero

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
      (i64.const ${C_LO})
      (i64.const ${C_HI})))
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
    x = BigInt.asUintN(128, x * ((F_HI << 64n) | F_LO) + ((C_HI << 64n) | C_LO));
    const [lo, hi] = [low(x), x >> 64n];
    lines.push(x, x - ((lo << 64n) | hi), BigInt.asIntN(64, lo) * BigInt.asIntN(64, hi));
  }
  return lines.map((line) => `${BigInt.asUintN(128, line).toString(16).padStart(32, '0')}\n`).join('');
}

/**
 * A memory with pages of a byte that grows by odd numbers of them, across 64 KiB: each time its last bytes are written,
 * those after its old end must be zero, and the sum of all of it is printed, and another memory's.
 */
const SMALL_PAGES = assembleByBinaryen(`(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory $main (export "memory") 65501 200003 (pagesize 1))
  (memory $other i64 7 20 (pagesize 1))
  (data (memory $main) (i32.const 0) "\\08\\00\\00\\00\\05\\00\\00\\00")
  (data (memory $other) (i64.const 3) "\\01\\02\\03\\04")
  (func $print (param $n i32) (local $at i32)
    (local.set $at (i32.const 12))
    (i32.store8 (local.get $at) (i32.const 10))
    (loop $next
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $next (i32.gt_u (local.get $at) (i32.const 8))))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
  (func $sum (result i32) (local $at i32) (local $sum i32)
    (local.set $at (i32.const 20))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (memory.size $main))))
    (local.get $sum))
  (func (export "_start") (local $i i32) (local $old i32)
    (loop $again
      (local.set $old (memory.grow $main (i32.const 17)))
      (if (i64.ne (i64.load (local.get $old)) (i64.const 0)) (then (call $proc_exit (i32.const 1))))
      (i64.store (i32.sub (memory.size $main) (i32.const 8)) (i64.const 0x0101010101010101))
      (drop (memory.grow $other (i64.const 1)))
      (i64.store8 $other (i64.sub (memory.size $other) (i64.const 1)) (i64.const 100))
      (call $print (call $sum))
      (call $print (memory.size $main))
      (call $print (i32.wrap_i64 (i64.load $other (i64.sub (memory.size $other) (i64.const 8)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (call $proc_exit (i32.const 21))))`);

function smallPages(): string {
  const other = [0, 0, 0, 1, 2, 3, 4];
  return [1, 2, 3, 4]
    .map((i) => {
      other.push(100);
      const bytes = Uint8Array.from(other.slice(-8));
      const last = new DataView(bytes.buffer).getUint32(0, true);
      return [8 * i, 65501 + 17 * i, last].map((n) => `${String(n % 10_000).padStart(4, '0')}\n`).join('');
    })
    .join('');
}

/** A program for preview 1 with its adapter, and our interfaces below: several instances as one module. */
function linkedComponent(): Uint8Array {
  const bytes = readFileSync(join(import.meta.dirname, '../../fixtures/components/readline.wasm'));
  const component = decodeComponent(bytes, 'component');
  return linkedProgram(component, instantiate(component), loadInterfaces()).bytes;
}

const PROGRAMS = [
  ['compact imports', COMPACT_IMPORTS, { stdout: 'A\nB\nC\nD\nE\n', code: 5 }],
  ['wide arithmetic', WIDE_ARITHMETIC, { stdout: wideNumbers(), code: 0 }],
  ['custom page sizes', SMALL_PAGES, { stdout: smallPages(), code: 21 }],
  [
    'subtypes',
    assembleByBinaryen(subtypesProgram('(call $proc_exit (i32.const 42))')),
    { stdout: '', stderr: '', code: 42 },
  ],
  ['casts', assembleByBinaryen(castsProgram()), { stdout: '', stderr: '', code: 42 }],
  ['a linked component', linkedComponent(), { stdout: 'readline ready\nreadline end after 0 lines\n', code: 0 }],
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
    const there = await captureAtEverySite(x64, folder, {}, { reached: 8, seed }, arm64);
    expect(there.failures).toEqual([]);
    const back = await captureAtEverySite(arm64, folder, {}, 1000, x64, sitesIn(arm64, x64, there.reached));
    expect(back.failures).toEqual([]);
    expect(back.reached.length).toBeGreaterThan(3);
  });
}

describe('a function of another type than the call says traps', () => {
  const call = (type: string, index: number) =>
    `(drop (call_indirect $table (type ${type}) (i32.const 0) (ref.null $base) (i32.const ${index})))`;
  const MISMATCH = 'indirect call type mismatch';
  const programs: [string, string, string][] = [
    ['a supertype', call('$mid', 0), MISMATCH],
    ['a sibling', call('$mid', 3), MISMATCH],
    ['a supertype of a final type', call('$leaf', 1), MISMATCH],
    ['one of equal structure', call('$base', 4), MISMATCH],
    ['a final type of equal structure', call('$plain', 0), MISMATCH],
    ['nothing', call('$base', 6), 'uninitialized element'],
  ];
  for (const arch of arches) {
    test.each(programs)(`%s, ${arch}`, async (_, code, message) => {
      const program = assembleByBinaryen(subtypesProgram(`${code} (call $proc_exit (i32.const 42))`));
      const { path } = await build(program, join(folder, `mismatch-${arch}`), { arch });
      const { code: status, stderr } = await Workload.start(path).ended();
      expect(status).toBe(134);
      expect(stderr).toContain(message);
    });
  }
});

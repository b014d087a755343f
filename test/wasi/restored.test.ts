/**
 * wag_snap_restored: called once after each restore, before the program continues, wherever it was captured. Captured in
 * the middle of it, too, at each of its safepoints, and continued on either CPU.
 */

import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import type { ArchName } from '../../src/arch/masm/target.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { random } from '../support/random.js';
import { sample, seed } from '../support/sampling.js';
import {
  type Built,
  build,
  canRun,
  captureAndEnd,
  restoreAndStart,
  temporaryFolder,
  Workload,
} from '../support/workload.js';

const folder = temporaryFolder();

/** `put` prints a letter, a number of nine digits and a line end. The hook needs a buffer of its own, as a signal handler would. */
const PUT = `
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (func $put (param $at i32) (param $letter i32) (param $n i32) (local $i i32)
    (i32.store8 offset=64 (local.get $at) (local.get $letter))
    (local.set $i (i32.add (local.get $at) (i32.const 73)))
    (loop $digit
      (i32.store8 (local.get $i) (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10))))
      (local.set $n (i32.div_u (local.get $n) (i32.const 10)))
      (br_if $digit (i32.gt_u
        (local.tee $i (i32.sub (local.get $i) (i32.const 1)))
        (i32.add (local.get $at) (i32.const 64)))))
    (i32.store8 offset=74 (local.get $at) (i32.const 10))
    (i32.store (local.get $at) (i32.add (local.get $at) (i32.const 64)))
    (i32.store offset=4 (local.get $at) (i32.const 11))
    (drop (call $write (i32.const 1) (local.get $at) (i32.const 1) (i32.add (local.get $at) (i32.const 8)))))`;

/**
 * The program has values of all kinds in locals and operands, deep and shallow; the hook too, and it counts its calls,
 * which the program prints at its end.
 */
const SOURCE = `(module ${PUT}
  (memory (export "memory") 1)
  (table 2 funcref)
  (elem (i32.const 0) $mix)
  (type $mixing (func (param i32 i64 f64) (result i32)))
  (global $hooked (mut i32) (i32.const 0))
  (func $mix (param $n i32) (param $wide i64) (param $float f64) (result i32) (local $vector v128)
    (if (i32.eqz (local.get $n)) (then (return (i32.wrap_i64 (local.get $wide)))))
    (local.set $vector (i64x2.splat (local.get $wide)))
    (i32.add
      (i32.trunc_f64_s (local.get $float))
      (call_indirect (type $mixing)
        (i32.sub (local.get $n) (i32.const 1))
        (i64.add (i64x2.extract_lane 1 (local.get $vector)) (i64.extend_i32_u (local.get $n)))
        (f64.add (local.get $float) (f64.const 1.5))
        (i32.const 0))))
  (func (export "wag_snap_restored") (local $i i32) (local $sum i64) (local $float f64)
    (global.set $hooked (i32.add (global.get $hooked) (i32.const 1)))
    (local.set $float (f64.const 0.5))
    (loop $again
      (local.set $float (f64.add (local.get $float) (f64.const 2)))
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u
        (call $mix (i32.const 2) (i64.const 100) (local.get $float)))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 3))))
    (call $put (i32.const 1024) (i32.const 104) (i32.wrap_i64 (local.get $sum))))
  (func (export "_start") (local $i i32) (local $sum i32) (local $vector v128)
    (local.set $vector (i32x4.splat (i32.const 7)))
    (loop $again
      (i32.const 1000)
      (call $mix (local.get $i) (i64.const 5) (f64.const 2.5))
      (local.set $sum (i32.add (local.get $sum) (i32.add)))
      (local.set $vector (i32x4.add (local.get $vector) (local.get $vector)))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4))))
    (call $put (i32.const 0) (i32.const 97) (i32.add (local.get $sum) (i32x4.extract_lane 2 (local.get $vector))))
    (call $put (i32.const 0) (i32.const 98) (global.get $hooked))))`;

const SAFEPOINTS = 40;
/** Of the hook, and some of the program after it. */
const HOOK_SAFEPOINTS = 20;
const images = new Map<ArchName, Built>();
let files = 0;
const file = () => join(folder, `${++files}`);
let plain: string;

beforeAll(async () => {
  for (const arch of ['x64', 'arm64'] as const) {
    if (canRun(arch)) images.set(arch, await build(Buffer.from(SOURCE), join(folder, arch), { arch }));
  }
  plain = (await Workload.start(images.get(own)!.path).ended()).stdout;
  expect(plain).toMatch(/^a\d{9}\nb000000000\n$/);
});

const number = (n: number) => `${n}`.padStart(9, '0');
const HOOK = `h${number(2 + 4 + (4 + 6) + (6 + 8) + 3 * 103)}\n`;

/** All that was printed: the hook's line for each call, the program's lines. It may have read the count before a call. */
function expectOutput(pieces: readonly string[], calls: number): void {
  const text = pieces.join('');
  expect(text.match(/^h.*\n/gm) ?? []).toEqual(Array(calls).fill(HOOK));
  const own = text.replaceAll(/^h.*\n/gm, '');
  expect(own.replace(/^b.*\n/m, '')).toBe(plain.replace(/^b.*\n/m, ''));
  expect(Number(/^b(\d{9})\n/m.exec(own)?.[1])).toBeLessThanOrEqual(calls);
}

/** @returns false when the program has fewer safepoints, and has ended */
async function parkedAndEnded(workload: Workload, to: string, pieces: string[]): Promise<boolean> {
  const code = await captureAndEnd(workload, to).then(
    () => 75,
    () => 0,
  );
  const ending = await workload.ended();
  expect(ending.code, ending.stderr).toBe(code);
  pieces.push(ending.stdout);
  return code === 75;
}

const own = process.arch as ArchName;

test('of linked modules only the main one’s is called; a hook that traps ends the program', async () => {
  const library = `(module (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (func (export "wag_snap_restored") (unreachable))
    (func (export "wait") (drop (call $yield)) (drop (call $yield))))`;
  const main = (hook: string) => `(module (import "lib" "wait" (func $wait)) ${PUT}
    (memory (export "memory") 1)
    (func (export "wag_snap_restored") ${hook})
    (func (export "_start") (call $wait) (call $put (i32.const 0) (i32.const 97) (i32.const 5))))`;
  const put = '(call $put (i32.const 1024) (i32.const 104) (i32.const 6))';
  for (const [hook, code, stdout] of [
    [put, 0, `h${number(6)}\na${number(5)}\n`],
    ['unreachable', 134, ''],
  ] as const) {
    const built = await build(Buffer.from(main(hook)), file(), { arch: own, linked: { lib: library } });
    const one = Workload.start(built.path, { env: { WAGSNAP_PARK: '2' } });
    const snapshot = file();
    await captureAndEnd(one, snapshot);
    const ending = await (await restoreAndStart(snapshot, built, file())).ended();
    expect(ending).toMatchObject({ code, stdout });
    if (code === 134)
      expect(ending.stderr).toMatch(/wasm trap: unreachable[\s\S]*wag_snap_restored|wasm trap: unreachable/);
  }
});

test('frames of a hook are refused where the module has no hook', async () => {
  const built = images.get(own)!;
  const [first, second] = [file(), file()];
  await captureAndEnd(Workload.start(built.path, { env: { WAGSNAP_PARK: '9' } }), first);
  await captureAndEnd(await restoreAndStart(first, built, file(), { env: { WAGSNAP_PARK: '3' } }), second);
  const other = await build(Buffer.from(SOURCE.replace('wag_snap_restored', 'wag_snap_reserved')), file(), {
    arch: own,
  });
  await expect(restoreAndStart(second, other, file())).rejects.toThrow('is not the wag_snap_restored function');
});

test('one that takes or gives something is refused', async () => {
  const source = '(module (func (export "wag_snap_restored") (param i32)) (func (export "_start")))';
  await expect(build(Buffer.from(source), file())).rejects.toThrow(
    'exports wag_snap_restored, which must be a function without parameters and results',
  );
});

test.runIf(process.arch === 'x64' && canRun('arm64'))(
  `at every safepoint of both, seed ${seed}`,
  { timeout: 3_600_000 },
  async () => {
    const [x64, arm64] = [images.get('x64')!, images.get('arm64')!];
    const next = random(seed);
    const points = Array.from({ length: SAFEPOINTS }, (_, n) => n + 1);
    const pairs = points.flatMap((n) => points.slice(0, HOOK_SAFEPOINTS).map((m) => ({ n, m })));
    let inHook = 0;
    for (const { n, m } of sample(pairs, 16, () => '', next)) {
      const [first, second] = [file(), file()];
      const one = Workload.start(x64.path, { env: { WAGSNAP_PARK: `${n}` } });
      const pieces: string[] = [];
      if (!(await parkedAndEnded(one, first, pieces))) continue;
      const two = await restoreAndStart(first, x64, file(), { env: { WAGSNAP_PARK: `${m}` } });
      if (!(await parkedAndEnded(two, second, pieces))) continue;
      const { frames } = readSnapshot(second).snapshot;
      if (frames.suspended !== undefined) inHook++;
      for (const built of [x64, arm64]) {
        const three = await restoreAndStart(second, built, file());
        const ending = await three.ended();
        expect(ending, `${n}, ${m}`).toMatchObject({ code: 0, stderr: '' });
        expectOutput([...pieces, ending.stdout], frames.suspended === undefined ? 2 : 1);
      }
    }
    expect(inHook).toBeGreaterThan(3);
  },
);

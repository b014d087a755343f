/**
 * Programs with their host layer, on both CPUs: what their instances, records, segments and memories are when they run.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArchName } from '../../../../src/arch/masm/target.js';
import { targets } from '../../../../src/arch/targets.js';
import { areaSize } from '../../../../src/compile/stubs/host-call.js';
import { build, canRun, temporaryFolder, Workload } from '../../../support/workload.js';

const folder = temporaryFolder();
mkdirSync(join(folder, 'directory'));
writeFileSync(join(folder, 'directory/file'), 'x');

const WASI = (name: string, type: string) => `(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`;
const EXIT = WASI('proc_exit', '(param i32)');

/** Each check gives 0 when it holds; the first that does not is the exit code. */
const checks = (...all: string[]) =>
  all.map((check, i) => `(if ${check} (then (call $proc_exit (i32.const ${i + 1}))))`).join('\n');

async function run(arch: ArchName, name: string, main: string, linked: Readonly<Record<string, string>> = {}) {
  const { path } = await build(Buffer.from(`(module ${main})`), join(folder, `${name}-${arch}`), { arch, linked });
  const dirs = [{ host: join(folder, 'directory'), guest: '/d', readOnly: false }];
  expect(await Workload.start(path, { dirs }).ended()).toEqual({ stdout: '', stderr: '', code: 0 });
}

for (const arch of ['x64', 'arm64'] as const) {
  const onArch = (name: string, body: () => Promise<void>) =>
    test(`${arch}: ${name}`, async ({ skip }) => {
      if (!canRun(arch)) skip(`nothing here runs code for ${arch}`);
      await body();
    });

  onArch('a host function with arguments on the stack; the instance is the caller again after it', () =>
    run(
      arch,
      'path_open',
      `${EXIT} ${WASI('path_open', '(param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)')}
      (memory 1) (data (i32.const 16) "file") (global $g (mut i32) (i32.const 77))
      (func (export "_start") (local $kept i32)
        (local.set $kept (i32.const 1234))
        (i32.store (i32.const 64) (i32.const -1))
        ${checks(
          '(call $path_open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 64))',
          '(i32.ne (i32.load (i32.const 64)) (i32.const 4))',
          '(i32.ne (global.get $g) (i32.const 77))',
          '(i32.ne (local.get $kept) (i32.const 1234))',
        )})`,
    ),
  );

  onArch('a function of another instance has its own globals and memory, also through a table', () =>
    run(
      arch,
      'instances',
      `${EXIT} (import "library" "next" (func $next (param i32) (result i32)))
      (type $f (func (param i32) (result i32))) (type $other (func (result i32)))
      (memory 1) (global $g (mut i32) (i32.const 1000)) (table funcref (elem $next $own))
      (func $own (param i32) (result i32) (i32.add (local.get 0) (global.get $g)))
      (func (export "_start")
        (i32.store (i32.const 0) (i32.const 500))
        ${checks(
          '(i32.ne (call $next (i32.const 1)) (i32.const 8))',
          '(i32.ne (call_indirect (type $f) (i32.const 1) (i32.const 0)) (i32.const 9))',
          '(i32.ne (call_indirect (type $f) (i32.const 1) (i32.const 1)) (i32.const 1001))',
          '(i32.ne (i32.load (i32.const 0)) (i32.const 500))',
        )})`,
      {
        library: `(module (memory 1) (global $count (mut i32) (i32.const 7))
          (func $unused (result i32) (i32.const 0))
          (func (export "next") (param i32) (result i32)
            (i32.store (i32.const 0) (i32.add (global.get $count) (local.get 0)))
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (i32.load (i32.const 0))))`,
      },
    ),
  );

  onArch('a tail call that overwrites the stack parameter that it reads, which is in the first slot', () => {
    const inRegisters = targets[arch].plan.argInts.length;
    const args = (first: number, slot0: string, slot1: string) =>
      `(i32.const ${first}) ${'(i32.const 0)'.repeat(inRegisters - 1)} ${slot0} ${slot1}`;
    return run(
      arch,
      'tail-call',
      `${EXIT} (func $f (param ${'i32 '.repeat(inRegisters + 2)}) (result i32)
        (if (local.get 0) (then (return_call $f ${args(0, '(i32.const 5)', `(local.get ${inRegisters})`)})))
        (i32.add (i32.mul (local.get ${inRegisters + 1}) (i32.const 100)) (local.get ${inRegisters})))
      (func (export "_start")
        ${checks(`(i32.ne (call $f ${args(1, '(i32.const 42)', '(i32.const 9)')}) (i32.const 4205))`)})`,
    );
  });

  onArch('data segments of odd lengths, active and passive, to their last byte', () =>
    run(
      arch,
      'segments',
      `${EXIT} (memory 1)
      (data (i32.const 100) "abcde") (data (i32.const 200) "fgh") (data $passive "ijklmnopq")
      (func (export "_start")
        (memory.init $passive (i32.const 300) (i32.const 0) (i32.const 9))
        ${checks(
          '(i32.ne (i32.load8_u (i32.const 104)) (i32.const 101))',
          '(i32.load8_u (i32.const 105))',
          '(i32.ne (i32.load (i32.const 200)) (i32.const 0x686766))',
          '(i32.ne (i32.load8_u (i32.const 300)) (i32.const 105))',
          '(i32.ne (i32.load8_u (i32.const 308)) (i32.const 113))',
          '(i32.load8_u (i32.const 309))',
        )})`,
    ),
  );

  onArch('a memory with 64-bit addresses reaches beyond what one with 32-bit ones could', () =>
    run(
      arch,
      'memory64',
      `${EXIT} (memory i64 1 0x40000)
      (func (export "_start")
        ${checks(
          '(i64.ne (memory.grow (i64.const 0x2ffff)) (i64.const 1))',
          '(i64.ne (memory.size) (i64.const 0x30000))',
        )}
        (i64.store (i64.const 0x2c0000000) (i64.const -5))
        (i64.store (i64.const 0x2fffffff8) (i64.const -6))
        ${checks(
          '(i64.ne (i64.load (i64.const 0x2c0000000)) (i64.const -5))',
          '(i64.ne (i64.load (i64.const 0x2fffffff8)) (i64.const -6))',
        )})`,
    ),
  );
}

test('an outgoing area keeps the stack pointer a multiple of 16', () => {
  expect([0, 1, 2, 3, 9].map(areaSize)).toEqual([0, 16, 16, 32, 80]);
});

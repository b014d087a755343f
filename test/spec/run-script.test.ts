/** The runner must not pass wrong results: scripts in which every assertion is false, and scripts of our own. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Assembler, createAssembler } from '../support/wast.js';
import { runScript } from './run-script.js';
import { specTarget } from './targets.js';

const target = process.platform === 'linux' ? specTarget(process.arch) : undefined;

const MODULE = `(module $m
  (memory 1) (table (export "table") 2 funcref) (global (export "g") i32 (i32.const 7))
  (func (export "i32") (result i32) (i32.const 1))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "extern") (param externref) (result externref) (local.get 0))
  (global (export "v") v128 (v128.const i32x4 1 2 3 4))
  (func (export "v128") (param v128) (result v128) (local.get 0))
  (func (export "mixed") (param i32 v128 i32) (result i32 v128 i32) (local.get 0) (local.get 1) (local.get 2))
  (func (export "two") (result i32 i64) (i32.const 1) (i64.const 2))
  (func (export "nothing"))
  (func (export "trap") (unreachable))
  (func $recurse (export "recurse") (call $recurse)))\n`;

describe.runIf(target !== undefined)('script runner', () => {
  let assemble: Assembler;
  let folder: string;

  beforeAll(async () => {
    assemble = await createAssembler();
    folder = mkdtempSync(join(tmpdir(), 'wagsnap-spec-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (text: string) => runScript('test.wast', Buffer.from(text), { target: target!, assemble, folder });

  it.each([
    '(assert_return (invoke "i32") (i32.const 2))',
    '(assert_return (invoke "i32"))',
    '(assert_return (invoke "nothing") (i32.const 0))',
    '(assert_return (invoke "two") (i32.const 1) (i64.const 3))',
    '(assert_return (invoke "two") (i32.const 1))',
    '(assert_return (invoke "trap"))',
    '(assert_return (invoke "absent"))',
    '(assert_return (get "g") (i32.const 8))',
    '(assert_return (get "absent") (i32.const 8))',
    '(assert_return (invoke "f32" (f32.const -0)) (f32.const 0))',
    '(assert_return (invoke "f32" (f32.const 1)) (f32.const nan:arithmetic))',
    '(assert_return (invoke "f32" (f32.const nan:0x400001)) (f32.const nan:canonical))',
    '(assert_return (invoke "f32" (f32.const nan:0x200000)) (f32.const nan:arithmetic))',
    '(assert_return (invoke "f64" (f64.const inf)) (f64.const nan:canonical))',
    '(assert_return (invoke "f64" (f64.const nan:0x8000000000001)) (f64.const nan:canonical))',
    '(assert_return (invoke "f64" (f64.const 0x1.0000000000001p0)) (f64.const 1))',
    '(assert_return (invoke "extern" (ref.extern 0)) (ref.null extern))',
    '(assert_return (invoke "extern" (ref.null extern)) (ref.extern 0))',
    '(assert_return (invoke "extern" (ref.extern 2)) (ref.extern 3))',
    '(assert_return (invoke "extern" (ref.null extern)) (ref.extern))',
    '(assert_return (invoke "v128" (v128.const i64x2 1 2)) (v128.const i64x2 2 1))',
    '(assert_return (invoke "v128" (v128.const i64x2 1 2)) (i64.const 1) (i64.const 2))',
    '(assert_return (invoke "v128" (v128.const i64x2 1 2)) (either (v128.const i64x2 1 3) (v128.const i64x2 3 2)))',
    '(assert_return (invoke "v128" (v128.const i8x16 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1)) (v128.const i32x4 0 0 0 0))',
    '(assert_return (invoke "v128" (v128.const f32x4 0 0 0 1)) (v128.const f32x4 0 0 0 nan:canonical))',
    '(assert_return (invoke "v128" (v128.const f32x4 -0 0 0 0)) (v128.const f32x4 0 0 0 0))',
    '(assert_return (invoke "v128" (v128.const f64x2 0 nan:0x4)) (v128.const f64x2 0 nan:arithmetic))',
    '(assert_return (get "v") (v128.const i32x4 1 2 3 5))',
    '(assert_trap (invoke "i32") "unreachable")',
    '(assert_trap (invoke "trap") "integer overflow")',
    '(assert_exhaustion (invoke "trap") "call stack exhausted")',
    '(assert_trap (module (func $s unreachable) (start $s)) "out of bounds memory access")',
    '(assert_trap (module (memory 1) (data (i32.const 0) "x")) "out of bounds memory access")',
    '(assert_invalid (module (func (result i32) (i32.const 1))) "type mismatch")',
    '(assert_malformed (module binary "\\00asm\\01\\00\\00\\00") "unexpected end")',
    '(assert_malformed (module quote "(func)") "unexpected token")',
    '(assert_malformed (module binary "\\00asm\\01\\00\\00\\00\\01\\04\\01\\60\\00\\00\\03\\02\\01\\00\\0a\\05\\01\\03\\00\\6a\\0b") "a type error is no malformed module")',
    '(assert_unlinkable (module (import "spectest" "print" (func))) "unknown import")',
  ])('fails %s', async (assertion) => {
    const { assertions, passed, failures } = await run(MODULE + assertion);
    expect({ assertions, passed, failures: failures.length }).toEqual({ assertions: 1, passed: 0, failures: 1 });
  });

  it('passes what holds', async () => {
    const { assertions, passed, failures, skips } = await run(`${MODULE}
      (assert_return (invoke "f32" (f32.const nan:0x400001)) (f32.const nan:arithmetic))
      (assert_return (invoke "f64" (f64.const -nan)) (f64.const nan:canonical))
      (assert_return (invoke "f64" (f64.const 0x1p-1074)) (f64.const 4.9e-324))
      (assert_return (invoke "extern" (ref.extern 0)) (ref.extern 0))
      (assert_return (invoke "two") (i32.const 1) (either (i64.const 3) (i64.const 2)))
      (assert_return (invoke "v128" (v128.const i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 -1)) (v128.const i16x8 0x100 0x302 0x504 0x706 0x908 0xb0a 0xd0c 0xff0e))
      (assert_return (invoke "v128" (v128.const f32x4 1 -nan nan:0x400001 0.1)) (v128.const f32x4 1 nan:canonical nan:arithmetic 0.1))
      (assert_return (invoke "v128" (v128.const f64x2 1 nan)) (either (v128.const f64x2 1 2) (v128.const f64x2 1 nan:canonical)))
      (assert_return (invoke "mixed" (i32.const 1) (v128.const i64x2 2 3) (i32.const 4)) (i32.const 1) (v128.const i64x2 2 3) (i32.const 4))
      (assert_return (get "v") (v128.const i32x4 1 2 3 4))
      (assert_exhaustion (invoke "recurse") "call stack exhausted")
      (assert_return (get $m "g") (i32.const 0x7))
      (; (assert_return (invoke "i32") (i32.const 2)) ;)
      (assert_trap (invoke "trap") "unreachable")`);
    expect({ failures, skips }).toEqual({ failures: [], skips: [] });
    expect([assertions, passed]).toEqual([13, 13]);
  });

  it('keeps apart modules that were registered by the same name', async () => {
    const module = (id: string, value: number) =>
      `(module ${id} (func (export "f") (result i32) (i32.const ${value}))) (register "m" ${id})\n`;
    const importer = (id: string) => `(module ${id} (import "m" "f" (func $f (result i32))) (export "f" (func $f)))\n`;
    const { passed, failures } = await run(
      `${module('$a', 1) + importer('$ia') + module('$b', 2) + importer('$ib')} (register "m" $a) ${importer('$ic')}
      (assert_return (invoke $ia "f") (i32.const 1))
      (assert_return (invoke $ib "f") (i32.const 2))
      (assert_return (invoke $ic "f") (i32.const 1))`,
    );
    expect({ passed, failures }).toEqual({ passed: 3, failures: [] });
  });

  it('skips what needs a module that is not there', async () => {
    const { skipped, passed, failures } = await run(`
      (module $m (import "absent" "f" (func)) (func (export "f")))
      (register "m" $m)
      (assert_return (invoke "f"))
      (module (import "m" "f" (func)) (func (export "g")))
      (assert_return (invoke "g"))`);
    expect({ skipped, passed, failures: failures.length }).toEqual({ skipped: 2, passed: 0, failures: 1 });
  });

  it('instantiates definitions, each time anew', async () => {
    const { skips, passed, failures } = await run(`
      (module definition $M (global $g (mut i32) (i32.const 0))
        (func (export "count") (result i32)
          (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))
      (module instance $I1 $M) (module instance $I2 $M)
      (module definition (func (export "f")))
      (assert_return (invoke $I1 "count") (i32.const 1))
      (assert_return (invoke $I1 "count") (i32.const 2))
      (assert_return (invoke $I2 "count") (i32.const 1))
      (module instance)
      (assert_return (invoke "f"))
      (module instance $I3 $absent)
      (assert_return (invoke "f"))`);
    expect({ passed, failures }).toEqual({ passed: 4, failures: [] });
    expect(skips.map(({ reason }) => reason)).toEqual(['there is no module $absent', 'there is no module before it']);
  });

  it('says which command the process died of', async () => {
    const { failures } = await runScript(
      'dies.wast',
      Buffer.from(`${MODULE}(assert_return (invoke "i32") (i32.const 1))`),
      {
        target: { ...target!, launcher: ['/bin/false'] },
        assemble,
        folder,
      },
    );
    expect(failures.map(({ reason }) => reason)).toEqual(['the process exited with 1', 'the process exited with 1']);
  });
});

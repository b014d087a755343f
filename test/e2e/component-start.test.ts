/** Core instances of a component come one after the other: segments and start function of each before the next one. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readProgram } from '../../src/api/read-program.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();

/**
 * Three instances: one with a memory and a table, one whose start function notes what is in them, one whose segments
 * change them and whose start function notes that. The exit code has a bit for each note that is right.
 *
 * @param data of the last instance, whose offset is past the first page
 * @param sizes of the memory and the table as that instance imports them: the start function before it grows both to 2
 * @param early size of the memory as an instance imports it before any start function
 * @param last what the last start function does then
 */
const component = (data: string, [pages, elements] = [1, 2], early = 1, last = '') => `(component
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit-with-code" (func (param "status-code" u8)))))
  (core module $first
    (memory (export "memory") 1) (data (i32.const 0) "1")
    (table (export "table") 2 3 funcref)
    (global (export "one") i32 (i32.const 1)))
  (core module $second
    (import "first" "memory" (memory ${early})) (import "first" "table" (table 2 funcref))
    (func $start
      (drop (memory.grow (i32.const 1)))
      (drop (table.grow (ref.null func) (i32.const 1)))
      (i32.store8 (i32.const 16) (i32.eq (i32.load8_u (i32.const 0)) (i32.const 0x31)))
      (i32.store8 (i32.const 17) (ref.is_null (table.get (i32.const 1)))))
    (start $start))
  (core module $third
    (import "first" "memory" (memory ${pages})) (import "first" "table" (table $t ${elements} funcref))
    (import "first" "one" (global $one i32))
    (elem (table $t) (global.get $one) func $four)
    (elem (i32.const 0) funcref (ref.null func))
    (elem declare func $start)
    (data (i32.const 0) "2") ${data} (data "passive")
    (func $four (result i32) (i32.const 4))
    (func $start
      (memory.init 2 (i32.const 32) (i32.const 0) (i32.const 7))
      (i32.store8 (i32.const 18) (i32.eq (i32.load8_u (i32.const 0)) (i32.const 0x32)))
      (i32.store8 (i32.const 19) (i32.eq (call_indirect (result i32) (i32.const 1)) (i32.const 4)))
      (i32.store8 (i32.const 20) (i32.eq (i32.load8_u (i32.const 65537)) (i32.const 0x33)))
      (i32.store8 (i32.const 21) (i32.eq (i32.load8_u (i32.const 32)) (i32.const 0x70)))
      (memory.init 1 (i32.const 0) (i32.const 0) (i32.const 0))
      ${last})
    (start $start))
  (core module $main
    (import "first" "memory" (memory 1)) (import "wasi" "exit" (func $exit (param i32)))
    (func (export "run") (result i32) (local $i i32) (local $bits i32)
      (loop $more
        (local.set $bits (i32.or (local.get $bits)
          (i32.shl (i32.load8_u (i32.add (i32.const 16) (local.get $i))) (local.get $i))))
        (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 6))))
      (call $exit (local.get $bits))
      unreachable))
  (alias export $exit "exit-with-code" (func $code))
  (core func $lowered (canon lower (func $code)))
  (core instance $a (instantiate $first))
  (core instance $b (instantiate $second (with "first" (instance $a))))
  (core instance $c (instantiate $third (with "first" (instance $a))))
  (core instance $i (instantiate $main
    (with "first" (instance $a)) (with "wasi" (instance (export "exit" (func $lowered))))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exported)))`;

const DATA = '(data (i32.const 65537) "3")';
const done = { code: 63, stderr: '' };
const trapped = (why: string) => ({ code: 134, stderr: expect.stringContaining(`wasm trap: ${why}`) });

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  test.skipIf(!canRun(arch)).each([
    ['each in its turn', component(DATA), done],
    [
      'a segment that does not fit traps in its turn',
      component('(data (i32.const 131072) "3")'),
      trapped('out of bounds memory access'),
    ],
    [
      'a segment that was copied is dropped',
      component(DATA, [1, 2], 1, '(memory.init 1 (i32.const 0) (i32.const 0) (i32.const 1))'),
      trapped('out of bounds memory access'),
    ],
    [
      'a declarative segment has nothing to copy',
      component(DATA, [1, 2], 1, '(table.init $t 2 (i32.const 0) (i32.const 0) (i32.const 1))'),
      trapped('out of bounds table access'),
    ],
    ['imports of what start functions have grown', component(DATA, [2, 3]), done],
    ['a memory that has not grown enough', component(DATA, [3, 2]), trapped('unreachable')],
  ])('%s', async (name, text, expected) => {
    const { bytes } = await readProgram(Buffer.from(text), 'component');
    const image = join(folder, `${name.replaceAll(' ', '-')}.${arch}`);
    await build(bytes, image, { arch });
    expect(await Workload.start(image).ended()).toMatchObject(expected);
  });
});

test.each([
  ['a memory that nothing has grown yet', component(DATA, [1, 2], 2), 'first.memory'],
  ['a table that cannot grow so far', component(DATA, [1, 4]), 'first.table'],
])('refused: %s', async (_name, text, says) => {
  const refused = readProgram(Buffer.from(text), 'component');
  await expect(refused).rejects.toThrow(`incompatible import type: ${says}`);
});

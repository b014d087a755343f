/**
 * Lowered functions have the memory and the realloc of their own options, and a realloc may not call what is imported
 * (Component Model: may_leave).
 */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readProgram } from '../../src/api/read-program.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();

/**
 * Two core modules with a memory and two reallocs each, which note that they were called. `get-random-bytes` is lowered
 * for each memory and realloc. The exit code has a bit for each realloc that was called once.
 *
 * @param realloc what the first realloc does before it returns
 */
const component = (realloc = '') => `(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8)))) (export "get-random-u64" (func (result u64)))))
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit-with-code" (func (param "status-code" u8)))))
  (import "wasi:io/streams@0.2.0" (instance $streams (export "input-stream" (type (sub resource)))))
  (alias export $streams "input-stream" (type $stream))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $stream (type $s)) (export "input-stream" (type $input (eq $s)))
    (export "get-stdin" (func (result (own $input))))))
  (alias export $stdin "get-stdin" (func $get-stdin))
  (core func $stdin-core (canon lower (func $get-stdin)))
  (core func $drop (canon resource.drop $stream))
  (alias export $random "get-random-bytes" (func $bytes))
  (alias export $random "get-random-u64" (func $number))
  (alias export $exit "exit-with-code" (func $code))
  (core func $exit-core (canon lower (func $code)))
  (core func $number-core (canon lower (func $number)))
  (core module $memory
    (import "wasi" "exit" (func $exit (param i32)))
    (import "wasi" "number" (func $number (result i64)))
    (import "wasi" "drop" (func $drop (param i32)))
    (import "wasi" "is-strict" (global $strict i32))
    (memory (export "memory") 1)
    (global (export "a-calls") (mut i32) (i32.const 0))
    (global (export "b-calls") (mut i32) (i32.const 0))
    (func (export "a") (param i32 i32 i32 i32) (result i32)
      (if (i32.or (local.get 0) (local.get 1)) (then unreachable))
      (global.set 1 (i32.add (global.get 1) (i32.const 1)))
      (if (global.get $strict) (then ${realloc}))
      (i32.const 1024))
    (func (export "b") (param i32 i32 i32 i32) (result i32)
      (global.set 2 (i32.add (global.get 2) (i32.const 1))) (i32.const 2048)))
  (core module $constants (global (export "no") i32 (i32.const 0)) (global (export "yes") i32 (i32.const 1)))
  (core instance $c (instantiate $constants))
  (alias core export $c "no" (core global $no))
  (alias core export $c "yes" (core global $yes))
  (core instance $w1 (export "exit" (func $exit-core)) (export "stdin" (func $stdin-core)) (export "number" (func $number-core)) (export "drop" (func $drop))
    (export "is-strict" (global $yes)))
  (core instance $w2 (export "exit" (func $exit-core)) (export "number" (func $number-core)) (export "drop" (func $drop))
    (export "is-strict" (global $no)))
  (core instance $one (instantiate $memory (with "wasi" (instance $w1))))
  (core instance $two (instantiate $memory (with "wasi" (instance $w2))))
  ${[1, 2]
    .flatMap((n) => ['a', 'b'].map((name) => ({ n, of: n === 1 ? '$one' : '$two', name })))
    .map(
      ({ n, of, name }) => `(alias core export ${of} "memory" (core memory $m${n}${name}))
  (alias core export ${of} "${name}" (core func $r${n}${name}))
  (core func $f${n}${name} (canon lower (func $bytes) (memory $m${n}${name}) (realloc (core func $r${n}${name}))))`,
    )
    .join('\n  ')}
  (core module $main
    (import "one" "memory" (memory $one 1)) (import "two" "memory" (memory $two 1))
    (import "one" "a-calls" (global $one-a (mut i32))) (import "one" "b-calls" (global $one-b (mut i32)))
    (import "two" "a-calls" (global $two-a (mut i32))) (import "two" "b-calls" (global $two-b (mut i32)))
    (import "wasi" "exit" (func $exit (param i32)))
    (import "f" "1a" (func $1a (param i64 i32))) (import "f" "1b" (func $1b (param i64 i32)))
    (import "f" "2a" (func $2a (param i64 i32))) (import "f" "2b" (func $2b (param i64 i32)))
    (import "wasi" "stdin" (func $stdin (result i32))) (global $handle (mut i32) (i32.const 0))
    (func $bit (param $right i32) (param $n i32) (result i32) (i32.shl (local.get $right) (local.get $n)))
    (func (export "run") (result i32)
      (global.set $handle (call $stdin))
      (call $1a (i64.const 8) (i32.const 16)) (call $1b (i64.const 8) (i32.const 32))
      (call $2a (i64.const 8) (i32.const 48)) (call $2b (i64.const 8) (i32.const 64))
      (call $exit (i32.or (i32.or
        (call $bit (i32.eq (global.get $one-a) (i32.const 1)) (i32.const 0))
        (call $bit (i32.eq (global.get $one-b) (i32.const 1)) (i32.const 1)))
        (i32.or (i32.or
        (call $bit (i32.eq (global.get $two-a) (i32.const 1)) (i32.const 2))
        (call $bit (i32.eq (global.get $two-b) (i32.const 1)) (i32.const 3)))
        (i32.or
        (i32.or (call $bit (i32.eq (i32.load $one (i32.const 16)) (i32.const 1024)) (i32.const 4))
                (call $bit (i32.eq (i32.load $one (i32.const 32)) (i32.const 2048)) (i32.const 5)))
        (i32.or (call $bit (i32.eq (i32.load $two (i32.const 48)) (i32.const 1024)) (i32.const 6))
                (call $bit (i32.eq (i32.load $two (i32.const 64)) (i32.const 2048)) (i32.const 7)))))))
      unreachable))
  (core instance $f (export "1a" (func $f1a)) (export "1b" (func $f1b)) (export "2a" (func $f2a)) (export "2b" (func $f2b)))
  (core instance $i (instantiate $main (with "one" (instance $one)) (with "two" (instance $two)) (with "f" (instance $f))
    (with "wasi" (instance $w1))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exported)))`;

async function imageOf(text: string, name: string, arch: 'x64' | 'arm64'): Promise<string> {
  const { bytes } = await readProgram(Buffer.from(text), 'component');
  const image = join(folder, `${name}.${arch}`);
  await build(bytes, image, { arch });
  return image;
}

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  test.skipIf(!canRun(arch))('each call has its own memory and realloc', async () => {
    const image = await imageOf(component(), 'own', arch);
    expect(await Workload.start(image).ended()).toMatchObject({ code: 255, stderr: '' });
  });

  test.skipIf(!canRun(arch)).each([
    ['a function', '(drop (call $number))'],
    ['exit', '(call $exit (i32.const 9))'],
    ['resource.drop', '(call $drop (i32.const 1))'], // the handle of stdin
  ])('a realloc that calls %s traps', async (name, code) => {
    const image = await imageOf(component(code), name.replaceAll(' ', '-'), arch);
    const { code: exit, stderr } = await Workload.start(image).ended();
    expect([exit, stderr]).toEqual([134, expect.stringMatching(/^wasm trap: unreachable\n/)]);
  });
});

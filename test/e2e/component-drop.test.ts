/** `resource.drop` of a component: a handle of the resource is given back, one of another resource traps. */

import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readProgram } from '../../src/api/read-program.js';
import { build, canRun, temporaryFolder, Workload } from '../support/workload.js';

const folder = temporaryFolder();

/** Gets a stream and a pollable of it, and drops two handles. */
const component = (first: string, second: string) => `(component
  (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $pollable (type $p)) (export "pollable" (type $p2 (eq $p)))
    (export "output-stream" (type $out (sub resource)))
    (export "[method]output-stream.subscribe" (func (param "self" (borrow $out)) (result (own $p2))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $stream (type $s)) (export "output-stream" (type $s2 (eq $s)))
    (export "get-stdout" (func (result (own $s2))))))
  (import "wasi:sockets/tcp@0.2.0" (instance $tcp (export "tcp-socket" (type (sub resource)))))
  (alias export $tcp "tcp-socket" (type $socket))
  (core module $m
    (import "w" "stdout" (func $stdout (result i32)))
    (import "w" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "w" "drop-pollable" (func $drop-pollable (param i32)))
    (import "w" "drop-stream" (func $drop-stream (param i32)))
    (import "w" "drop-error" (func $drop-error (param i32)))
    (import "w" "drop-socket" (func $drop-socket (param i32)))
    (func (export "run") (result i32) (local $stream i32) (local $pollable i32)
      (local.set $stream (call $stdout))
      (local.set $pollable (call $subscribe (local.get $stream)))
      ${first} ${second}
      (i32.const 0)))
  (alias export $stdout "get-stdout" (func $get))
  (alias export $streams "[method]output-stream.subscribe" (func $sub))
  (core func $get-core (canon lower (func $get)))
  (core func $sub-core (canon lower (func $sub)))
  (core func $d1 (canon resource.drop $pollable))
  (core func $d2 (canon resource.drop $stream))
  (core func $d3 (canon resource.drop $error-type))
  (core func $d4 (canon resource.drop $socket))
  (core instance $w
    (export "stdout" (func $get-core)) (export "subscribe" (func $sub-core))
    (export "drop-pollable" (func $d1)) (export "drop-stream" (func $d2)) (export "drop-error" (func $d3))
    (export "drop-socket" (func $d4)))
  (core instance $i (instantiate $m (with "w" (instance $w))))
  (func $run (result (result)) (canon lift (core func $i "run")))
  (instance $exported (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $exported)))`;

const [STREAM, POLLABLE] = ['$stream', '$pollable'];
const drop = (type: string, handle: string) => `(call $drop-${type} (local.get ${handle}))`;
const trap = { code: 134, stderr: expect.stringContaining('wasm trap: unreachable') };
const whole = { code: 0, stderr: '' };

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  test.skipIf(!canRun(arch)).each([
    ['each by its own', drop('pollable', POLLABLE), drop('stream', STREAM), whole],
    ['twice', drop('pollable', POLLABLE), drop('pollable', POLLABLE), trap],
    ['a stream as a pollable', drop('pollable', STREAM), '', trap],
    ['a pollable as a stream', drop('stream', POLLABLE), '', trap],
    ['a stream as an error', drop('error', STREAM), '', trap],
    ['a stream as a socket', drop('socket', STREAM), '', trap],
  ])('%s', async (name, first, second, expected) => {
    const { bytes } = await readProgram(Buffer.from(component(first, second)), 'component');
    const image = join(folder, `${name.replaceAll(' ', '-')}.${arch}`);
    await build(bytes, image, { arch });
    expect(await Workload.start(image).ended()).toMatchObject(expected);
  });
});

/**
 * Calls of functions of the embedder, against a round trip over pipes: both from a guest to this process and back, with
 * Node's streams at this end. Wall time.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { compile } from '../../src/api/compile.js';
import { EmbedderConnection } from '../../src/api/embedder/connection.js';
import type { Imports } from '../../src/api/embedder/import-object.js';
import { type Figure, ratio } from './figure.js';
import { folder, median, ROUNDS } from './measure.js';

const CALLS = 10_000;

const CALLER = `(module
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (import "env" "start" (func $start))
  (func (export "_start") (local $i i32)
    (call $start)
    (loop $again
      (local.set $i (call $add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const ${CALLS}))))
    (call $start)))`;

/** Writes a byte and reads one, as often. */
const ECHO = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
  (func (export "_start") (local $i i32)
    (loop $again
      (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
      (if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const ${CALLS + 1}))))))`;

/** Milliseconds for all calls. */
async function timeOfCalls(image: string): Promise<number> {
  const child = spawn(image, [], { env: { WAGSNAP_EMBEDDER: '3' }, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] });
  const times: number[] = [];
  const imports: Imports = {
    env: {
      add: (_, a: number, b: number) => a + b,
      start: () => void times.push(performance.now()),
    },
  };
  new EmbedderConnection(child.stdio[3] as Duplex, imports);
  await once(child, 'exit');
  return times[1] - times[0];
}

/** Milliseconds for as many round trips, the first left out. */
async function timeOfPipes(image: string): Promise<number> {
  const child = spawn(image, [], { env: {}, stdio: ['pipe', 'pipe', 'inherit'] });
  let [first, last, count] = [0, 0, 0];
  child.stdin.on('error', () => {}); // the last answer may come too late
  child.stdout.on('data', (bytes: Buffer) => {
    last = performance.now();
    if (count++ === 0) first = last;
    child.stdin.write(bytes);
  });
  await once(child, 'exit');
  return last - first;
}

export const importCalls: Figure = {
  name: 'import-calls',
  title: 'a call of the embedder, against pipes there and back',
  bar: '<= 3 x',
  measure: async () => {
    const [caller, echo] = [join(folder, 'caller'), join(folder, 'echo')];
    await (await compile(Buffer.from(CALLER), { hostImports: true })).write(caller);
    await (await compile(Buffer.from(ECHO))).write(echo);
    const times: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      times[0].push(await timeOfCalls(caller));
      times[1].push(await timeOfPipes(echo));
    }
    const [calls, pipes] = times.map(median);
    const rate = (time: number) => `${Math.round((CALLS / time) * 1000).toLocaleString('en')} a second`;
    const details = [`calls of the embedder: ${rate(calls)}; pipes there and back: ${rate(pipes)}`];
    return { value: ratio(calls / pipes), pass: calls / pipes <= 3, details };
  },
};

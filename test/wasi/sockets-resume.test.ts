/** Sockets across a snapshot and restore: a listener listens again, a connection is as if its peer had reset it. */

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readSnapshot } from '../../src/snapshot/format.js';
import { E } from '../support/wasi-guest.js';
import { build, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

/** Accepts, waits to receive; prints the errnos of what comes then; accepts and greets another. */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func $flags (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\06\\00\\00\\00") (data (i32.const 64) "ready\\n")
  (data (i32.const 8) "\\80\\00\\00\\00\\05\\00\\00\\00")
  (func $accepted (result i32)
    (drop (call $accept (i32.const 3) (i32.const 0) (i32.const 32))) (i32.load (i32.const 32)))
  (func $received (param i32) (result i32)
    (call $recv (local.get 0) (i32.const 8) (i32.const 1) (i32.const 0) (i32.const 36) (i32.const 40)))
  (func (export "_start") (local $fd i32)
    (drop (call $flags (i32.const 3) (i32.const 0)))
    (local.set $fd (call $accepted))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (i32.store8 (i32.const 128) (call $received (local.get $fd)))
    (i32.store8 (i32.const 129) (call $received (local.get $fd)))
    (i32.store8 (i32.const 130) (i32.load (i32.const 36)))
    (i32.store8 (i32.const 131) (call $send (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 36)))
    (i32.store8 (i32.const 132) (local.get $fd))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 32)))
    (drop (call $send (call $accepted) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 36)))))`;

const folder = temporaryFolder();
const socket = join(folder, 'socket');
const snapshot = join(folder, 'snapshot');

it('continues listening; a connection is reset', async () => {
  const program = await build(new TextEncoder().encode(PROGRAM), join(folder, 'image'));
  const workload = Workload.start(program.path, { env: { WAGSNAP_LISTEN: `unix:${socket}` } });
  /** As soon as somebody listens. */
  const connected = async () => {
    for (;;) {
      const client = connect(socket);
      const succeeded = await new Promise<boolean>((done) => {
        client.on('connect', () => done(true)).on('error', () => done(false));
      });
      if (succeeded) return client;
      await new Promise((done) => setTimeout(done, 5));
    }
  };
  const first = await connected();
  await workload.waitFor('ready\n');
  await captureAndEnd(workload, snapshot);
  await workload.ended();
  first.destroy();
  const { descriptors } = readSnapshot(snapshot).snapshot.host;
  expect(descriptors.slice(3).map(({ fd, kind, path }) => [fd, kind, Buffer.from(path).toString()])).toEqual([
    [3, 'listener', `unix:${socket}`],
    [4, 'socket', ''],
  ]);

  // its file is still there
  expect(await (await restoreAndStart(snapshot, program, join(folder, 'restored'))).ended()).toEqual({
    stdout: '',
    stderr: `wag-snap: --listen: cannot listen at "unix:${socket}": Address already in use\n`,
    code: 1,
  });
  rmSync(socket);
  const restored = await restoreAndStart(snapshot, program, join(folder, 'restored'));
  const second = await connected();
  let heard = '';
  second.on('data', (bytes) => {
    heard += bytes;
  });
  const { stdout, stderr, code } = await restored.ended();
  expect([stderr, code]).toEqual(['', 0]);
  expect([...Buffer.from(stdout, 'latin1')]).toEqual([E.CONNRESET, 0, 0, E.PIPE, 4]);
  while (heard.length < 6) await once(second, 'data');
  expect(heard).toBe('ready\n');
  second.destroy();

  // nothing in place of the connection, then of the listener: its address, in use by a file, is not looked at
  const ends = async (...policies: [number, 'ignore' | 'close'][]) => {
    const settings = { policies: new Map<number, 'ignore' | 'close'>([[3, 'ignore'], ...policies]) };
    const end = await (await restoreAndStart(snapshot, program, join(folder, 'restored'), settings)).ended();
    expect(end).toMatchObject({ stderr: '', code: 0 });
    return [...Buffer.from(end.stdout, 'latin1')];
  };
  expect(await ends([4, 'ignore'])).toEqual([0, 0, 0, 0, 4]);
  expect(await ends([4, 'close'])).toEqual([E.BADF, E.BADF, 0, E.BADF, 4]);
});

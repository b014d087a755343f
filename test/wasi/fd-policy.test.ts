/** `--fd`: what a restored program finds at each descriptor, on both CPUs; and what the next snapshot says of it. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeSnapshot } from '../../bin/show/snapshot.js';
import type { FdPolicy } from '../../src/restore/grants.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { E } from '../support/wasi-guest.js';
import {
  type Built,
  build,
  canRun,
  captureAndEnd,
  restoreAndStart,
  temporaryFolder,
  Workload,
} from '../support/workload.js';
import { summary } from '../unit/restore/descriptors.js';

/**
 * Opens "data" (4, to read and write, 3 bytes read) and "sub" (5) below 3; prints "ready"; reads input; then prints for
 * each descriptor from 3 to 6, in binary: the errno of fd_read, its count, what it read (4 bytes); the errnos of
 * fd_write of "W", of fd_tell and its result; the errno of path_open of "sub" below it (and closes that). Waits for
 * input again.
 */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_tell" (func $tell (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; iovecs: 0 input, 8 "ready", 16 the report of a descriptor, 24 what is read, 32 "W"
  (data (i32.const 0) "\\00\\02\\00\\00\\01\\00\\00\\00\\40\\00\\00\\00\\06\\00\\00\\00")
  (data (i32.const 16) "\\80\\00\\00\\00\\0a\\00\\00\\00\\82\\00\\00\\00\\04\\00\\00\\00\\50\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 64) "ready\\n") (data (i32.const 80) "Wdatasub")
  (func $opened (param $fd i32) (param $path i32) (param $length i32) (param $oflags i32) (param $rights i64) (result i32)
    (call $open (local.get $fd) (i32.const 1) (local.get $path) (local.get $length) (local.get $oflags)
      (local.get $rights) (i64.const -1) (i32.const 0) (i32.const 48)))
  (func $wait (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 40))))
  (func $report (param $fd i32)
    (memory.fill (i32.const 128) (i32.const 0) (i32.const 16))
    (i32.store (i32.const 40) (i32.const 0))
    (i32.store8 (i32.const 128) (call $read (local.get $fd) (i32.const 24) (i32.const 1) (i32.const 40)))
    (i32.store8 (i32.const 129) (i32.load (i32.const 40)))
    (i32.store8 (i32.const 134) (call $write (local.get $fd) (i32.const 32) (i32.const 1) (i32.const 40)))
    (i64.store (i32.const 40) (i64.const 0))
    (i32.store8 (i32.const 135) (call $tell (local.get $fd) (i32.const 40)))
    (i32.store8 (i32.const 136) (i32.load (i32.const 40)))
    (i32.store8 (i32.const 137)
      (call $opened (local.get $fd) (i32.const 85) (i32.const 3) (i32.const 2) (i64.const 0)))
    (if (i32.eqz (i32.load8_u (i32.const 137))) (then (drop (call $close (i32.load (i32.const 48))))))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 40))))
  (func (export "_start") (local $fd i32)
    (drop (call $opened (i32.const 3) (i32.const 81) (i32.const 4) (i32.const 0) (i64.const 0x66)))
    (i32.store (i32.const 28) (i32.const 3))
    (drop (call $read (i32.const 4) (i32.const 24) (i32.const 1) (i32.const 40)))
    (i32.store (i32.const 28) (i32.const 4))
    (drop (call $opened (i32.const 3) (i32.const 85) (i32.const 3) (i32.const 2) (i64.const 0)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 40)))
    (call $wait)
    (local.set $fd (i32.const 3))
    (loop $next
      (call $report (local.get $fd))
      (br_if $next (i32.lt_u (local.tee $fd (i32.add (local.get $fd) (i32.const 1))) (i32.const 7))))
    (call $wait)))`;

const folder = temporaryFolder();
const root = join(folder, 'root');
const other = join(folder, 'other');
const RECORD = 10;

interface Found {
  /** What was read, or minus the errno. */
  readonly read: string | number;
  readonly write: number;
  readonly tell: number;
  readonly open: number;
}

function parse(output: string): Found[] {
  const bytes = Buffer.from(output, 'latin1');
  return Array.from({ length: Math.floor(bytes.length / RECORD) }, (_, i) => {
    const [readError, count, ...rest] = bytes.subarray(i * RECORD, (i + 1) * RECORD);
    return {
      read: readError ? -readError : Buffer.from(rest.slice(0, count)).toString('latin1'),
      write: rest[4],
      tell: rest[5] ? -rest[5] : rest[6],
      open: rest[7],
    };
  });
}

const CLOSED: Found = { read: -E.BADF, write: E.BADF, tell: -E.BADF, open: E.BADF };
const BUCKET: Found = { read: '', write: 0, tell: 0, open: E.NOTDIR };
const FOLDER: Found = { read: -E.BADF, write: E.BADF, tell: -E.BADF, open: 0 };

describe.each(['x64', 'arm64'] as const)('on %s', (arch) => {
  const snapshot = join(folder, `snapshot-${arch}`);
  const second = join(folder, `second-${arch}`);
  const output = join(folder, `restored-${arch}`);
  let program: Built;
  const dirs = [{ host: root, guest: '/d', readOnly: false }];
  const files = () => {
    rmSync(root, { recursive: true, force: true });
    mkdirSync(join(root, 'sub/sub'), { recursive: true });
    writeFileSync(join(root, 'data'), '0123456789');
    writeFileSync(other, 'abcdefghij');
  };
  beforeAll(async () => {
    if (!canRun(arch)) return;
    files();
    program = await build(new TextEncoder().encode(PROGRAM), join(folder, `image-${arch}`), { arch });
    const workload = Workload.start(program.path, { stdin: 'pipe', dirs });
    await workload.waitFor('ready\n');
    await captureAndEnd(workload, snapshot);
  });
  beforeEach(files);

  const start = (entries: [number, FdPolicy][], from = snapshot) =>
    restoreAndStart(from, program, output, { stdin: 'pipe', dirs, policies: new Map(entries) });
  /** What it finds at 3, 4, 5 and 6. */
  const found = async (...entries: [number, FdPolicy][]): Promise<Found[]> => {
    const workload = await start(entries);
    workload.stdin.end('?');
    const { stdout, stderr, code } = await workload.ended();
    expect([stderr, code]).toEqual(['', 0]);
    return parse(stdout);
  };
  const runs = it.runIf(canRun(arch));

  runs('reopen is what happens by itself', async () => {
    const rest = [FOLDER, { read: '3456', write: 0, tell: 8, open: E.NOTDIR }, FOLDER, CLOSED];
    expect(await found()).toEqual(rest);
    expect(readFileSync(join(root, 'data'), 'latin1')).toBe('0123456W89');
    files();
    expect(await found([4, 'reopen'], [3, 'reopen'])).toEqual(rest);
  });

  runs('close: EBADF, and the directory of a file that stays may be closed', async () => {
    expect((await found([4, 'close']))[1]).toEqual(CLOSED);
    expect(await found([3, 'close'], [4, 'close'], [5, 'close'])).toEqual([CLOSED, CLOSED, CLOSED, CLOSED]);
    const [three, four] = await found([3, 'close']);
    expect([three, four.read]).toEqual([CLOSED, '3456']);
  });

  runs('ignore: nothing to read, writes go nowhere', async () => {
    rmSync(join(root, 'data'));
    expect((await found([4, 'ignore']))[1]).toEqual(BUCKET);
    writeFileSync(join(root, 'data'), '0123456789');
    const [three, four, five] = await found([3, 'ignore'], [5, 'ignore']);
    const noFile = { ...FOLDER, open: E.NOTDIR };
    expect([three.open, five.open]).toEqual([noFile.open, noFile.open]);
    expect(four.read).toBe('3456');
  });

  runs('a path: that file, at the same position, with the same access', async () => {
    expect((await found([4, { path: other }]))[1]).toEqual({ read: 'defg', write: 0, tell: 8, open: E.NOTDIR });
    expect(readFileSync(other, 'latin1')).toBe('abcdefgWij');
    expect(readFileSync(join(root, 'data'), 'latin1')).toBe('0123456789');
    const missing = await (await start([[4, { path: join(folder, 'none') }]])).ended();
    expect(missing).toEqual({
      stdout: '',
      stderr: `wag-snap: restore: descriptor 4: cannot open "${folder}/none": No such file or directory\nhint: --fd 4=PATH gives another file\n`,
      code: 1,
    });
    expect((await (await start([[4, { path: root }]])).ended()).stderr).toMatch(/: Is a directory\n/);
  });

  runs('streams from and to files, after what is there', async () => {
    const out = join(folder, 'out');
    writeFileSync(out, 'before:');
    const workload = await start([
      [0, { path: other }],
      [1, { path: out }],
    ]);
    expect(await workload.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
    const text = readFileSync(out, 'latin1');
    expect(text.slice(0, 7)).toBe('before:');
    expect(parse(text.slice(7))[1].read).toBe('3456');

    rmSync(out);
    await (
      await start([
        [0, 'ignore'],
        [1, { path: out }],
      ])
    ).ended();
    expect(parse(readFileSync(out, 'latin1'))).toHaveLength(4);
    expect((await (await start([[0, { path: join(folder, 'none') }]])).ended()).stderr).toMatch(
      /descriptor 0: cannot open/,
    );
    // closed input cannot be waited for, and closed output is nobody's
    expect(parse((await (await start([[0, 'close']])).ended()).stdout)).toHaveLength(4);
    expect(
      await (
        await start([
          [0, 'ignore'],
          [1, 'close'],
        ])
      ).ended(),
    ).toEqual({ stdout: '', stderr: '', code: 0 });
  });

  runs('the next snapshot keeps what it was given and what was ignored', async () => {
    const workload = await start([
      [4, { path: other }],
      [5, 'ignore'],
    ]);
    workload.stdin.write('?');
    await workload.waitUntil((stdout) => stdout.length >= 4 * RECORD, 'four records');
    await captureAndEnd(workload, second);
    const stored = readSnapshot(second);
    const { descriptors } = stored.snapshot.host;
    expect(summary(descriptors).slice(3)).toEqual([
      [3, 'preopen', '/d'],
      [4, 'given', other],
      [5, 'null', ''],
    ]);
    expect(descriptors[4]).toMatchObject({ offset: 8n, facts: { type: 'file', size: 10n } });
    const { text } = describeSnapshot(stored);
    expect(text).toContain(`4: file ${other} at offset 8, 10 bytes, modified 2`);
    expect(text).toContain('5: nothing (ignored)');
    const again = await start([], second);
    again.stdin.end('?');
    expect(await again.ended()).toEqual({ stdout: '', stderr: '', code: 0 });
  });
});

/** Exceptions in snapshot files: how they are written and shown, and that no forged ones are restored. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { describeSnapshot } from '../../bin/show/snapshot.js';
import { InputError, LimitError } from '../../src/base/errors.js';
import {
  decodeExceptions,
  EXCEPTIONS_MAX,
  type ExceptionColumns,
  encodeExceptions,
} from '../../src/snapshot/exceptions-codec.js';
import { readSnapshot } from '../../src/snapshot/format.js';
import { decodeHeader, encodeHeader, formatNeeded } from '../../src/snapshot/header.js';
import { Frames, type Snapshot, type SnapshotException, type StoredSnapshot } from '../../src/snapshot/snapshot.js';
import { ValType } from '../../src/wasm/module.js';
import { type Built, build, captureAndEnd, restoreAndStart, temporaryFolder, Workload } from '../support/workload.js';

/**
 * Makes three exceptions, each a value of the next, and one that nothing keeps; says so; waits; leaves with code 33.
 */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\10\\00\\00\\00\\06\\00\\00\\00ready\\n\\00\\00ready\\n")
  (tag $unused (param i32)) (tag $link (param i32 exnref)) (tag $bits (param f32 i64 funcref))
  (global $kept (mut exnref) (ref.null exn)) (global $null exnref (ref.null exn))
  (table 2 exnref) (elem declare func $proc_exit)
  (func $link (param i32 exnref) (result exnref)
    (block $h (result i32 exnref exnref)
      (try_table (catch_ref $link $h) (throw $link (local.get 0) (local.get 1))) (unreachable))
    (return))
  (func $bits (result exnref)
    (block $h (result f32 i64 funcref exnref)
      (try_table (catch_ref $bits $h) (throw $bits (f32.const 1.5) (i64.const -2) (ref.func $proc_exit))) (unreachable))
    (return))
  (func (export "_start") (local $e exnref)
    (drop (call $link (i32.const 99) (ref.null exn)))
    (local.set $e (call $link (i32.const 11) (call $bits)))
    (global.set $kept (call $link (i32.const 22) (local.get $e)))
    (table.set (i32.const 1) (local.get $e))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
    (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))
    (block $h (result i32 exnref) (try_table (catch $link $h) (throw_ref (global.get $kept))) (unreachable))
    (local.set $e)
    (block $h (result i32 exnref) (try_table (catch $link $h) (throw_ref (local.get $e))) (unreachable))
    (drop)
    (call $proc_exit (i32.add))))`;

const [I32, I64, F32, FuncRef, ExnRef] = [ValType.I32, ValType.I64, ValType.F32, ValType.FuncRef, ValType.ExnRef];
const bits: SnapshotException = {
  instance: 0,
  tag: 2,
  types: Uint8Array.of(F32, I64, FuncRef),
  words: Uint32Array.of(0x3fc00000, 0, 0xfffffffe, 0xffffffff, 2, 1),
};
const inner = { instance: 0, tag: 1, types: Uint8Array.of(I32, ExnRef), words: Uint32Array.of(11, 0, 1, 0) };
const outer = { ...inner, words: Uint32Array.of(22, 0, 2, 0) };

const folder = temporaryFolder();
let built: Built;
let stored: StoredSnapshot;

beforeAll(async () => {
  built = await build(Buffer.from(PROGRAM.replaceAll('\\n', '\\0a')), join(folder, 'image'));
  const workload = Workload.start(built.path, { stdin: 'pipe' });
  await workload.waitFor('ready');
  const file = join(folder, 'x.wsnap');
  await captureAndEnd(workload, file);
  stored = readSnapshot(file);
});

/** Starts the snapshot with other contents. */
const restore = (change: Partial<Snapshot>) =>
  restoreAndStart({ ...stored, snapshot: { ...stored.snapshot, ...change } }, built, join(folder, 'resumable'));

const refused = async (change: Partial<Snapshot>, message: RegExp) => {
  const error = await restore(change).then(
    () => undefined,
    (caught) => caught,
  );
  expect(error).toBeInstanceOf(InputError);
  expect(error.message).toMatch(message);
};

test('those that can be reached are in the file, each after what it refers to', () => {
  const { exceptions, instances, frames } = stored.snapshot;
  expect(exceptions).toEqual([bits, inner, outer]);
  expect(instances[0].globals).toEqual([
    { type: ExnRef, lo: 3, hi: 0 },
    { type: ExnRef, lo: 0, hi: 0 },
  ]);
  expect(instances[0].tables[0].elements).toEqual(Uint32Array.of(0, 0, 2, 0));
  expect(frames.value(frames.count - 1, 0)).toEqual({ type: ExnRef, lo: 2, hi: 0 });
  expect(formatNeeded(stored.snapshot)).toBe(2);
  expect(readFileSync(stored.path).readUInt32LE(8)).toBe(2);
});

test('inspect shows them', () => {
  const { json, text } = describeSnapshot(stored);
  expect(text).toMatch(/^ {2}exceptions {2}3$/m);
  const { exceptions, instances } = json as { exceptions: object[]; instances: { globals: object[] }[] };
  expect(exceptions[2]).toEqual({
    instance: 0,
    tag: 1,
    values: [
      { type: 'i32', bits: '0x16' },
      { type: 'exnref', exception: 1 },
    ],
  });
  expect(instances[0].globals[0]).toEqual({ type: 'exnref', exception: 2 });
});

test('continues with them, and is captured again', async () => {
  expect((await (await restore({})).ended()).code).toBe(33);
  const changed = { ...inner, words: Uint32Array.of(5, 0, 1, 0) };
  expect((await (await restore({ exceptions: [bits, changed, outer] })).ended()).code).toBe(27);
  const again = await restoreAndStart(stored, built, join(folder, 'resumable'), { stdin: 'pipe' });
  const file = join(folder, 'again.wsnap');
  await captureAndEnd(again, file);
  const { snapshot } = readSnapshot(file);
  expect(snapshot.exceptions).toEqual(stored.snapshot.exceptions);
  expect(snapshot.instances).toEqual(stored.snapshot.instances);
});

describe('forged', () => {
  const [bad, ...rest] = [bits, inner, outer];

  test.each<[string, SnapshotException, RegExp]>([
    ['of a tag that there is not', { ...bad, tag: 3 }, /exceptions\[0\]: instance 0 has no tag 3/],
    [
      'of another tag',
      { ...bad, tag: 1 },
      /exceptions\[0\]: its values \(f32, i64, funcref\) are not those of its tag/,
    ],
    [
      'with a function that nobody can refer to',
      { ...bad, words: Uint32Array.of(0, 0, 0, 0, 3, 1) },
      /can have no reference/,
    ],
    ['with other types', { ...bad, types: Uint8Array.of(F32, I64, ExnRef) }, /are not those of its tag/],
  ])('an exception %s is refused', (_, forged, message) => refused({ exceptions: [forged, ...rest] }, message));

  test('more than are held in memory are refused', () => {
    const count = EXCEPTIONS_MAX + 1;
    const none = new Uint8Array(0);
    const columns = { places: Buffer.alloc(count * 8), counts: Buffer.alloc(count * 4), types: none, words: none };
    const fail = (where: string, what: string): never => {
      throw new Error(`${where}: ${what}`);
    };
    expect(() => decodeExceptions(columns, 1, fail)).toThrow(LimitError);
  });

  test('references to none are refused', async () => {
    const { instances, frames } = stored.snapshot;
    const [instance] = instances;
    const globals = [{ type: ExnRef, lo: 4, hi: 0 }, instance.globals[1]];
    await refused({ instances: [{ ...instance, globals }] }, /global 0: refers to an exception that does not exist/);
    const tables = [{ ...instance.tables[0], elements: Uint32Array.of(1, 1, 0, 0) }];
    await refused({ instances: [{ ...instance, tables }] }, /element 0: refers to an exception that does not exist/);
    const words = frames.words.slice();
    words[frames.starts[frames.count - 1] * 2] = 9;
    await refused(
      { frames: new Frames(frames.sites, frames.siteOf, words) },
      /refers to an exception that does not exist/,
    );
    await refused({ exceptions: undefined }, /refers to an exception that does not exist/);
    const changed = [instance.globals[0], { type: ExnRef, lo: 1, hi: 0 }];
    await refused({ instances: [{ ...instance, globals: changed }] }, /global 1 cannot change/);
  });

  const columns = encodeExceptions([bits, inner, outer]);
  const fail = (where: string, what: string): never => {
    throw new InputError('snapshot', `${where}: ${what}`);
  };
  const patched = (bytes: Uint8Array, at: number, value: number) => {
    const copy = Buffer.from(bytes);
    copy.writeUInt32LE(value, at * 4);
    return copy;
  };

  test.each<[string, Partial<ExceptionColumns>, RegExp]>([
    [
      'an instance that there is not',
      { places: patched(columns.places, 2, 1) },
      /exceptions\[1\]: names instance 1 of 1/,
    ],
    ['an exception in itself', { words: patched(columns.words, 8, 2) }, /exceptions\[1\]: an exception reference/],
    [
      'an exception in an earlier one',
      { words: patched(columns.words, 8, 3) },
      /exceptions\[1\]: an exception reference/,
    ],
    ['an i32 with more bits', { words: patched(columns.words, 7, 1) }, /exceptions\[1\]: a 32-bit value/],
    ['a type that there is not', { types: new Uint8Array(columns.types.length).fill(0x41) }, /is not a value type/],
    [
      'too many values',
      { counts: patched(columns.counts, 2, 3) },
      /exceptions\[2\]: has more values than there are types/,
    ],
    ['too few values', { counts: patched(columns.counts, 2, 1) }, /have fewer values/],
    [
      'too few words',
      { words: columns.words.subarray(0, -4) },
      /exceptions\[2\]: has more values than there are words/,
    ],
    ['places without counts', { counts: columns.counts.subarray(4) }, /does not match/],
  ])('columns with %s are refused', (_, change, message) => {
    expect(decodeExceptions(columns, 1, fail)).toEqual([bits, inner, outer]);
    expect(() => decodeExceptions({ ...columns, ...change }, 1, fail)).toThrow(message);
  });

  test('a header is refused when references go beyond its exceptions', () => {
    const whole = encodeHeader({ ...stored.snapshot, exceptions: [bits, inner] });
    expect(() => decodeHeader(whole, stored.size, 'x')).toThrow(
      /instances\[0\].globalWords\[0\]: an exception reference/,
    );
    expect(decodeHeader(encodeHeader(stored.snapshot), stored.size, 'x').exceptions).toEqual([bits, inner, outer]);
  });
});

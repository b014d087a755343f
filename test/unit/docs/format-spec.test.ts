/**
 * docs/snapshot-format.md is a specification: a reader that was written from it alone (independent-reader.ts) finds
 * what `inspect --json` finds, in the stored snapshots, and in fresh ones with the features that those lack.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { capturePid } from '../../support/capture.js';
import { Output } from '../../support/waiting.js';
import { build, captureAndEnd, temporaryFolder, Workload } from '../../support/workload.js';
import { unpackByTheDocument } from './independent-packed.js';
import { readByTheDocument } from './independent-reader.js';

const root = resolve(import.meta.dirname, '../../..');
const fixtures = join(root, 'fixtures/snapshots');
const stored = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.wsnap'));
const folder = temporaryFolder();
const identity = join(fixtures, 'v4/identity.age');

/** What `inspect --json` says, without what it takes from the modules. */
function inspected(path: string): Record<string, unknown> {
  const { status, stdout, stderr } = spawnSync(
    join(root, 'bin/wag-snap'),
    ['inspect', '--json', path, '--identity', identity],
    {
      encoding: 'utf8',
    },
  );
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout, (_key, value) => {
    if (typeof value !== 'object' || value === null || !('kind' in value && 'func' in value)) return value;
    const { name: _name, moduleOffset: _moduleOffset, ...frame } = value;
    return frame;
  });
}

function compare(path: string) {
  const found = readByTheDocument(path, path, unpacked);
  expect(found.description).toEqual(inspected(path));
  expect(found.wrongBlocks).toBe(0);
  return found;
}

/** Packed files, by path: unpacking them takes packages that cannot be waited for later. */
const unpacked = new Map(
  await Promise.all(
    stored.map(async (name) => {
      const path = join(fixtures, name);
      return [path, await unpackByTheDocument(readFileSync(path), identity)] as const;
    }),
  ),
);

test.each(stored)('%s is what the document says', (name) => {
  const { version, memories } = compare(join(fixtures, name));
  // A difference lies in the folder of its format, with the complete one that it needs.
  const isFirst = /-0\.wsnap$/.test(name) && !name.startsWith('v4');
  expect(`v${version}`).toBe(isFirst ? 'v1' : name.slice(0, 2));
  expect(memories.flat().some((memory) => memory.some((byte) => byte !== 0))).toBe(true);
});

test('an annex is what the document says, and contents of unlinked files', async () => {
  const host = join(folder, 'root');
  mkdirSync(host);
  writeFileSync(join(host, 'named'), 'this has a name');
  writeFileSync(join(host, 'gone'), 'this has none');
  const { path } = await build(join(root, 'test/wasi/programs/files.wasm'), join(folder, 'files'));
  const workload = Workload.start(path, { stdin: 'pipe', dirs: [{ host, guest: '/', readOnly: false }] });
  await workload.waitFor('ready\n');
  workload.stdin.write('open 4 /named r\nopen 5 /gone r\nread 5 6\nunlink /gone\n');
  await workload.waitFor('unlink 0\n');
  const snapshot = join(folder, 'files.wsnap');
  await captureAndEnd(workload, snapshot);
  const { description, contents } = compare(snapshot);
  expect(contents.map(({ fds, bytes }) => [fds, bytes.toString()])).toEqual([[[5], 'this has none']]);
  expect(JSON.stringify(description)).toContain('"path":"named"');
});

test('what a program and its embedder know of each other is what the document says', async () => {
  const text = `(module (import "env" "ask" (func $ask (param i32) (result i32)))
    (func (export "_start") (drop (call $ask (call $ask (i32.const 1))))))`;
  const { path } = await build(Buffer.from(text), join(folder, 'asks'), { hostImports: true });
  let isAsked = () => {};
  const asked = new Promise<void>((done) => {
    isAsked = done;
  });
  const ask = (_: unknown, value: number) => {
    if (value === 1) return 2;
    isAsked();
    return new Promise(() => {});
  };
  const workload = Workload.start(path, { imports: { env: { ask } } });
  await asked;
  const snapshot = join(folder, 'asks.wsnap');
  await captureAndEnd(workload, snapshot);
  const { host } = compare(snapshot).description as { host: { embedder: object } };
  expect(host.embedder).toEqual({
    session: expect.stringMatching(/^[0-9a-f]{32}$/),
    lastCall: 2,
    isPending: true,
    imports: [{ module: 'env', name: 'ask' }],
  });
});

test('exceptions and a trap are what the document says', async () => {
  const text = `(module
    (tag $inner (param i32)) (tag $outer (param exnref v128))
    (global $kept (mut exnref) (ref.null exn))
    (memory (export "memory") 2)
    (func $thrower (param i64)
      (local $x exnref)
      (block $caught (result exnref)
        (try_table (catch_all_ref $caught) (throw $inner (i32.const 7)))
        (unreachable))
      (local.set $x)
      (block $again (result exnref)
        (try_table (catch_all_ref $again) (throw $outer (local.get $x) (v128.const i32x4 1 2 3 4)))
        (unreachable))
      (global.set $kept)
      (i32.store (i32.const 70000) (i32.const 0x01020304))
      (unreachable))
    (func (export "_start") (call $thrower (i64.const -2))))`;
  const { path } = await build(Buffer.from(text), join(folder, 'thrower'));
  const workload = Workload.start(path, { env: { WAGSNAP_ON_TRAP: 'park' } });
  await workload.waitForTrap();
  const snapshot = join(folder, 'thrower.wsnap');
  await captureAndEnd(workload, snapshot);
  const { description, memories, version } = compare(snapshot);
  expect(version).toBe(2);
  expect(description['exceptions']).toHaveLength(2);
  expect(description['state']).toBe('trapped');
  expect(memories[0]?.[0]?.readUInt32LE(70_000)).toBe(0x01020304);
});

test('a call is what the document says', async () => {
  const text = `(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "wait") (param i64) (result v128 f32)
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
      (loop $forever (br $forever))
      (unreachable)))`;
  writeFileSync(join(folder, 'call.wat'), text);
  const child = spawn(join(root, 'bin/wag-snap'), ['run', '-v', '--invoke', 'wait', join(folder, 'call.wat'), '5']);
  const said = await new Output(child).says(/^pid \d+$/m);
  const snapshot = join(folder, 'call.wsnap');
  await capturePid(Number(/^pid (\d+)$/m.exec(said)![1]), { output: snapshot, kill: true });
  const { description, version } = compare(snapshot);
  expect(version).toBe(3);
  expect(description).toMatchObject({ phase: { kind: 'call' }, call: { function: 1, results: ['v128', 'f32'] } });
});

test('the reader uses nothing of src', () => {
  const imports = ['independent-reader.ts', 'independent-packed.ts', 'independent-msgpack.ts'].flatMap((name) =>
    Array.from(readFileSync(join(import.meta.dirname, name), 'utf8').matchAll(/\bfrom '(.*)';$/gm), ([, from]) => from),
  );
  const own = ['node:crypto', 'node:fs', './independent-msgpack.js', './independent-packed.js'];
  expect(new Set(imports)).toEqual(new Set([...own, '@bokuweb/zstd-wasm', 'age-encryption']));
});

/** `restore oci://…`: a program begins before its pages have been fetched, and believes none that was not captured. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createStore, listRemote, push, restore, restoreImage } from '../../src/api/index.js';
import { type Asked, FakeRegistry } from '../support/fake-registry.js';
import { nativeArch } from '../support/native-arch.js';
import { Output } from '../support/waiting.js';
import { build, canRun, temporaryFolder } from '../support/workload.js';

const PAGES = 128;
/** Prints "ready" when it has filled all pages, "first" once it is restored, and "end" when all are as it left them. */
const PROGRAM = `(module
  (import "wag_snap" "generation" (func $generation (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") ${PAGES + 1})
  (data (i32.const 64) "ready\\nfirst\\nend\\n")
  (func $print (param $from i32) (param $bytes i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (local.get $bytes))
    (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable)))
  (func $each (param $looks i32) (local $at i32)
    (local.set $at (i32.const 65536))
    (loop $next
      (if (local.get $looks)
        (then (if (i32.ne (i32.load (local.get $at)) (i32.xor (local.get $at) (i32.const 0x5bd1e995))) (then unreachable)))
        (else (i32.store (local.get $at) (i32.xor (local.get $at) (i32.const 0x5bd1e995)))))
      (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4))) (i32.const ${(PAGES + 1) * 65536})))))
  (func (export "_start")
    (call $each (i32.const 0))
    (call $print (i32.const 64) (i32.const 6))
    (loop $wait (br_if $wait (i32.eqz (call $generation))))
    (call $print (i32.const 70) (i32.const 6))
    (call $each (i32.const 1))
    (call $print (i32.const 76) (i32.const 4))))`;

const folder = temporaryFolder();
const root = join(import.meta.dirname, '../..');
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache'), TMPDIR: join(folder, 'tmp') };
const other = nativeArch === 'x64' ? 'arm64' : 'x64';
const children: ChildProcess[] = [];
let registry: FakeRegistry;
let name: string;

beforeAll(async () => {
  mkdirSync(env.TMPDIR, { recursive: true });
  registry = await FakeRegistry.start();
  name = `oci://${registry.host}/team/pages`;
  const { path } = await build(Buffer.from(PROGRAM), join(folder, 'program'));
  const child = spawn(path, [], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Output(child).has('ready');
  const store = join(folder, 'store');
  const opened = await createStore(store);
  await opened.capture(child.pid!, 'pages');
  await opened.capture(child.pid!, 'pages');
  await opened.capture(child.pid!, 'packed', { compress: 'zstd' });
  for (const one of ['pages:1', 'pages:2']) await push(one, name, { store, plainHttp: true });
  await push('packed', `oci://${registry.host}/team/packed`, { store });
  child.kill('SIGKILL');
  await once(child, 'exit');
}, 60_000);
afterEach(async () => {
  registry.fault = () => undefined;
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});
afterAll(() => registry.stop());

/** A request for a part of pages: all others are short. */
const isOfPages = ({ range = '' }: Asked) => {
  const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  return Number(to) - Number(from) > 1 << 19;
};

function start(...args: string[]): { child: ChildProcess; out: Output; code: Promise<number | null> } {
  const child = spawn(process.execPath, [join(root, 'bin/wag-snap'), 'restore', ...args], { env, cwd: folder });
  children.push(child);
  return { child, out: new Output(child), code: once(child, 'close').then(([code]) => code as number | null) };
}

test.each(['pages:1', 'pages:2'])(
  'the first line of %s comes before all has been fetched, then the rest',
  async (one) => {
    for (const arch of [nativeArch, other].filter((arch) => canRun(arch as 'x64'))) {
      let letGo = () => {};
      const until = new Promise<void>((resolve) => {
        letGo = resolve;
      });
      let asked = 0;
      // what the first line needs is among the first pages; the others wait until it is there
      registry.fault = (request) => (isOfPages(request) && asked++ > 0 ? { kind: 'wait', until } : undefined);
      registry.sent = 0;
      const { out, code } = start(`oci://${registry.host}/team/${one}`, '--arch', arch);
      await out.has('first\n');
      const sent = registry.sent;
      letGo();
      expect(await code, out.stderr).toBe(0);
      expect([out.stdout, out.stderr]).toEqual(['first\nend\n', '']);
      expect(sent).toBeLessThan(4 << 20);
      expect(registry.sent).toBeGreaterThan(PAGES * 65536);
    }
    expect(readdirSync(env.TMPDIR)).toEqual([]);
  },
);

test('the same by the library; whole where a packed file, clones or an executable need that', async () => {
  const workload = await restore(name, { stdio: ['ignore', 'pipe', 'pipe'] });
  expect(await text(workload.stdout!)).toBe('first\nend\n');
  const packed = await restore(`oci://${registry.host}/team/packed`);
  expect(await text(packed.stdout!)).toBe('first\nend\n');
  const clones = await restore(name, { count: 2 });
  expect(await Promise.all(clones.map(({ stdout }) => text(stdout!)))).toEqual(['first\nend\n', 'first\nend\n']);
  const image = join(folder, 'image');
  await restoreImage(name, { to: image });
  const child = spawn(image, [], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  expect(await text(child.stdout!)).toBe('first\nend\n');
});

test('a registry without ranges sends all of it first', async () => {
  registry.ranges = false;
  const { out, code } = start(name);
  expect(await code, out.stderr).toBe(0);
  registry.ranges = true;
  expect(out.stdout).toBe('first\nend\n');
});

test('other pages than were captured never reach the program', async () => {
  let asked = 0;
  registry.fault = (request) => {
    if (!isOfPages(request) || asked++ < 4) return undefined;
    const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(request.range!) ?? [];
    const size = [...registry.blobs.values()].map(({ length }) => length).find((length) => length > PAGES * 65536)!;
    const headers = { 'content-range': `bytes ${from}-${to}/${size}` };
    return { kind: 'answer', status: 206, headers, body: Buffer.alloc(Number(to) - Number(from) + 1, 1) };
  };
  const { out, code } = start(`oci://${registry.host}/team/pages:1`);
  expect(await code).toBe(134);
  expect(out.stdout).toBe('first\n');
  expect(out.stderr).toMatch(/oci:\/\/127\.0\.0\.1:\d+\/team\/pages:1: damaged: the registry sends other pages/);
  expect(out.stderr).toContain('pages lost');
});

test.each([
  ['start', (range: string) => range.startsWith('bytes=0-'), /not a snapshot: the magic number is missing/],
  ['end', (range: string) => !range.startsWith('bytes=0-'), /damaged: the hash of its (header|annex) differs|annex/],
])('another %s of the file is refused before anything runs', async (_, is, says) => {
  registry.fault = ({ range = '' }) => {
    if (!is(range) || range === '') return undefined;
    const [, from = '0', to = '0'] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
    const size = [...registry.blobs.values()].map(({ length }) => length).find((length) => length > PAGES * 65536)!;
    const headers = { 'content-range': `bytes ${from}-${to}/${size}` };
    return { kind: 'answer', status: 206, headers, body: Buffer.alloc(Number(to) - Number(from) + 1, 1) };
  };
  const { out, code } = start(`oci://${registry.host}/team/pages:1`);
  expect(await code).toBe(3);
  expect([out.stdout, out.stderr]).toEqual(['', expect.stringMatching(says)]);
});

test('what a repository has is listed; what is no snapshot is left out', async () => {
  registry.manifests.set('team/pages:image', Buffer.from('{"schemaVersion":2,"layers":[]}'));
  registry.manifests.set('team/pages:nonsense', Buffer.from('\x1b[31m'));
  const all = await listRemote(name);
  expect(all.map(({ name: of, tag, facts }) => [of, tag, facts.arch, facts.memory])).toEqual([
    ['team/pages', '1', nativeArch, (PAGES + 1) * 65536],
    ['team/pages', '2', nativeArch, (PAGES + 1) * 65536],
  ]);
  expect(await listRemote(`${name}:2`)).toEqual([all[1]]);
  expect(await listRemote(`${name}@${all[1]!.digest}`)).toMatchObject([{ digest: all[1]!.digest }]);
  await expect(listRemote(`${name}:image`)).rejects.toMatchObject({ code: 'no-generation', exitCode: 3 });
  await expect(listRemote(`${name}:9`)).rejects.toMatchObject({ code: 'no-generation', exitCode: 3 });
});

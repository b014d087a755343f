/** Single functions called by the library, on both CPUs: values of all types, what is refused, captures in a call. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { compile, InputError, invoke, open, restore, UsageError } from '../../../src/api/index.js';
import { nativeArch } from '../../support/native-arch.js';
import { canRun, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
mkdirSync(join(folder, 'cache'));
vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
const bytes = (text: string) => new TextEncoder().encode(text);
const other = nativeArch === 'x64' ? 'arm64' : 'x64';

const VALUES = bytes(`(module
  (import "env" "twice" (func $twice (param i32) (result i32)))
  (memory (export "memory") 1)
  (func $nothing (result i32) (i32.const 0))
  (elem declare func $nothing)
  (global $started (mut i32) (i32.const 0))
  (func (export "_initialize") (global.set $started (i32.const 100)))
  (func (export "same") (param i32 i64 f32 f64 v128 funcref externref) (result i32 i64 f32 f64 v128 funcref externref)
    (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6))
  (func (export "some") (result funcref) (ref.func $nothing))
  (func (export "asks") (param i32) (result i32) (i32.add (global.get $started) (call $twice (local.get 0))))
  (func (export "traps") unreachable))`);
/** `f` takes an i32 and a (ref func). */
const NEEDS = Buffer.from('0061736d0100000001070160027f64700003020100070501016600000a040102000b', 'hex');
const imports = { env: { twice: async (_: unknown, n: number) => 2 * n } };

const reply = async (
  ...[name, args, options]: [string, Parameters<typeof invoke>[2]?, Parameters<typeof invoke>[3]?]
) => (await (await invoke(VALUES, name, args, { imports, stdio: 'ignore', ...options })).exited).reply;

test.each((['x64', 'arm64'] as const).filter(canRun))('values of all types on %s', async (arch) => {
  const vector = Uint8Array.from({ length: 16 }, (_, i) => 0xf0 + i);
  expect(await reply('same', [-1, -(2n ** 63n), 0.1, -0, vector, null, null], { arch })).toEqual({
    kind: 'results',
    results: [
      { type: 'i32', value: -1 },
      { type: 'i64', value: -(2n ** 63n) },
      { type: 'f32', value: Math.fround(0.1), bits: 0x3dcccccd },
      { type: 'f64', value: -0, bits: 1n << 63n },
      { type: 'v128', value: vector },
      { type: 'funcref', value: null },
      { type: 'externref', value: null },
    ],
  });
  expect(await reply('asks', [0xffffffff], { arch })).toEqual({
    kind: 'results',
    results: [{ type: 'i32', value: 98 }],
  });
  expect(await reply('some', [], { arch })).toEqual({
    kind: 'results',
    results: [{ type: 'funcref', value: undefined }],
  });
  expect(await reply('traps', [], { arch })).toEqual({ kind: 'trap', message: 'unreachable' });
});

test.each<[string, unknown[], string]>([
  ['asks', [], 'asks(i32) i32 takes 1 arguments, not 0'],
  ['asks', [1, 2], 'asks(i32) i32 takes 1 arguments, not 2'],
  ['asks', ['1'], 'argument 1 is a string, not an i32, which is a number'],
  ['asks', [1.5], 'argument 1 is 1.5, which is no i32'],
  ['asks', [2 ** 32], 'argument 1 is 4294967296, which is no i32'],
  ['same', [1, 2, 3, 4, new Uint8Array(16), null, null], 'argument 2 is a number, not an i64, which is a bigint'],
  ['same', [1, 2n, 3, 4, new Uint8Array(15), null, null], 'argument 5 is 15 bytes, not a v128, which is 16 bytes'],
  ['same', [1, 2n, 3, 4, new Uint8Array(16), 1, null], 'argument 6 is a number, not a funcref, which can only be null'],
])('%s of %o is refused', async (name, args, message) => {
  const call = invoke(VALUES, name, args as never, { imports });
  await expect(call).rejects.toThrow(UsageError);
  await expect(call).rejects.toThrow(message);
});

test('what cannot be called is refused', async () => {
  await expect(invoke(NEEDS, 'f', [1, null])).rejects.toThrow(/argument 2 cannot be null/);
  await expect(invoke(VALUES, 'nothing', [], { imports })).rejects.toMatchObject({ code: 'no-export' });
  await expect(invoke(bytes('(module (func (result i32)))'), 'f')).rejects.toThrow(InputError);
});

test.runIf(canRun('x64') && canRun('arm64'))('captured in a call, and continued on the other CPU', async () => {
  const image = await compile(VALUES, { hostImports: true });
  let reached = () => {};
  const isReached = new Promise<void>((done) => {
    reached = done;
  });
  let release = () => {};
  const isReleased = new Promise<void>((done) => {
    release = done;
  });
  const waiting = {
    env: {
      twice: async (_: unknown, n: number) => {
        reached();
        await isReleased;
        return 2 * n;
      },
    },
  };
  const call = await invoke(image, 'asks', [21], { imports: waiting, stdio: 'ignore' });
  await isReached;
  const to = join(folder, 'call.wsnap');
  await call.capture({ to, kill: true });
  expect((await call.exited).reply).toEqual({ kind: 'ended' });
  release();
  const rest = await restore(to, { arch: other, imports: waiting, stdio: 'ignore' });
  const { code, reply } = await rest.exited;
  expect([code, reply]).toEqual([0, { kind: 'results', results: [{ type: 'i32', value: 142 }] }]);
});

test('open takes what runs, by pid and by name; a file of the name is meant first', async () => {
  const call = await invoke(VALUES, 'asks', [1], {
    name: 'asking',
    imports: { env: { twice: () => new Promise(() => {}) } },
    stdio: 'ignore',
  });
  for (const subject of [call.pid, String(call.pid), 'asking']) {
    const opened = await open(subject);
    if (opened.kind !== 'process') throw new Error(opened.kind);
    expect([opened.pid, opened.name]).toEqual([call.pid, 'asking']);
    expect(await opened.describe()).toMatchObject({ kind: 'process', pid: call.pid, state: 'running' });
    opened.close();
    opened[Symbol.dispose]();
  }
  await expect(open('nobody-here')).rejects.toMatchObject({ code: 'no-process' });
  await expect(open(2 ** 30)).rejects.toMatchObject({ code: 'no-process' });
  await expect(open(call.pid, { signal: AbortSignal.abort() })).resolves.toMatchObject({ kind: 'process' });
  await call.kill('SIGKILL');
  expect((await call.exited).reply).toEqual({ kind: 'ended' });
});

/** Import functions by the library: run, capture and restore with the functions of this process. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { compile } from '../../src/api/compile.js';
import { type Imports, restore, run, typedImport } from '../../src/api/index.js';
import type { ArchName } from '../../src/arch/masm/target.js';
import { command } from '../support/command.js';
import { canRun, temporaryFolder } from '../support/workload.js';

const program = resolve(import.meta.dirname, '../../bin/wag-snap');
const wagSnap = (words: readonly string[]) => command(process.execPath, [program, ...words]);
const folder = temporaryFolder();
mkdirSync(join(folder, 'cache'));
vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));

/** Asks for a key's value, puts it back turned around, and ends with its length. */
const SOURCE = Buffer.from(`(module
  (import "kv" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "kv" "put" (func $put (param i32 i32 i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "greeting")
  (data (i32.const 8) "answer")
  (func (export "_start") (local $length i32) (local $i i32)
    (local.set $length (call $get (i32.const 0) (i32.const 8) (i32.const 100) (i32.const 50)))
    (loop $again
      (i32.store8 offset=200 (local.get $i)
        (i32.load8_u offset=99 (i32.sub (local.get $length) (local.get $i))))
      (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $length))))
    (call $put (i32.const 8) (i32.const 6) (i32.const 200) (local.get $length))
    (call $exit (local.get $length))))`);

function store(values: Map<string, string>, onGet?: () => Promise<void>) {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  return {
    kv: {
      get: typedImport(['i32', 'i32', 'i32', 'i32'], ['i32'], async (context, key, keyLength, to, size) => {
        await onGet?.();
        const memory = context.memory();
        const value = Buffer.from(values.get(text(await memory.read(key, keyLength))) ?? '');
        await memory.write(to, value.subarray(0, size));
        return value.length;
      }),
      put: async (context, key: number, keyLength: number, value: number, length: number) => {
        const [name, bytes] = await Promise.all([
          context.memory().read(key, keyLength),
          context.memory().read(value, length),
        ]);
        values.set(text(name), text(bytes));
      },
    },
  } satisfies Imports;
}

const arches = (['x64', 'arm64'] as const).filter(canRun);
const others = { x64: 'arm64', arm64: 'x64' } as const;

describe.each<ArchName>(arches)('on %s', (arch) => {
  test('a module runs with the functions that it is given', async () => {
    const values = new Map([['greeting', 'hello']]);
    const workload = await run(SOURCE, { arch, imports: store(values), stdio: 'ignore' });
    expect(await workload.exited).toEqual({ code: 5, signal: null, timedOut: false });
    expect(values.get('answer')).toBe('olleh');
  });

  test.runIf(canRun(others[arch]))('captured in a call, it continues on the other CPU', async () => {
    const values = new Map([['greeting', 'hello']]);
    let calls = 0;
    let reached = () => {};
    let release = () => {};
    const isReached = new Promise<void>((done) => {
      reached = done;
    });
    const isReleased = new Promise<void>((done) => {
      release = done;
    });
    const imports = store(values, async () => {
      calls++;
      reached();
      await isReleased;
    });
    const workload = await run(SOURCE, { arch, imports, stdio: 'ignore' });
    await isReached;
    const snapshot = join(folder, `${arch}.wsnap`);
    await workload.capture({ to: snapshot, kill: true });
    expect(await workload.exited).toMatchObject({ code: 75 });
    const rest = await restore(snapshot, { arch: others[arch], imports, stdio: 'ignore' });
    release();
    expect(await rest.exited).toEqual({ code: 5, signal: null, timedOut: false });
    expect(values.get('answer')).toBe('olleh');
    expect(calls).toBe(1);
    await expect(restore(snapshot, { stdio: 'ignore' })).rejects.toThrow(
      'calls functions of the program that starts it (kv.get, kv.put): start it through the library',
    );
    const byHand = await wagSnap(['restore', snapshot]);
    expect(byHand).toMatchObject({ status: 3 });
    expect(byHand.stderr).toContain(
      '(kv.get, kv.put): start it through the library, with these functions as `imports`\n',
    );
    const shown = await wagSnap(['inspect', snapshot]);
    expect(shown.stdout).toContain('embedder    kv.get, kv.put; 1 call, the last one waits\n');
  });
});

test('killed by SIGKILL after its capture, as it was suspended: the call is not made again', async () => {
  const values = new Map([['greeting', 'hello']]);
  let calls = 0;
  let reached = () => {};
  let release = () => {};
  const isReached = new Promise<void>((done) => {
    reached = done;
  });
  const isReleased = new Promise<void>((done) => {
    release = done;
  });
  const imports = store(values, async () => {
    calls++;
    reached();
    await isReleased;
  });
  const workload = await run(SOURCE, { imports, stdio: 'ignore' });
  await isReached;
  const snapshot = join(folder, 'suspended.wsnap');
  const onProgress = () => void process.kill(workload.pid, 'SIGSTOP');
  await workload.capture({ to: snapshot, kill: true, onProgress });
  expect(await workload.exited).toMatchObject({ signal: 'SIGKILL' });
  release();
  const rest = await restore(snapshot, { imports, stdio: 'ignore' });
  expect(await rest.exited).toMatchObject({ code: 5 });
  expect(calls).toBe(1);
});

test.each(arches)(
  'captured from outside on %s while it sends what was read: the call is not made again',
  async (arch) => {
    const source = Buffer.from(`(module
    (import "env" "look" (func $look (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 64)
    (func (export "_start") (call $exit (call $look))))`);
    const snapshot = join(folder, `sending-${arch}.wsnap`);
    const statuses: (number | null)[] = [];
    let calls = 0;
    const imports: Imports = {
      env: {
        look: async (context) => {
          calls++;
          const bytes = context.memory().read(0, 64 * 65536);
          await new Promise(setImmediate); // the request is on its way
          // nobody reads the answer meanwhile: it is more than a socket holds
          const capture = ['capture', String(workload.pid), '--kill', '-o', snapshot];
          statuses.push(spawnSync(process.execPath, [program, ...capture]).status);
          return (await bytes).length === 64 * 65536 ? 9 : 1;
        },
      },
    };
    const workload = await run(source, { arch, imports, stdio: 'ignore' });
    expect(await workload.exited).toMatchObject({ code: 75 });
    const rest = await restore(snapshot, { arch, imports, stdio: 'ignore' });
    expect(await rest.exited).toMatchObject({ code: 9 });
    expect([calls, statuses]).toEqual([1, [0]]);
  },
);

test('what a function has thrown is in the exit, with its trap', async () => {
  const error = new Error('out of order');
  const workload = await run(SOURCE, {
    imports: { kv: { get: () => Promise.reject(error), put: () => {} } },
    stdio: 'ignore',
  });
  const exit = await workload.exited;
  expect(exit).toMatchObject({ code: 134, trap: { kind: 18, message: 'kv.get: out of order' } });
  expect(exit.importFailure).toBe(error);
});

test('what is missing is an error, and nothing runs', async () => {
  await expect(run(SOURCE, { imports: { kv: { get: () => 0 } } })).rejects.toThrow(/unknown import: kv\.put/);
  await expect(run(SOURCE)).rejects.toThrow(/2 imports cannot be provided/);
  const image = await compile(SOURCE, { hostImports: true });
  const path = join(folder, 'image');
  await image.write(path);
  await expect(run(path, { imports: { kv: { get: () => 0 } } })).rejects.toThrow(
    /kv\.put \(i32 i32 i32 i32\) -> \(\): is missing/,
  );
  const wrong = { get: typedImport(['i64'], [], () => {}), put: () => {} };
  await expect(run(path, { imports: { kv: wrong } })).rejects.toMatchObject({ code: 'imports' });
  await expect(run(path)).rejects.toThrow('calls functions of the program that starts it (kv.get, kv.put)');
  const byHand = spawnSync(path, { encoding: 'utf8' });
  expect(byHand).toMatchObject({ status: 2, stdout: '' });
  expect(byHand.stderr).toContain('(kv.get, kv.put)');
});

test('functions that nothing imports do not matter', async () => {
  const workload = await run(Buffer.from('(module (func (export "_start")))'), {
    imports: { env: { unused: () => 1 } },
    stdio: 'ignore',
  });
  expect(await workload.exited).toMatchObject({ code: 0 });
});

test('the embedder is killed: the program traps', async () => {
  const script = resolve(import.meta.dirname, 'killed-embedder.mjs');
  writeFileSync(join(folder, 'asks.wat'), '(module (import "env" "ask" (func $f)) (func (export "_start") (call $f)))');
  const compiled = await wagSnap(['compile', '--host-imports', join(folder, 'asks.wat'), '-o', join(folder, 'asks')]);
  expect(compiled).toMatchObject({ status: 0 });
  const { stderr, stdout } = spawnSync(process.execPath, [script, join(folder, 'asks')], { encoding: 'utf8' });
  expect(stdout).toBe('');
  expect(stderr).toMatch(/^wasm trap: env\.ask: the embedder is gone\n {2}#0 env\.ask/);
});

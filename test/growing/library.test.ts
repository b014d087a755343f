/** `run` of the library with `beginAtOnce`: its ends, and what is left behind. */

import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { InputError, ModuleError, restore, run, type StartedWorkload } from '../../src/api/index.js';
import { openDescriptors } from '../support/open-descriptors.js';
import { canRun, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const temporary = join(folder, 'tmp');
mkdirSync(temporary);
vi.stubEnv('TMPDIR', temporary);

const started: StartedWorkload[] = [];
let cache = '';
let open: string[] = [];
let caches = 0;

beforeEach(async () => {
  cache = join(folder, `cache-${caches++}`);
  mkdirSync(cache);
  vi.stubEnv('XDG_CACHE_HOME', cache);
  await (await run(module(), { stdio: 'ignore' })).exited; // all code is loaded
  open = descriptors();
});
afterEach(async () => {
  for (const workload of started.splice(0)) {
    await workload.kill('SIGKILL');
    await workload.exited.catch(() => {});
  }
  await expect.poll(() => descriptors().filter((each) => !open.includes(each))).toEqual([]);
  expect(readdirSync(temporary)).toEqual([]);
});

/** Files of this process. */
function descriptors(): string[] {
  return openDescriptors().filter((each) => !/^\d+ (\/proc\/|(socket|pipe|anon_inode):)/.test(each));
}

/** Prints a line, reads a byte, and prints the line again unless its input has ended. @param rest more of the module */
function module(rest = ''): Uint8Array {
  return Buffer.from(`(module
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\10\\00\\00\\00\\03\\00\\00\\00-------hi\\n")
    (data (i32.const 16) "hi\\n")
    (data (i32.const 32) "\\40\\00\\00\\00\\01\\00\\00\\00")
    (func (export "_start")
      (loop $line
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 24)))
        (drop (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 24)))
        (br_if $line (i32.load (i32.const 24)))))
    ${rest})`);
}

function lines(workload: StartedWorkload): AsyncIterator<string> {
  return createInterface({ input: workload.stdout! })[Symbol.asyncIterator]();
}

/** Images in the cache besides that of the beginning. */
function cached(): string[] {
  return readdirSync(join(cache, 'wag-snap')).slice(1);
}

describe.each((['x64', 'arm64'] as const).filter(canRun))('%s', (arch) => {
  const options = { arch, beginAtOnce: true };

  test('runs, and the image goes to the cache, from which it then starts', async () => {
    const before = readdirSync(join(cache, 'wag-snap'));
    for (const isCached of [false, true]) {
      const program = await run(module(`(func $${arch})`), options);
      started.push(program);
      const line = lines(program);
      expect((await line.next()).value).toBe('hi');
      program.stdin!.write('.');
      expect((await line.next()).value).toBe('hi');
      program.stdin!.end();
      expect(await program.exited).toEqual({ code: 0, signal: null, timedOut: false });
      const images = () => readdirSync(join(cache, 'wag-snap')).filter((name) => !before.includes(name));
      if (isCached) expect(images()).toHaveLength(1);
      else await expect.poll(images).toEqual([expect.not.stringMatching(/tmp/)]);
    }
  });

  test('is captured, and continues elsewhere', async () => {
    const program = await run(module(`(func $captured-${arch})`), options);
    started.push(program);
    expect((await lines(program).next()).value).toBe('hi');
    const file = join(folder, `${arch}.wsnap`);
    await program.capture({ to: file, kill: true });
    expect((await program.exited).code).toBe(75);
    const restored = await restore(file, { arch });
    started.push(restored);
    const line = lines(restored);
    restored.stdin!.write('.');
    expect((await line.next()).value).toBe('hi');
    restored.stdin!.end();
    expect((await restored.exited).code).toBe(0);
  });
});

test('a module that turns out to be invalid ends the program, and `exited` rejects', async () => {
  const invalid = await binary('(func (result i32) (i32.const 1) (drop (i32.const 1)) (drop))');
  const reason = await run(invalid).catch((error: unknown) => error);
  expect(reason).toBeInstanceOf(ModuleError);
  const program = await run(invalid, { beginAtOnce: true });
  await expect(program.exited).rejects.toThrow((reason as Error).message);
  expect(cached()).toEqual([]);
});

test('of two faults the first in the file is told, not the first that is called', async () => {
  const faulty = '(result i32) (drop)';
  const text = `(module (func $first ${faulty}) (func $called ${faulty}) (func (export "_start") (drop (call $called))))`;
  const invalid = await binaryOf(text);
  const reason = await run(invalid).catch((error: unknown) => error);
  const program = await run(invalid, { beginAtOnce: true });
  await expect(program.exited).rejects.toThrow((reason as Error).message);
});

test('nor the first that is guessed to be called', async () => {
  const large = '(drop (i32.const 0))'.repeat(300); // what follows it is not compiled together with it
  const text = `(module
    (func $first (result i32) (drop))
    (func (export "_start") (call $large) (loop $for-ever (br $for-ever)) (call $guessed))
    (func $large ${large})
    (func $guessed (i32.const 0)))`;
  const invalid = await binaryOf(text);
  const reason = await run(invalid).catch((error: unknown) => error);
  const program = await run(invalid, { beginAtOnce: true });
  await expect(program.exited).rejects.toThrow((reason as Error).message);
});

/** Text that is invalid is refused as such. */
async function binary(rest: string): Promise<Uint8Array> {
  return binaryOf(Buffer.from(module(rest)).toString());
}

async function binaryOf(text: string): Promise<Uint8Array> {
  const { default: wabt } = await import('wabt');
  const parsed = (await wabt()).parseWat('invalid', text);
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  return buffer;
}

test('of a program that is not started, or killed, nothing is left', async () => {
  const noEntry = Buffer.from('(module (func (export "f")))');
  await expect(run(noEntry, { beginAtOnce: true })).rejects.toThrow(InputError);
  const cancelled = new AbortController();
  const program = await run(module('(func $killed)'), { beginAtOnce: true, signal: cancelled.signal });
  await once(program.stdout!, 'data');
  cancelled.abort();
  expect((await program.exited).signal).toBe('SIGKILL');
});

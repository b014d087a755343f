/**
 * Linked modules: run, captured and restored by the library, on both CPUs. What they share is shared after it: tables,
 * memories, globals and tags.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { ModuleError, restore, restoreImage, run, type StartedWorkload, UsageError } from '../../../src/api/index.js';
import { nativeArch } from '../../support/native-arch.js';
import { canRun, temporaryFolder } from '../../support/workload.js';

const folder = temporaryFolder();
for (const name of ['tmp', 'cache']) mkdirSync(join(folder, name));
vi.stubEnv('TMPDIR', join(folder, 'tmp'));
vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));

const started: StartedWorkload[] = [];
afterEach(async () => {
  for (const workload of started.splice(0)) await workload[Symbol.asyncDispose]();
});
function kept(workload: StartedWorkload): StartedWorkload {
  started.push(workload);
  return workload;
}

/** Has all that can be shared, and a start function that fills it. */
const BASE = `(module
  (table $functions (export "functions") 4 8 funcref)
  (memory (export "memory") 1 4)
  (global $count (export "count") (mut i32) (i32.const 40))
  (tag $fault (export "fault") (param i32))
  (func $two (result i32) (i32.const 2))
  (elem (i32.const 1) func $two)
  (func $begin (global.set $count (i32.add (global.get $count) (i32.const 1))))
  (start $begin)
  (func (export "fail") (param i32) (throw $fault (local.get 0))))`;
/** Is linked to BASE by another name, and adds to all of it when it is initialized. */
const MIDDLE = `(module
  (import "base" "functions" (table $functions 4 funcref))
  (import "base" "memory" (memory 1))
  (import "base" "count" (global $count (mut i32)))
  (func $three (result i32) (i32.const 3))
  (elem declare func $three)
  (func (export "_initialize")
    (drop (table.grow $functions (ref.func $three) (i32.const 1)))
    (drop (memory.grow (i32.const 1)))
    (i32.store (i32.const 65536) (i32.const 1000))
    (global.set $count (i32.add (global.get $count) (i32.const 1))))
  (func (export "call") (param i32) (result i32) (call_indirect $functions (result i32) (local.get 0))))`;
/**
 * Reads a byte, and answers each with a digit of each shared thing: the sum of what it calls by the table, what it
 * catches, reads and counts, modulo 10.
 */
const MAIN = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "base" "memory" (memory 1))
  (import "base" "functions" (table $functions 1 funcref))
  (import "base" "count" (global $count (mut i32)))
  (import "base" "fault" (tag $fault (param i32)))
  (import "base" "fail" (func $fail (param i32)))
  (import "middle" "call" (func $call (param i32) (result i32)))
  (export "memory" (memory 0))
  (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 24) "\\20\\00\\00\\00\\05\\00\\00\\00")
  (func $digit (param $at i32) (param $value i32)
    (i32.store8 (local.get $at) (i32.add (i32.const 48) (i32.rem_u (local.get $value) (i32.const 10)))))
  (func $caught (result i32)
    (block $handler (result i32)
      (try_table (catch $fault $handler) (call $fail (global.get $count)))
      (i32.const 0)))
  (func (export "answer") (param i32) (result i32)
    (global.set $count (i32.add (global.get $count) (local.get 0)))
    (i32.add (global.get $count) (i32.load (i32.const 65536))))
  (func (export "_start")
    (local $length i32)
    (loop $again
      (call $digit (i32.const 32) (i32.add (call $call (i32.const 1)) (call $call (i32.const 4))))
      (call $digit (i32.const 33) (call $caught))
      (call $digit (i32.const 34) (i32.load (i32.const 65536)))
      (call $digit (i32.const 35) (table.size $functions))
      (i32.store8 (i32.const 36) (i32.const 10))
      (drop (call $write (i32.const 1) (i32.const 24) (i32.const 1) (i32.const 8)))
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (i32.store (i32.const 65536) (i32.add (i32.load (i32.const 65536)) (i32.const 3)))
      (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (br_if $again (i32.load (i32.const 8))))))`;
const links = { base: Buffer.from(BASE), middle: Buffer.from(MIDDLE) };
const main = Buffer.from(MAIN);
/** table: 2 + 3; tag and global: 42 + n; memory: 1000 + 3 n; size of the table: 5 */
const answers = ['5205', '5335', '5465', '5595'];

/** Lines of a program's output, one after each byte that is said. */
class Talk {
  private readonly lines;
  constructor(readonly workload: StartedWorkload) {
    this.lines = createInterface(workload.stdout!)[Symbol.asyncIterator]();
  }
  async hear(): Promise<string> {
    return (await this.lines.next()).value;
  }
  async ask(): Promise<string> {
    this.workload.stdin!.write('x');
    return this.hear();
  }
}

const other = nativeArch === 'x64' ? 'arm64' : 'x64';
const arches = [nativeArch, other] as const;

describe.each(arches.flatMap((from) => arches.map((to) => [from, to] as const)))('from %s to %s', (from, to) => {
  test.runIf(canRun(from) && canRun(to))('all that is shared stays so', async () => {
    const file = join(folder, `${from}-${to}.wsnap`);
    const image = join(folder, `${from}-${to}`);
    const first = new Talk(kept(await run(main, { arch: from, links })));
    const heard = [await first.hear(), await first.ask()];
    await first.workload.capture({ to: file, kill: true });
    const second = new Talk(kept(await restore(file, { arch: to })));
    heard.push(await second.ask());
    await second.workload.capture({ to: file, kill: true, withoutModules: true });
    const modules = [MAIN, MIDDLE, BASE].map((text) => Buffer.from(text));
    await restoreImage(file, { to: image, arch: from, modules });
    const third = new Talk(kept(await run(image)));
    heard.push(await third.ask());
    third.workload.stdin!.end();
    expect(await third.workload.exited).toMatchObject({ code: 0 });
    expect(heard).toEqual(answers);
  });
});

test('modules that the snapshot does not carry are all asked for, and no others taken', async () => {
  const file = join(folder, 'without.wsnap');
  const workload = kept(await run(main, { links }));
  await new Talk(workload).hear();
  await workload.capture({ to: file, kill: true, withoutModules: true });
  const [base, middle] = [BASE, MIDDLE].map((text) => Buffer.from(text));
  await expect(restore(file, { modules: [main, base] })).rejects.toMatchObject({ code: 'no-module' });
  await expect(restore(file, { modules: [main, base, middle, Buffer.from('(module)')] })).rejects.toMatchObject({
    code: 'wrong-module',
  });
});

test('what cannot be linked starts nothing', async () => {
  await expect(run(main)).rejects.toThrow(ModuleError);
  await expect(run(main, { links: { base: links.base } })).rejects.toThrow(/middle/);
  // those before it only
  await expect(run(main, { links: { middle: links.middle, base: links.base } })).rejects.toThrow(ModuleError);
  await expect(run(main, { links: { '': links.base } })).rejects.toThrow(UsageError);
  const path = join(folder, 'broken.wat');
  writeFileSync(path, '(module (func');
  await expect(run(main, { links: { base: path } })).rejects.toThrow(/broken\.wat/);
  expect(readFileSync(path, 'utf8')).toBe('(module (func');
});

test('the cache tells programs apart by what they are linked to', async () => {
  const program = Buffer.from(`(module (import "a" "f" (func $f (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) (func (export "_start") (call $exit (call $f))))`);
  const giving = (code: number) => Buffer.from(`(module (func (export "f") (result i32) (i32.const ${code})))`);
  for (const code of [3, 4, 3]) {
    const workload = kept(await run(program, { links: { a: giving(code) }, stdio: 'ignore' }));
    expect((await workload.exited).code).toBe(code);
  }
});

/** Compiles a module to an image; an invalid module gives an error. Argument: a folder to write to. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CompileOptions,
  compile,
  InputError,
  LimitError,
  ModuleError,
  open,
  ToolError,
  WagSnapError,
} from 'wag-snap';

const [folder = ''] = process.argv.slice(2);
const text = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const 7))))`;

const steps: [done: number, total: number][] = [];
const options: CompileOptions = { name: 'seven', onProgress: (done, total) => steps.push([done, total]) };
const image = await compile(new TextEncoder().encode(text), options);
assert.ok(steps.length > 0 && steps.at(-1)?.[0] === steps.at(-1)?.[1]);
assert.equal(image.path, undefined);
assert.equal(image.bytes().length, image.size);
const path = join(folder, 'seven');
await image.write(path);
assert.equal(statSync(path).size, image.size);
assert.deepEqual(Buffer.from(image.bytes()), readFileSync(path));
assert.equal(spawnSync(path).status, 7);

const other = await compile(new TextEncoder().encode(text), { arch: 'arm64', deterministic: true });
assert.deepEqual([other.arch, other.deterministic, image.deterministic], ['arm64', true, false]);
const opened = await open(path);
assert.ok(opened.kind === 'image');
assert.deepEqual(opened.moduleBytes(), image.moduleBytes());
opened.close();

const wrong = new TextEncoder().encode('(module (func (result i32)))');
const failure = await compile(wrong, { name: 'wrong.wat' }).catch((error: unknown) => error);
assert.ok(failure instanceof ModuleError && failure instanceof InputError && failure instanceof WagSnapError);
assert.equal(failure.code, 'invalid');
assert.match(failure.message, /^wrong\.wat: offset 0x/);
assert.ok(!(failure instanceof LimitError));

const controller = new AbortController();
const onProgress = () => controller.abort('impatience');
for (const given of [{ signal: AbortSignal.abort() }, { signal: controller.signal, onProgress }]) {
  const aborted = await compile(image.moduleBytes() ?? '', given).catch((error: unknown) => error);
  assert.ok(aborted instanceof ToolError && aborted.code === 'interrupted');
}

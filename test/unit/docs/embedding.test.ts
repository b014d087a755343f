/** The program in docs/embedding.md runs unchanged with the built package. */

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { readModuleBytes } from '../../../src/wasm/wat.js';
import { command } from '../../support/command.js';
import { temporaryFolder } from '../../support/workload.js';

const root = resolve(import.meta.dirname, '../../..');
const folder = temporaryFolder();

/** Stores the greeting's value once more, by the name "copy". */
const GUEST = `(module
  (import "kv" "get" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "kv" "put" (func $put (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "greeting")
  (data (i32.const 8) "copy")
  (func (export "_start")
    (call $put (i32.const 8) (i32.const 4) (i32.const 100)
      (call $get (i32.const 0) (i32.const 8) (i32.const 100) (i32.const 50)))))`;

test('a host that gives a guest a key-value store', async () => {
  const [, program] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/embedding.md'), 'utf8'))!;
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/wag-snap'));
  writeFileSync(join(folder, 'host.mjs'), program);
  writeFileSync(join(folder, 'guest.wasm'), await readModuleBytes(Buffer.from(GUEST), 'guest'));
  const env = { ...process.env, XDG_CACHE_HOME: folder };
  const { stdout, stderr, status } = await command(process.execPath, ['host.mjs'], { cwd: folder, env });
  expect(stderr).toBe('');
  expect(stdout).toBe("exit code 0 Map(2) { 'greeting' => 'hello', 'copy' => 'hello' }\n");
  expect(status).toBe(0);
});

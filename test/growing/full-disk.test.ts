/** A disk that takes no more while a program is compiled that runs already. Limits of file sizes stand for it. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { targets } from '../../src/arch/targets.js';
import { GrowingImage } from '../../src/compile/link/growing-image.js';
import { decodeModule } from '../../src/wasm/decode.js';
import { nativeArch } from '../support/native-arch.js';
import { Output } from '../support/waiting.js';
import { temporaryFolder } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const module = join(root, 'fixtures/programs/readline.wasm');
const folder = temporaryFolder();

/** Bytes that the file of the growing image has at its beginning, and in the end. */
function sizes(): { atFirst: number; inTheEnd: number } {
  let size = 0;
  const input = { module: decodeModule(readFileSync(module), module), file: module };
  const image = new GrowingImage(input, { target: targets[nativeArch] }, 3, (bytes, at) => {
    size = Math.max(size, at + bytes.length);
  });
  image.begin();
  const atFirst = size;
  while (image.addNext());
  image.complete();
  return { atFirst, inTheEnd: size };
}

function start(name: string, limit: number): { child: ChildProcess; output: Output } {
  const cache = join(folder, name);
  mkdirSync(cache);
  const command = 'ulimit -f "$1"; shift; exec "$@"'; // in units of 512 bytes
  const tool = [process.execPath, join(root, 'bin/wag-snap'), 'run', '--begin-at-once', module];
  const env = { ...process.env, XDG_CACHE_HOME: cache, WAGSNAP_TRACE: 'compile' };
  const child = spawn('/bin/sh', ['-c', command, 'sh', `${Math.floor(limit / 512)}`, ...tool], { env });
  return { child, output: new Output(child) };
}

test('a program that has all that it needs continues', async () => {
  const { atFirst, inTheEnd } = sizes();
  expect(inTheEnd).toBeGreaterThan(atFirst + 1024);
  const { child, output } = start('end', (atFirst + inTheEnd) / 2);
  await output.has('ready\n');
  await output.says('compiles no more');
  child.stdin!.end('1 2 3\n');
  const [code] = await once(child, 'close');
  expect({ code, stdout: output.stdout }).toEqual({
    code: 0,
    stdout: 'readline ready\nreadline 1 sum 6\nreadline end after 1 lines\n',
  });
});

test('one that cannot be begun is not started, and the error says why', async () => {
  const { child, output } = start('beginning', sizes().atFirst - 1024);
  const [code] = await once(child, 'close');
  expect({ code, stdout: output.stdout }).toEqual({ code: 1, stdout: '' });
  expect(output.stderr).toMatch(/wag-snap: .*: cannot be written: .*\n$/);
});

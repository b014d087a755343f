/** The programs of the tutorials, as they stand in the text: the C one is compiled by the text's own command. */

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { build, temporaryFolder, Workload } from '../../support/workload.js';

const root = resolve(import.meta.dirname, '../../..');
const folder = temporaryFolder();

const hasClang = spawnSync('sh', ['-c', 'command -v clang wasm-ld && test -d /usr/lib/wasm32-wasi']).status === 0;

function tutorial(name: string): string {
  return readFileSync(join(root, 'docs/tutorials', `${name}.md`), 'utf8');
}

/** The first block of a language. */
function block(text: string, language: string): string {
  const [, found] = new RegExp(`\`\`\`${language}\n([^]*?)\`\`\``).exec(text) ?? [];
  if (found === undefined) throw new Error(`no block of ${language}`);
  return found;
}

/** Lines of the program, 1 to 10, wherever they stand. */
function output(text: string): string {
  return Array.from(text.matchAll(/^\d+ [0-9a-f]{8}$/gm), ([line]) => `${line}\n`).join('');
}

const WHOLE = '500000000';
const SHORT = 500;

/** The first lines of the program with fewer steps: what its arithmetic gives, here. */
function expected(): string {
  let x = 1;
  let lines = '';
  for (let line = 1; line <= 10; line++) {
    for (let i = 0; i < SHORT; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
    }
    lines += `${line} ${(x >>> 0).toString(16).padStart(8, '0')}\n`;
  }
  return lines;
}

test.skipIf(!hasClang)(
  'c: its command compiles its program, here with fewer steps (clang, lld, wasi-libc)',
  async () => {
    const text = tutorial('c');
    const program = block(text, 'c');
    expect(program).toContain(WHOLE);
    writeFileSync(join(folder, 'count.c'), program.replace(WHOLE, String(SHORT)));
    const [, command = ''] = /^\$ (clang .*)$/m.exec(text) ?? [];
    const { status, stderr } = spawnSync('sh', ['-c', command], { cwd: folder, encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    const { path } = await build(join(folder, 'count.wasm'), join(folder, 'count'));
    expect(await Workload.start(path).ended()).toEqual({ stdout: expected(), stderr: '', code: 0 });
  },
);

test('all three programs compute the same', () => {
  const [c, rust, go] = ['c', 'rust', 'go'].map((name) => output(tutorial(name)));
  expect(c.split('\n')).toHaveLength(11);
  expect([rust, go]).toEqual([c, c]);
});

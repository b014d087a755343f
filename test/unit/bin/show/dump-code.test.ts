/** `compile --dump asm --function`: each instruction of a function stands above the code it became. */

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findFunction } from '../../../../src/api/compile-in-detail.js';
import { assemble } from '../../../../src/wasm/assemble.js';
import { decodeModule } from '../../../../src/wasm/decode.js';

const root = join(import.meta.dirname, '../../../..');
const module = join(root, 'fixtures/programs/fib.wasm');

function dump(...args: string[]) {
  return spawnSync(join(root, 'bin/wag-snap'), ['compile', module, '--dump', 'asm', ...args], { encoding: 'utf8' });
}

describe.each([
  ['x64', 'objdump', 'call   0x'],
  ['arm64', process.arch === 'arm64' ? 'objdump' : 'aarch64-linux-gnu-objdump', '\tbl\t0x'],
])('%s', (arch, tool, call) => {
  const missing = spawnSync(tool, ['--version']).error !== undefined;
  test.skipIf(missing)(`a function by name (needs ${tool})`, () => {
    const { stdout, status } = dump('--arch', arch, '--function', 'fib');
    expect(status).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[1]).toBe('instance 1 function 9 <fib>:');
    const wasm = lines.filter((line) => line.includes(';; +0x'));
    const offsets = wasm.map((line) => Number.parseInt(/\+0x([0-9a-f]+)/.exec(line)![1], 16));
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(new Set(offsets).size).toBe(offsets.length);
    expect(wasm.at(-1)).toContain('end');
    const at = lines.findIndex((line) => line.includes('call 9'));
    const code = lines.slice(
      at + 1,
      lines.findIndex((line, i) => i > at && line.includes(';;')),
    );
    expect(code.some((line) => line.replace(/^\s+[0-9a-f]+ {2}/, '\t').includes(call.trim()))).toBe(true);
    expect(dump('--arch', arch, '--function', '9').stdout).toBe(stdout);
    const all = dump('--arch', arch).stdout.split('\n');
    for (const line of lines.filter((text) => text !== '' && !text.includes(';;'))) expect(all).toContain(line);
  });
});

test('a function that is not there is the user’s error', () => {
  for (const [name, message] of [
    ['nobody', '--function nobody: no function has this name'],
    ['6', '--function 6: functions 7 to 69 have code'],
    ['70', '--function 70: functions 7 to 69 have code'],
  ]) {
    const { stderr, stdout, status } = dump('--function', name);
    expect([status, stdout, stderr]).toEqual([3, '', `wag-snap: ${message}\n`]);
  }
  const { stderr, status } = spawnSync(join(root, 'bin/wag-snap'), ['compile', module, '--function', 'fib'], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([2, 'wag-snap: --function is for --dump asm\n']);
});

test('names of exports come before names of the name section', async () => {
  const text = '(module (func $other (export "f")) (func $f))';
  const decoded = decodeModule(await assemble(Buffer.from(text), 'test.wat'));
  expect(findFunction(decoded, 'f')).toBe(0);
});

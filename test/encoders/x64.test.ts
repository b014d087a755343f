/**
 * The x64 encodings: swept against stored vectors always, and against GNU as and objdump when they are installed.
 *
 * Different bytes may mean the same instruction, so both sides are disassembled and their texts compared.
 * fixtures/encodings/x64.txt has a line per row: how many instructions, a hash of all their bytes, and three of them.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Sweep, sweep } from './x64-sweep.js';

const FIXTURE = join(import.meta.dirname, '../../fixtures/encodings/x64.txt');
const swept: Sweep = sweep();

const bytesOf = (i: number): Uint8Array =>
  swept.code.subarray(swept.instructions[i]!.at, swept.instructions[i + 1]?.at ?? swept.code.length);

test('encodings are the stored ones', () => {
  const lines: string[] = [];
  const { instructions } = swept;
  for (let first = 0; first < instructions.length; ) {
    let end = first;
    const hash = createHash('sha256');
    while (end < instructions.length && instructions[end]!.row === instructions[first]!.row)
      hash.update(bytesOf(end++));
    const samples = [...new Set([first, (first + end) >> 1, end - 1])].map(
      (i) => `${Buffer.from(bytesOf(i)).toString('hex')} ${instructions[i]!.text}`,
    );
    lines.push(
      `${instructions[first]!.row}: ${end - first} ${hash.digest('hex').slice(0, 16)} | ${samples.join(' | ')}`,
    );
    first = end;
  }
  const actual = `${lines.join('\n')}\n`;
  if (process.env['BLESS'] === '1') writeFileSync(FIXTURE, actual);
  expect(actual, 'BLESS=1 stores the new encodings').toBe(readFileSync(FIXTURE, 'utf8'));
});

/** An `as` for another CPU does not know --64. */
const hasBinutils = [
  ['as', '--64', '--version'],
  ['objdump', '--version'],
].every(([tool, ...args]) => spawnSync(tool!, args).status === 0);

test.skipIf(!hasBinutils)('encodings mean what the assembler means', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-as-'));
  try {
    const file = (name: string) => join(folder, name);
    writeFileSync(file('theirs.s'), `.intel_syntax noprefix\n${swept.instructions.map((i) => i.text).join('\n')}\n`);
    execFileSync('as', ['--64', '-o', file('theirs.o'), file('theirs.s')]);
    writeFileSync(file('ours.bin'), swept.code);
    const theirs = disassemble([file('theirs.o')]);
    const ours = disassemble(['-b', 'binary', '-m', 'i386:x86-64', file('ours.bin')]);
    const wrong: string[] = [];
    const count = Math.min(ours.length, theirs.length, swept.instructions.length);
    for (let i = 0; i < count && wrong.length < 20; i++) {
      const { row, at, text } = swept.instructions[i]!;
      if (ours[i]!.at !== at || ours[i]!.text !== theirs[i]!.text)
        wrong.push(`${row}: ${text}: ours is ${ours[i]!.text}, theirs ${theirs[i]!.text}`);
    }
    expect(wrong).toEqual([]);
    expect([ours.length, theirs.length]).toEqual([swept.instructions.length, swept.instructions.length]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Lines of objdump, addresses of jumps made relative, without its comments. */
function disassemble(args: readonly string[]): { at: number; text: string }[] {
  const out = execFileSync('objdump', ['-D', '-z', '-M', 'intel', '--no-show-raw-insn', ...args], {
    maxBuffer: 1 << 30,
  });
  const lines: { at: number; text: string }[] = [];
  for (const line of out.toString().split('\n')) {
    const match = /^ *([0-9a-f]+):\t([^#<]*)/.exec(line);
    if (match === null) continue;
    const at = Number.parseInt(match[1]!, 16);
    let text = match[2]!.trim().replace(/ +/g, ' ');
    const jump = /^(j\w+|call) (0x)?([0-9a-f]+)$/.exec(text);
    if (jump !== null) text = `${jump[1]} ${BigInt.asIntN(64, BigInt(`0x${jump[3]}`) - BigInt(at))}`;
    text = text
      .replace(/,0x1$/, ',1')
      .replace(/^xchg (r?e?\w+),(\w+)$/, (_, a, b) => `xchg ${[a, b].sort().join(',')}`);
    lines.push({ at, text });
  }
  return lines;
}

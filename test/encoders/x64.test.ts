/**
 * The x64 encodings: swept against stored vectors always, and against GNU as and objdump when they are installed.
 *
 * Different bytes may mean the same instruction, so both sides are disassembled and their texts compared.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { expectStored } from './stored.js';
import { sweep } from './x64-sweep.js';

const swept = sweep();

test('encodings are the stored ones', () => expectStored(swept, 'x64'));

/** An `as` for another CPU does not know --64. */
const hasBinutils = [
  ['as', '--64', '--version'],
  ['objdump', '--version'],
].every(([tool, ...args]) => spawnSync(tool!, args).status === 0);

test.skipIf(!hasBinutils)('encodings mean what the assembler means', () => {
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

/**
 * The VEX forms of vector instructions, as binutils' disassembler reads them: every row that has one, low and high
 * registers.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Encoding } from '../../../../src/arch/x64/encoding.js';
import { X } from '../../../../src/arch/x64/encodings.js';
import { V } from '../../../../src/arch/x64/encodings-vector.js';
import { X64AvxMacroAssembler } from '../../../../src/arch/x64/masm-avx.js';

/** Those with two operands: what only converts, extends or moves keeps nothing of its first one. */
const ONE_OPERAND = /^(mov|pmov|pabs|sqrt|cvt|ptest|ucomi|round|lddqu)/;
const rows = [...Object.values(X).flat(), ...Object.values(V)].filter(
  ({ instruction, immediate }) =>
    /^\w+ x, xm128$/.test(instruction) && immediate === 0 && !ONE_OPERAND.test(instruction),
);
const TRIPLES = [
  [0, 1, 2],
  [8, 1, 2],
  [0, 9, 2],
  [0, 1, 10],
  [15, 14, 13],
] as const;

interface OpenAssembler {
  vex(e: Encoding, reg: number, vvvv: number, rm: number): void;
  code(): Uint8Array;
}

test('VEX encodings', ({ skip }) => {
  if (spawnSync('objdump', ['--version']).status !== 0) return skip();
  expect(rows.length).toBeGreaterThan(50);
  const masm = new X64AvxMacroAssembler(65536) as unknown as OpenAssembler;
  const expected: string[] = [];
  for (const row of rows) {
    const [name] = row.instruction.split(' ');
    for (const [reg, vvvv, rm] of TRIPLES) {
      masm.vex(row, 32 + reg, 32 + vvvv, 32 + rm);
      expected.push(`v${name} xmm${reg},xmm${vvvv},xmm${rm}`);
    }
  }
  const folder = mkdtempSync(join(tmpdir(), 'wag-snap-avx-'));
  try {
    const file = join(folder, 'code');
    writeFileSync(file, masm.code());
    const args = ['-D', '-b', 'binary', '-m', 'i386:x86-64', '-M', 'intel', '--no-show-raw-insn', file];
    const text = execFileSync('objdump', args, { encoding: 'utf8' });
    const found = [...text.matchAll(/^ *[0-9a-f]+:\t(\S+) +(\S+)/gm)].map(
      ([, name, operands]) => `${name} ${operands}`,
    );
    expect(found).toEqual(expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

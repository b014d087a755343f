/**
 * Compares what a sweep of encodings emits with stored vectors: fixtures/encodings/<cpu>.txt has a line per row of the
 * table: how many instructions, a hash of all their bytes, and three of them. BLESS=1 stores what there is.
 */

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

export interface Instruction {
  /** Name of the table's row. */
  readonly row: string;
  /** Offset in the code. */
  readonly at: number;
  /** What an assembler is told. */
  readonly text: string;
}

export interface Sweep {
  readonly code: Uint8Array;
  readonly instructions: readonly Instruction[];
}

export function bytesOf({ code, instructions }: Sweep, i: number): Uint8Array {
  return code.subarray(instructions[i]!.at, instructions[i + 1]?.at ?? code.length);
}

export function expectStored(swept: Sweep, cpu: string): void {
  const fixture = join(import.meta.dirname, `../../fixtures/encodings/${cpu}.txt`);
  const lines: string[] = [];
  const { instructions } = swept;
  for (let first = 0; first < instructions.length; ) {
    let end = first;
    const hash = createHash('sha256');
    while (end < instructions.length && instructions[end]!.row === instructions[first]!.row)
      hash.update(bytesOf(swept, end++));
    const samples = [...new Set([first, (first + end) >> 1, end - 1])].map(
      (i) => `${Buffer.from(bytesOf(swept, i)).toString('hex')} ${instructions[i]!.text}`,
    );
    lines.push(
      `${instructions[first]!.row}: ${end - first} ${hash.digest('hex').slice(0, 16)} | ${samples.join(' | ')}`,
    );
    first = end;
  }
  const actual = `${lines.join('\n')}\n`;
  if (process.env['BLESS'] === '1') writeFileSync(fixture, actual);
  expect(actual, 'BLESS=1 stores the new encodings').toBe(readFileSync(fixture, 'utf8'));
}

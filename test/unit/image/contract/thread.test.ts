/**
 * The thread record lies in the runtime block, between words of the process. Both are in images that are stored: no two
 * fields may lie over one another, and none may move.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const contract = join(import.meta.dirname, '../../../../src/image/contract');

interface Field {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/**
 * Of a file of constants: `export const TH_STATE = 12; // u32: ...`; a field of a file's place is two words of 64 bits.
 */
function fieldsOf(file: string, prefix: string): Field[] {
  const lines = readFileSync(join(contract, file), 'utf8').matchAll(/^export const (\w+) = (\d+);(?: \/\/ (\w+))?/gm);
  return Array.from(lines)
    .filter(([, name]) => name.startsWith(prefix))
    .map(([, name, offset, type]) => {
      const size = type === 'u32' ? 4 : type === 'u64' || type === 'i64' ? 8 : 16;
      return { name, start: Number(offset), end: Number(offset) + size };
    });
}

const process = fieldsOf('runtime-block.ts', 'RT_').filter(({ name }) => name !== 'RT_SUCCESSOR');
const thread = fieldsOf('thread.ts', 'TH_');

test('no field lies over another', () => {
  const fields = [...process, ...thread].sort((a, b) => a.start - b.start);
  for (const [i, field] of fields.slice(1).entries()) {
    expect(field.start, `${fields[i].name}, ${field.name}`).toBeGreaterThanOrEqual(fields[i].end);
  }
  expect(thread.length).toBeGreaterThan(15);
  expect(process.length).toBeGreaterThan(30);
});

test('stored images have the thread’s fields where they were', () => {
  const places = Object.fromEntries(thread.map(({ name, start }) => [name, start]));
  expect(places).toMatchObject({
    TH_STATE: 12,
    TH_REISSUE: 24,
    TH_TRAP_KIND: 28,
    TH_PARK_CONTEXT: 32,
    TH_GUEST_SP: 56,
    TH_HOST_SP: 64,
    TH_GUEST_INSTANCE: 72,
    TH_STACK_LOW: 80,
    TH_STACK_TOP: 88,
    TH_INVOKE_VALUES: 136,
    TH_SIGNAL_STACK: 144,
    TH_PHASE: 160,
    TH_TRAP_PARKED: 528,
    TH_TRAP_PLACE: 532,
    TH_TRAP_AT: 536,
    TH_TRAP_SP: 544,
    TH_TRAP_RETURN: 552,
    TH_TRAP_CALLER_SP: 560,
    TH_TRAP_TAG: 568,
  });
});

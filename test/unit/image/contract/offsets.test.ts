/** No two fields of a record of the contract share bytes. What a field is stands after its offset: u32, u64 and so on. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { NAME_MAX, RUNTIME_BLOCK_SIZE, SUCCESSOR_MAX } from '../../../../src/image/contract/runtime-block.js';
import { TRACKING_SIZE } from '../../../../src/image/contract/tracking.js';

const folder = resolve(import.meta.dirname, '../../../../src/image/contract');
/** Bytes of fields whose comment does not begin with a type. */
const SIZES: Readonly<Record<string, number>> = {
  RT_FUNCS_FILE: 16,
  RT_SITES_FILE: 16,
  RT_TRAPS_FILE: 16,
  RT_NAMES_FILE: 16,
  RT_PLACES_FILE: 16,
  RT_NAME: NAME_MAX + 1,
  RT_SUCCESSOR: SUCCESSOR_MAX,
  RT_TRACKING: TRACKING_SIZE,
};

/** Prefixes that are of several records: a table's head, and its entries. */
const SEVERAL = ['EI', 'LOG'];

interface Field {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** By the record: the prefix of its fields. The thread record lies in the runtime block. */
const records = new Map<string, Field[]>();
for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
  const text = readFileSync(join(folder, file), 'utf8');
  for (const [, name, offset, type] of text.matchAll(
    /^export const ([A-Z]+_\w+) = (\d+);(?: \/\/ [ui](8|16|32|64)\b)?/gm,
  )) {
    const size = SIZES[name] ?? (type === undefined ? undefined : Number(type) / 8);
    const prefix = name.split('_')[0];
    if (size === undefined || SEVERAL.includes(prefix)) continue;
    const record = prefix === 'TH' ? 'RT' : prefix;
    const fields = records.get(record) ?? [];
    fields.push({ name, start: Number(offset), end: Number(offset) + size });
    records.set(record, fields);
  }
}

test.each([...records])('%s', (record, fields) => {
  const sorted = fields.sort((a, b) => a.start - b.start);
  const overlaps = sorted.flatMap(({ name, start }, i) =>
    i > 0 && start < sorted[i - 1].end ? [[sorted[i - 1].name, name]] : [],
  );
  expect(overlaps).toEqual([]);
  if (record === 'RT') expect(sorted.at(-1)!.end).toBeLessThanOrEqual(RUNTIME_BLOCK_SIZE);
});

test('the records are found', () => {
  expect(records.get('RT')!.length).toBeGreaterThan(60);
  expect(records.get('RT')!.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(SIZES)));
});

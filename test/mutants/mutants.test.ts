/** The list of mutants itself: each can be applied, and names tests that exist. */

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { areas } from './areas.js';
import { mutantsOf, problemOf } from './mutant.js';

test.each(areas.map((area) => [area.name, area] as const))('%s: each mutant can be applied', (_, area) => {
  const wrong: string[] = [];
  const look = (file: string, before: string, after: string) => {
    const problem = existsSync(file) ? problemOf(readFileSync(file, 'utf8'), before, after) : 'there is no such file';
    if (problem !== undefined) wrong.push(`${file}: ${before}: ${problem}`);
  };
  for (const { file, before, after, tests } of mutantsOf(area)) {
    look(file, before, after);
    for (const test of tests) if (!existsSync(test)) wrong.push(`${test} is not there`);
  }
  for (const { file, equivalent = [] } of area.files)
    for (const [before, after] of equivalent) look(file, before, after);
  expect(wrong).toEqual([]);
});

test('no two areas have the same name, and no mutant is there twice', () => {
  const names = areas.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const all = areas.flatMap(mutantsOf).map(({ file, before, after }) => JSON.stringify([file, before, after]));
  expect(all.filter((one, i) => all.indexOf(one) !== i)).toEqual([]);
});

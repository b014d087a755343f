/**
 * The stop protocol, walked: one process, one or two tools, of the process's own pid namespace or of another one, each
 * of which may die at any step; signals may come late, and one that comes while another is pending is lost. In no state
 * do two tools hold the process, or does it continue while a tool holds it; and from every state it gets free.
 */

import { expect, test } from 'vitest';
import { freshTool } from './tool-model.js';
import { walk } from './walk.js';

test.each([
  ['one tool', [false]],
  ['one of another namespace', [true]],
  ['two tools', [false, false]],
  ['one of each', [false, true]],
  ['two of other namespaces', [true, true]],
])('%s', (_, kinds) => {
  const { states, violations } = walk(kinds.map((foreign, i) => freshTool(i + 1, foreign)));
  expect(violations).toEqual([]);
  expect(states).toBeGreaterThan(50);
});

/** Who moves a process keeps it: from then on it stands, whoever dies, until that tool, or somebody who knows, says so. */
test.each([
  ['one that moves', [[false, true]]],
  ['one that moves from another namespace', [[true, true]]],
  [
    'one that moves and one that captures',
    [
      [false, true],
      [false, false],
    ],
  ],
  [
    'two that move',
    [
      [false, true],
      [false, true],
    ],
  ],
] as const)('%s', (_, kinds) => {
  const keptFor = new Set<string>();
  const { violations } = walk(
    kinds.map(([foreign, moves], i) => freshTool(i + 1, foreign, moves)),
    {
      onState: ({ process, tools }) => {
        for (const { pc, id } of tools)
          if (pc === 'dead' && process.kept && process.pc === 'wait') keptFor.add(`${id}`);
      },
    },
  );
  expect(violations).toEqual([]);
  expect(keptFor.size).toBeGreaterThan(0); // it does stand for one that has died
});

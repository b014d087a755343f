/**
 * The stop protocol, walked: one process, one or two tools, of the process's own pid namespace or of another one, each
 * of which may die at any step; signals may come late, and one that comes while another is pending is lost. In no state
 * do two tools hold the process or is it let go under one, and from every state it gets free.
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

/** Which rows of expected-failures.json a run is compared with. */

import { expect, it } from 'vitest';
import { judge } from './expectations.js';

const SHA256 = 'abcdef0123456789';
const rows = [
  { script: 'a.wast', line: 1, reason: 'own' },
  { script: 'elsewhere/a.wast', sha256: 'abcd', line: 2, reason: 'this version' },
  { script: 'a.wast', sha256: 'ffff', line: 3, reason: 'another version' },
  { script: 'b.wast', line: 1, reason: 'another script' },
];

function verdict(lines: readonly number[], sha256?: string) {
  const failures = lines.map((line) => ({ line, command: '', reason: '' }));
  const result = { script: 'a.wast', assertions: 9, passed: 9 - lines.length, skipped: 0, failures, skips: [] };
  const { unexpected, stale, known } = judge(result, 'x64', sha256, rows);
  return { unexpected: unexpected.map(({ line }) => line), stale: stale.map(({ reason }) => reason), known };
}

it('is what fails in the version that is run, and no more', () => {
  expect(verdict([1])).toEqual({ unexpected: [], stale: [], known: 1 });
  expect(verdict([2], SHA256)).toEqual({ unexpected: [], stale: [], known: 1 });
  expect(verdict([1, 3], SHA256)).toEqual({ unexpected: [1, 3], stale: ['this version'], known: 0 });
  expect(verdict([2])).toEqual({ unexpected: [2], stale: ['own'], known: 0 });
});

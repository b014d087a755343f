/** --jobs. */

import { expect, test } from 'vitest';
import { parseJobs } from '../../../../bin/options/jobs.js';

test('is a number of threads', () => {
  expect([undefined, '1', '2', '9999'].map(parseJobs)).toEqual([undefined, 1, 2, 9999]);
});

test.each(['0', '-1', '1.5', '2x', '10000', 'all', ' 2'])('%s is none', (text) => {
  expect(() => parseJobs(text)).toThrow(`--jobs ${text}: expected a number of threads, 1 to 9999`);
});

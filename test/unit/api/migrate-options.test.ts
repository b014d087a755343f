/** Values that mean nothing are refused before anything is done. */

import { expect, test } from 'vitest';
import { checkOptions, type MigrateOptions } from '../../../src/api/migrate-options.js';

test.each<[MigrateOptions, string]>([
  [{ limitRate: 0 }, 'limitRate 0: must be a number above 0'],
  [{ downtime: Number.NaN }, 'downtime NaN: must be'],
  [{ maxTime: Infinity }, 'maxTime Infinity: must be'],
  [{ patience: -1 }, 'patience -1: must be'],
  [{ maxTime: 'x' as never }, 'maxTime x: must be'],
  [{ onTimeout: 'foo' as never, maxTime: 1 }, 'onTimeout foo: must be stop, lazy, cancel'],
  [{ onTimeout: 'cancel' }, '--on-timeout cancel needs --max-time'],
  [{ lazy: true, copy: true }, '--lazy with --keep'],
])('%o', (options, message) => {
  expect(() => checkOptions(options)).toThrow(message);
});

test('others are not', () => {
  checkOptions({});
  checkOptions({ limitRate: 1e6, downtime: 0.5, maxTime: 60_000, onTimeout: 'lazy', patience: 50 });
});

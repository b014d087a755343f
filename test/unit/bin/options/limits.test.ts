/** Sizes and times on the command line. */

import { expect, it } from 'vitest';
import { parseAge, parseDuration, parseLimits, parseSize } from '../../../../bin/options/limits.js';
import { UsageError } from '../../../../bin/options/usage.js';

it('reads sizes', () => {
  const sizes = ['1', '65536', '64K', '64k', '1.5M', '2GiB', '3mb'];
  expect(sizes.map((text) => parseSize('x', text))).toEqual([1, 65536, 65536, 65536, 1572864, 2 ** 31, 3 * 2 ** 20]);
  for (const text of ['', '0', '-1', 'M', '1T', '1 M', '0x10', '999999999999G'])
    expect(() => parseSize('x', text)).toThrow(UsageError);
});

it('reads durations', () => {
  const times = ['1', '0.25', '3600', '500ms', '2s', '1.5m', '1h', '1d', '0.1ms'];
  expect(times.map((text) => parseDuration('x', text))).toEqual([
    1000, 250, 3_600_000, 500, 2000, 90_000, 3_600_000, 86_400_000, 1,
  ]);
  const wrong = ['', '0', '-1', '1w', '25d', '1e3', '99999999', '1 s', 's', '0x1', '1S', '0ms', 'Infinity'];
  for (const text of wrong) expect(() => parseDuration('x', text)).toThrow(UsageError);
});

it('reads ages, which may be longer than a timer can wait', () => {
  expect(['7d', '400d', '30'].map((text) => parseAge('x', text))).toEqual([604_800_000, 34_560_000_000, 30_000]);
  for (const text of ['', '0', '-1d', '1w', 'd']) expect(() => parseAge('x', text)).toThrow(UsageError);
});

it('reads what was given, and refuses stacks that cannot be', () => {
  const none = { maxMemory: undefined, maxStack: undefined, timeout: undefined };
  const all = parseLimits({ maxMemory: '1M', maxStack: '64K', timeout: '1.5' });
  expect(all).toEqual({ maxMemory: 1048576, maxStack: 65536, timeout: 1500 });
  for (const maxStack of ['65535', '257M', '0']) expect(() => parseLimits({ ...none, maxStack })).toThrow(UsageError);
});

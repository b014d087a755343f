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
  [{ arch: 'mips' as never }, 'arch mips: there is no such CPU'],
  [{ name: 'a b' }, '--name "a b": '],
  [{ dirs: [{ host: '/data' } as never] }, '--dir: a directory has a path here and a name in the program'],
  [{ fds: { 0: 'zzz' as never } }, '--fd 0=zzz: a descriptor is reopen, ignore, close, fail or { path }'],
  [{ fds: { 3: {} as never } }, '--fd 3='],
  [{ fds: { x: 'close' } as never }, '--fd NaN=close'],
  [{ maxMemory: -1 }, '--max-memory -1: expected a number of bytes'],
])('%o', (options, message) => {
  expect(() => checkOptions(options)).toThrow(message);
});

test('others are not', () => {
  checkOptions({});
  checkOptions({ limitRate: 1e6, downtime: 0.5, maxTime: 60_000, onTimeout: 'lazy', patience: 50 });
  checkOptions({ arch: 'arm64', name: 'job', dirs: [{ host: 'data', guest: '/d' }], maxMemory: 65536 });
  checkOptions({ fds: { 0: 'ignore', 4: { path: '/there' } } });
});

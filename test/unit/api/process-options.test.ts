/** Options of a process as the environment variables that an image reads, and values that these cannot carry. */

import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatDirs, type ProcessOptions, processEnvironment } from '../../../src/api/process-options.js';
import { UsageError } from '../../../src/base/errors.js';

const directory = (host: string, guest: string, readOnly = false) => ({ host, guest, readOnly });

test('nothing is told of what was not given', async () => {
  expect(await processEnvironment({})).toEqual({});
  expect(await processEnvironment({ env: { A: '1' }, dirs: [], listen: [], allowProc: false })).toEqual({ A: '1' });
});

test('each option has its variable', async () => {
  const all = {
    env: { A: 'x=y' },
    dirs: [directory('/a', 'b', true), { host: 'c', guest: '/c' }],
    listen: ['127.0.0.1:80', '[::1]:1', 'unix:/s'],
    name: 'job',
    maxMemory: 1048576,
    maxStack: 65536,
    allowProc: true,
  };
  expect(await processEnvironment(all)).toEqual({
    A: 'x=y',
    WAGSNAP_DIR: `/a::b:ro\n${resolve('c')}::/c`,
    WAGSNAP_LISTEN: '127.0.0.1:80\n[::1]:1\nunix:/s',
    WAGSNAP_NAME: 'job',
    WAGSNAP_MAX_MEMORY: '1048576',
    WAGSNAP_MAX_STACK: '65536',
    WAGSNAP_ALLOW_PROC: '1',
  });
});

test('a directory that ends like a suffix gets one', () => {
  expect(formatDirs([directory('/a', '/x'), directory('/b', '/b', true)])).toBe('/a::/x\n/b::/b:ro');
  expect(formatDirs([directory('/a', '/x:ro'), directory('/b', '/y:rw', true)])).toBe('/a::/x:ro:rw\n/b::/y:rw:ro');
});

describe('wrong usage', () => {
  test.each<ProcessOptions>([
    { env: { WAGSNAP_DIR: '/' } },
    { dirs: [directory('', 'a')] },
    { dirs: [directory('a', '')] },
    { dirs: [directory('a\n/::/', 'b')] },
    { dirs: [directory('a', 'b\0')] },
    { dirs: [directory('a', 'b::c')] },
    { listen: ['80'] },
    { name: '4711' },
    { maxMemory: 0 },
    { maxMemory: -1 },
    { maxMemory: 1.5 },
    { maxMemory: Number.NaN },
    { maxStack: 65535 },
    { maxStack: 65536.5 },
    { maxStack: 2 ** 28 + 1 },
  ])('%j', (options) => expect(processEnvironment(options)).rejects.toThrow(UsageError));

  test.each([{ maxStack: 65536 }, { maxStack: 2 ** 28 }, { maxMemory: 1 }])('%j is not', (options) =>
    expect(processEnvironment(options)).resolves.toBeDefined(),
  );
});

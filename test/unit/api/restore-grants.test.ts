/** What is given to a snapshot's descriptors: each to one that is there, and that it can stand for. */

import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { checkPolicy, grantsFor } from '../../../src/api/restore-grants.js';
import { UsageError } from '../../../src/base/errors.js';
import type { Descriptor } from '../../../src/snapshot/host.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';

const nothing = new Uint8Array(0);
const descriptor = (fd: number, kind: Descriptor['kind']): Descriptor => ({
  fd,
  kind,
  path: nothing,
  preopen: 3,
  guestName: nothing,
  hostPath: nothing,
  readOnly: false,
  flags: 0,
  openFlags: 0,
  rights: 0n,
  rightsInheriting: 0n,
  offset: 0n,
  cookie: 0n,
});
const descriptors = [
  descriptor(4, 'file'),
  descriptor(5, 'directory'),
  descriptor(6, 'listener'),
  descriptor(7, 'socket'),
];

test('a word is for any, a path for what has a file', () => {
  for (const word of ['reopen', 'ignore', 'close', 'fail'] as const) {
    for (const { fd } of descriptors) expect(checkPolicy(fd, word, descriptors)).toBe(word);
  }
  expect(checkPolicy(4, { path: 'a=b' }, descriptors)).toEqual({ path: resolve('a=b') });
});

test('one that the program does not have is answered with those that it has', () => {
  const wrong = () => checkPolicy(8, 'close', descriptors);
  expect(wrong).toThrow(UsageError);
  expect(wrong).toThrow(/--fd 8=close: the program has no descriptor 8; it has:/);
  expect(() => checkPolicy(8, 'close', [])).toThrow(/it has none/);
});

test.each([5, 6, 7])('no path stands for %d, which is no file', (fd) => {
  expect(() => checkPolicy(fd, { path: '/x' }, descriptors)).toThrow(/a path cannot stand for descriptor/);
});

test('who may have closed its listeners needs no address then', async () => {
  const stored = (...of: Descriptor[]) => ({ snapshot: { host: { descriptors: of } } }) as unknown as StoredSnapshot;
  const listen = ['127.0.0.1:80'];
  const none = stored(descriptor(4, 'file'));
  await expect(grantsFor(none, { listen })).rejects.toThrow('the program accepts connections at 0 addresses');
  expect((await grantsFor(none, { listen, mayHaveClosed: true })).listeners).toEqual([]);
  expect((await grantsFor(stored(descriptor(6, 'listener')), { listen, mayHaveClosed: true })).listeners).toEqual(
    listen,
  );
});

/** Who can read all files of an encrypted snapshot. */

import { expect, test } from 'vitest';
import { obstacleFor, readersOf } from '../../../src/snapshot/readers.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';

const ENCRYPTED = { key: Buffer.alloc(32) };

/** @param files whether each is encrypted: the snapshot's own, then those of its ancestors */
function stored(readers: readonly string[] | undefined, ...files: boolean[]): StoredSnapshot {
  const [own, ...ancestors] = files.map((isEncrypted, i) => ({
    path: `file-${i}`,
    ...(isEncrypted ? { packing: ENCRYPTED } : {}),
  }));
  return { ...own, ancestors, snapshot: { readers } } as unknown as StoredSnapshot;
}

test('they are the recipients, as far as they can read what it needs', () => {
  expect(readersOf([], false, undefined)).toBeUndefined();
  expect(readersOf([], true, ['a'])).toBeUndefined();
  expect(readersOf(['a', 'b'], false, undefined)).toEqual(['a', 'b']);
  expect(readersOf(['a', 'b'], true, ['b', 'c'])).toEqual(['b']);
  expect(readersOf(['a', 'b'], true, undefined)).toBeUndefined();
});

test('a snapshot is no parent for those who cannot read it, nor one that others can read', () => {
  expect(obstacleFor(stored(['a', 'b'], true, true), ['b'])).toBeUndefined();
  expect(obstacleFor(stored(['a'], true, true), ['a', 'b'])).toBe('file-0: cannot be read by b');
  expect(obstacleFor(stored(undefined, true), ['a'])).toBe('file-0: does not say who can read all of its files');
  expect(obstacleFor(stored(['a'], true, false), ['a'])).toBe(
    'file-1: is not encrypted, so what it has stays readable',
  );
});

/** What may be a parent, and which files a snapshot needs in the end. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { InputError, LimitError } from '../../../src/base/errors.js';
import { Difference } from '../../../src/snapshot/difference.js';
import { ANCESTORS_MAX } from '../../../src/snapshot/header-schema.js';
import type { SnapshotInstance, StoredSnapshot } from '../../../src/snapshot/snapshot.js';
import { sampleSnapshot } from './sample.js';

const PAGE = 65536;
const sample = sampleSnapshot([], undefined);
const [{ sha256 }] = sample.modules;
const digest = (n: number) => n.toString(16).padStart(64, '0');

function parent(part: Partial<StoredSnapshot['snapshot']> = {}): StoredSnapshot {
  return {
    path: join('somewhere', 'p.wsnap'),
    size: 0,
    digest: digest(999),
    snapshot: { ...sample, ...part },
    ancestors: [],
  };
}

/** A memory with a page in each of some files. */
function inFiles(files: readonly number[]): SnapshotInstance[] {
  const extents = files.map((file, i) => ({ offset: i * PAGE, fileOffset: PAGE, bytes: PAGE, file }));
  const memory = { pages: 1000, maxPages: 1000, extents, blocks: new Uint16Array(files.length).fill(1) };
  return [{ ...sample.instances[0], memories: [memory] }];
}

test('a snapshot of another program, or without digests, is no parent', () => {
  const other = () => new Difference(parent(), [digest(1)]);
  expect(other).toThrow(InputError);
  expect(other).toThrow(/p\.wsnap: cannot be the parent: it is of another program, sample \(sha256 /);
  expect(() => new Difference(parent(), [sha256, sha256])).toThrow(/of another program/);
  const extents = [{ offset: 0, fileOffset: PAGE, bytes: PAGE }];
  const instances = [
    { ...sample.instances[0], memories: [{ pages: 1, maxPages: 1, extents, blocks: Uint16Array.of(1) }] },
  ];
  expect(() => new Difference(parent({ instances }), [sha256])).toThrow(/its pages have no digests/);
  new Difference(parent({ instances, digests: new Uint8Array(32) }), [sha256]).close();
});

test('files that nothing is in any more are left out, and the others numbered anew', () => {
  const ancestors = [1, 2, 3].map((n) => ({ digest: digest(n), name: `${n}.wsnap` }));
  const difference = new Difference(parent({ parent: digest(1), ancestors }), [sha256]);
  const modules = [{ ...sample.modules[0], fileOffset: 4096, file: 4 }];
  const lineage = difference.lineage(inFiles([0, 3, 4]), modules);
  expect(lineage.parent).toBe(digest(999));
  expect(lineage.ancestors).toEqual([ancestors[1], ancestors[2]]);
  expect(lineage.instances[0].memories[0].extents.map(({ file }) => file)).toEqual([0, 1, 2]);
  expect(lineage.modules[0].file).toBe(2);
  const all = difference.lineage(inFiles([1]), sample.modules);
  expect(all.ancestors).toEqual([{ digest: digest(999), name: 'p.wsnap' }]);
});

test('a chain has an end', () => {
  const ancestors = Array.from({ length: ANCESTORS_MAX }, (_, n) => ({ digest: digest(n), name: '' }));
  const difference = new Difference(parent({ parent: digest(1), ancestors }), [sha256]);
  const upTo = (count: number) => inFiles(Array.from({ length: count }, (_, n) => n + 1));
  expect(difference.lineage(upTo(ANCESTORS_MAX), []).ancestors).toHaveLength(ANCESTORS_MAX);
  const longer = () => difference.lineage(upTo(ANCESTORS_MAX + 1), []);
  expect(longer).toThrow(LimitError);
  expect(longer).toThrow(/may need 64 other files, and this one would need 65/);
});

/** What a store says of a snapshot. */

import { expect, test } from 'vitest';
import type { StoredSnapshot } from '../../../../src/snapshot/snapshot.js';
import { factsOf } from '../../../../src/snapshot/store/facts.js';
import { sampleSnapshot } from '../sample.js';

test('the module is the program’s, not one that was linked to it', () => {
  const snapshot = sampleSnapshot([], 0);
  const [program] = snapshot.modules;
  const library = { ...program, name: 'library', sha256: '1'.repeat(64) };
  const stored = {
    path: 'x',
    digest: '2'.repeat(64),
    isEncrypted: false,
    snapshot: { ...snapshot, modules: [library, program] },
  };
  const { module, moduleSha256 } = factsOf(stored as unknown as StoredSnapshot, 'host');
  expect([module, moduleSha256]).toEqual([program.name || program.sha256.slice(0, 12), program.sha256]);
});

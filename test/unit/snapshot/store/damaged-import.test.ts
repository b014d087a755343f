/** Import checks what it copies: a byte that has changed would otherwise be restored, and be called whole. */

import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { readSnapshot } from '../../../../src/snapshot/format.js';
import { storedRuns } from '../../../../src/snapshot/stored-runs.js';
import { FIRST, fixtures, folder, ingested, NEWEST, store, titles } from './sample-store.js';

test.each([
  ['the snapshot', NEWEST],
  ['a file that it needs', FIRST],
])('a changed page of %s', async (_, spoiled) => {
  for (const name of readdirSync(fixtures)) {
    if (name.startsWith('generations')) copyFileSync(join(fixtures, name), join(folder, name));
  }
  const path = join(folder, basename(spoiled));
  const [{ fileOffset }] = storedRuns(readSnapshot(path).snapshot.instances, 0);
  const bytes = readFileSync(path);
  bytes[fileOffset + 1] ^= 1;
  writeFileSync(path, bytes);
  const message = `${path}: damaged: the hash of the memory at `;
  await expect(store.import(join(folder, basename(NEWEST)), 'job')).rejects.toMatchObject({
    code: 'snapshot',
    message: expect.stringContaining(message),
  });
  expect([titles(), ingested()]).toEqual([[], []]);
});

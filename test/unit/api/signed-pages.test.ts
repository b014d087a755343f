/** A signature covers pages by their digests only: whatever uses pages of a file that must be signed compares them first. */

import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { compact } from '../../../src/api/compact.js';
import { coredumpOfSnapshot } from '../../../src/api/coredump.js';
import { ownSigningKey } from '../../../src/api/keys.js';
import { openSnapshot as openForUser } from '../../../src/api/open.js';
import { readRestorable } from '../../../src/api/restored-image.js';
import { readForm } from '../../../src/api/seal-options.js';
import { createStore } from '../../../src/api/store.js';
import { openSnapshot, placesFor } from '../../../src/api/stored-snapshot.js';
import { writeGeneration } from '../snapshot/chain-sample.js';

const folder = mkdtempSync(join(tmpdir(), 'wag-snap-signed-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const NEEDLE = Buffer.from('what was signed');
const damaged = { code: 'snapshot', message: expect.stringContaining('damaged') };
let verifyKeys: string[];

/** Two files: the second one needs the first one. In one of them a page is changed after it was signed. */
beforeAll(async () => {
  verifyKeys = [(await ownSigningKey(at('key.pem'))).publicKey];
  const form = await readForm({ signKey: at('key.pem') });
  const memory = Buffer.alloc(2 * 65536);
  NEEDLE.copy(memory, 65536 + 200);
  await writeGeneration(at('first'), memory, undefined, undefined, undefined, form);
  memory[7] = 1;
  const parent = await openSnapshot(at('first'));
  await writeGeneration(at('second'), memory, parent, undefined, undefined, form);
  copyFileSync(at('first'), at('whole'));
  const bytes = readFileSync(at('first'));
  bytes[bytes.indexOf(NEEDLE)] ^= 1;
  writeFileSync(at('first'), bytes);
});

for (const name of ['first', 'second']) {
  test(`${name}: what was changed is used by nobody who wants it signed`, async () => {
    const places = await placesFor({ verifyKeys });
    await expect(readRestorable(at(name), places)).rejects.toMatchObject(damaged);
    const stored = await openSnapshot(at(name), places);
    await expect(coredumpOfSnapshot(stored, at('core'))).rejects.toMatchObject(damaged);
    await expect(compact(at(name), { verifyKeys, to: at('one') })).rejects.toMatchObject(damaged);
    const store = await createStore(at('store'));
    await expect(store.import(at(name), 'job', { verifyKeys })).rejects.toMatchObject(damaged);
    expect(store.list()).toEqual([]);
    const opened = await openForUser(at(name), { verifyKeys });
    await expect(opened.instances[0].memory(0).read(0, 8)).rejects.toMatchObject(damaged);
    await expect(opened.coredump({ to: at('core') })).rejects.toMatchObject(damaged);
    opened.close();
    expect(['core', 'one'].filter((file) => existsSync(at(file)))).toEqual([]);
  });
}

test('what is whole is used, and so is what nobody wants signed', async () => {
  const opened = await openForUser(at('whole'), { verifyKeys });
  const place = 65536 + 200;
  expect(Buffer.from(await opened.instances[0].memory(0).read(place, NEEDLE.length))).toEqual(NEEDLE);
  await opened.coredump({ to: at('whole.core') });
  opened.close();
  const store = await createStore(at('store'));
  expect((await store.import(at('whole'), 'job', { verifyKeys })).tag).toBe('1');
  await expect(store.import(at('first'), 'other')).rejects.toMatchObject({ code: 'snapshot' }); // it copies nothing damaged
  const unsigned = await openForUser(at('first'));
  expect((await unsigned.instances[0].memory(0).read(place, NEEDLE.length)).length).toBe(NEEDLE.length);
  unsigned.close();
});

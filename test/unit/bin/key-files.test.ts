/** No output replaces a file of keys or a policy that the same command reads. Needs a built wag-snap (npm run build). */

import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { compact } from '../../../src/api/compact.js';
import { OpenedSnapshot } from '../../../src/api/opened-snapshot.js';
import { restoreImage } from '../../../src/api/restore.js';
import { createStore } from '../../../src/api/store.js';
import { command } from '../../support/command.js';
import { nativeArch } from '../../support/native-arch.js';
import { temporaryFolder } from '../../support/workload.js';

const cli = resolve('bin/wag-snap');
const fixtures = resolve('fixtures/snapshots');
const folder = temporaryFolder();
const store = join(folder, 'store');
const [identity, key, policy] = ['identity', 'key', 'policy'].map((name) => join(folder, name));
const plain = join(fixtures, 'v3', nativeArch, 'generations-0.wsnap');
const encrypted = join(fixtures, 'v4', nativeArch, 'generations-0.wsnap');

const wagSnap = (args: readonly string[]) => command(process.execPath, [cli, ...args], { cwd: folder });

beforeAll(async () => {
  copyFileSync(join(fixtures, 'v4/identity.age'), identity);
  writeFileSync(policy, '{"rules": [{}]}');
  expect(await wagSnap(['keys', '--signing', key])).toMatchObject({ status: 0 });
  await (await createStore(store)).import(plain, 'job');
});

test.each([
  ['compact', plain, '-o', 'key', '--sign-key', key],
  ['compact', encrypted, '-o', 'identity', '--identity', identity],
  ['coredump', encrypted, '-o', 'identity', '--identity', identity],
  ['restore', encrypted, '-o', 'identity', '--identity', identity],
  ['restore', encrypted, '--pid-file', 'identity', '--identity', identity],
  ['restore', plain, '--coredump', 'policy', '--policy', policy],
  ['snapshots', 'export', 'job', '--store', store, '-o', 'policy', '--policy', policy],
])('%s %s %s %s', async (...args) => {
  const file = join(folder, args[args.indexOf('-o') + 1 || 3]);
  const before = readFileSync(file);
  const { stderr, status } = await wagSnap(args);
  expect([status, stderr]).toEqual([2, expect.stringMatching(/cannot be written: it is (the input|the same file as)/)]);
  expect(readFileSync(file)).toEqual(before);
});

test('of the library neither', async () => {
  const refused = { code: 'output' };
  await expect(compact(plain, { to: key, signKey: key })).rejects.toMatchObject(refused);
  await expect(restoreImage(plain, { to: policy, policy })).rejects.toMatchObject(refused);
  const opened = await OpenedSnapshot.open(encrypted, { identities: [identity] });
  await expect(opened.coredump({ to: identity })).rejects.toMatchObject(refused);
  opened.close();
});

test('an export can go to standard output', async () => {
  const { stdout, stderr, status } = await wagSnap(['snapshots', 'export', 'job', '--store', store, '-o', '-']);
  expect([status, stderr, stdout.slice(0, 5)]).toEqual([0, '-\n', '\x7fWSNA']); // its name goes elsewhere
});

/** The checks of the host before a restore: real files, directories, links, pipes, ports, and missing ones. */

import { spawnSync } from 'node:child_process';
import fs, {
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { checkHost, type HostChecks } from '../../../src/restore/check-host.js';
import { type FdPolicy, RestoreProblems } from '../../../src/restore/grants.js';
import { fileFacts, hashFile } from '../../../src/snapshot/file-facts.js';
import type { Descriptor } from '../../../src/snapshot/host.js';
import type { StoredSnapshot } from '../../../src/snapshot/snapshot.js';
import { LOOPBACK } from '../../support/loopback.js';
import { temporaryFolder } from '../../support/workload.js';
import { sampleSnapshot } from '../snapshot/sample.js';
import { descriptor } from './descriptors.js';

const folder = temporaryFolder();
const root = join(folder, 'root');
const outside = join(folder, 'outside');
const isRoot = process.getuid?.() === 0;
beforeEach(() => {
  for (const path of [root, outside]) rmSync(path, { recursive: true, force: true });
  mkdirSync(join(root, 'sub/deep'), { recursive: true });
  writeFileSync(join(root, 'data'), '0123456789');
  writeFileSync(join(root, 'sub/other'), 'other');
  writeFileSync(outside, 'secret');
});

const preopen = descriptor(3, 'preopen', { guestName: '/g', hostPath: root });
const below = (path: string, fields: Partial<Descriptor> = {}) =>
  descriptor(4, 'file', { path, preopen: 3, openFlags: 1, ...fields, guestName: '', hostPath: '' } as never);

async function check(descriptors: readonly Descriptor[], checks: HostChecks = {}) {
  const snapshot = sampleSnapshot([], undefined);
  const stored: StoredSnapshot = {
    path: 'x.wsnap',
    size: 0,
    snapshot: { ...snapshot, host: { ...snapshot.host, descriptors } },
  };
  try {
    return await checkHost(stored, { recordedDirectories: true, ...checks });
  } catch (error) {
    if (error instanceof RestoreProblems) return error;
    throw error;
  }
}
const problemsOf = (result: string[] | RestoreProblems) =>
  result instanceof RestoreProblems ? result.problems.map(({ fd, what }) => `${fd}: ${what}`) : result;
const said = async (one: Descriptor, checks?: HostChecks) => problemsOf(await check([preopen, one], checks));
const policy = (fd: number, of: FdPolicy): HostChecks => ({ policies: new Map([[fd, of]]) });

const at = (path: string) => `4: file ${JSON.stringify(path)} below "/g" (${JSON.stringify(join(root, path))}): `;

describe('files', () => {
  test.each<[string, () => void]>([
    ['data', () => {}],
    ['sub/../data', () => {}],
    ['sub/link', () => symlinkSync('../data', join(root, 'sub/link'))],
    ['dir/other', () => symlinkSync('sub', join(root, 'dir'))],
    ['chain', () => [symlinkSync('./dir/../dir/other', join(root, 'chain')), symlinkSync('sub', join(root, 'dir'))]],
  ])('%s is there', async (path, prepare) => {
    prepare();
    expect(await said(below(path, { openFlags: 3 }))).toEqual([]);
  });

  test.each<[string, string, () => void]>([
    ['data', 'no such file or folder', () => rmSync(join(root, 'data'))],
    ['data/x', 'a part of the path is not a folder', () => {}],
    ['sub', 'it is a directory, not a file', () => {}],
    ['sub/..', 'it is a directory, not a file', () => {}],
    ['../outside', 'the path leads outside of the directory', () => {}],
    ['sub/../../outside', 'the path leads outside of the directory', () => {}],
    ['link', 'the path leads outside of the directory', () => symlinkSync(outside, join(root, 'link'))],
    ['link', 'the path leads outside of the directory', () => symlinkSync('sub/../../outside', join(root, 'link'))],
    ['up/outside', 'the path leads outside of the directory', () => symlinkSync('..', join(root, 'up'))],
    ['round', 'too many levels of symbolic links', () => symlinkSync('round', join(root, 'round'))],
    ['link', 'no such file or folder', () => symlinkSync('nothing', join(root, 'link'))],
  ])('%s: %s', async (path, problem, prepare) => {
    prepare();
    expect(await said(below(path))).toEqual([at(path) + problem]);
  });

  test.skipIf(isRoot)('that may not be opened so', async () => {
    chmodSync(join(root, 'data'), 0o444);
    expect(await said(below('data'))).toEqual([]);
    expect(await said(below('data', { openFlags: 2 }))).toEqual([`${at('data')}permission denied`]);
    chmodSync(join(root, 'sub'), 0);
    expect(await said(below('sub/other'))).toEqual([`${at('sub/other')}permission denied`]);
    chmodSync(join(root, 'sub'), 0o755);
  });

  test('open for writing below a read-only directory', async () => {
    const directories = [{ guest: '/g', host: root, readOnly: true }];
    expect(await said(below('data', { openFlags: 3 }), { directories })).toEqual([
      `${at('data')}it is open for writing, the directory is read-only`,
    ]);
    expect(await said(below('data'), { directories })).toEqual([]);
  });

  test('shorter than where the program was, unless they were, or it is wanted so', async () => {
    truncateSync(join(root, 'data'), 5);
    expect(await said(below('data', { offset: 5n }))).toEqual([]);
    const problem = `${at('data')}it has 5 bytes, the program was at offset 6`;
    expect(await said(below('data', { offset: 6n }))).toEqual([problem]);
    expect(await said(below('data', { offset: 6n }), policy(4, 'fail'))).toEqual([problem]);
    expect(await said(below('data', { offset: 6n }), policy(4, 'reopen'))).toEqual([]);
    const facts = fileFacts(statSync(join(root, 'data'), { bigint: true }));
    expect(await said(below('data', { offset: 6n, facts }))).toEqual([]);
    expect(await said(below('data', { offset: 6n, facts: { ...facts, size: 9n } }))).toEqual([problem]);
  });

  test('a pipe is not opened, as somebody could be waiting for that', async () => {
    spawnSync('mkfifo', [join(root, 'pipe')]);
    const facts = fileFacts(statSync(join(root, 'pipe'), { bigint: true }));
    expect(facts.type).toBe('pipe');
    expect(await said(below('pipe', { openFlags: 2, facts }))).toEqual([]);
    rmSync(join(root, 'pipe'));
    writeFileSync(join(root, 'pipe'), '');
    expect(await said(below('pipe', { facts }))).toEqual([`${at('pipe')}it is a file, but was a pipe`]);
  });

  test('ignored and closed ones need not be there', async () => {
    for (const gone of ['ignore', 'close'] as const) expect(await said(below('nothing'), policy(4, gone))).toEqual([]);
  });
});

test('directories', async () => {
  const open = (path: string) => descriptor(5, 'directory', { path, preopen: 3 });
  expect(await said(open('sub/deep'))).toEqual([]);
  expect(await said(open(''))).toEqual([]);
  expect(await said(open('data'))).toEqual([
    `5: directory "data" below "/g" ("${root}/data"): it is a file, not a directory`,
  ]);
  const nowhere = [{ guest: '/g', host: join(folder, 'nowhere'), readOnly: false }];
  expect(await said(open('sub'), { directories: nowhere })).toEqual([
    `3: directory "/g" ("${folder}/nowhere"): no such file or folder`,
  ]);
  expect(await said(open('sub'), { directories: [{ guest: '/g', host: outside, readOnly: false }] })).toEqual([
    `3: directory "/g" ("${outside}"): a part of the path is not a folder`,
  ]);
});

describe('--fd N=PATH', () => {
  test('for a file: a file, long enough, with its access', async () => {
    const given = (path: string, fields?: Partial<Descriptor>) => said(below('gone', fields), policy(4, { path }));
    expect(await given(outside, { openFlags: 3, offset: 6n })).toEqual([]);
    expect(await given(outside, { offset: 7n })).toEqual([
      `4: file "${outside}": it has 6 bytes, the program was at offset 7`,
    ]);
    expect(await given(root)).toEqual([`4: file "${root}": it is a directory, not a file`]);
    expect(await given(join(folder, 'none'))).toEqual([`4: file "${folder}/none": no such file or folder`]);
    const facts = { type: 'file' as const, size: 1n, modified: 0n };
    expect(await given(outside, { facts })).toEqual([]); // another file, so of course it differs
    expect(await given('/dev/null', { facts })).toEqual([
      '4: file "/dev/null": it is a character device, but was a file',
    ]);
  });

  test.each([
    [0, fs.constants.R_OK],
    [1, fs.constants.W_OK],
    [2, fs.constants.W_OK],
  ])('for stream %i: is asked for the permission that it needs, which root always has', async (fd, mode) => {
    const asked: unknown[] = [];
    const { accessSync } = fs;
    fs.accessSync = (...[path, mode]) => void asked.push([path, mode]);
    syncBuiltinESMExports();
    try {
      await check([descriptor(fd, 'stdio')], policy(fd, { path: join(root, 'data') }));
    } finally {
      fs.accessSync = accessSync;
      syncBuiltinESMExports();
    }
    expect(asked).toEqual([[join(root, 'data'), mode]]);
  });

  test('for a stream: a file to read, or one to write that may be made', async () => {
    const given = (fd: number, path: string) => said(descriptor(fd, 'stdio'), policy(fd, { path }));
    const stream = (fd: number, path: string) => `${fd}: standard stream as file ${JSON.stringify(path)}: `;
    expect(await given(0, outside)).toEqual([]);
    const none = join(root, 'none');
    expect(await given(0, none)).toEqual([`${stream(0, none)}no such file or folder`]);
    expect(await given(1, none)).toEqual([]);
    expect(await given(2, join(root, 'no/such'))).toEqual([
      `${stream(2, join(root, 'no/such'))}no such file or folder`,
    ]);
    expect(await given(1, root)).toEqual([`${stream(1, root)}it is a folder`]);
    expect(readdirSync(root).sort()).toEqual(['data', 'sub']); // looking makes nothing
  });
});

describe('changed files', () => {
  const path = () => join(root, 'data');
  const recorded = () => fileFacts(statSync(path(), { bigint: true }));

  test('are warnings that say what has changed', async () => {
    const facts = recorded();
    expect(await said(below('data', { facts }))).toEqual([]);
    utimesSync(path(), 1, 2.5);
    const [warning, ...rest] = await said(below('data', { facts }));
    expect(rest).toEqual([]);
    expect(warning).toMatch(
      /^descriptor 4, file "data" below "\/g" \(.*\) has changed since the capture: modified 20.* -> 1970-01-01T00:00:02\.500000000Z$/,
    );
    writeFileSync(path(), 'longer than before');
    expect((await said(below('data', { facts })))[0]).toMatch(/: size 10 -> 18, modified /);
  });

  test('are errors with fail and --strict-files; reopen takes them as they are', async () => {
    const facts = recorded();
    writeFileSync(path(), 'longer than before');
    const error = /^4: file "data" .* has changed since the capture: size 10 -> 18/;
    expect((await said(below('data', { facts }), policy(4, 'fail')))[0]).toMatch(error);
    expect((await said(below('data', { facts }), { strictFiles: true }))[0]).toMatch(error);
    const both = await said(below('data', { facts }), { strictFiles: true, ...policy(4, 'reopen') });
    expect(both[0]).toMatch(/^descriptor 4, /);
    expect((await said(below('data'), policy(4, 'fail')))[0]).toMatch(/has nothing to compare it with/);
    expect(await said(below('data', { facts: recorded() }), { strictFiles: true, ...policy(4, 'fail') })).toEqual([]);
  });

  test('the hash alone decides about contents', async () => {
    const facts = { ...recorded(), sha256: await hashFile(path()) };
    utimesSync(path(), 1, 1);
    expect(await said(below('data', { facts }), { strictFiles: true })).toEqual([]);
    writeFileSync(path(), '0123456780');
    utimesSync(path(), 1, Number(facts.modified / 1_000_000n) / 1000);
    expect((await said(below('data', { facts })))[0]).toMatch(/: sha256 84d89877f0d4041e… -> /);
  });
});

test('addresses in use', async () => {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, LOOPBACK, done));
  const { port } = server.address() as AddressInfo;
  const listener = (fd: number, path: string) => descriptor(fd, 'listener', { path });
  expect(await said(listener(5, `${LOOPBACK}:${port}`))).toEqual([
    `5: listener "${LOOPBACK}:${port}": the address is in use`,
  ]);
  await new Promise((done) => server.close(done));
  expect(await said(listener(5, `${LOOPBACK}:${port}`))).toEqual([]);
  // the same one twice
  const twice = await check([listener(5, `${LOOPBACK}:${port}`), listener(6, `${LOOPBACK}:${port}`)]);
  expect(problemsOf(twice)).toEqual([`6: listener "${LOOPBACK}:${port}": the address is in use`]);
  expect(await said(listener(5, '127.0.0.1:0'))).toEqual([]);
  expect(await said(listener(5, '192.0.2.1:80'))).toEqual([
    '5: listener "192.0.2.1:80": this machine does not have the address',
  ]);
  expect(await said(listener(5, `unix:${root}/socket`))).toEqual([]);
  expect((await said(listener(5, `unix:${outside}`)))[0]).toMatch(/the address is in use/);
  expect((await said(listener(5, `unix:${folder}/no/such`)))[0]).toMatch(/no such file or folder/);
});

test('all that is wrong is one message, with the descriptor, the paths and what mends it', async () => {
  const other = descriptor(7, 'preopen', { guestName: '/h', hostPath: join(folder, 'nowhere') });
  const result = await check(
    [other, below('gone'), preopen, descriptor(8, 'socket'), descriptor(6, 'listener', { path: 'fd:3' })],
    policy(8, 'fail'),
  );
  expect(String(result)).toBe(
    `RestoreProblems: x.wsnap: cannot be restored here; nothing was run or written:
  descriptor 4, file "gone" below "/g" ("${root}/gone"): no such file or folder [--dir HOST::/g, --fd 4=PATH|ignore|close]
  descriptor 6, listener: no address was given for it (it was "fd:3") [--listen HOST:PORT, --listen unix:PATH, --fd 6=close]
  descriptor 7, directory "/h" ("${folder}/nowhere"): no such file or folder [--dir HOST::/h]
  descriptor 8, connection: it can only be restored as reset by its peer [without --fd 8=fail]`,
  );
  // a directory that moved is there under its new path
  renameSync(root, join(folder, 'nowhere'));
  expect(problemsOf(await check([other]))).toEqual([]);
});

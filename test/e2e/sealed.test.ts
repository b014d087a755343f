/**
 * Compressed, encrypted and signed snapshots from the command line: what is written continues on both CPUs, alone, in
 * chains and in a store. Without the right key, or against a policy, nothing of them is read.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nativeArch } from '../support/native-arch.js';
import { ownCommand } from '../support/own-command.js';
import { Output } from '../support/waiting.js';
import { canRun } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-sealed-'));
const config = join(folder, 'config');
const env = { ...process.env, XDG_DATA_HOME: join(folder, 'data'), XDG_CONFIG_HOME: config };
let child: ChildProcess;
let out: Output;
let pid = '';
let recipient = '';
let signer = '';

/** Those that start a program are processes; for the others that would take most of this file's time. */
async function tool(args: readonly string[], input = '') {
  if (args[0] !== 'restore') return ownCommand(args);
  const options = { cwd: folder, env, encoding: 'utf8', input } as const;
  const { status, stdout, stderr } = spawnSync(join(root, 'bin/wag-snap'), args, options);
  return { status, stdout, stderr };
}
const done = (stdout: string) => ({ status: 0, stdout, stderr: '' });
const refused = async (args: readonly string[], what: string) => {
  const { status, stdout, stderr } = await tool(args);
  expect([status, stdout]).toEqual([3, '']);
  expect(stderr).toContain(what);
  expect(stderr.trimEnd()).not.toContain('\n');
};
const mine = ['--identity', 'me.age'];

beforeAll(async () => {
  Object.assign(process.env, env);
  process.chdir(folder);
  expect((await tool(['compile', join(root, 'fixtures/programs/readline.wasm'), '-o', 'adder'])).status).toBe(0);
  child = spawn(join(folder, 'adder'), { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  out = new Output(child);
  pid = String(child.pid);
  await out.has('ready');
  recipient = (await tool(['keys', '--identity', 'me.age'])).stdout.trim();
  signer = (await tool(['keys', '--signing', 'me.pem'])).stdout.trim();
  for (const other of ['--identity', '--signing']) await tool(['keys', other, `other${other}`]);
});
afterAll(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  process.chdir(root);
  rmSync(folder, { recursive: true });
});

let line = 0;
let sum = 0;
async function add(number: number): Promise<void> {
  child.stdin?.write(`${number}\n`);
  sum += number;
  await out.has(`readline ${++line} sum`);
}

const archs = [nativeArch, nativeArch === 'x64' ? 'arm64' : 'x64'].filter((arch) => canRun(arch as 'x64'));
async function continues(...args: string[]): Promise<void> {
  expect(await tool(['restore', ...args], '1000\n')).toEqual(
    done(`readline ${line + 1} sum ${sum + 1000}\nreadline end after ${line + 1} lines\n`),
  );
}
/** On both CPUs. */
async function continuesEverywhere(...args: string[]): Promise<void> {
  for (const arch of archs) await continues(...args, ...(arch === nativeArch ? [] : ['--arch', arch]));
}

test('keys are made once, and are for their owner only', async () => {
  expect(recipient).toMatch(/^age1[a-z0-9]{58}$/);
  expect(signer).toMatch(/^ed25519:[\w-]{43}$/);
  expect(await tool(['keys', '--identity', 'me.age'])).toEqual(done(`${recipient}\n`));
  expect(await tool(['keys', '--signing', 'me.pem'])).toEqual(done(`${signer}\n`));
  for (const name of ['me.age', 'me.pem']) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
});

test('a chain of a compressed, an encrypted and a signed file', async () => {
  await add(5);
  expect(await tool(['capture', pid, '-o', 'a.wsnap', '--compress', 'zstd'])).toEqual(done('a.wsnap\n'));
  await continuesEverywhere('a.wsnap');
  const plain = await tool(['capture', pid, '-o', 'plain.wsnap']);
  expect(plain.status).toBe(0);
  expect(statSync(join(folder, 'a.wsnap')).size * 3).toBeLessThan(statSync(join(folder, 'plain.wsnap')).size);
  expect((await tool(['inspect', 'a.wsnap'])).stdout).toMatch(
    /^ {2}packed {6}zstd: [\d.]+ KiB, of \d+ KiB \(\d+\.\d x\)$/m,
  );
  const first = ['-o', 'base.wsnap', '--compress', 'zstd', '--encrypt-to', recipient];
  expect(await tool(['capture', pid, ...first])).toEqual(done('base.wsnap\n'));
  await continuesEverywhere('base.wsnap', ...mine);
  await add(7);
  writeFileSync(join(folder, 'recipients'), `# those who may read\n${recipient}\n`);
  const second = ['-o', 'b.wsnap', '--parent', 'base.wsnap', '--encrypt-to', 'recipients', '--compress', 'zstd:9'];
  expect(await tool(['capture', pid, ...second, ...mine])).toEqual(done('b.wsnap\n'));
  const refusedFor = (parent: string, whom: string, why: string) =>
    refused(
      ['capture', pid, '-o', 'no.wsnap', '--parent', parent, '--encrypt-to', whom, ...mine],
      `${parent}: ${why}: without --parent, all of the snapshot is written and encrypted`,
    );
  await refusedFor('plain.wsnap', recipient, 'is not encrypted, so what it has stays readable');
  const stranger = (await tool(['keys', '--identity', 'other--identity'])).stdout.trim();
  await refusedFor('b.wsnap', stranger, `cannot be read by ${stranger}`);
  expect(existsSync(join(folder, 'no.wsnap'))).toBe(false);
  await continues('b.wsnap', ...mine);
  await add(30);
  const third = ['-o', 'c.wsnap', '--parent', 'b.wsnap', '--sign-key', 'me.pem'];
  await refused(['capture', pid, ...third], 'b.wsnap: is encrypted: give the file of an age identity');
  expect(await tool(['capture', pid, ...third, ...mine])).toEqual(done('c.wsnap\n'));
  await continuesEverywhere('c.wsnap', ...mine, '--verify-key', signer);
  await continues('c.wsnap', ...mine, '--verify-key', 'me.pem');
  expect((await tool(['inspect', 'c.wsnap', ...mine])).stdout).toContain(`  signed      by ${signer}\n`);
  expect((await tool(['verify', 'c.wsnap', ...mine])).stdout).toMatch(
    /^c\.wsnap: whole .*\n(b\.wsnap: whole .*\n)?base\.wsnap: whole /,
  );
});

test('without the right keys each is one clear error', async () => {
  for (const command of [['restore'], ['inspect'], ['verify'], ['compact', '-o', 'x'], ['coredump', '-o', 'x']]) {
    await refused([...command, 'b.wsnap'], 'b.wsnap: is encrypted: give the file of an age identity');
  }
  await refused(['restore', 'b.wsnap', '--identity', 'other--identity'], 'b.wsnap: is encrypted, but for none of the');
  await refused(['verify', 'a.wsnap', '--verify-key', signer], 'a.wsnap: is not signed, and must be signed by one of');
  await refused(
    ['restore', 'c.wsnap', ...mine, '--verify-key', 'other--signing'],
    `c.wsnap: is signed by ${signer}, and`,
  );
  await refused(['restore', 'b.wsnap', '--identity', 'me.pem'], 'me.pem: has a line that is no identity');
  const usage = async (args: string[], what: string) =>
    expect(await tool(args)).toMatchObject({ status: 2, stderr: expect.stringContaining(what) });
  await usage(['capture', pid, '-o', 'x', '--compress', 'zstd:20'], 'the level must be 1 to 19');
  await usage(['capture', pid, '-o', 'x', '--compress', 'gzip'], 'must be zstd or zstd:LEVEL');
  await usage(['capture', pid, '-o', 'x', '--encrypt-to', 'age1no'], 'is not a recipient of age');
  await usage(['run', '--compress', 'zstd', 'adder'], '--compress is for snapshots, which need a name: -t NAME');
});

test('a signed file that has changed is refused before it is read', async () => {
  const bytes = readFileSync(join(folder, 'c.wsnap'));
  const changed = (at: number) => {
    const copy = Buffer.from(bytes);
    copy[at] ^= 1;
    writeFileSync(join(folder, 'changed.wsnap'), copy);
  };
  for (const at of [8, 40, 100, 130, 170]) {
    changed(at);
    const { status, stderr } = await tool(['inspect', 'changed.wsnap', ...mine]);
    expect([at, status]).toEqual([at, 3]);
    if (at >= 16) expect(stderr).toContain('its signature is wrong');
  }
  // a page, which restore would map without reading it
  changed(4096 + 200);
  await refused(['restore', 'changed.wsnap', ...mine, '--verify-key', signer], 'damaged');
});

test('coredump and compact read encrypted ones, and compact writes them', async () => {
  expect(await tool(['coredump', 'b.wsnap', ...mine, '-o', 'b.core'])).toEqual(done('b.core\n'));
  const how = ['--encrypt-to', recipient, '--compress', 'zstd'];
  expect(await tool(['compact', 'c.wsnap', ...mine, '-o', 'd.wsnap', ...how])).toEqual(done('d.wsnap\n'));
  await refused(['verify', 'd.wsnap'], 'is encrypted');
  await continuesEverywhere('d.wsnap', ...mine);
  expect(await tool(['restore', 'd.wsnap', ...mine, '-o', 'executable'])).toEqual(done('executable\n'));
});

test('a store knows only name, time and size of encrypted ones', async () => {
  const capture = (...more: string[]) => tool(['capture', pid, '-t', 'job', '--encrypt-to', recipient, ...more]);
  expect(await capture('--compress', 'zstd')).toEqual(done('job:1\n'));
  await add(1);
  expect(await capture(...mine)).toEqual(done('job:2\n'));
  await add(2);
  expect(await capture()).toEqual(done('job:3\n'));
  const list: Record<string, unknown>[] = JSON.parse((await tool(['snapshots', '--json'])).stdout);
  expect(list.map(({ tag, encrypted, module, host }) => [tag, encrypted, module, host])).toEqual(
    ['1', '2', '3'].map((tag) => [tag, true, undefined, undefined]),
  );
  expect(Number(list[1].own)).toBeLessThan(Number(list[1].size)); // a difference, as the first one could be read
  expect(Number(list[2].own)).toBe(Number(list[2].size));
  expect(await tool(['snapshots', 'verify'])).toEqual(done('3 snapshots: whole\n'));
  await continuesEverywhere('job', ...mine);
  await refused(['snapshots', 'export', 'job:2', '-o', 'x'], 'job:2: is encrypted');
  expect((await tool(['snapshots', 'export', 'job:3', '-o', 'e.wsnap', ...mine])).status).toBe(0);
  await continues('e.wsnap');
  await refused(['snapshots', 'import', 'd.wsnap', '-t', 'other'], 'd.wsnap: is encrypted');
  expect(await tool(['snapshots', 'import', 'd.wsnap', '-t', 'other', ...mine])).toEqual(done('other:1\n'));
  expect(await tool(['snapshots', 'compact', 'job:2', ...mine, '--encrypt-to', recipient])).toEqual(done('job:2\n'));
});

test('a policy decides by name and module, and is there without an option', async () => {
  const file = join(config, 'wag-snap', 'policy.json');
  const policy = (...rules: object[]) => writeFileSync(file, JSON.stringify({ rules }));
  mkdirSync(join(config, 'wag-snap'), { recursive: true });
  try {
    policy({ signedBy: [signer] });
    await refused(['inspect', 'a.wsnap'], `a.wsnap: is not signed, and must be signed by a key of ${file}`);
    expect((await tool(['verify', 'c.wsnap', ...mine])).status).toBe(0);
    await refused(['restore', 'job', ...mine], 'is not signed');
    policy({ names: ['jo*'], encrypted: true }, { names: ['jo*'], signedBy: [signer] });
    await continues('job', ...mine);
    await refused(['inspect', 'a.wsnap'], 'has no rule that fits it');
    writeFileSync(join(folder, 'all.json'), '{"rules":[{}]}');
    const { modules } = JSON.parse((await tool(['inspect', '--json', 'a.wsnap', '--policy', 'all.json'])).stdout);
    policy({ modules: [modules[0].sha256] });
    expect((await tool(['inspect', 'a.wsnap'])).status).toBe(0);
    policy({ names: 'job' });
    await refused(['inspect', 'a.wsnap'], 'policy.json: rules: 0: names');
  } finally {
    rmSync(file);
  }
});

test('a program that takes snapshots by itself encrypts them', async () => {
  const idle = ['--snapshot-when-idle', '300ms', '-t', 'idle', '--encrypt-to', recipient, '--compress', 'zstd'];
  // its input stays open: a pipe that nobody writes to
  const script = `mkfifo in; exec 3<>in; exec "$0" run "$@" <&3`;
  const { status } = spawnSync('sh', ['-c', script, join(root, 'bin/wag-snap'), ...idle, 'adder'], {
    cwd: folder,
    env,
    encoding: 'utf8',
  });
  expect(status).toBe(75);
  await refused(['inspect', 'idle:1'], 'idle:1: is encrypted');
  expect((await tool(['restore', 'idle', ...mine], '4\n')).stdout).toContain('sum 4');
});

test('the key that has signed the generation before need not sign the next one', async () => {
  expect(await tool(['capture', pid, '-t', 'keys', '--sign-key', 'me.pem'])).toEqual(done('keys:1\n'));
  expect(await tool(['capture', pid, '-t', 'keys', '--verify-key', signer])).toEqual(done('keys:2\n'));
  const [{ own: whole }, { own }] = JSON.parse((await tool(['snapshots', 'list', 'keys', '--json'])).stdout);
  expect(own).toBeLessThan(whole);
});

test('keys may come through a pipe, which is read once', async () => {
  const piped = (file: string, ...args: string[]) =>
    spawnSync('sh', ['-c', 'cat "$0" | "$@"', file, join(root, 'bin/wag-snap'), ...args], {
      cwd: folder,
      env,
      encoding: 'utf8',
    });
  const signed = ['--sign-key', '/dev/fd/0'];
  expect(piped('me.pem', 'capture', pid, '-t', 'piped', '--encrypt-to', recipient, ...signed)).toMatchObject(
    done('piped:1\n'),
  );
  expect(
    piped('me.age', 'capture', pid, '-t', 'piped', '--encrypt-to', recipient, '--identity', '/dev/fd/0'),
  ).toMatchObject(done('piped:2\n'));
  const [{ own: whole }, { own }] = JSON.parse((await tool(['snapshots', 'list', 'piped', '--json'])).stdout);
  expect(own).toBeLessThan(whole);
  const again = ['--encrypt-to', recipient, '--identity', 'me.age'];
  expect(piped('me.pem', 'snapshots', 'compact', 'piped:1', 'piped:2', ...again, ...signed)).toMatchObject(
    done('piped:1\npiped:2\n'),
  );
  expect(piped('me.age', 'snapshots', 'export', 'piped', '-o', 'piped.wsnap', '--identity', '/dev/fd/0')).toMatchObject(
    done('piped.wsnap\n'),
  );
  expect((await tool(['inspect', 'piped:2', ...mine])).stdout).toContain(`  signed      by ${signer}\n`);
  const asks = ['run', '-t', 'asking', ...signed, join(root, 'fixtures/programs/asks.wasm')];
  expect(piped('me.pem', ...asks)).toMatchObject({ status: 0, stderr: '' });
  for (const tag of [1, 2, 3]) {
    expect((await tool(['inspect', `asking:${tag}`])).stdout).toContain(`  signed      by ${signer}\n`);
  }
});

test('what is encrypted after a plain generation is whole, and so is what comes after a damaged one', async () => {
  const own = async () =>
    JSON.parse((await tool(['snapshots', 'list', 'mixed', '--json'])).stdout).map(({ own }: { own: number }) => own);
  expect(await tool(['capture', pid, '-t', 'mixed'])).toEqual(done('mixed:1\n'));
  expect(await tool(['capture', pid, '-t', 'mixed', '--encrypt-to', recipient, ...mine])).toEqual(done('mixed:2\n'));
  const [plain, encrypted] = await own();
  expect(encrypted).toBeGreaterThan(plain / 2);
  expect((await tool(['snapshots', 'rm', 'mixed:2'])).status).toBe(0);
  const store = join(folder, 'data/wag-snap/store');
  const digest = (path: string) => JSON.parse(readFileSync(join(store, path), 'utf8'));
  const entry = digest('index.json').manifests.find(({ annotations }: { annotations: Record<string, string> }) =>
    Object.values(annotations).includes('mixed:1'),
  );
  const [layer] = digest(`blobs/sha256/${entry.digest.slice(7)}`).layers;
  rmSync(join(store, 'blobs/sha256', layer.digest.slice(7)));
  const { status, stdout, stderr } = await tool(['capture', pid, '-t', 'mixed']);
  expect([status, stdout]).toEqual([0, 'mixed:2\n']);
  expect(stderr).toMatch(
    /^wag-snap: warning: .* is missing: the whole snapshot is written, not what differs from it\n$/,
  );
  expect((await own())[1]).toBe(plain);
});

const hasSkopeo = spawnSync('skopeo', ['--version']).status === 0;

test.skipIf(!hasSkopeo)('skopeo inspects and copies what is packed and signed; the copy restores', async () => {
  const skopeo = (...args: string[]) => spawnSync('skopeo', args, { cwd: folder, encoding: 'utf8' });
  const store = join(folder, 'data/wag-snap/store');
  const sealed = ['--compress', 'zstd', '--sign-key', 'me.pem', '--encrypt-to', recipient];
  expect(await tool(['capture', pid, '-t', 'sealed', ...sealed])).toEqual(done('sealed:1\n'));
  const { status, stdout } = skopeo('inspect', `oci:${store}:sealed:1`);
  expect(status).toBe(0);
  expect(JSON.parse(stdout).Labels).toEqual({
    'org.opencontainers.image.created': expect.any(String),
    'wag-snap.encrypted': 'true',
  });
  expect(skopeo('copy', `oci:${store}:sealed:1`, 'oci:copy:sealed:1').status).toBe(0);
  expect(await tool(['snapshots', 'verify', '--store', 'copy'])).toEqual(done('1 snapshots: whole\n'));
  await continues('sealed', '--store', 'copy', ...mine, '--verify-key', signer);
});

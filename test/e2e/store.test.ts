/**
 * A store from the command line: generations of a running program, each of which continues on both CPUs; what is
 * listed, kept and removed; and that tools for images of containers can read it, which needs skopeo.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { nativeArch } from '../support/native-arch.js';
import { Output } from '../support/waiting.js';
import { canRun } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'wag-snap-store-'));
const env = { ...process.env, XDG_DATA_HOME: join(folder, 'data') };
const usual = join(folder, 'data', 'wag-snap', 'store');
let child: ChildProcess;
let out: Output;
let pid = '';

function tool(args: readonly string[], input = '') {
  const { status, stdout, stderr } = spawnSync(join(root, 'bin/wag-snap'), args, {
    cwd: folder,
    env,
    encoding: 'utf8',
    input,
  });
  return { status, stdout, stderr };
}
const done = (stdout: string) => ({ status: 0, stdout, stderr: '' });

beforeAll(async () => {
  expect(tool(['compile', join(root, 'fixtures/programs/readline.wasm'), '-o', 'adder']).status).toBe(0);
  child = spawn(join(folder, 'adder'), { cwd: folder, env, stdio: ['pipe', 'pipe', 'inherit'] });
  out = new Output(child);
  pid = String(child.pid);
  await out.has('ready');
});
afterAll(async () => {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

async function add(number: number, line: number): Promise<void> {
  child.stdin?.write(`${number}\n`);
  await out.has(`readline ${line} sum`);
}

test('generations of a program that runs on: each continues from where it was, on both CPUs', async () => {
  expect(tool(['snapshots'])).toEqual(done('NAME  TAG  AGE  SIZE  OWN  MEMORY  CPU  HOST  MODULE\n'));
  for (const [i, number] of [5, 7, 30].entries()) {
    await add(number, i + 1);
    expect(tool(['capture', pid, '-t', 'job'])).toEqual(done(`job:${i + 1}\n`));
  }
  const other = nativeArch === 'x64' ? 'arm64' : 'x64';
  const continues = (reference: string, line: number, sum: number, ...more: string[]) =>
    expect(tool(['restore', reference, ...more], '1000\n')).toEqual(
      done(`readline ${line} sum ${sum}\nreadline end after ${line} lines\n`),
    );
  continues('job:1', 2, 1005);
  continues('job:2', 3, 1012);
  continues('job', 4, 1042);
  if (canRun(other)) continues('job:2', 3, 1012, '--arch', other);
  const list = JSON.parse(tool(['snapshots', '--json']).stdout);
  expect(list.map(({ name, tag, arch, memory }: Record<string, unknown>) => [name, tag, arch, memory])).toEqual(
    ['1', '2', '3'].map((tag) => ['job', tag, nativeArch, 131072]),
  );
  expect(list[1].own).toBeLessThan(list[0].own);
  expect(list[1].parent).toBe(list[0].digest);
});

test('every command that takes a snapshot takes one of a store', () => {
  expect(tool(['verify', 'job:2']).stdout).toMatch(/^job:2: whole \(digest /);
  expect(tool(['inspect', 'job:2']).stdout).toMatch(/#7 main /);
  expect(tool(['coredump', 'job:2', '-o', 'core']).status).toBe(0);
  expect(tool(['compact', 'job:2', '-o', 'two.wsnap'])).toEqual(done('two.wsnap\n'));
  expect(tool(['snapshots', 'import', 'two.wsnap', '-t', 'copy:of-two'])).toEqual(done('copy:of-two\n'));
  expect(tool(['restore', 'copy'], '1000\n').stdout).toMatch(/^readline 3 sum 1012\n/);
  expect(tool(['restore', 'job:9'])).toEqual({
    status: 3,
    stdout: '',
    stderr: `wag-snap: job:9: no such file, and not in the store ${usual}: of that name it has 1, 2, 3\n`,
  });
  expect(tool(['restore', 'job:1', '--store', 'elsewhere']).stderr).toBe(
    `wag-snap: job:1: no such file, and no store of snapshots in ${join(folder, 'elsewhere')}: wag-snap capture -t NAME makes one\n`,
  );
  const missing = `not in the store ${usual}: it has no snapshot of that name (wag-snap snapshots lists those that it has)`;
  expect(tool(['restore', 'nobody']).stderr).toBe(`wag-snap: nobody: no such file, and ${missing}\n`);
  expect(tool(['restore', 'no/body']).stderr).toBe('wag-snap: no/body: no such file\n');
  for (const command of [['inspect'], ['coredump', '-o', 'core']]) {
    const others = 'no such file, no running program of this name, and';
    expect(tool([...command, 'nobody']).stderr).toBe(`wag-snap: nobody: ${others} ${missing}\n`);
    expect(tool([...command, 'nobody', '--store', usual]).stderr).toBe(
      `wag-snap: nobody: no such file, and ${missing}\n`,
    );
    expect(tool([...command, 'job'])).toMatchObject({ status: 0, stderr: '' }); // the newest
  }
  for (const name of ['job', 'nobody']) mkdirSync(join(folder, name));
  expect(tool(['verify', 'job'])).toMatchObject({ status: 0, stderr: '' });
  expect(tool(['verify', 'nobody'])).toMatchObject({ status: 3, stderr: 'wag-snap: nobody: is a directory\n' });
  for (const name of ['job', 'nobody']) rmdirSync(join(folder, name));
  for (const what of ['list', 'rm', 'prune']) {
    expect(tool(['snapshots', what, 'nobody'])).toMatchObject({
      status: 3,
      stdout: '',
      stderr: `wag-snap: nobody: is ${missing}\n`,
    });
  }
});

test('what goes is what was named, or is old; the rest still continues', () => {
  const gone = tool(['snapshots', 'rm', 'job:1', 'copy']);
  expect(gone.stdout).toMatch(/^job:1: removed\ncopy:of-two: removed\n\d+ files, .*: removed\n$/);
  expect(tool(['snapshots', 'prune', '--keep', '1', '--dry-run']).stdout).toMatch(/^job:2: would go\n/);
  expect(tool(['restore', 'job:2'], '1\n').stdout).toMatch(/^readline 3 sum 13\n/);
  expect(tool(['snapshots', 'prune', '--older-than', '7d']).stdout).toMatch(/^0 files, 0 B: removed\n$/);
  const left = join(usual, 'ingest/wag-snap-0123456789ab-1-1-00000000'); // of another boot
  mkdirSync(left);
  utimesSync(left, 0, 0);
  const said = /^0 files, 0 B: removed\nleft unfinished by killed commands: 1 removed\n$/;
  expect(tool(['snapshots', 'prune', '--older-than', '7d']).stdout).toMatch(said);
  const half = {
    status: 3,
    stdout: 'job:3\n',
    stderr: expect.stringMatching(/^wag-snap: job:77: is not in the store/),
  };
  expect(tool(['snapshots', 'compact', 'job:3', 'job:77'])).toEqual(half);
  expect(tool(['snapshots', 'prune']).stdout).toMatch(/^job:2: removed\n/);
  expect(tool(['snapshots', 'verify'])).toEqual(done('1 snapshots: whole\n'));
  expect(tool(['snapshots', 'export', 'job', '-o', 'job.wsnap'])).toEqual(done('job.wsnap\n'));
  expect(tool(['restore', 'job.wsnap'], '1\n').stdout).toMatch(/^readline 4 sum 43\n/);
});

test('import finds files that are not beside the snapshot', () => {
  const fixtures = join(root, 'fixtures/snapshots/v3/x64');
  copyFileSync(join(fixtures, 'generations.wsnap'), join(folder, 'alone.wsnap'));
  const imported = (...more: string[]) =>
    tool(['snapshots', 'import', 'alone.wsnap', '-t', 'job', '--store', 'imported', ...more]);
  expect(imported()).toMatchObject({ status: 3, stderr: expect.stringContaining('--parent FILE') });
  expect(imported('--search', fixtures)).toEqual(done('job:1\n'));
  const parents = [0, 1].flatMap((i) => ['--parent', join(fixtures, `generations-${i}.wsnap`)]);
  expect(imported(...parents)).toEqual(done('job:2\n'));
});

test.each([
  [['capture', '1', '-t', 'job', '-o', 'x'], '-t and --output cannot be given together'],
  [['capture', '1', '--whole'], '--whole is for a store'],
  [['snapshots', 'drop'], 'there is no action drop'],
  [['snapshots', 'rm'], 'rm needs NAME:TAG'],
  [['snapshots', 'export', 'job'], 'export needs NAME:TAG and -o FILE'],
  [['snapshots', 'import', 'job.wsnap'], 'import needs a file and -t NAME'],
  [['snapshots', '--keep', '3'], '--keep is for prune, not for list'],
  [['snapshots', 'rm', 'job', '--search', '.'], '--search is for import, not for rm'],
  [['snapshots', 'prune', '--keep', 'many'], '--keep many: expected a number'],
  [['snapshots', 'prune', '--older-than', 'long'], '--older-than long: expected'],
])('wrong usage: %j', (args, says) => {
  const words = args.map((word) => (word === '1' ? pid : word));
  const { status, stderr } = tool(words);
  expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringContaining(says) });
});

const hasSkopeo = spawnSync('skopeo', ['--version']).status === 0;

test.skipIf(!hasSkopeo)('skopeo looks into a store and copies it; the copy restores', () => {
  const skopeo = (...args: string[]) => spawnSync('skopeo', args, { cwd: folder, encoding: 'utf8' });
  const inspected = skopeo('inspect', `oci:${usual}:job:3`);
  expect(inspected.stderr).toBe('');
  expect(JSON.parse(inspected.stdout)).toMatchObject({ Os: 'linux', Labels: { 'wag-snap.memory': '131072' } });
  const copied = skopeo('copy', `oci:${usual}:job:3`, 'oci:copy:job:3');
  expect({ status: copied.status, stderr: copied.stderr }).toEqual({ status: 0, stderr: '' });
  expect(tool(['restore', 'job:3', '--store', 'copy'], '1\n').stdout).toMatch(/^readline 4 sum 43\n/);
  expect(JSON.parse(tool(['snapshots', '--store', 'copy', '--json']).stdout)).toMatchObject([
    { name: 'job', tag: '3' },
  ]);
  expect(tool(['snapshots', 'verify', '--store', 'copy'])).toEqual(done('1 snapshots: whole\n'));
});

test('--kill ends the program once the store has all of it, and the program says what it continues from', async () => {
  await add(8, 4);
  const killed = once(child, 'exit');
  const { status, stdout } = tool(['capture', pid, '-t', 'job', '--kill']);
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'job:4\n' });
  expect((await killed)[0]).toBe(75);
  expect(tool(['restore', 'job:4'], '50\n').stdout).toMatch(/^readline 5 sum 100\n/);
  expect(readdirSync(join(usual, 'ingest'))).toEqual([]);
  expect(readFileSync(join(usual, 'oci-layout'), 'utf8')).toBe('{"imageLayoutVersion":"1.0.0"}\n');
});

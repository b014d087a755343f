/**
 * The commands on snapshots that need others: what is found, what is reported, and that no file of a chain is replaced.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { capturePid } from '../support/capture.js';
import { nativeArch } from '../support/native-arch.js';
import { canRun, Workload } from '../support/workload.js';

const root = join(import.meta.dirname, '../..');
const stored = join(root, 'fixtures/snapshots/v3', nativeArch);
const names = ['generations', 'generations-0', 'generations-1'];
const rest = readFileSync(join(stored, 'generations.txt'), 'utf8');
const all = mkdtempSync(join(tmpdir(), 'wag-snap-chain-'));
let folder = all;
beforeEach(() => {
  folder = mkdtempSync(join(all, 'case-'));
  for (const name of names) copyFileSync(join(stored, `${name}.wsnap`), join(folder, `${name}.wsnap`));
});
afterAll(() => rmSync(all, { recursive: true }));

function wagSnap(args: readonly string[], input?: Buffer) {
  const { status, stdout, stderr } = spawnSync(join(root, 'bin/wag-snap'), args, {
    cwd: folder,
    encoding: 'utf8',
    input: input ?? '',
  });
  return { status, stdout, stderr };
}
const done = (stdout: string) => ({ status: 0, stdout, stderr: '' });

test('restore maps from all files, becomes the program or not, and for the other CPU', () => {
  expect(wagSnap(['restore', 'generations.wsnap'])).toEqual(done(rest));
  expect(wagSnap(['restore', 'generations.wsnap', '--timeout', '5m'])).toEqual(done(rest));
  const other = nativeArch === 'x64' ? 'arm64' : 'x64';
  if (canRun(other)) expect(wagSnap(['restore', 'generations.wsnap', '--arch', other])).toEqual(done(rest));
});

test('what restore -o and compact write needs no other file', () => {
  expect(wagSnap(['restore', 'generations.wsnap', '-o', 'rest']).status).toBe(0);
  expect(wagSnap(['compact', 'generations.wsnap', '-o', 'one'])).toEqual(done('one\n'));
  for (const name of names) rmSync(join(folder, `${name}.wsnap`));
  expect(wagSnap(['run', 'rest'])).toEqual(done(rest));
  expect(wagSnap(['restore', 'one'])).toEqual(done(rest));
  expect(wagSnap(['verify', 'one']).stdout).toMatch(/^one: whole \(digest [0-9a-f]{16}…\)\n$/);
});

test('files that are elsewhere are found where the user says', () => {
  mkdirSync(join(folder, 'old'));
  for (const name of names.slice(1)) renameSync(join(folder, `${name}.wsnap`), join(folder, 'old', name));
  const missing =
    'wag-snap: generations.wsnap: it is a difference to 2 files that are missing (not in .): give each with ' +
    '--parent FILE, or their folder with --search DIR\n';
  for (const verb of ['restore', 'verify', 'coredump']) {
    const { status, stderr } = wagSnap([verb, 'generations.wsnap']);
    expect({ status, told: stderr.startsWith(missing) }, verb).toEqual({ status: 3, told: true });
    expect(stderr).toMatch(/\n {2}generations-1\.wsnap \(digest [0-9a-f]{16}…\)\n {2}generations-0\.wsnap /);
  }
  expect(wagSnap(['restore', 'generations.wsnap', '--search', 'old'])).toEqual(done(rest));
  const parents = names.slice(1).flatMap((name) => ['--parent', join('old', name)]);
  expect(wagSnap(['restore', 'generations.wsnap', ...parents])).toEqual(done(rest));
  const bytes = readFileSync(join(folder, 'generations.wsnap'));
  expect(wagSnap(['restore', '-', '--search', 'old'], bytes).status).toBe(0);
  expect(wagSnap(['coredump', 'generations.wsnap', '--search', 'old']).status).toBe(0);
});

test('inspect lists what is needed, there or not', () => {
  const { stdout } = wagSnap(['inspect', 'generations.wsnap']);
  expect(stdout).toMatch(/parent {6}digest ([0-9a-f]{16})…\n {2}needs {7}generations-1\.wsnap, digest \1…, found as/);
  expect(stdout).toContain('#2 wait');
  for (const name of names.slice(1)) rmSync(join(folder, `${name}.wsnap`));
  const alone = wagSnap(['inspect', 'generations.wsnap']);
  expect(alone.status).toBe(0);
  expect(alone.stdout).toMatch(/needs {7}generations-0\.wsnap, digest [0-9a-f]{16}…\n/);
  expect(JSON.parse(wagSnap(['inspect', 'generations.wsnap', '--json']).stdout).ancestors).toHaveLength(2);
});

test('a page that has changed on the disk is found by verify', () => {
  const path = join(folder, 'generations-0.wsnap');
  const bytes = readFileSync(path);
  const at = bytes.length - Number(bytes.readBigUInt64LE(24)) - 3 * 65536;
  bytes[at] ^= 1;
  writeFileSync(path, bytes);
  const { status, stderr } = wagSnap(['verify', 'generations.wsnap']);
  expect(status).toBe(3);
  expect(stderr).toMatch(/^wag-snap: .*generations-0\.wsnap: damaged: the hash of the memory at 0x/);
  expect(wagSnap(['compact', 'generations.wsnap', '-o', 'one']).status).toBe(3);
});

test('no output replaces a file of the chain', () => {
  const before = names.map((name) => readFileSync(join(folder, `${name}.wsnap`)));
  for (const args of [
    ['compact', 'generations.wsnap', '-o', 'generations-0.wsnap'],
    ['restore', 'generations.wsnap', '-o', 'generations-1.wsnap'],
    ['restore', 'generations.wsnap', '--pid-file', 'generations-0.wsnap'],
    ['restore', 'generations.wsnap', '--coredump', 'generations-0.wsnap'],
    ['coredump', 'generations.wsnap', '-o', 'generations-0.wsnap'],
  ]) {
    const { status, stderr } = wagSnap(args);
    expect({ status, stderr }, args.join(' ')).toMatchObject({ status: 2, stderr: expect.stringContaining('input') });
  }
  expect(names.map((name) => readFileSync(join(folder, `${name}.wsnap`)))).toEqual(before);
});

test('capture --parent writes what differs, and refuses what is no parent', { timeout: 60_000 }, async () => {
  const image = join(folder, 'image');
  expect(wagSnap(['compile', join(root, 'test/migrate/generations.wat'), '-o', image]).status).toBe(0);
  const workload = Workload.start(image, { stdin: 'pipe' });
  try {
    await workload.waitFor('\n');
    const pid = String(workload.pid);
    await capturePid(workload.pid, { output: join(folder, 'first.wsnap') });
    const capture = (...args: string[]) => wagSnap(['capture', pid, ...args]);
    expect(capture('-o', 'second.wsnap', '--parent', 'first.wsnap')).toEqual(done('second.wsnap\n'));
    const third = capture('-o', 'third.wsnap', '--parent', 'second.wsnap', '--search', '.', '-v', '--json');
    expect(third.status).toBe(0);
    expect(third.stderr).toMatch(/^memory [\d,]+ bytes, [\d,]+ in use, [\d,]+ not as in the parent$/m);
    expect(JSON.parse(third.stdout).changed).toBeLessThan(65536);
    expect(wagSnap(['verify', 'third.wsnap']).status).toBe(0);
    expect(capture('-o', 'first.wsnap', '--parent', 'second.wsnap')).toMatchObject({ status: 2 });
    expect(capture('-o', 'x', '--parent', 'none')).toMatchObject({
      status: 3,
      stderr: 'wag-snap: none: no such file\n',
    });
    expect(capture('-o', 'x', '--parent', image)).toMatchObject({ status: 3 });
    expect(capture('-o', 'x', '--search', '.')).toMatchObject({ status: 2 });
    const other = join(root, 'fixtures/snapshots/v1', nativeArch, 'quicksort.wsnap');
    expect(capture('-o', 'x', '--parent', other).stderr).toMatch(/cannot be the parent: it is of another program/);
    rmSync(join(folder, 'first.wsnap'));
    expect(capture('-o', 'x', '--parent', 'second.wsnap').stderr).toContain('first.wsnap (digest');
    workload.stdin.end();
    expect((await workload.ended()).code).toBe(0);
  } finally {
    workload.kill();
  }
});

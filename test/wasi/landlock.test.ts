/**
 * Landlock: what guest code that makes its own system calls can reach. The kernel is asked for its version. From
 * version 2 on, each refusal is required, so a Landlock that was forgotten does not pass as one that the kernel lacks.
 */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ForgedGuest, forgeImage } from '../support/forged-guest.js';

const AT_FDCWD = -100;
const AT_REMOVEDIR = 0x200;
const EACCES = -13n;
const EXDEV = -18n;
const [WRITE, CREAT, TRUNC, DIRECTORY] = [1, 0x40, 0x200, 0x10000];
const SECOND = 512; // place of a second path or structure in a call's data
const FIRST_VERSION = 2; // that we enter
const WITH_TRUNCATE = 3;

let folder: string;
let image: string;
let version = 0n;
let guest: ForgedGuest | undefined;
const path = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-landlock-'));
  image = path('forged');
  await forgeImage(image);
  const free = await ForgedGuest.start(image, { WAGSNAP_NO_SANDBOX: '1' });
  const answer = await free.call('landlock_create_ruleset', [0, 0, 1]);
  version = typeof answer === 'bigint' ? answer : 0n;
  await free.stop();
});
beforeEach((context) => {
  if (version < FIRST_VERSION) context.skip(`the kernel's Landlock has version ${version}: ${FIRST_VERSION} is needed`);
  for (const side of ['in', 'out']) {
    rmSync(path(side), { recursive: true, force: true });
    mkdirSync(path(`${side}/sub`), { recursive: true });
    writeFileSync(path(`${side}/file`), side);
    mkdirSync(path(`${side}/empty`));
  }
});
afterEach(async () => {
  await guest?.stop();
  guest = undefined;
});
afterAll(() => rmSync(folder, { recursive: true }));

const start = async (mode = '') =>
  (guest = await ForgedGuest.start(image, { WAGSNAP_DIR: `${path('in')}::/d${mode}` }));

const two = (first: string, second: Uint8Array) => Buffer.concat([Buffer.from(first.padEnd(SECOND, '\0')), second]);
const text = (second: string) => Buffer.from(`${path(second)}\0`);

function open(g: ForgedGuest, name: string, flags: number) {
  const how = Buffer.from(BigUint64Array.of(BigInt(flags), flags & CREAT ? 0o600n : 0n, 0n).buffer);
  const full = name.startsWith('/') ? name : path(name);
  return g.call('openat2', [AT_FDCWD, g.dataAddress, g.dataAddress + BigInt(SECOND), 24], two(full, how));
}
const rename = (g: ForgedGuest, from: string, to: string) =>
  g.call(
    'renameat2',
    [AT_FDCWD, g.dataAddress, AT_FDCWD, g.dataAddress + BigInt(SECOND), 0],
    two(path(from), text(to)),
  );
const link = (g: ForgedGuest, from: string, to: string) =>
  g.call('linkat', [AT_FDCWD, g.dataAddress, AT_FDCWD, g.dataAddress + BigInt(SECOND), 0], two(path(from), text(to)));
const symlink = (g: ForgedGuest, target: string, to: string) =>
  g.call('symlinkat', [g.dataAddress, AT_FDCWD, g.dataAddress + BigInt(SECOND)], two(target, text(to)));
const unlink = (g: ForgedGuest, name: string, flags = 0) =>
  g.call('unlinkat', [AT_FDCWD, g.dataAddress, flags], `${path(name)}\0`);
const mkdir = (g: ForgedGuest, name: string) => g.call('mkdirat', [AT_FDCWD, g.dataAddress, 0o700], `${path(name)}\0`);

describe('outside of its directory', () => {
  test.each<[string, (g: ForgedGuest) => Promise<bigint | string>]>([
    ['a file cannot be read', (g) => open(g, 'out/file', 0)],
    ['one of the system neither', (g) => open(g, '/etc/passwd', 0)],
    ['by a way that leads out', (g) => open(g, 'in/../out/file', 0)],
    ['a directory cannot be listed', (g) => open(g, 'out', DIRECTORY)],
    ['the one around it neither', (g) => open(g, 'in/..', DIRECTORY)],
    ['a file cannot be written', (g) => open(g, 'out/file', WRITE)],
    ['a device neither', (g) => open(g, '/dev/null', WRITE)],
    ['no file can be made', (g) => open(g, 'out/new', CREAT | WRITE)],
    ['no file can be removed', (g) => unlink(g, 'out/file')],
    ['no directory can be removed', (g) => unlink(g, 'out/empty', AT_REMOVEDIR)],
    ['no directory can be made', (g) => mkdir(g, 'out/new')],
    ['no link can be made', (g) => symlink(g, 'x', 'out/new')],
    ['nothing can be renamed', (g) => rename(g, 'out/file', 'out/new')],
  ])('%s', async (_, attempt) => {
    expect(await attempt(await start())).toBe(EACCES);
    expect(readdirSync(path('out')).sort()).toEqual(['empty', 'file', 'sub']);
  });

  test.each<[string, (g: ForgedGuest) => Promise<bigint | string>]>([
    ['in', (g) => rename(g, 'out/file', 'in/new')],
    ['out', (g) => rename(g, 'in/file', 'out/new')],
    ['in by a link', (g) => link(g, 'out/file', 'in/new')],
    ['out by a link', (g) => link(g, 'in/file', 'out/new')],
  ])('nothing comes %s', async (_, attempt) => {
    expect([EACCES, EXDEV]).toContain(await attempt(await start()));
    expect(readdirSync(path('out')).sort()).toEqual(['empty', 'file', 'sub']);
    expect(existsSync(path('in/new'))).toBe(false);
  });
});

test('below its directory all of that is possible', async () => {
  const g = await start();
  expect(await open(g, 'in/file', 0)).toBeGreaterThan(0n);
  expect(await open(g, 'in', DIRECTORY)).toBeGreaterThan(0n);
  expect(await open(g, 'in/file', WRITE)).toBeGreaterThan(0n);
  expect(await open(g, 'in/file', WRITE | TRUNC)).toBeGreaterThan(0n);
  expect(await open(g, 'in/new', CREAT | WRITE)).toBeGreaterThan(0n);
  expect(await rename(g, 'in/new', 'in/sub/moved')).toBe(0n);
  expect(await link(g, 'in/sub/moved', 'in/linked')).toBe(0n);
  expect(await symlink(g, 'file', 'in/symbolic')).toBe(0n);
  expect(await mkdir(g, 'in/made')).toBe(0n);
  expect(await unlink(g, 'in/made', AT_REMOVEDIR)).toBe(0n);
  expect(await unlink(g, 'in/linked')).toBe(0n);
});

describe('below a directory that is read-only', () => {
  test('files can be read and directories listed', async () => {
    const g = await start(':ro');
    expect(await open(g, 'in/file', 0)).toBeGreaterThan(0n);
    expect(await open(g, 'in/sub', DIRECTORY)).toBeGreaterThan(0n);
  });

  test.each<[string, (g: ForgedGuest) => Promise<bigint | string>]>([
    ['a file cannot be written', (g) => open(g, 'in/file', WRITE)],
    ['no file can be made', (g) => open(g, 'in/new', CREAT)],
    ['no file can be removed', (g) => unlink(g, 'in/file')],
    ['no directory can be removed', (g) => unlink(g, 'in/empty', AT_REMOVEDIR)],
    ['no directory can be made', (g) => mkdir(g, 'in/new')],
    ['no link can be made', (g) => symlink(g, 'x', 'in/new')],
    ['nothing can be moved', (g) => rename(g, 'in/file', 'in/sub/new')],
  ])('%s', async (_, attempt) => {
    expect(await attempt(await start(':ro'))).toBe(EACCES);
    expect(readdirSync(path('in')).sort()).toEqual(['empty', 'file', 'sub']);
  });

  test('a file cannot be cut off by opening it for reading', async (context) => {
    if (version < WITH_TRUNCATE)
      context.skip(`the kernel's Landlock has version ${version}: ${WITH_TRUNCATE} is needed`);
    expect(await open(await start(':ro'), 'in/file', TRUNC)).toBe(EACCES);
    expect(readFileSync(path('in/file'), 'utf8')).toBe('in');
  });
});

test('where there is no openat2 nothing else can be opened either', async () => {
  guest = await ForgedGuest.start(image, { WAGSNAP_DIR: `${path('in')}::/d`, WAGSNAP_NO_OPENAT2: '1' });
  const openat = (name: string) => guest!.call('openat', [AT_FDCWD, guest!.dataAddress, 0], `${name}\0`);
  expect(await openat('/etc/passwd')).toBe(EACCES);
  expect(await openat(path('in/file'))).toBeGreaterThan(0n);
  expect(await open(guest, 'in/file', 0)).toBe('SIGSYS');
});

/**
 * Restores of packed snapshots that are large enough to be unpacked beside the compiler: a chain of a compressed, a
 * plain and an encrypted file.
 */

import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, test } from 'vitest';
import { findEmulator } from '../../src/api/launch.js';
import { openerFor } from '../../src/api/seal-options.js';
import { openSnapshot } from '../../src/api/stored-snapshot.js';
import { UnpackedFiles } from '../../src/api/unpacked-files.js';
import { HeldFiles } from '../../src/snapshot/held-files.js';
import { Opener } from '../../src/snapshot/opener.js';
import { ensureIdentity } from '../../src/snapshot/packing/recipients.js';
import { capturePid } from '../support/capture.js';
import { command } from '../support/command.js';
import { cli } from '../support/moving-counter.js';
import { Output } from '../support/waiting.js';
import { walkerProgram } from '../support/walker-program.js';
import { build, temporaryFolder } from '../support/workload.js';

const folder = temporaryFolder();
const files = ['compressed', 'plain', 'encrypted'].map((name) => join(folder, `${name}.wsnap`));
const last = files[2]!;
const identity = join(folder, 'me.age');
const [cache, temporary] = [join(folder, 'cache'), join(folder, 'tmp')];
const env = { ...process.env, XDG_CACHE_HOME: cache, TMPDIR: temporary, WAGSNAP_TRACE: 'restore' };
const other = process.arch === 'arm64' ? 'x64' : 'arm64';

const restored = (...args: string[]) =>
  command(process.execPath, [cli, 'restore', last, '--identity', identity, ...args], { env });

beforeAll(async () => {
  const { publicKey } = await ensureIdentity(identity);
  const { path } = await build(walkerProgram({ pages: 256, last: 1 }), join(folder, 'walker'));
  const child = spawn(path, [], { env: {}, stdio: ['ignore', 'pipe', 'pipe'] });
  await new Output(child).has('ready');
  const opener = await openerFor({ identities: [identity] });
  const forms = [{ level: 1, recipients: [] }, undefined, { level: 3, recipients: [publicKey] }];
  for (const [i, packing] of forms.entries()) {
    const parent = i === 0 ? undefined : await openSnapshot(files[i - 1]!, { opener });
    const form = packing === undefined ? {} : { packing };
    await capturePid(child.pid!, { output: files[i]!, parent, form, kill: i === 2 });
  }
});

beforeEach(() => {
  for (const each of [cache, temporary]) rmSync(each, { recursive: true, force: true });
  mkdirSync(temporary);
});

const begins = 'bytes of 2 files on another thread';

test.each([process.arch, other])('unpacks while it compiles, for %s', async (arch) => {
  if (arch === other && findEmulator('arm64') === undefined && process.arch !== 'arm64') return;
  const cold = await restored('--arch', arch);
  expect([cold.status, cold.stdout]).toEqual([0, 'end\n']);
  expect(cold.stderr).toContain(begins);
  expect(cold.stderr).toContain('maps the pages from the snapshot');
  if (arch === other) return;
  const warm = await restored(); // the image is there
  expect([warm.status, warm.stdout]).toEqual([0, 'end\n']);
  expect(warm.stderr).not.toContain(begins);
  expect(readdirSync(temporary)).toEqual([]);
});

test('clones share what was unpacked, an executable contains it', async () => {
  const clones = await restored('--count', '2');
  expect([clones.status, clones.stdout]).toEqual([0, 'end\nend\n']);
  expect(clones.stderr).toContain(begins);
  const image = join(folder, 'image');
  rmSync(cache, { recursive: true });
  expect(await restored('-o', image)).toMatchObject({ status: 0, stderr: expect.stringContaining(begins) });
  expect(spawnSync(image, { encoding: 'utf8' })).toMatchObject({ status: 0, stdout: 'end\n' });
  expect(readdirSync(temporary)).toEqual([]);
});

test('a file that another tool removes meanwhile is unpacked to its end', async () => {
  const file = join(folder, 'removed.wsnap');
  copyFileSync(files[0]!, file);
  const stored = await openSnapshot(file);
  const held = new HeldFiles([file]);
  rmSync(file);
  const unpacking = new UnpackedFiles(stored, temporary, undefined);
  try {
    unpacking.begin();
    expect((await unpacking.finish())?.path).toMatch(/^\/proc\/self\/fd\/\d+$/);
  } finally {
    unpacking.close();
    held.close();
  }
});

test('--lazy unpacks what the program needs', async () => {
  const { status, stdout, stderr } = await restored('--lazy');
  expect([status, stdout]).toEqual([0, 'end\n']);
  expect(stderr).not.toContain(begins);
});

test.each([
  ['the first extent, by which it is recognized', 0],
  ['the last extent, which another thread unpacks', -1],
])('damage in %s is one error, and nothing starts', async (_, at) => {
  const { packing } = await new Opener().open(files[0]!);
  const { offsets, numbers } = packing!.index;
  const whole = readFileSync(files[0]!);
  const changed = Buffer.from(whole);
  changed[offsets.at(at)!]! ^= 1;
  writeFileSync(files[0]!, changed);
  try {
    const { status, stdout, stderr } = await restored();
    expect([status, stdout]).toEqual([3, '']);
    const what = `damaged: extent ${numbers.at(at)} at offset ${offsets.at(at)}: its hash differs`;
    expect(stderr.replaceAll(/^restore .*\n/gm, '')).toBe(`wag-snap: ${files[0]}: ${what}\n`);
    expect(readdirSync(temporary)).toEqual([]);
  } finally {
    writeFileSync(files[0]!, whole);
  }
});

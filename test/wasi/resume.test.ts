/**
 * The host state that a snapshot carries: files, directories, positions, arguments, the clock; and what may be missing.
 */

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { readSnapshot } from '../../src/snapshot/format.js';
import type { Snapshot, StoredSnapshot } from '../../src/snapshot/snapshot.js';
import {
  type Built,
  build,
  captureAndEnd,
  captureThere,
  type Ending,
  restoreAndStart,
  temporaryFolder,
  Workload,
  withTimeLeft,
} from '../support/workload.js';

const folder = temporaryFolder();
const here = join(folder, 'here');
const there = join(folder, 'there'); // where the directory is after the snapshot
const snapshot = join(folder, 'snapshot');
const resumable = join(folder, 'resumable');
let program: Built;
let imports: number;
beforeAll(async () => {
  program = await build(join(import.meta.dirname, 'programs/keeps.wasm'), join(folder, 'image'));
  imports = program.modules[0].importedFuncCount;
});
beforeEach(() => {
  rmSync(here, { recursive: true, force: true });
  rmSync(there, { recursive: true, force: true });
  mkdirSync(join(here, 'sub'), { recursive: true });
  mkdirSync(join(here, 'many'));
  writeFileSync(join(here, 'sub/data'), '0123456789abcdef');
  for (let i = 0; i < 300; i++) writeFileSync(join(here, `many/${i}-of-many-entries`), '');
});

/**
 * Starts the program and captures it where it waits; the directory then moves. @returns how long it lived, in
 * milliseconds
 */
async function captured(how: 'read' | 'sleep'): Promise<number> {
  const started = performance.now();
  const workload = Workload.start(program.path, {
    args: [how, 'two words'],
    env: { KEPT: 'yes', WAGSNAP_NO: '1' },
    dirs: [{ host: here, guest: '/d', readOnly: false }],
    stdin: 'pipe',
  });
  await workload.waitFor('ready\n');
  const blocked = ({ frames }: Snapshot) => frames.site(0).kind === 'entry' && frames.site(0).func < imports;
  await captureThere(workload, snapshot, how === 'read' ? blocked : ({ host }) => host.pendingTimeout !== undefined);
  await captureAndEnd(workload, snapshot);
  expect((await workload.ended()).stdout).toBe('ready\n');
  const lived = performance.now() - started;
  cpSync(here, there, { recursive: true });
  rmSync(here, { recursive: true });
  return lived;
}

const restored = (host = there, readOnly = false, from: string | StoredSnapshot = snapshot) =>
  restoreAndStart(from, program, resumable, { stdin: 'pipe', dirs: [{ host, guest: '/d', readOnly }] });

const rest = (first: string) =>
  `${first}\ndata 56789\nentries 302\narg program\narg ${first.split(' ')[0] === 'input' ? 'read' : 'sleep'}\n` +
  'arg two words\nenv yes\nagain X12\n';

it('continues reading standard input, with its files open in another directory', async () => {
  await captured('read');
  const workload = await restored();
  workload.stdin.end('a line');
  const end = await workload.ended();
  expect(end).toEqual({ stdout: rest('input a line').replace('line\n', 'line'), stderr: '', code: 0 });
  expect(readFileSync(join(there, 'moved/data'), 'utf8')).toBe('X123456789abcdef');
  expect(readFileSync(join(there, 'log'), 'utf8')).toBe('before\nafter\n');
});

it('sleeps for what was left of its sleep, and its clock stands still meanwhile', async () => {
  const lived = await captured('sleep');
  const stored = readSnapshot(snapshot);
  const left = Number(stored.snapshot.host.pendingTimeout) / 1e6;
  expect(left).toBeLessThan(3_600_000);
  expect(left).toBeGreaterThanOrEqual(3_600_000 - lived);
  await new Promise((done) => setTimeout(done, 1000)); // does not count
  const started = performance.now();
  const { stdout, stderr, code } = await (await restored(there, false, withTimeLeft(stored, 50_000_000n))).ended();
  const livedAgain = performance.now() - started;
  expect([stderr, code]).toEqual(['', 0]);
  expect(livedAgain).toBeGreaterThanOrEqual(49);
  const slept = Number(/slept (\d+) ms/.exec(stdout)![1]);
  expect(slept).toBeGreaterThanOrEqual(49);
  expect(slept).toBeLessThanOrEqual(lived + livedAgain);
  expect(stdout).toBe(rest(`slept ${slept} ms`));
});

it('says what is missing, before it runs', async () => {
  await captured('read');
  const ends = async (host = there, readOnly = false): Promise<Ending> => (await restored(host, readOnly)).ended();
  const hint = 'hint: --dir HOST::/d says where that directory is now\n';
  const file = (problem: string) =>
    `wag-snap: restore: descriptor 4: cannot open "moved/data" below the directory "/d" (${there}): ${problem}\n${hint}`;

  chmodSync(join(there, 'moved/data'), 0o444);
  if (process.getuid?.() !== 0)
    expect(await ends()).toEqual({ stdout: '', stderr: file('Permission denied'), code: 1 });
  rmSync(join(there, 'moved/data'));
  expect(await ends()).toEqual({ stdout: '', stderr: file('No such file or directory'), code: 1 });
  mkdirSync(join(there, 'moved/data'));
  expect(await ends()).toEqual({ stdout: '', stderr: file('Is a directory'), code: 1 });

  expect(await ends(join(folder, 'nowhere'))).toEqual({
    stdout: '',
    stderr: `wag-snap: --dir: cannot open directory "${folder}/nowhere": No such file or directory\n`,
    code: 1,
  });
});

it('takes directories from the environment of a resumable executable', async () => {
  await captured('read');
  const settings = { dirs: [{ host: join(folder, 'nowhere'), guest: '/d', readOnly: false }] };
  (await restoreAndStart(snapshot, program, resumable, { ...settings, selfContained: true })).kill();
  const start = (guest: string) =>
    Workload.start(resumable, { stdin: 'pipe', dirs: [{ host: there, guest, readOnly: false }] });
  const workload = start('/d');
  workload.stdin.end('x\n');
  expect((await workload.ended()).stdout).toMatch(/^input x\ndata 56789\n/);
  expect(await start('/other').ended()).toEqual({
    stdout: '',
    stderr: 'wag-snap: restore: --dir: the snapshot has no directory named "/other"\n',
    code: 1,
  });
});

it('a listing that continues passes over what it had delivered, in place, in a copy, and on another file system', async () => {
  const spool = await build(join(import.meta.dirname, 'programs/spool.wasm'), join(folder, 'spool'));
  const dirs = [{ host: here, guest: '/', readOnly: false }];
  rmSync(here, { recursive: true });
  mkdirSync(here);
  const workload = Workload.start(spool.path, { dirs, stdin: 'pipe' });
  await workload.waitFor('\n300\n');
  await captureAndEnd(workload, snapshot);
  await workload.ended();
  expect(readdirSync(here).length).toBe(700);
  const stored = readSnapshot(snapshot);
  const { listed } = stored.snapshot.host.descriptors.find(({ kind }) => kind === 'directory')!;
  expect(listed!.length % 8).toBe(0);
  expect(listed!.length).toBeGreaterThanOrEqual(300 * 8);
  const elsewhere = mkdtempSync(existsSync('/dev/shm') ? '/dev/shm/wag-snap-test-' : join(folder, 'elsewhere-'));
  try {
    cpSync(here, there, { recursive: true });
    // in the opposite order, with files that were not there
    for (const name of readdirSync(here).reverse()) writeFileSync(join(elsewhere, name), '');
    for (let i = 0; i < 50; i++) writeFileSync(join(elsewhere, `x${i}`), '');
    for (const [host, left] of [
      [there, 0],
      [elsewhere, 50],
      [here, 0],
    ] as const) {
      const granted = { dirs: [{ host, guest: '/', readOnly: false }] };
      const end = await (await restoreAndStart(snapshot, spool, resumable, granted)).ended();
      expect([end.stderr, end.code]).toEqual(['', 0]);
      expect(end.stdout.endsWith('deleted 1000\n')).toBe(true);
      expect(readdirSync(host).length).toBe(left);
    }
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
});

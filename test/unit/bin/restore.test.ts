/**
 * `wag-snap restore` and the files of a program: what is reported, --fd, hashes, limits. Needs a built wag-snap (npm
 * run build).
 */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, linkSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../support/workload.js';

const cli = resolve(process.env['WAGSNAP_CLI'] ?? 'bin/wag-snap');
const folder = temporaryFolder();
const env = { ...process.env, XDG_CACHE_HOME: join(folder, 'cache') };
const data = join(folder, 'files/data');
const TIME = 1_600_000_000;

/**
 * Opens "data" (4) below 3, reads 3 bytes and prints "ready"; reads input to its end; prints what it reads then of the
 * file.
 */
const PROGRAM = `(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\\40\\00\\00\\00\\06\\00\\00\\00\\80\\00\\00\\00\\03\\00\\00\\00\\80\\00\\00\\00\\01\\00\\00\\00")
  (data (i32.const 64) "ready\\ndata")
  (func (export "_start")
    (drop (call $open (i32.const 3) (i32.const 1) (i32.const 70) (i32.const 4) (i32.const 0) (i64.const 0x66)
      (i64.const -1) (i32.const 0) (i32.const 48)))
    (drop (call $read (i32.const 4) (i32.const 8) (i32.const 1) (i32.const 40)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 40)))
    (loop $next
      (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 40)))
      (br_if $next (i32.load (i32.const 40))))
    (i32.store (i32.const 12) (i32.const 4))
    (drop (call $read (i32.const 4) (i32.const 8) (i32.const 1) (i32.const 12)))
    (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 40)))))`;

function wagSnap(...args: string[]) {
  const settings = { cwd: folder, env, encoding: 'utf8', input: '' } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, [cli, ...args], settings);
  return { stdout, stderr, status };
}
const restore = (...args: string[]) => wagSnap('restore', 'x.wsnap', ...args);

/** The file is always the same one: its second name keeps its number of the file system from others. */
function files(): void {
  const kept = join(folder, 'kept');
  rmSync(join(folder, 'files'), { recursive: true, force: true });
  mkdirSync(join(folder, 'files'));
  writeFileSync(kept, '0123456789');
  utimesSync(kept, TIME, TIME);
  linkSync(kept, data);
}

async function capture(file: string, ...options: string[]): Promise<void> {
  const args = ['run', '-v', '--dir', 'files::/d', join(folder, 'x.wat')];
  const child = spawn(process.execPath, [cli, ...args], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  let stdout = '';
  const pid = await new Promise<string>((done, fail) => {
    const look = () => {
      const found = /^pid (\d+)$/m.exec(stderr);
      if (found && stdout.includes('ready')) done(found[1]);
    };
    child.stdout.on('data', (text) => {
      stdout += text;
      look();
    });
    child.stderr.on('data', (text) => {
      stderr += text;
      look();
    });
    child.once('exit', () => fail(new Error(stderr)));
  });
  expect(wagSnap('capture', pid, '--kill', '-o', file, ...options)).toMatchObject({ status: 0, stderr: '' });
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

beforeAll(async () => {
  writeFileSync(join(folder, 'x.wat'), PROGRAM);
  files();
  await capture('x.wsnap');
  await capture('hashed.wsnap', '--hash-files');
});
beforeEach(files);

test('continues with its files', () => {
  expect(restore('--dir', 'files::/d')).toEqual({ stdout: '3456', stderr: '', status: 0 });
});

describe('says all that is wrong at once and runs nothing', () => {
  test('without directories, with the command line that would do', () => {
    const { stdout, stderr, status } = restore('--fd', '0=fail');
    expect([stdout, status]).toEqual(['', 3]);
    expect(stderr).toBe(
      `wag-snap: x.wsnap: cannot be restored here; nothing was run or written:
  descriptor 0, standard stream: it cannot be the one that it was [without --fd 0=fail]
  descriptor 3, directory "/d": no directory was given for it (it was "${folder}/files") [--dir HOST::/d, --same-dirs]
with what it had: wag-snap restore x.wsnap --fd 0=fail --dir ${folder}/files::/d\n`,
    );
  });

  test('with -o nothing is written, unless it is for elsewhere', () => {
    rmSync(data);
    const { stdout, stderr, status } = restore('--same-dirs', '-o', 'rest');
    expect([stdout, status, existsSync(join(folder, 'rest'))]).toEqual(['', 3, false]);
    expect(stderr).toMatch(
      /descriptor 4, file "data" below "\/d" \(".*\/files\/data"\): no such file or folder \[--dir/,
    );
    expect(restore('--same-dirs', '-o', 'rest', '--no-check').status).toBe(0);
    files();
    expect(spawnSync(join(folder, 'rest'), { input: '', encoding: 'utf8', env: {} }).stdout).toBe('3456');
    expect(restore('--same-dirs', '--no-check').status).toBe(2);
  });
});

describe('--fd', () => {
  test.each<[string[], RegExp]>([
    [
      ['--fd', '9=close'],
      /no descriptor 9; it has:\n {2}0: standard stream\n(.*\n)*? {2}4: file data below 3 at offset 3, /,
    ],
    [['--fd', 'x'], /expected N=reopen, N=ignore/],
    [['--fd', '4='], /expected N=reopen/],
    [['--fd', '4=close', '--fd', '4=ignore'], /descriptor 4 was given more than once/],
  ])('%j is wrong usage', (args, message) => {
    const result = restore('--same-dirs', ...args);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  test('does what it says', () => {
    writeFileSync(join(folder, 'other'), 'abcdefghi');
    expect(restore('--same-dirs', '--fd', '4=other')).toEqual({ stdout: 'defg', stderr: '', status: 0 });
    rmSync(data);
    expect(restore('--same-dirs', '--fd', '4=ignore')).toEqual({ stdout: '', stderr: '', status: 0 });
    expect(restore('--same-dirs', '--fd', '4=close')).toMatchObject({ stderr: '', status: 0 });
    const end = restore('--same-dirs', '--fd', '4=other', '--fd', '1=out');
    expect(end).toEqual({ stdout: '', stderr: '', status: 0 });
  });
});

describe('a changed file', () => {
  const changed = () => writeFileSync(data, '012345678901234');

  test('is warned of, and refused if that is asked for', () => {
    changed();
    const { stdout, stderr, status } = restore('--same-dirs');
    expect([stdout, status]).toEqual(['3456', 0]);
    expect(stderr).toMatch(
      /^wag-snap: warning: descriptor 4, file "data" .* has changed since the capture: size 10 -> 15, modified 2020-09-13T12:26:40\.000000000Z -> 20.*\n$/,
    );
    for (const strict of [['--strict-files'], ['--fd', '4=fail']]) {
      const refused = restore('--same-dirs', ...strict);
      expect(refused).toMatchObject({ stdout: '', status: 3 });
      expect(refused.stderr).toMatch(/size 10 -> 15.*\[--fd 4=reopen\]/);
    }
    expect(restore('--same-dirs', '--strict-files', '--fd', '4=reopen')).toMatchObject({ stdout: '3456', status: 0 });
  });

  test('is known by its hash', () => {
    const hashed = (...args: string[]) => wagSnap('restore', 'hashed.wsnap', '--same-dirs', ...args);
    utimesSync(data, TIME, TIME + 1);
    expect(hashed('--strict-files')).toEqual({ stdout: '3456', stderr: '', status: 0 });
    writeFileSync(data, '9876543210');
    utimesSync(data, TIME, TIME);
    expect(hashed().stderr).toMatch(/: sha256 84d89877f0d4041e… -> [0-9a-f]{16}…\n$/);
    expect(wagSnap('inspect', 'hashed.wsnap').stdout).toMatch(
      /4: file data .*, 10 bytes, modified 2020.*, sha256 84d898/,
    );
    const { host } = JSON.parse(wagSnap('inspect', 'hashed.wsnap', '--json').stdout);
    expect(host.descriptors[4]).toMatchObject({ type: 'file', size: '10', sha256: expect.stringMatching(/^84d898/) });
  });
});

describe('limits', () => {
  test.each<[string[], number, RegExp]>([
    [['--max-memory', '65535'], 4, /--max-memory: the program has 65536 bytes of memory, 65535 are allowed/],
    [['--max-memory', '1', '-o', 'rest'], 2, /set WAGSNAP_MAX_MEMORY when/],
    [['--max-stack', '1K'], 2, /expected 64K to 256M/],
    [['--max-stack', '1G'], 2, /expected 64K to 256M/],
    [['--max-stack', '1M', '-o', 'rest'], 2, /set WAGSNAP_MAX_STACK when/],
    [['--timeout', '0'], 2, /expected seconds/],
    [['--timeout', '1', '-o', 'rest'], 2, /timeout\(1\)/],
  ])('%j', (args, status, message) => {
    const result = restore('--same-dirs', ...args);
    expect(result).toMatchObject({ status, stdout: '' });
    expect(result.stderr).toMatch(message);
  });

  test('that are enough change nothing', () => {
    const args = ['--max-memory', '64K', '--max-stack', '64K', '--timeout', '600'];
    expect(restore('--same-dirs', ...args)).toEqual({ stdout: '3456', stderr: '', status: 0 });
  });

  test('--timeout ends it', async () => {
    const args = [cli, 'restore', 'x.wsnap', '--same-dirs', '--timeout', '0.3'];
    const child = spawn(process.execPath, args, { cwd: folder, env, stdio: ['pipe', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    const [status] = await once(child, 'close');
    expect([status, stderr]).toEqual([4, 'wag-snap: the program was ended after 0.3 s: --timeout\n']);
  });
});

/** WAGSNAP_DIR: valid lines, and the messages for invalid ones. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { E, FD_WRITE, Guest, OUT, removeGuest } from '../support/wasi-guest.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-preopens-'));
  mkdirSync(join(folder, 'a'));
  writeFileSync(join(folder, 'a/file'), 'in a');
});
afterEach(() => rmSync(folder, { recursive: true }));
afterAll(removeGuest);

async function names(guest: Guest): Promise<string[]> {
  const list: string[] = [];
  for (let fd = 3; (await guest.call('fd_prestat_get', fd, OUT)) === 0; fd++) {
    const length = await guest.peek32(OUT + 4);
    expect(await guest.call('fd_prestat_dir_name', fd, OUT, length)).toBe(0);
    list.push((await guest.peek(OUT, length)).toString());
  }
  return list;
}

it('names directories as the line says', async () => {
  const dirs = ['', `${folder}::/x`, 'a', 'a::b::c', 'a:ro', '.::rel:ro', ''];
  const guest = await Guest.start({ dirs, cwd: folder });
  expect(await names(guest)).toEqual(['/x', 'a', 'b::c', 'a', 'rel']);
  const open = async (fd: number, path: string, rights: bigint) => (await guest.open(fd, path, { rights })) > 0;
  expect(await open(3, 'a/file', FD_WRITE)).toBe(true);
  expect(await open(4, 'file', FD_WRITE)).toBe(true);
  expect(await guest.open(6, 'file', { rights: FD_WRITE })).toBe(-E.ROFS);
  expect(await guest.open(7, 'a/file', { rights: FD_WRITE })).toBe(-E.ROFS);
  const fd = await guest.open(7, 'a/file');
  expect(await guest.read(fd, 100)).toBe('in a');
  await guest.stop();
});

it('has none without it', async () => {
  const guest = await Guest.start();
  expect(await names(guest)).toEqual([]);
  await guest.stop();
});

async function refused(dirs: string[]): Promise<{ code: number | null; stderr: string }> {
  let stderr = '';
  const code = await Guest.start({
    dirs,
    cwd: folder,
    onStderr: (text) => {
      stderr += text;
    },
  }).then(
    async (guest) => {
      await guest.stop();
      return -1;
    },
    (error) => error.code,
  );
  return { code, stderr };
}

it('says which directory cannot be opened, and ends with 1', async () => {
  expect(await refused(['none::/x'])).toEqual({
    code: 1,
    stderr: `wag-snap: --dir: cannot open directory "${folder}/none": No such file or directory\n`,
  });
  expect((await refused(['a', 'a/file'])).stderr).toMatch(/a\/file": Not a directory\n$/);
  expect((await refused(['x'.repeat(5000)])).stderr).toMatch(/": the path is too long\n$/);
  expect((await refused([`a::${'y'.repeat(4090)}`])).stderr).toMatch(/": the path is too long\n$/);
});

it('says which line cannot be read, and ends with 2', async () => {
  const expected = 'expected HOST or HOST::GUEST, with :ro or :rw after it';
  expect(await refused(['::x'])).toEqual({ code: 2, stderr: `wag-snap: WAGSNAP_DIR: "::x": ${expected}\n` });
  expect((await refused(['a::'])).code).toBe(2);
  expect((await refused(['a::\u0007'])).code).toBe(-1);
});

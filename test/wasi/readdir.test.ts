/** fd_readdir: entries, cookies, cut entries, many of them. */

import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { DATA, DIRECTORY, E, Guest, OUT, removeGuest } from '../support/wasi-guest.js';

const DIR = 3;

let folder: string;
let guest: Guest;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-readdir-'));
  guest = await Guest.start({ dirs: [`${folder}::/d`] });
});
afterEach(async () => {
  await guest.stop();
  rmSync(folder, { recursive: true });
});
afterAll(removeGuest);

interface Entry {
  readonly next: bigint;
  readonly ino: bigint;
  readonly type: number;
  readonly name: string;
}

/** One call: the entries that are whole, and how many bytes were used. */
async function readdir(fd: number, length: number, cookie: bigint): Promise<{ entries: Entry[]; used: number }> {
  expect(await guest.call('fd_readdir', fd, DATA, length, cookie, OUT)).toBe(0);
  const used = await guest.peek32(OUT);
  const bytes = await guest.peek(DATA, used);
  const entries: Entry[] = [];
  for (let at = 0; at + 24 <= used; ) {
    const end = at + 24 + bytes.readUInt32LE(at + 16);
    if (end > used) break;
    const name = bytes.subarray(at + 24, end).toString();
    entries.push({ next: bytes.readBigUInt64LE(at), ino: bytes.readBigUInt64LE(at + 8), type: bytes[at + 20], name });
    at = end;
  }
  return { entries, used };
}

/** As a libc does: until a call does not fill the buffer. */
async function all(fd: number, length: number, cookie = 0n): Promise<Entry[]> {
  const found: Entry[] = [];
  for (;;) {
    const { entries, used } = await readdir(fd, length, cookie);
    found.push(...entries);
    if (used < length) return found;
    if (entries.length > 0) cookie = entries[entries.length - 1].next;
  }
}
const names = (entries: Entry[]) => entries.map((e) => e.name).sort();

it('lists an empty directory: itself and its parent', async () => {
  const entries = await all(DIR, 256);
  expect(entries.map((e) => [e.name, e.type, e.next])).toEqual([
    ['.', 3, 1n],
    ['..', 3, 2n],
  ]);
  expect(entries[0].ino).toBe(statSync(folder, { bigint: true }).ino);
});

it('says what entries are', async () => {
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'dir'));
  symlinkSync('file', join(folder, 'link'));
  const entries = await all(DIR, 4096);
  const type = Object.fromEntries(entries.map((e) => [e.name, e.type]));
  expect(type).toEqual({ '.': 3, '..': 3, file: 4, dir: 3, link: 7 });
  expect(entries.find((e) => e.name === 'file')!.ino).toBe(statSync(join(folder, 'file'), { bigint: true }).ino);
});

it('continues from any cookie, in the same order', async () => {
  for (let i = 0; i < 20; i++) writeFileSync(join(folder, `f${i}`), '');
  const entries = await all(DIR, 4096);
  expect(entries.length).toBe(22);
  for (const cookie of [3, 0, 21, 22, 1, 2, 10, 10, 100]) {
    const rest = await all(DIR, 4096, BigInt(cookie));
    expect(rest).toEqual(entries.slice(cookie));
  }
});

it('cuts the last entry and is asked for it again', async () => {
  for (let i = 0; i < 9; i++) writeFileSync(join(folder, 'n'.repeat(i * 10 + 1)), '');
  const entries = await all(DIR, 4096);
  for (const length of [130, 131, 150, 200]) expect(await all(DIR, length)).toEqual(entries);
  expect((await readdir(DIR, 0, 0n)).used).toBe(0);
  expect((await readdir(DIR, 10, 0n)).used).toBe(10);
  expect((await readdir(DIR, 10, 5n)).used).toBe(10);
  expect(await all(DIR, 4096)).toEqual(entries);
});

it('lists thousands', async () => {
  const expected = ['.', '..'];
  for (let i = 0; i < 3000; i++) {
    writeFileSync(join(folder, `some-file-with-a-name-${i}`), '');
    expected.push(`some-file-with-a-name-${i}`);
  }
  expected.sort();
  expect(names(await all(DIR, 4096))).toEqual(expected);
  expect(names(await all(DIR, 100_000))).toEqual(expected);
  const sub = await guest.open(DIR, '.', { oflags: DIRECTORY });
  expect(names(await all(sub, 1000))).toEqual(expected);
});

it('lists what is there while entries go', async () => {
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, `f${i}`), '');
  const seen: string[] = [];
  for (let cookie = 0n; ; ) {
    const { entries, used } = await readdir(DIR, 512, cookie);
    for (const { name } of entries) {
      seen.push(name);
      if (name.startsWith('f')) unlinkSync(join(folder, name));
    }
    if (used < 512) break;
    cookie = entries[entries.length - 1].next;
  }
  expect(seen.length).toBe(302);
});

it('begins anew at the first cookie, also where nothing was found before', async () => {
  const fd = await guest.open(DIR, '.', { oflags: DIRECTORY });
  for (const start of [0n, 1n, 2n]) {
    const dots = ['.', '..'].slice(Number(start));
    expect(names(await all(fd, 4096, start))).toEqual(dots);
    writeFileSync(join(folder, 'file'), '');
    expect(names(await all(fd, 4096, start))).toEqual([...dots, 'file']);
    unlinkSync(join(folder, 'file'));
    expect(names(await all(fd, 4096, start))).toEqual(dots);
  }
});

it('skips and repeats nothing that stays, from any earlier cookie, whatever comes and goes', async () => {
  const fd = await guest.open(DIR, '.', { oflags: DIRECTORY });
  for (let i = 0; i < 400; i++) writeFileSync(join(folder, `f${i}`), '');
  const before = await all(fd, 4096);
  for (const cookie of [150, 30, 3]) {
    const early = before.slice(0, cookie).map(({ name }) => name);
    const gone = early.filter((name, i) => name.startsWith('f') && i % 2 === 0);
    for (const name of gone) unlinkSync(join(folder, name));
    for (let i = 0; i < 100; i++) writeFileSync(join(folder, `new-${cookie}-${i}`), '');
    const after = (await all(fd, 512, BigInt(cookie))).map(({ name }) => name);
    expect(new Set(after).size).toBe(after.length);
    for (const name of early) expect(after).not.toContain(name);
    for (const { name } of before.slice(cookie)) expect(after).toContain(name);
    for (const name of gone) writeFileSync(join(folder, name), '');
  }
});

it('gives room back when a directory is closed or begun anew', async () => {
  for (let i = 0; i < 2000; i++) writeFileSync(join(folder, `a-name-${i}`), '');
  for (let round = 0; round < 40; round++) {
    const fd = await guest.open(DIR, '.', { oflags: DIRECTORY });
    const found = await all(fd, 60_000);
    const later = await all(fd, 60_000, found[1000].next);
    expect(later.map(({ name }) => name)).toEqual(found.slice(1001).map(({ name }) => name));
    expect(await guest.call('fd_close', fd)).toBe(0);
  }
});

it('is for directories', async () => {
  writeFileSync(join(folder, 'file'), '');
  const fd = await guest.open(DIR, 'file');
  expect(await guest.call('fd_readdir', fd, DATA, 100, 0n, OUT)).toBe(E.NOTDIR);
  expect(await guest.call('fd_readdir', 0, DATA, 100, 0n, OUT)).toBe(E.NOTDIR);
});

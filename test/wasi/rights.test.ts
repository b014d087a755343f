/**
 * fd_fdstat_set_rights: rights are dropped, one after the other, and never come back. And fd_allocate, which needs one.
 */

import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasHoles } from '../support/holes.js';
import { CREAT, E, FD_READ, FD_WRITE, Guest, OUT, removeGuest } from '../support/wasi-guest.js';

const FD_SEEK = 1n << 2n;
const FD_TELL = 1n << 5n;
const PATH_OPEN = 1n << 13n;
const PATH_UNLINK = 1n << 26n;
const DIR = 3;
const SECOND = 4;

let folder: string;
let guest: Guest;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-rights-'));
  writeFileSync(join(folder, 'ten'), '0123456789');
  guest = await Guest.start({ dirs: [`${folder}::/d`, `${folder}::/e`] });
});
afterEach(async () => {
  await guest.stop();
  rmSync(folder, { recursive: true });
});
afterAll(removeGuest);

/** Base and inheriting. */
async function rights(fd: number): Promise<[bigint, bigint]> {
  expect(await guest.call('fd_fdstat_get', fd, OUT)).toBe(0);
  const stat = await guest.peek(OUT, 24);
  return [stat.readBigUInt64LE(8), stat.readBigUInt64LE(16)];
}

const setRights = (fd: number, base: bigint, inheriting: bigint) =>
  guest.call('fd_fdstat_set_rights', fd, base, inheriting);

describe('fd_fdstat_set_rights', () => {
  it('takes rights from a file', async () => {
    const fd = await guest.open(DIR, 'ten', { rights: FD_READ | FD_WRITE });
    const [base] = await rights(fd);
    expect(await setRights(fd, base, 0n)).toBe(0);
    expect(await setRights(fd, base & ~FD_WRITE, 0n)).toBe(0);
    expect(await guest.write(fd, 'x')).toBe(-E.BADF);
    expect(await guest.read(fd, 2)).toBe('01');
    expect(await setRights(fd, FD_READ, 0n)).toBe(0);
    expect(await guest.seek(fd, 0n, 0)).toBe(BigInt(-E.NOTCAPABLE));
    expect(await guest.read(fd, 2)).toBe('23');
    expect(await rights(fd)).toEqual([FD_READ, 0n]);
    for (const wanted of [FD_WRITE, FD_READ | FD_TELL, base, 1n << 40n, 1n << 62n]) {
      expect(await setRights(fd, wanted, 0n)).toBe(E.NOTCAPABLE);
    }
    expect(await setRights(fd, FD_READ, FD_READ)).toBe(E.NOTCAPABLE);
    expect(await rights(fd)).toEqual([FD_READ, 0n]);
  });

  it('takes rights from a directory and from what is opened below it', async () => {
    const [base, inheriting] = await rights(DIR);
    expect(await setRights(DIR, base & ~PATH_UNLINK, inheriting & ~FD_WRITE)).toBe(0);
    expect(await guest.path('path_unlink_file', DIR, 'ten')).toBe(E.NOTCAPABLE);
    const fd = await guest.open(DIR, 'ten', { rights: FD_READ | FD_WRITE });
    expect(await guest.read(fd, 1)).toBe('0');
    expect(await guest.write(fd, 'x')).toBe(-E.BADF);
    const again = await guest.open(DIR, '.', { oflags: 2 });
    expect(await guest.path('path_unlink_file', again, 'ten')).toBe(E.NOTCAPABLE);
    expect(await setRights(DIR, base & ~PATH_OPEN & ~PATH_UNLINK, 0n)).toBe(0);
    expect(await guest.open(DIR, 'ten')).toBe(-E.NOTCAPABLE);
  });

  it('may take all, and the descriptor stays open', async () => {
    expect(await setRights(DIR, 0n, 0n)).toBe(0);
    expect(await rights(DIR)).toEqual([0n, 0n]);
    expect(await setRights(DIR, 0n, 0n)).toBe(0);
    expect(await guest.call('fd_prestat_get', DIR, OUT)).toBe(0);
    expect(await guest.open(DIR, 'ten')).toBe(-E.NOTCAPABLE);
    expect(await setRights(DIR, PATH_OPEN, 0n)).toBe(E.NOTCAPABLE);
    expect(await guest.open(SECOND, 'ten')).toBe(5); // DIR's number is not free
    expect(await guest.call('fd_close', DIR)).toBe(0);
    expect(await guest.call('fd_close', DIR)).toBe(E.BADF);
  });
});

describe('fd_allocate', () => {
  const allocate = (fd: number, offset: bigint, length: bigint) => guest.call('fd_allocate', fd, offset, length);

  it('makes a file longer, never shorter', async ({ skip }) => {
    const fd = await guest.open(DIR, 'ten', { rights: FD_WRITE | FD_READ });
    const allocated = await allocate(fd, 0n, 100n);
    if (allocated === E.NOTSUP) return skip('the file system of temporary files has no fallocate');
    expect(allocated).toBe(0);
    expect(statSync(join(folder, 'ten')).size).toBe(100);
    expect(await allocate(fd, 10n, 20n)).toBe(0);
    expect(await allocate(fd, 100n, 4000n)).toBe(0);
    const { size, blocks } = statSync(join(folder, 'ten'));
    expect(size).toBe(4100);
    if (hasHoles(folder)) expect(blocks * 512).toBeGreaterThanOrEqual(4100);
    expect(await guest.read(fd, 11)).toBe('0123456789\0');
  });

  it('says what is wrong', async () => {
    const fd = await guest.open(DIR, 'new', { rights: FD_WRITE, oflags: CREAT });
    expect(await allocate(fd, 0n, 0n)).toBe(E.INVAL);
    expect(await allocate(fd, -1n, 10n)).toBe(E.INVAL);
    expect(await allocate(fd, 0n, -1n)).toBe(E.INVAL);
    expect(await allocate(fd, 0x7fff_ffff_ffff_fff0n, 100n)).toBe(22); // EFBIG
    expect(await allocate(await guest.open(DIR, 'ten'), 0n, 10n)).toBe(E.NOTCAPABLE);
    expect(await allocate(1, 0n, 10n)).toBe(43); // ENODEV: Node's pipes are sockets
    expect(await allocate(DIR, 0n, 10n)).toBe(E.BADF);
    expect(await allocate(99, 0n, 10n)).toBe(E.BADF);
  });

  it('needs its right', async () => {
    const fd = await guest.open(DIR, 'ten', { rights: FD_WRITE });
    expect(await setRights(fd, FD_WRITE | FD_SEEK, 0n)).toBe(0);
    expect(await allocate(fd, 0n, 100n)).toBe(E.NOTCAPABLE);
  });
});

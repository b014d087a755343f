/** Reading, writing, positions, flags and types of files, pipes and terminals. */

import { once } from 'node:events';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CREAT, DATA, DIRECTORY, E, FD_READ, FD_WRITE, Guest, IOVEC, OUT, removeGuest } from '../support/wasi-guest.js';

const BOTH = FD_READ | FD_WRITE;
const DIR = 3; // the first preopen

let folder: string;
let guest: Guest;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-files-'));
  writeFileSync(join(folder, 'ten'), '0123456789');
  guest = await Guest.start({ dirs: [`${folder}::/d`] });
});
afterEach(async () => {
  await guest.stop();
  rmSync(folder, { recursive: true });
});
afterAll(removeGuest);

const content = (name: string) => readFileSync(join(folder, name), 'utf8');

describe('files', () => {
  it('are read and written at their position', async () => {
    const fd = await guest.open(DIR, 'ten', { rights: BOTH });
    expect(fd).toBe(4);
    expect(await guest.read(fd, 4)).toBe('0123');
    expect(await guest.write(fd, 'abc')).toBe(3);
    expect(await guest.read(fd, 100)).toBe('789');
    expect(await guest.read(fd, 100)).toBe('');
    expect(content('ten')).toBe('0123abc789');
  });

  it('are read and written elsewhere without moving', async () => {
    const fd = await guest.open(DIR, 'ten', { rights: BOTH });
    expect(await guest.read(fd, 3, 5n)).toBe('567');
    expect(await guest.write(fd, 'xy', 9n)).toBe(2);
    expect(await guest.read(fd, 2)).toBe('01');
    expect(content('ten')).toBe('012345678xy');
    expect(await guest.read(fd, 3, -1n)).toBe(-E.INVAL);
    expect(await guest.write(fd, 'z', -1n)).toBe(-E.INVAL);
    expect(await guest.read(fd, 3, 1000n)).toBe('');
  });

  it('take vectors, empty buffers and more than the kernel does at once', async () => {
    const fd = await guest.open(DIR, 'out', { rights: BOTH, oflags: CREAT });
    await guest.poke(DATA, 'abcdef');
    await guest.poke32(IOVEC, DATA, 2, 0, 0, DATA + 4, 2, 0xfff, 0, DATA + 2, 2);
    expect(await guest.call('fd_write', fd, IOVEC, 5, OUT)).toBe(0);
    expect(await guest.peek32(OUT)).toBe(6);
    expect(content('out')).toBe('abefcd');
    // 1100 buffers of one byte after 100 empty ones: a short count
    await guest.poke32(IOVEC, ...Array.from({ length: 1200 }, (_, i) => [DATA, i < 100 ? 0 : 1]).flat());
    expect(await guest.call('fd_write', fd, IOVEC, 1200, OUT)).toBe(0);
    expect(await guest.peek32(OUT)).toBe(1024);
    expect(await guest.call('fd_write', fd, 0, 0, OUT)).toBe(0);
    expect(await guest.peek32(OUT)).toBe(0);
  });

  it('seek and tell', async () => {
    const fd = await guest.open(DIR, 'ten');
    expect(await guest.seek(fd, 4n, 0)).toBe(4n);
    expect(await guest.seek(fd, -1n, 1)).toBe(3n);
    expect(await guest.seek(fd, -2n, 2)).toBe(8n);
    expect(await guest.seek(fd, 1n << 40n, 0)).toBe(1n << 40n);
    expect(await guest.call('fd_tell', fd, OUT)).toBe(0);
    expect(await guest.peek64(OUT)).toBe(1n << 40n);
    expect(await guest.seek(fd, -1n, 0)).toBe(BigInt(-E.INVAL));
    expect(await guest.seek(fd, 0n, 3)).toBe(BigInt(-E.INVAL));
  });

  it('append', async () => {
    const fd = await guest.open(DIR, 'ten', { rights: FD_WRITE, fdflags: 1 });
    expect(await guest.write(fd, 'x')).toBe(1);
    expect(await guest.seek(fd, 0n, 0)).toBe(0n);
    expect(await guest.write(fd, 'y')).toBe(1);
    expect(content('ten')).toBe('0123456789xy');
  });

  it('change their size, and are synchronised', async () => {
    const fd = await guest.open(DIR, 'ten', { rights: FD_WRITE });
    expect(await guest.call('fd_filestat_set_size', fd, 3n)).toBe(0);
    expect(content('ten')).toBe('012');
    expect(await guest.call('fd_filestat_set_size', fd, 1n << 63n)).toBe(E.INVAL);
    for (const name of ['fd_sync', 'fd_datasync']) expect(await guest.call(name, fd)).toBe(0);
    expect(await guest.call('fd_advise', fd, 0n, 100n, 4)).toBe(0);
    expect(await guest.call('fd_advise', fd, 0n, 100n, 9)).toBe(E.INVAL);
  });

  it('may only do what they were opened for', async () => {
    const reader = await guest.open(DIR, 'ten');
    const writer = await guest.open(DIR, 'ten', { rights: FD_WRITE });
    const neither = await guest.open(DIR, 'ten', { rights: 0n });
    expect(await guest.write(reader, 'x')).toBe(-E.BADF);
    expect(await guest.write(reader, 'x', 0n)).toBe(-E.BADF);
    expect(await guest.read(writer, 1)).toBe(-E.BADF);
    expect(await guest.read(neither, 1)).toBe(-E.BADF);
    expect(await guest.write(neither, 'x')).toBe(-E.BADF);
    expect(await guest.call('fd_filestat_set_size', reader, 0n)).toBe(76); // ENOTCAPABLE
    expect(await guest.call('fd_filestat_get', neither, OUT)).toBe(0);
    expect(content('ten')).toBe('0123456789');
  });

  it('say what they are', async () => {
    const fd = await guest.open(DIR, 'ten', { rights: BOTH, fdflags: 1 | 4 });
    expect(await guest.call('fd_fdstat_get', fd, OUT)).toBe(0);
    let stat = await guest.peek(OUT, 24);
    expect([stat[0], stat.readUInt16LE(2)]).toEqual([4, 5]);
    expect(stat.readBigUInt64LE(8) & BOTH).toBe(BOTH);
    expect(stat.readBigUInt64LE(16)).toBe(0n);

    const native = statSync(join(folder, 'ten'), { bigint: true });
    expect(await guest.call('fd_filestat_get', fd, OUT)).toBe(0);
    stat = await guest.peek(OUT, 64);
    expect(stat[16]).toBe(4);
    const words = Array.from({ length: 8 }, (_, i) => stat.readBigUInt64LE(i * 8));
    expect([words[0], words[1], words[3], words[4]]).toEqual([native.dev, native.ino, native.nlink, native.size]);
    expect(words.slice(5)).toEqual([native.atimeNs, native.mtimeNs, native.ctimeNs]);
  });

  it('change their flags where Linux can', async () => {
    const fd = await guest.open(DIR, 'ten', { rights: FD_WRITE });
    expect(await guest.call('fd_fdstat_set_flags', fd, 1)).toBe(0);
    expect(await guest.write(fd, 'x')).toBe(1);
    expect(content('ten')).toBe('0123456789x');
    expect(await guest.call('fd_fdstat_get', fd, OUT)).toBe(0);
    expect((await guest.peek(OUT, 4)).readUInt16LE(2)).toBe(1);
    expect(await guest.call('fd_fdstat_set_flags', fd, 2)).toBe(E.INVAL);
  });

  it('end with their descriptor', async () => {
    const fd = await guest.open(DIR, 'ten');
    expect(await guest.call('fd_close', fd)).toBe(0);
    expect(await guest.call('fd_close', fd)).toBe(E.BADF);
    expect(await guest.read(fd, 1)).toBe(-E.BADF);
    expect(await guest.open(DIR, 'ten')).toBe(fd);
  });

  it('take another number', async () => {
    const a = await guest.open(DIR, 'ten');
    const b = await guest.open(DIR, 'ten', { rights: FD_WRITE });
    expect(await guest.call('fd_renumber', a, 100)).toBe(E.BADF);
    expect(await guest.call('fd_renumber', a, a)).toBe(0);
    expect(await guest.call('fd_renumber', a, b)).toBe(0);
    expect(await guest.read(a, 1)).toBe(-E.BADF);
    expect(await guest.read(b, 2)).toBe('01');
    expect(await guest.call('fd_renumber', b, 0)).toBe(0);
    expect(await guest.read(0, 2)).toBe('23');
  });
});

describe('directories', () => {
  it('are not files', async () => {
    for (const fd of [DIR, await guest.open(DIR, '.', { oflags: DIRECTORY })]) {
      expect(await guest.read(fd, 1)).toBe(-E.BADF);
      expect(await guest.read(fd, 1, 0n)).toBe(-E.BADF);
      expect(await guest.write(fd, 'x')).toBe(-E.BADF);
      expect(await guest.seek(fd, 0n, 0)).toBe(BigInt(-E.BADF));
      for (const name of ['fd_sync', 'fd_datasync']) expect(await guest.call(name, fd)).toBe(E.BADF);
      expect(await guest.call('fd_fdstat_set_flags', fd, 4)).toBe(E.BADF);
      expect(await guest.call('fd_fdstat_get', fd, OUT)).toBe(0);
      expect((await guest.peek(OUT, 1))[0]).toBe(3);
      expect(await guest.call('fd_filestat_get', fd, OUT)).toBe(0);
    }
  });

  it('are named when they are preopens', async () => {
    expect(await guest.call('fd_prestat_get', DIR, OUT)).toBe(0);
    expect(await guest.peek64(OUT)).toBe(2n << 32n);
    expect(await guest.call('fd_prestat_dir_name', DIR, OUT, 2)).toBe(0);
    expect((await guest.peek(OUT, 2)).toString()).toBe('/d');
    expect(await guest.call('fd_prestat_dir_name', DIR, OUT, 1)).toBe(E.NAMETOOLONG);
    expect(await guest.call('fd_prestat_dir_name', DIR, OUT, 100)).toBe(0);
    for (const fd of [0, 4]) expect(await guest.call('fd_prestat_get', fd, OUT)).toBe(E.BADF);
  });

  it('live on below a preopen that is closed', async () => {
    const sub = await guest.open(DIR, '.', { oflags: DIRECTORY });
    expect(await guest.call('fd_close', DIR)).toBe(0);
    expect(await guest.call('fd_prestat_get', DIR, OUT)).toBe(E.BADF);
    expect(await guest.call('fd_close', DIR)).toBe(E.BADF);
    expect(await guest.open(DIR, 'ten')).toBe(-E.BADF);
    const fd = await guest.open(sub, 'ten');
    expect(await guest.read(fd, 2)).toBe('01');
    expect(await guest.call('fd_close', sub)).toBe(0);
    expect(await guest.call('fd_close', fd)).toBe(0);
    await guest.call('fd_renumber', 0, 2);
    expect(await guest.call('fd_fdstat_get', DIR, OUT)).toBe(E.BADF);
  });
});

describe('a preopen whose number is taken', () => {
  it('is kept for what is below it', async () => {
    const open = () => readdirSync(`/proc/${guest.process.pid}/fd`).length;
    const before = open();
    const sub = await guest.open(DIR, '.', { oflags: DIRECTORY });
    const file = await guest.open(DIR, 'ten');
    expect([sub, file]).toEqual([4, 5]);
    expect(await guest.call('fd_renumber', file, DIR)).toBe(0);
    expect(await guest.read(DIR, 2)).toBe('01');
    expect(await guest.call('fd_prestat_get', 5, OUT)).toBe(E.BADF);
    expect(await guest.call('fd_prestat_get', 6, OUT)).toBe(E.BADF); // where it is kept
    expect(await guest.open(sub, 'ten')).toBe(5);
    expect(await guest.open(sub, 'ten')).toBe(7);
    for (const fd of [5, 7]) expect(await guest.call('fd_close', fd)).toBe(0);
    expect(await guest.call('fd_close', DIR)).toBe(0);
    expect(await guest.open(sub, 'ten')).toBe(DIR);
    expect(await guest.call('fd_close', DIR)).toBe(0);
    expect(await guest.call('fd_close', sub)).toBe(0); // the last one: the preopen goes with it
    expect(open()).toBe(before - 1);
  });
});

describe('standard streams', () => {
  const type = async (g: Guest, fd: number) => {
    expect(await g.call('fd_fdstat_get', fd, OUT)).toBe(0);
    const stat = await g.peek(OUT, 16);
    return { type: stat[0], seeks: (stat.readBigUInt64LE(8) & 4n) !== 0n };
  };

  it('are files, devices or closed ones', async () => {
    const file = openSync(join(folder, 'ten'), 'r+');
    const device = openSync('/dev/null', 'r');
    const other = await Guest.start({ stdio: [file, device, 'pipe'] });
    closeSync(file);
    closeSync(device);
    expect(await type(other, 0)).toEqual({ type: 4, seeks: true });
    expect(await other.read(0, 3)).toBe('012');
    expect(await type(other, 1)).toEqual({ type: 2, seeks: true });
    expect(await other.write(1, 'x')).toBe(-E.BADF); // open for reading only
    await other.stop();
  });

  it('are terminals', async ({ skip }) => {
    let terminal: number;
    try {
      terminal = openSync('/dev/ptmx', 'r+');
    } catch (error) {
      return skip(`no terminal can be had: ${(error as Error).message}`);
    }
    const other = await Guest.start({ stdio: [terminal, terminal, 'pipe'] });
    closeSync(terminal);
    expect(await type(other, 0)).toEqual({ type: 2, seeks: false }); // what isatty looks for
    expect(await other.seek(1, 0n, 0)).toBe(BigInt(-E.SPIPE));
    expect(await other.read(0, 1, 0n)).toBe(-E.SPIPE);
    await other.stop();
  });

  it('are pipes or sockets that cannot seek', async () => {
    expect([0, 6]).toContain((await type(guest, 0)).type);
    expect(await guest.seek(0, 0n, 1)).toBe(BigInt(-E.SPIPE));
    guest.process.stdin!.write('hello');
    expect(await guest.read(0, 100)).toBe('hello');
    guest.process.stdin!.end();
    expect(await guest.read(0, 100)).toBe('');
    expect(await guest.write(1, 'out')).toBe(3);
    expect(await guest.write(2, 'err')).toBe(3);
    expect(await guest.call('fd_close', 1)).toBe(0);
    expect(await guest.write(1, 'x')).toBe(-E.BADF);
  });

  it('that are closed are empty, and no file takes their place', async () => {
    const other = await Guest.start({ redirect: '<&- >&-', dirs: [`${folder}::/d`] });
    const fd = await other.open(DIR, 'ten', { rights: BOTH });
    expect(await other.write(1, 'lost')).toBe(4);
    expect(await other.read(0, 10)).toBe('');
    expect(await other.read(fd, 10)).toBe('0123456789');
    expect(await other.call('fd_close', 2)).toBe(0);
    expect(await other.open(DIR, 'ten')).toBe(2); // the guest's lowest, but not the process's
    for (const native of [0, 1, 2]) expect(readlinkSync(`/proc/${other.process.pid}/fd/${native}`)).toBe('/dev/null');
    await other.stop();
    expect(content('ten')).toBe('0123456789');
  });

  it('that nobody reads are EPIPE', async () => {
    await once(guest.process.stdout!.destroy(), 'close');
    expect(await guest.write(1, 'x')).toBe(-E.PIPE);
  });
});

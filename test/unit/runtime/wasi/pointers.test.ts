/** Pointers of a guest: unless all of a range lies in its memory, no system call is made. */

import { describe, expect, it } from 'vitest';
import { DIR, E, GuestCalls, OUT, PATH, READ, SIZE, WRITE } from './guest-calls.js';

const IOV = 4096;
const BUFFER = 8192;

describe('one buffer', () => {
  it.each([
    ['the vector', SIZE - 7, BUFFER, 8, OUT],
    ['the vector, far outside', 0xfffffff9, BUFFER, 8, OUT],
    ['the count', IOV, BUFFER, 8, SIZE - 3],
    ['the count, far outside', IOV, BUFFER, 8, 0xfffffffd],
    ['the end of the buffer', IOV, SIZE - 7, 8, OUT],
    ['a buffer that is longer than the memory', IOV, 0, SIZE + 1, OUT],
    ['a buffer that ends beyond 4 GiB', IOV, 0xffffffff, 2, OUT],
  ])('is not written when %s is outside of the memory', (_, iovecs, buffer, length, out) => {
    const guest = new GuestCalls();
    guest.iovecs(iovecs, [buffer, length]);
    expect(guest.call('fd_write', 1, iovecs, 1, out)).toBe(E.FAULT);
    expect(guest.call('fd_read', 0, iovecs, 1, out)).toBe(E.FAULT);
    expect(guest.asked('statx')).toEqual([]);
  });

  it('may be the last bytes of the memory, as everything may', () => {
    const guest = new GuestCalls();
    guest.iovecs(SIZE - 8, [SIZE - 100, 100]);
    expect(guest.call('fd_write', 1, SIZE - 8, 1, SIZE - 4)).toBe(0);
    expect(guest.argsOf('write', 3)).toEqual([[1, guest.memory + SIZE - 100, 100]]);
    expect(guest.get32(SIZE - 4)).toBe(100);
    expect(guest.call('fd_write', 1, SIZE, 0, SIZE - 4)).toBe(0); // no vector needs no place
  });
});

describe('a vector', () => {
  it('goes to the kernel without its empty buffers', () => {
    const guest = new GuestCalls();
    guest.iovecs(IOV, [BUFFER, 10], [SIZE, 0], [BUFFER + 100, 20]);
    guest.process.overrides['writev'] = ([fd, at, count]) => {
      const words = Array.from({ length: count * 2 }, (_, i) => guest.process.get64(at + 8 * i));
      expect([fd, words]).toEqual([1, [guest.memory + BUFFER, 10, guest.memory + BUFFER + 100, 20]]);
      return 30;
    };
    expect(guest.call('fd_write', 1, IOV, 3, OUT)).toBe(0);
    expect(guest.get32(OUT)).toBe(30);
  });

  it('is not written when any of its buffers, or itself, is outside', () => {
    const guest = new GuestCalls();
    guest.iovecs(IOV, [BUFFER, 10], [SIZE - 1, 2]);
    expect(guest.call('fd_write', 1, IOV, 2, OUT)).toBe(E.FAULT);
    guest.iovecs(SIZE - 8, [BUFFER, 10], ...Array(2000).fill([BUFFER, 1])); // all but the first after the memory
    for (const count of [2, 0x20000001, 0xffffffff])
      expect(guest.call('fd_write', 1, SIZE - 8, count, OUT)).toBe(E.FAULT);
    expect(guest.asked('statx')).toEqual([]);
  });

  it('that is longer than the kernel takes is written in part', () => {
    const guest = new GuestCalls();
    guest.iovecs(IOV, ...Array(1030).fill([BUFFER, 1]));
    guest.process.overrides['writev'] = ([, , count]) => count;
    expect(guest.call('fd_write', 1, IOV, 1030, OUT)).toBe(0);
    expect(guest.get32(OUT)).toBe(1024);
  });
});

describe('a path', () => {
  const opens = (bytes: string | Uint8Array) => {
    const guest = new GuestCalls();
    const error = guest.call('path_open', DIR, 1, ...guest.path(bytes), 0, READ, 0n, 0, OUT);
    return [error, guest.opened.map(({ path }) => path), guest.asked()];
  };

  it.each([
    ['empty', '', E.NOENT],
    ['absolute', '/etc', E.PERM],
    ['too long', 'x'.repeat(4096), E.NAMETOOLONG],
    ['with a NUL in it', 'abc\0defghijklmnop', E.INVAL],
    ['with a NUL after a byte of 1', 'abc\u0001\0fghijklmnop', E.INVAL],
    ['with a NUL in its last bytes', 'abcdefghij\0', E.INVAL],
  ])('that is %s goes nowhere', (_, text, error) => {
    expect(opens(text)).toEqual([error, [], []]);
  });

  it.each(['a', 'a/b.c', 'x'.repeat(4095), 'bytes \u0001\u0080ä of any kind'])(
    'goes to the kernel as it is',
    (text) => {
      expect(opens(text)).toEqual([0, [text], ['openat2']]);
    },
  );

  it('that is too long goes nowhere either where it need not be remembered', () => {
    const guest = new GuestCalls();
    expect(guest.call('path_create_directory', DIR, ...guest.path('x'.repeat(4096)))).toBe(E.NAMETOOLONG);
    expect(guest.asked()).toEqual([]);
    expect(guest.call('path_create_directory', DIR, ...guest.path('x'.repeat(4095)))).toBe(0);
  });

  it('may end where the memory does', () => {
    const guest = new GuestCalls();
    const [at, length] = guest.path('last', SIZE - 4);
    expect(guest.call('path_open', DIR, 1, at, length + 1, 0, READ, 0n, 0, OUT)).toBe(E.FAULT);
    expect(guest.call('path_open', DIR, 1, at, length, 0, READ, 0n, 0, SIZE - 3)).toBe(E.FAULT);
    expect(guest.asked()).toEqual([]);
    expect(guest.call('path_open', DIR, 1, at, length, 0, READ, 0n, 0, OUT)).toBe(0);
    expect(guest.opened[0].path).toBe('last');
  });
});

describe('numbers', () => {
  it.each([
    ['fd_seek', [5, 0n, 3, OUT]],
    ['fd_seek', [5, 0n, -1, OUT]],
    ['fd_advise', [5, 0n, 0n, 6]],
    ['fd_advise', [5, -1n, 0n, 0]],
    ['fd_advise', [5, 0n, -1n, 0]],
    ['fd_pwrite', [5, IOV, 1, -1n, OUT]],
    ['fd_pread', [5, IOV, 1, -1n, OUT]],
    ['fd_fdstat_set_flags', [5, 2]], // DSYNC
    ['fd_fdstat_set_flags', [5, 32]],
    ['clock_time_get', [4, 0n, OUT]],
    ['clock_res_get', [-1, OUT]],
    ['proc_raise', [31]],
    ['proc_raise', [-1]],
  ] as const)('of %s that mean nothing are EINVAL', (name, args) => {
    const guest = new GuestCalls();
    expect(guest.opens('file', READ | WRITE)).toBe(5);
    guest.iovecs(IOV, [BUFFER, 8]);
    guest.asked();
    expect(guest.call(name, ...args)).toBe(E.INVAL);
    expect(guest.asked('statx')).toEqual([]);
  });

  it('of signals are Linux’s after CHLD, and what is deadly ends the process whatever happens', () => {
    const guest = new GuestCalls();
    expect(guest.call('proc_raise', 16)).toBe(0);
    expect(guest.argsOf('kill', 2)[0][1]).toBe(17);
    expect(guest.asked('getpid')).toEqual(['kill']);
    expect(() => guest.call('proc_raise', 15)).toThrow('exit_group(143)');
    expect(guest.argsOf('kill', 2)[0][1]).toBe(15);
    expect(guest.asked('getpid')).toEqual(['rt_sigaction', 'kill', 'exit_group']);
  });

  it('of descriptors that there are not are EBADF', () => {
    const guest = new GuestCalls();
    guest.iovecs(IOV, [BUFFER, 8]);
    for (const fd of [5, 1023, 1024, 1025, 0x10000, 0xffffffff]) {
      expect(guest.call('fd_write', fd, IOV, 1, OUT)).toBe(E.BADF);
      expect(guest.call('fd_read', fd, IOV, 1, OUT)).toBe(E.BADF);
      expect(guest.call('fd_close', fd)).toBe(E.BADF);
      expect(guest.call('fd_fdstat_get', fd, PATH)).toBe(E.BADF);
    }
    expect(guest.asked()).toEqual([]);
  });
});

/**
 * Arguments, environment, clocks, random bytes, exit; and every function of preview 1 with pointers that are not its
 * own.
 */

import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { WASI_FUNCTIONS } from '../../src/runtime/wasi/functions.js';
import { untilState } from '../support/waiting.js';
import { DATA, E, Guest, type GuestOptions, IOVEC, MEMORY_SIZE, OUT, removeGuest } from '../support/wasi-guest.js';

let guest: Guest | undefined;
const start = async (options?: GuestOptions) => (guest = await Guest.start(options));
afterEach(async () => {
  await guest?.stop();
  guest = undefined;
});
afterAll(removeGuest);

async function strings(g: Guest, name: string): Promise<string[]> {
  expect(await g.call(`${name}_sizes_get`, 0, 4)).toBe(0);
  const count = await g.peek32(0);
  const size = await g.peek32(4);
  expect(await g.call(`${name}_get`, 1024, 4096)).toBe(0);
  const bytes = await g.peek(4096, size);
  const list: string[] = [];
  for (let i = 0; i < count; i++) {
    const from = (await g.peek32(1024 + i * 4)) - 4096;
    list.push(bytes.subarray(from, bytes.indexOf(0, from)).toString());
  }
  return list;
}

describe('whoever asks is told at once', () => {
  // waits for input that does not come
  const asked = async (g: Guest, signal: NodeJS.Signals) => {
    await g.poke32(IOVEC, DATA, 1);
    const read = g.call('fd_read', 0, IOVEC, 1, OUT);
    const answer = expect(read).rejects;
    g.process.kill(signal);
    return answer;
  };

  it('that the process has ended', async () => {
    await (await asked(await start(), 'SIGKILL')).toThrow(/the guest has ended \(SIGKILL\) in fd_read/);
  });

  it('that it has met what no guest can do', async () => {
    // the signal may come before the call has begun: then it is the driver that has met it, and the process ends
    const told = /fd_read has trapped \(12\): wag-snap: fatal signal 11 |the guest has ended \(70\) in fd_read: /;
    await (await asked(await start(), 'SIGSEGV')).toThrow(told);
  });

  it('while it waits for somebody else', async () => {
    const g = await start();
    const never = g.during(new Promise(() => {}));
    const told = expect(never).rejects.toThrow(/the guest has ended \(SIGKILL\)/);
    g.process.kill('SIGKILL');
    await told;
  });
});

describe('args and environ', () => {
  it('are those of the process, without what is ours', async () => {
    const env = { LAST: '', A: 'x=y', WAGSNAP_OTHER: '1', WAGSNAP: 'kept' };
    const g = await start({ args: ['one', '', 'drei ü'], env });
    expect(await strings(g, 'args')).toEqual(['program', 'one', '', 'drei ü']);
    expect((await strings(g, 'environ')).sort()).toEqual(['A=x=y', 'LAST=', 'WAGSNAP=kept']);
  });

  it('may fill the memory to its last byte', async () => {
    const g = await start({ args: ['abc'] });
    const bytes = 'program\0abc\0'.length;
    expect(await g.call('args_get', 0, MEMORY_SIZE - bytes)).toBe(0);
    expect(await g.call('args_get', 0, MEMORY_SIZE - bytes + 1)).toBe(E.FAULT);
    expect(await g.call('args_get', MEMORY_SIZE - 8, 0)).toBe(0);
    expect(await g.call('args_get', MEMORY_SIZE - 4, 0)).toBe(E.FAULT);
  });
});

describe('clocks', () => {
  it('tell the time and continue', async () => {
    const g = await start();
    const before = Date.now();
    expect(await g.call('clock_time_get', 0, 0n, OUT)).toBe(0);
    const now = Number((await g.peek64(OUT)) / 1_000_000n);
    expect(now).toBeGreaterThanOrEqual(before - 1);
    expect(now).toBeLessThanOrEqual(Date.now() + 1);
    let last = 0n;
    for (let i = 0; i < 5; i++) {
      expect(await g.call('clock_time_get', 1, 0n, OUT)).toBe(0);
      const time = await g.peek64(OUT);
      expect(time).toBeGreaterThan(last);
      last = time;
    }
    for (const clock of [0, 1, 2, 3]) {
      expect(await g.call('clock_res_get', clock, OUT)).toBe(0);
      expect(await g.peek64(OUT)).toBeGreaterThan(0n);
    }
    for (const clock of [4, -1]) {
      expect(await g.call('clock_time_get', clock, 0n, OUT)).toBe(E.INVAL);
      expect(await g.call('clock_res_get', clock, OUT)).toBe(E.INVAL);
    }
  });
});

describe('random_get', () => {
  it('fills what it is told to, and nothing else', async () => {
    const g = await start();
    expect(await g.call('random_get', 1025, 1000)).toBe(0);
    const bytes = await g.peek(1024, 1008);
    expect(bytes[0]).toBe(0);
    expect(bytes.subarray(1001)).toEqual(Buffer.alloc(7));
    expect(new Set(bytes).size).toBeGreaterThan(200);
    expect(await g.call('random_get', 0, MEMORY_SIZE)).toBe(0);
    expect(await g.call('random_get', 1, MEMORY_SIZE)).toBe(E.FAULT);
  });
});

describe('proc_exit', () => {
  it.each([0, 7, 255])('ends with %i', async (code) => {
    const g = await start();
    await expect(g.call('proc_exit', code)).rejects.toMatchObject({ code, signal: null });
  });
});

describe('proc_raise', () => {
  it.each([
    [1, 'SIGHUP'],
    [6, 'SIGABRT'],
    [9, 'SIGKILL'],
    [11, 'SIGSEGV'],
    [12, 'SIGUSR2'], // ours, for a stop
    [13, 'SIGPIPE'], // ignored otherwise
    [15, 'SIGTERM'],
    [30, 'SIGSYS'],
  ])('%i ends with %s', async (signal, name) => {
    const g = await start();
    await expect(g.call('proc_raise', signal)).rejects.toMatchObject({ code: null, signal: name });
  });

  it('continues after a signal that means nothing, or a stop', async () => {
    const g = await start();
    for (const signal of [0, 16, 17, 22, 27]) expect([signal, await g.call('proc_raise', signal)]).toEqual([signal, 0]);
    const stop = g.call('proc_raise', 18);
    await untilState(g.process.pid!, 'T');
    g.process.kill('SIGCONT');
    expect(await stop).toBe(0);
    for (const signal of [31, 255, -1]) expect(await g.call('proc_raise', signal)).toBe(E.INVAL);
  });
});

describe('every function', () => {
  const functions = Object.entries(WASI_FUNCTIONS).filter(([name]) => name !== 'proc_exit');

  it('says EFAULT for a pointer outside of the memory, before it does anything', async () => {
    const g = await start({ dirs: ['.::/d'] });
    const BAD = 0xfffffff0;
    const cases: [string, ...(number | bigint)[]][] = [
      ['args_sizes_get', BAD, 0],
      ['args_sizes_get', 0, MEMORY_SIZE - 3],
      ['args_get', BAD, 0],
      ['args_get', 0, BAD],
      ['environ_sizes_get', 0, BAD],
      ['clock_res_get', 0, MEMORY_SIZE - 7],
      ['clock_time_get', 0, 0n, BAD],
      ['random_get', BAD, 100],
      ['random_get', 100, BAD],
      ['fd_write', 1, BAD, 1, 0],
      ['fd_write', 1, 0, 0xffffffff, 0],
      ['fd_write', 1, 0, 0, BAD],
      ['fd_read', 0, BAD, 1, 0],
      ['fd_read', 0, 0, 0, BAD],
      ['fd_pread', 0, BAD, 1, 0n, 0],
      ['fd_pwrite', 1, BAD, 1, 0n, 0],
      ['fd_seek', 0, 0n, 1, BAD],
      ['fd_tell', 0, BAD],
      ['fd_fdstat_get', 0, BAD],
      ['fd_filestat_get', 0, MEMORY_SIZE - 63],
      ['fd_prestat_get', 3, BAD],
      ['fd_prestat_dir_name', 3, BAD, 2],
      ['fd_readdir', 3, BAD, 100, 0n, 0],
      ['fd_readdir', 3, 0, 100, 0n, BAD],
      ['path_open', 3, 0, BAD, 1, 0, 0n, 0n, 0, 0],
      ['path_open', 3, 0, 0, 1, 1, 0n, 0n, 0, BAD],
      ['path_filestat_get', 3, 0, BAD, 1, 0],
      ['path_filestat_get', 3, 0, 0, 1, BAD],
      ['path_create_directory', 3, BAD, 5],
      ['path_create_directory', 3, 0, 0xffffffff],
      ['path_unlink_file', 3, BAD, 5],
      ['path_remove_directory', 3, BAD, 5],
      ['path_rename', 3, BAD, 5, 3, 0, 1],
      ['path_rename', 3, 16, 1, 3, BAD, 5],
      ['path_filestat_set_times', 3, 0, BAD, 1, 0n, 0n, 0],
      ['path_link', 3, 0, BAD, 5, 3, 0, 1],
      ['path_link', 3, 0, 16, 1, 3, BAD, 5],
      ['path_readlink', 3, BAD, 5, 0, 0, 0],
      ['path_readlink', 3, 16, 1, BAD, 100, 0],
      ['path_readlink', 3, 16, 1, 0, 0, BAD],
      ['path_symlink', BAD, 5, 3, 16, 1],
      ['path_symlink', 16, 1, 3, BAD, 5],
      ['sock_accept', 0, 0, BAD],
      ['sock_recv', 0, BAD, 1, 0, 0, 0],
      ['sock_recv', 0, 0, 0, 0, BAD, 0],
      ['sock_recv', 0, 0, 0, 0, 0, BAD],
      ['sock_send', 0, BAD, 1, 0, 0],
      ['sock_send', 0, 0, 0, 0, BAD],
      ['poll_oneoff', BAD, 0, 1, 0],
      ['poll_oneoff', 0, BAD, 1, 0],
      ['poll_oneoff', 0, 0, 0xffffffff, 0],
      ['poll_oneoff', 0, 1000, 1, BAD],
    ];
    await g.poke(16, 'a');
    for (const [name, ...args] of cases)
      expect([name, args, await g.call(name, ...args)]).toEqual([name, args, E.FAULT]);
    await g.poke32(256, 0, 4, BAD, 4);
    expect(await g.call('fd_write', 1, 256, 2, 0)).toBe(E.FAULT);
    expect(g.stdout).toBe('');
  });

  it('says EBADF for a descriptor that is not open', async () => {
    const g = await start();
    const takesDescriptor = functions.filter(([name]) => /^(fd|path|sock)_/.test(name) && name !== 'path_symlink');
    expect(takesDescriptor.length).toBeGreaterThan(30);
    for (const fd of [3, 1023, 1024, 0x7fffffff, -1]) {
      for (const [name, { params }] of takesDescriptor) {
        const rest = [...params].slice(1).map(() => 0);
        expect([name, await g.call(name, fd, ...rest)]).toEqual([name, E.BADF]);
      }
      expect(await g.call('path_symlink', 0, 1, fd, 0, 1)).toBe(E.BADF);
    }
  });

  // with a directory and without: the sandbox lets fewer calls through
  it.each([[[]], [['.::/d:ro']]])('survives arguments at random, directories %j', async (dirs) => {
    const g = await start({ dirs, stdio: ['ignore', 'ignore', 'ignore'] });
    const interesting = [0, 1, 2, 3, 4, 5, 8, 1000, 65535, MEMORY_SIZE - 1, MEMORY_SIZE, 0x7fffffff, 0xffffffff];
    let seed = 12345;
    const random = (n: number) => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) % n;
    for (let i = 0; i < 4000; i++) {
      const [name, { params }] = functions[random(functions.length)];
      if (name === 'poll_oneoff' || name === 'proc_raise') continue; // wait for ever, end
      await g.call(name, ...[...params].map(() => interesting[random(interesting.length)]));
    }
  });
});

/** procfs: no preopen may be on it, and none of its files can be written, in any way that leads to it. */

import { readFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { E, Guest, type GuestOptions, removeGuest } from '../support/wasi-guest.js';

const ROOT = 3;
const FD_READ = 1n << 1n;
const FD_WRITE = 1n << 6n;
const READ_WRITE = FD_READ | FD_WRITE;
const TRUNCATE = 8;

let guest: Guest | undefined;
const start = async (options: GuestOptions) => (guest = await Guest.start(options));
afterEach(async () => {
  await guest?.stop();
  guest = undefined;
});
afterAll(removeGuest);

const WAYS: Record<string, Record<string, string>> = { openat2: {}, 'the walk': { WAGSNAP_NO_OPENAT2: '1' } };
for (const [how, env] of Object.entries(WAYS)) {
  describe(`with ${how}`, () => {
    it('opens nothing of procfs for writing below a directory that it is mounted in', async () => {
      const g = await start({ dirs: ['/::/'], env });
      for (const path of [
        'proc/self/mem',
        'proc/thread-self/mem',
        'proc/self/task/../mem',
        `proc/${g.process.pid}/mem`,
      ]) {
        expect(await g.open(ROOT, path, { rights: FD_WRITE })).toBe(-E.ACCES);
        expect(await g.open(ROOT, path, { rights: READ_WRITE })).toBe(-E.ACCES);
      }
      expect(await g.open(ROOT, 'proc/self/comm', { rights: FD_WRITE, oflags: TRUNCATE })).toBe(-E.ACCES);
      const proc = await g.open(ROOT, 'proc/self', { oflags: 2 });
      expect(proc).toBeGreaterThan(ROOT);
      expect(await g.open(proc, 'mem', { rights: READ_WRITE })).toBe(-E.ACCES);
      const status = await g.open(ROOT, 'proc/self/status');
      expect(await g.read(status, 5)).toBe('Name:');
      expect(await g.write(status, 'x')).toBe(-E.BADF);
    });
  });
}

it('is given no directory on procfs', async () => {
  for (const path of ['/proc', '/proc/self', '/proc/self/task', '/proc/sys/kernel']) {
    let stderr = '';
    await expect(
      Guest.start({
        dirs: [`${path}::/p`],
        onStderr: (text) => {
          stderr += text;
        },
      }),
    ).rejects.toMatchObject({ code: 1 });
    expect(stderr).toBe(
      `wag-snap: --dir: cannot open directory "${path}": it is on procfs, where a program could write its own code ` +
        '(--allow-proc or WAGSNAP_ALLOW_PROC=1 allows it)\n',
    );
  }
});

it('may have it where that is allowed', async () => {
  const g = await start({ dirs: ['/proc::/p'], env: { WAGSNAP_ALLOW_PROC: '1' } });
  const comm = await g.open(ROOT, 'self/comm', { rights: READ_WRITE });
  expect(await g.write(comm, 'renamed')).toBe(7);
  if (!process.env['WAGSNAP_ARCH']) expect(readFileSync(`/proc/${g.process.pid}/comm`, 'utf8')).toBe('renamed\n');
});

/** poll_oneoff, and calls that wait while the process is stopped and continues. */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { E, FD_WRITE, Guest, IOVEC, OUT, removeGuest } from '../support/wasi-guest.js';

const DIR = 3;
const SUBSCRIPTIONS = 32768;
const EVENTS = 65536;
const RESULT = 240_000; // after what is written
const MS = 1_000_000n;
const HOUR = 3_600_000n * MS;
const REALTIME = 0;
const MONOTONIC = 1;

let folder: string;
let guest: Guest;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'wagsnap-poll-'));
  guest = await Guest.start({ dirs: [`${folder}::/d`] });
});
afterEach(async () => {
  await guest.stop();
  rmSync(folder, { recursive: true });
});
afterAll(removeGuest);

type Subscription =
  | { clock: number; timeout: bigint; absolute?: boolean }
  | { read: number }
  | { write: number }
  | { tag: number };

function encode(subscription: Subscription, userdata: number): Buffer {
  const bytes = Buffer.alloc(48, 0xaa);
  bytes.writeBigUInt64LE(BigInt(userdata), 0);
  if ('clock' in subscription) {
    bytes[8] = 0;
    bytes.writeUInt32LE(subscription.clock, 16);
    bytes.writeBigUInt64LE(subscription.timeout, 24);
    bytes.writeBigUInt64LE(0n, 32);
    bytes.writeUInt16LE(subscription.absolute ? 1 : 0, 40);
  } else if ('tag' in subscription) {
    bytes[8] = subscription.tag;
  } else {
    bytes[8] = 'read' in subscription ? 1 : 2;
    bytes.writeInt32LE('read' in subscription ? subscription.read : subscription.write, 16);
  }
  return bytes;
}

interface Event {
  readonly userdata: number;
  readonly error: number;
  readonly type: number;
  readonly bytes: number;
  readonly flags: number;
}

/** Userdata is the subscription's place in the list plus 100. */
async function poll(...subscriptions: Subscription[]): Promise<Event[]> {
  await guest.poke(SUBSCRIPTIONS, Buffer.concat(subscriptions.map((s, i) => encode(s, 100 + i))));
  expect(await guest.call('poll_oneoff', SUBSCRIPTIONS, EVENTS, subscriptions.length, OUT)).toBe(0);
  const count = await guest.peek32(OUT);
  const bytes = await guest.peek(EVENTS, count * 32);
  return Array.from({ length: count }, (_, i) => {
    const at = i * 32;
    return {
      userdata: Number(bytes.readBigUInt64LE(at)),
      error: bytes.readUInt16LE(at + 8),
      type: bytes[at + 10],
      bytes: Number(bytes.readBigUInt64LE(at + 16)),
      flags: bytes.readUInt16LE(at + 24),
    };
  });
}

async function timed<T>(action: () => Promise<T>): Promise<[T, number]> {
  const started = performance.now();
  return [await action(), performance.now() - started];
}

const event = (userdata: number, type: number, more: Partial<Event> = {}): Event => ({
  userdata,
  error: 0,
  type,
  bytes: 0,
  flags: 0,
  ...more,
});

const now = async (clock: number) => {
  expect(await guest.call('clock_time_get', clock, 0n, OUT)).toBe(0);
  return guest.peek64(OUT);
};
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

describe('clocks', () => {
  it.each([REALTIME, MONOTONIC])('%i: waits as long as told to', async (clock) => {
    const [events, took] = await timed(() => poll({ clock, timeout: 60n * MS }));
    expect(events).toEqual([event(100, 0)]);
    expect(took).toBeGreaterThanOrEqual(59);
  });

  it.each([REALTIME, MONOTONIC])('%i: waits until a time', async (clock) => {
    const timeout = (await now(clock)) + 60n * MS;
    const events = await poll({ clock, timeout, absolute: true });
    expect(events).toEqual([event(100, 0)]);
    expect(await now(clock)).toBeGreaterThanOrEqual(timeout);
    const endless = { clock, timeout: (await now(clock)) + HOUR, absolute: true };
    expect(await poll({ clock, timeout: 1n, absolute: true }, endless)).toEqual([event(100, 0)]);
  });

  it('reports the earliest, and those due with it', async () => {
    const later = { clock: MONOTONIC, timeout: HOUR };
    const soon = { clock: MONOTONIC, timeout: 20n * MS };
    const endless = { clock: REALTIME, timeout: 0xffff_ffff_ffff_ffffn };
    expect(await poll(later, soon, endless, soon)).toEqual([event(101, 0), event(103, 0)]);
    expect(await poll({ clock: MONOTONIC, timeout: 0n }, later)).toEqual([event(100, 0)]);
  });

  it('knows which it cannot wait for', async () => {
    const events = await poll(
      { clock: 2, timeout: 1n },
      { clock: 9, timeout: 1n },
      { clock: MONOTONIC, timeout: HOUR },
    );
    expect(events).toEqual([event(100, 0, { error: E.NOTSUP }), event(101, 0, { error: E.INVAL })]);
  });
});

describe('descriptors', () => {
  const long = { clock: MONOTONIC, timeout: HOUR };

  it('are ready or not', async () => {
    expect(await poll({ read: 0 }, { clock: MONOTONIC, timeout: 20n * MS })).toEqual([event(101, 0)]);
    expect(await poll({ write: 1 }, long, { write: 2 })).toEqual([event(100, 2), event(102, 2)]);
    guest.process.stdin!.write('hello');
    expect(await poll(long, { read: 0 })).toEqual([event(101, 1, { bytes: 5 })]);
    expect(await guest.read(0, 100)).toBe('hello');
    guest.process.stdin!.end();
    const [end] = await poll({ read: 0 }, long);
    expect(end).toMatchObject({ userdata: 100, error: 0, bytes: 0 });
  });

  it('wake it up', async () => {
    setTimeout(() => guest.process.stdin!.write('x'), 50);
    const [events, took] = await timed(() => poll({ read: 0 }, long));
    expect(events).toEqual([event(100, 1, { bytes: 1 })]);
    expect(took).toBeGreaterThan(30);
  });

  it('that are files are ready, with what is left of them', async () => {
    writeFileSync(join(folder, 'file'), '0123456789');
    const fd = await guest.open(DIR, 'file', { rights: FD_WRITE | 2n });
    expect(await guest.read(fd, 4)).toBe('0123');
    expect(await poll({ write: fd }, { read: fd })).toEqual([event(100, 2), event(101, 1, { bytes: 6 })]);
  });

  it('that cannot be waited for are errors of their own', async () => {
    expect(await poll({ read: 55 }, { read: 0 }, { write: DIR }, { write: 1 }, long)).toEqual([
      event(100, 1, { error: E.BADF }),
      event(102, 2, { error: E.BADF }),
      event(103, 2),
    ]);
    writeFileSync(join(folder, 'file'), '');
    const fd = await guest.open(DIR, 'file');
    expect(await poll({ write: fd }, long)).toEqual([event(100, 2, { error: E.BADF })]);
  });

  it('may be a great many', async () => {
    const many = Array.from({ length: 600 }, (_, i) => (i % 2 ? { write: 1 } : { read: 0 }));
    const events = await poll(...many);
    expect(events.length).toBe(300);
    expect(events[299]).toEqual(event(699, 2));
  });
});

it('takes only what it knows', async () => {
  expect(await guest.call('poll_oneoff', 0, 0, 0, OUT)).toBe(E.INVAL);
  await guest.poke(SUBSCRIPTIONS, encode({ tag: 3 }, 1));
  expect(await guest.call('poll_oneoff', SUBSCRIPTIONS, EVENTS, 1, OUT)).toBe(E.INVAL);
});

/** What a capture tool does that is killed at once: the process stops, sees that nobody is there, and continues. */
function interrupt(): void {
  execFileSync('/bin/sh', ['-c', `kill -USR2 ${guest.process.pid}`]);
}

describe('a stop', () => {
  it('does not make a sleep longer or shorter', async () => {
    let over = false;
    const sleep = timed(() => poll({ clock: MONOTONIC, timeout: 700n * MS }, { clock: REALTIME, timeout: HOUR }));
    sleep.finally(() => {
      over = true;
    });
    // were it begun anew, or what has passed forgotten, it would never end
    for (let stops = 0; !over; stops++) {
      expect(stops, 'the sleep does not end').toBeLessThan(200);
      await pause(100);
      interrupt();
    }
    const [events, took] = await sleep;
    expect(events).toEqual([event(100, 0)]);
    expect(took).toBeGreaterThanOrEqual(699);
    // the next sleep counts anew
    const [, next] = await timed(() => poll({ clock: MONOTONIC, timeout: 100n * MS }));
    expect(next).toBeGreaterThanOrEqual(99);
  });

  it('leaves a read waiting', async () => {
    const read = guest.read(0, 100);
    for (let i = 0; i < 3; i++) {
      await pause(50);
      interrupt();
    }
    await pause(50);
    guest.process.stdin!.write('late');
    expect(await read).toBe('late');
  });

  it('leaves a write to a full pipe waiting, and nothing is written twice', async () => {
    guest.process.stdout!.pause();
    const buffers = Array.from({ length: 100 }, () => [0, 200_000]).flat(); // more than any pipe holds
    await guest.poke32(IOVEC, ...buffers);
    const write = guest.call('fd_write', 1, IOVEC, buffers.length / 2, RESULT);
    for (let stops = 0; stops < 4; stops++) {
      await pause(50);
      interrupt();
    }
    await pause(50);
    let received = 0;
    guest.process.stdout!.removeAllListeners('data');
    guest.process.stdout!.on('data', (bytes) => {
      received += bytes.length;
    });
    guest.process.stdout!.resume();
    expect(await write).toBe(0);
    const written = await guest.peek32(RESULT);
    expect(written).toBeGreaterThan(0);
    const end = once(guest.process.stdout!, 'end');
    expect(await guest.call('fd_close', 1)).toBe(0);
    await guest.during(end);
    expect(received).toBe(written);
  });
});

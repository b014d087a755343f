/** poll_oneoff: what it waits for, how long, and what cannot be waited for. */

import { describe, expect, it } from 'vitest';
import { E, GuestCalls, OUT, READ, SIZE } from './guest-calls.js';

const [SUBSCRIPTIONS, EVENTS] = [4096, 16384];
const POLL_RIGHT = 1n << 27n;
const [POLLIN, POLLERR, POLLHUP, POLLNVAL] = [1, 8, 16, 32];

function subscribe(guest: GuestCalls, index: number, tag: number, what: number, timeout = 0n, flags = 0): void {
  const at = guest.memory + SUBSCRIPTIONS + index * 48;
  for (let i = 0; i < 48; i += 8) guest.process.set64(at + i, 0);
  guest.process.set64(at, 100 + index);
  guest.process.set8(at + 8, tag);
  guest.process.set32(at + 16, what);
  guest.process.set64(at + 24, timeout);
  guest.process.set32(at + 40, flags);
}

const poll = (guest: GuestCalls, count: number) => guest.call('poll_oneoff', SUBSCRIPTIONS, EVENTS, count, OUT);

/** Nanoseconds that ppoll is told, -1 for no end. Its answer: what is ready, by number of the pollfd. */
function onWait(guest: GuestCalls, ...ready: number[]): number[] {
  const waits: number[] = [];
  guest.process.overrides['ppoll'] = ([at, count, timeout]) => {
    if (waits.length > 3) throw new Error('it waits for good');
    waits.push(timeout === 0 ? -1 : guest.process.get64(timeout) * 1e9 + guest.process.get64(timeout + 8));
    for (let i = 0; i < count; i++) {
      guest.process.set8(at + i * 8 + 6, ready[i] ?? 0);
      guest.process.set8(at + i * 8 + 7, 0);
    }
    return count;
  };
  return waits;
}

const event = (guest: GuestCalls, index: number) => {
  const at = EVENTS + index * 32;
  return {
    userdata: guest.get32(at),
    error: guest.get32(at + 8) & 0xffff,
    type: (guest.get32(at + 8) >> 16) & 255,
    flags: guest.get32(at + 24) & 0xffff,
  };
};

describe('what is no subscription', () => {
  it('none, or one of a kind that there is not, is EINVAL', () => {
    const guest = new GuestCalls();
    onWait(guest);
    expect(poll(guest, 0)).toBe(E.INVAL);
    subscribe(guest, 0, 3, 0);
    expect(poll(guest, 1)).toBe(E.INVAL);
    expect(guest.asked('clock_gettime')).toEqual([]);
  });

  it('more than there is memory is EFAULT', () => {
    const guest = new GuestCalls();
    for (const count of [2000, 0x05555556, 0x08000001, 0xffffffff]) expect(poll(guest, count)).toBe(E.FAULT);
    onWait(guest);
    subscribe(guest, 0, 0, 1);
    guest.process.setBytes(guest.memory + SIZE - 47, guest.process.bytes(guest.memory + SUBSCRIPTIONS, 48));
    expect(guest.call('poll_oneoff', SIZE - 47, EVENTS, 1, OUT)).toBe(E.FAULT);
    expect(guest.call('poll_oneoff', SUBSCRIPTIONS, SIZE - 31, 1, OUT)).toBe(E.FAULT);
    expect(guest.call('poll_oneoff', SUBSCRIPTIONS, EVENTS, 1, SIZE - 3)).toBe(E.FAULT);
    expect(guest.asked()).toEqual([]);
  });
});

describe('a clock', () => {
  it('that is as far away as can be said does not come at once', () => {
    for (const timeout of [0xffff_ffff_ffff_ffffn, 1n << 63n, (1n << 63n) - 1n]) {
      const guest = new GuestCalls();
      subscribe(guest, 0, 0, 1, timeout);
      const waits = onWait(guest);
      expect(() => poll(guest, 1)).toThrow('it waits for good');
      for (const wait of waits) expect(wait === -1 || wait > 1e17).toBe(true);
    }
  });

  it('that cannot be waited for is an event at once', () => {
    const guest = new GuestCalls();
    subscribe(guest, 0, 0, 2);
    subscribe(guest, 1, 0, 4);
    subscribe(guest, 2, 0, 1, 1n << 40n);
    const waits = onWait(guest);
    expect(poll(guest, 3)).toBe(0);
    expect(waits).toEqual([0]);
    expect(guest.get32(OUT)).toBe(2);
    expect([event(guest, 0), event(guest, 1)]).toMatchObject([
      { userdata: 100, error: E.NOTSUP },
      { userdata: 101, error: E.INVAL },
    ]);
  });
});

describe('a descriptor', () => {
  it('that is not there is an event at once', () => {
    const guest = new GuestCalls();
    subscribe(guest, 0, 1, 77);
    subscribe(guest, 1, 0, 1, 1n << 40n);
    const waits = onWait(guest);
    expect(poll(guest, 2)).toBe(0);
    expect(waits).toEqual([0]);
    expect([guest.get32(OUT), event(guest, 0)]).toMatchObject([1, { userdata: 100, error: E.BADF, type: 1 }]);
  });

  it('needs the right to be waited for, besides that to read', () => {
    const guest = new GuestCalls();
    const fd = guest.opens('file', READ);
    onWait(guest, POLLIN);
    subscribe(guest, 0, 1, fd);
    subscribe(guest, 1, 2, fd);
    expect(poll(guest, 2)).toBe(0);
    expect([event(guest, 0).error, event(guest, 1).error]).toEqual([0, E.BADF]);
    expect(guest.call('fd_fdstat_set_rights', fd, READ, 0n)).toBe(0);
    expect(READ & POLL_RIGHT).toBe(0n);
    expect(poll(guest, 1)).toBe(0);
    expect(event(guest, 0).error).toBe(E.NOTCAPABLE);
  });

  it.each([
    [POLLIN, 0, 0],
    [POLLIN | POLLHUP, 0, 1],
    [POLLHUP, 0, 1],
    [POLLERR, 29, 0],
    [POLLNVAL, E.BADF, 0],
  ])('with events %i of the kernel', (ready, error, flags) => {
    const guest = new GuestCalls();
    onWait(guest, ready);
    subscribe(guest, 0, 1, guest.opens('file', READ));
    expect(poll(guest, 1)).toBe(0);
    expect(event(guest, 0)).toMatchObject({ error, flags, type: 1 });
  });
});

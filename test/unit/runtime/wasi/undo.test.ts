/** Calls that a stop undoes, over the fake Linux: when that happens, what is kept, and what is asked for again. */

import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from '../process/fake-image.js';
import type { FakeProcess } from '../process/fake-process.js';

const EINTR = -4;
const F_GETFL = 3;
const O_RDWR = 2;
const OUT = 0;
const EVENTS = 256;
const SUBSCRIPTIONS = 1024;

interface Fixture {
  readonly process: FakeProcess;
  /** Native address of the guest's memory. */
  readonly memory: number;
  /** Monotonic nanoseconds. */
  time: number;
  stopWanted(wanted: boolean): void;
  readonly reissue: boolean;
  readonly pending: number;
}

function started(): Fixture {
  const image = bootedImage({ pages: 1, entry: true });
  const { process } = image;
  process.overrides['fcntl'] = ([, command]) => (command === F_GETFL ? O_RDWR : undefined);
  expect(startProcess(process)).toBe(0);
  const guest = process.get64(image.entryRecord + L.FN_INSTANCE);
  process.set64(process.runtime + L.TH_GUEST_INSTANCE, guest);
  const state = process.rt64(L.RT_HOST_STATE);
  const fixture: Fixture = {
    process,
    memory: process.get64(image.memory + L.MEM_BASE),
    time: 5_000,
    stopWanted: (wanted) => process.set32(process.runtime + L.RT_STOP_WANTED, Number(wanted)),
    get reissue() {
      return process.rt32(L.TH_REISSUE) !== 0;
    },
    get pending() {
      const low = process.get32(state + L.HS_PENDING_TIMEOUT);
      return low === 0xffffffff ? -1 : process.get64(state + L.HS_PENDING_TIMEOUT);
    },
  };
  process.overrides['clock_gettime'] = ([, to]) => {
    process.set64(to, 0);
    process.set64(to + 8, fixture.time);
    return 0;
  };
  return fixture;
}

/** Writes subscriptions of the monotonic clock. */
function subscribe({ process, memory }: Fixture, ...timeouts: number[]): void {
  timeouts.forEach((timeout, i) => {
    const at = memory + SUBSCRIPTIONS + i * 48;
    process.set64(at, 7 + i);
    process.set64(at + 8, 0);
    process.set64(at + 16, 1);
    process.set64(at + 24, timeout);
    process.set64(at + 32, 0);
    process.set64(at + 40, 0);
  });
}

const poll = ({ process }: Fixture, count: number) =>
  process.call('poll_oneoff', SUBSCRIPTIONS, EVENTS, count, OUT) as number;

/** Nanoseconds that ppoll is told to wait. */
function timeouts(fixture: Fixture, ...results: number[]): number[] {
  const told: number[] = [];
  fixture.process.overrides['ppoll'] = ([, , timeout]) => {
    const wait = fixture.process.get64(timeout) * 1e9 + fixture.process.get64(timeout + 8);
    told.push(wait);
    const result = results.shift() ?? 0;
    fixture.time += result === EINTR ? 100 : wait;
    return result;
  };
  return told;
}

describe('poll_oneoff', () => {
  it('waits for what remained when it is made again', () => {
    const fixture = started();
    subscribe(fixture, 3000, 1000);
    const told = timeouts(fixture, EINTR, EINTR);
    fixture.stopWanted(true);
    poll(fixture, 2);
    expect([fixture.reissue, fixture.pending, told]).toEqual([true, 6000, [1000]]);
    fixture.time += 300;
    poll(fixture, 2);
    expect([fixture.pending, told]).toEqual([6000, [1000, 600]]);
    fixture.process.set32(fixture.process.runtime + L.TH_REISSUE, 0);
    fixture.stopWanted(false);
    expect(poll(fixture, 2)).toBe(0);
    expect(told).toEqual([1000, 600, 500]);
    expect([fixture.reissue, fixture.pending, fixture.time]).toEqual([false, -1, 6000]);
    expect(fixture.process.get32(fixture.memory + OUT)).toBe(1);
    expect(fixture.process.get64(fixture.memory + EVENTS)).toBe(8);
    // another one starts anew
    expect(poll(fixture, 2)).toBe(0);
    expect(told[3]).toBe(1000);
  });

  it('is due when its time has passed while it was stopped', () => {
    const fixture = started();
    subscribe(fixture, 1000);
    const told = timeouts(fixture, EINTR);
    fixture.stopWanted(true);
    poll(fixture, 1);
    fixture.stopWanted(false);
    fixture.time += 50_000;
    expect(poll(fixture, 1)).toBe(0);
    expect(told).toEqual([1000, 0]);
  });

  it('continues by itself after a signal that is no stop', () => {
    const fixture = started();
    subscribe(fixture, 1000);
    const told = timeouts(fixture, EINTR, EINTR);
    expect(poll(fixture, 1)).toBe(0);
    expect(told.length).toBeGreaterThan(2);
    expect([fixture.reissue, fixture.pending]).toEqual([false, -1]);
  });

  it('waits again when the kernel wakes it too early', () => {
    const fixture = started();
    subscribe(fixture, 1000);
    const waits: number[] = [];
    fixture.process.overrides['ppoll'] = ([, , timeout]) => {
      waits.push(fixture.process.get64(timeout + 8));
      fixture.time += 400;
      return 0;
    };
    expect(poll(fixture, 1)).toBe(0);
    expect(waits).toEqual([1000, 600, 200]);
  });
});

describe('reads and writes', () => {
  it.each([
    ['fd_read', 'read', 0, 1],
    ['fd_write', 'write', 1, 1],
    ['fd_read', 'readv', 0, 2],
    ['fd_write', 'writev', 1, 2],
  ])('%s by %s is undone when nothing has moved, and else is a short count', (name, syscall, fd, buffers) => {
    const fixture = started();
    const { process, memory } = fixture;
    const lengths = [100, 50];
    lengths.forEach((length, i) => {
      process.set32(memory + 64 + 8 * i, 128 + 1000 * i);
      process.set32(memory + 68 + 8 * i, length);
    });
    process.set32(memory + OUT, 0x1234);
    const results = [EINTR, EINTR, EINTR, 40];
    const answer = ([descriptor, at, count]: number[]) => {
      const vector = at !== memory + 128;
      const given = vector
        ? Array.from({ length: count }, (_, i) => [process.get64(at + 16 * i), process.get64(at + 16 * i + 8)])
        : [[at, count]];
      expect([descriptor, given]).toEqual([fd, lengths.slice(0, buffers).map((n, i) => [memory + 128 + 1000 * i, n])]);
      return results.shift();
    };
    for (const each of [syscall, `${name.slice(3)}v`]) process.overrides[each] = answer;
    fixture.stopWanted(true);
    process.calls.length = 0;
    process.call(name, fd, 64, buffers, OUT);
    expect(process.calls[0].name).toBe(syscall);
    expect(fixture.reissue).toBe(true);
    expect(process.get32(memory + OUT)).toBe(0x1234);
    process.set32(process.runtime + L.TH_REISSUE, 0);
    fixture.stopWanted(false);
    expect(process.call(name, fd, 64, buffers, OUT)).toBe(0); // once more EINTR, no stop: made again at once
    expect(process.get32(memory + OUT)).toBe(40);
    expect(fixture.reissue).toBe(false);
    expect(results).toHaveLength(0);
  });
});

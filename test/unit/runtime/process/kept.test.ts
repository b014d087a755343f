/** A process that is kept parked: no tool's death lets it continue, and any tool of the same user may decide. */

import { expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { type FakeProcess, IMAGE } from './fake-process.js';
import { CONTEXT, INFO, runningImage, SIGTRAP, signal, stop, TEXT, timeoutOf } from './running-image.js';

const PIDFD = 7;
const PR_SET_PTRACER = 0x59616d61;
const EINTR = -4;

interface Kept {
  readonly process: FakeProcess;
  /** What the process ended with; undefined when it continued. */
  readonly code: number | undefined;
  /** Nanoseconds of each wait, -1 without end. */
  readonly waits: readonly number[];
  /** Command and sender at the moment at which it said that it is kept. */
  readonly told: readonly number[];
}

/** Told to stay at its first wait; its tool dies then. `later` says what the waits after it yield. */
function keep(later: (process: FakeProcess, wait: number) => number): Kept {
  const { process } = runningImage();
  let isDead = false;
  process.overrides['pidfd_open'] = () => PIDFD;
  stop(process);
  const told: number[] = [];
  process.onStore = (address, value) => {
    if (address !== process.runtime + L.RT_FLAGS || (value & L.FLAG_KEPT) === 0) return;
    told.push(process.rt32(L.RT_COMMAND), process.rt32(L.RT_STOP_SENDER));
  };
  const waits: number[] = [];
  process.overrides['ppoll'] = ([descriptor, count, timeout]) => {
    const nanoseconds = timeout === 0 ? -1 : timeoutOf(process, timeout);
    if (nanoseconds === 0) return isDead && count > 0 && process.get32(descriptor) === PIDFD ? 1 : 0;
    waits.push(nanoseconds);
    if (waits.length > 20) throw new Error('it waits for good');
    if (waits.length > 1) return later(process, waits.length);
    process.set32(process.runtime + L.RT_COMMAND, L.COMMAND_KEEP);
    isDead = true;
    return EINTR;
  };
  const code = signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
  return { process, code, waits, told };
}

function command(process: FakeProcess, value: number): number {
  process.set32(process.runtime + L.RT_COMMAND, value);
  return EINTR;
}

it('waits without end, whoever has died, until it is told to continue', () => {
  const { process, code, waits, told } = keep((process, wait) => {
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_PARKED);
    expect(process.rt32(L.RT_FLAGS) & L.FLAG_KEPT).toBe(L.FLAG_KEPT);
    return wait < 5 ? EINTR : command(process, L.COMMAND_RESUME); // signals that say nothing come first
  });
  expect(told).toEqual([L.COMMAND_NONE, 0]); // all was done before: a command that follows it is not lost
  expect(waits.slice(1)).toEqual([-1, -1, -1, -1]);
  expect(code).toBeUndefined();
  expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  expect(process.rt32(L.RT_FLAGS) & L.FLAG_KEPT).toBe(0);
  expect(process.calls.filter(({ name, args }) => name === 'close' && args[0] === PIDFD)).toHaveLength(1);
});

it('is ended by whoever says so', () => {
  expect(keep((process) => command(process, L.COMMAND_EXIT)).code).toBe(L.EXIT_CAPTURED);
});

it('lets any tool that signals to it read its memory, and belongs to none', () => {
  const { process } = keep((process, wait) => {
    process.set64(INFO + 16, 777);
    process.call('on_signal', L.STOP_SIGNAL, BigInt(INFO), BigInt(CONTEXT + 4096));
    expect(process.rt32(L.RT_STOP_SENDER)).toBe(0);
    return wait < 4 ? EINTR : command(process, L.COMMAND_RESUME);
  });
  const asked = process.calls.filter(({ name, args }) => name === 'prctl' && args[0] === PR_SET_PTRACER);
  expect(asked.at(-1)?.args[1]).toBe(777);
});

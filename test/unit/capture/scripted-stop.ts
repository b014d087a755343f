/**
 * A stop of a scripted process, look by look. All times come from a clock that stands still until the test moves it.
 * The test also says which other processes and lifelines there are.
 */

import { afterEach, beforeEach, vi } from 'vitest';
import * as L from '../../support/layout.js';
import { ScriptedProcess } from './scripted-process.js';

/** States of other processes, by pid. */
export const others = new Map<number, string>();
/** What taking a lifeline yields, in turn, and what is done with it. */
export const lifelines: (object | undefined)[] = [];
export const taken: number[] = [];

vi.mock('../../../src/capture/process.js', async (original) => ({
  ...(await original<object>()),
  processStatus: (pid: number) => (others.has(pid) ? { state: others.get(pid) } : undefined),
}));
vi.mock('../../../src/capture/lifeline.js', () => ({
  Lifeline: {
    take: (_: unknown, descriptor: number) => {
      taken.push(descriptor);
      return lifelines.shift();
    },
  },
}));
const { stopProcess } = await import('../../../src/capture/stop.js');

export const OWN = process.pid;
export const OTHER = 4_000_001;
export const WAKE = 'SIGUSR2';
/** A descriptor of the process. */
export const LIFELINE = 9;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
  others.clear();
  lifelines.length = 0;
  taken.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

export interface Outcome<T> {
  readonly value?: T;
  readonly error?: { code?: string; message?: string };
  /** Milliseconds. */
  readonly took: number;
}

/** Lets time continue until it has settled. */
export async function outcome<T>(promise: Promise<T>): Promise<Outcome<T>> {
  const start = performance.now();
  let settled: Outcome<T> | undefined;
  promise.then(
    (value) => {
      settled = { value, took: performance.now() - start };
    },
    (error) => {
      settled = { error, took: performance.now() - start };
    },
  );
  for (let waited = 0; settled === undefined; waited++) {
    if (waited > 20_000) throw new Error('it waits for good');
    await vi.advanceTimersByTimeAsync(5);
  }
  return settled;
}

export const stop = (scripted: ScriptedProcess, timeout = 10_000, checkCancelled = () => {}) =>
  outcome(stopProcess(scripted.process, { timeout, checkCancelled }));

/** One that parks as soon as it is asked. */
export function obedient(): ScriptedProcess {
  const scripted = new ScriptedProcess(L.STATE_RUNNING);
  scripted.onSignal = (_, count) => count === 1 && scripted.park(OWN);
  return scripted;
}

/** One that is parked, and waits for whoever comes: of another pid namespace when it has a lifeline. */
export function waiting(lifeline = 0): ScriptedProcess {
  const scripted = new ScriptedProcess(L.STATE_RUNNING);
  scripted.park(0);
  scripted.set(L.RT_LIFELINE, lifeline);
  return scripted;
}

export function trapped(sender: number): ScriptedProcess {
  const scripted = new ScriptedProcess(L.STATE_TRAPPED);
  scripted.set(L.RT_FLAGS, L.FLAG_PARK_ON_TRAP);
  scripted.set(L.TH_TRAP_PARKED, 1);
  scripted.set(L.RT_STOP_SENDER, sender);
  scripted.state = 'S';
  return scripted;
}

/** A lifeline of the tool, which notes in the process's log when it is closed. */
export function lifelineOf(scripted: ScriptedProcess, isOf = () => true): object {
  return { isOf, close: () => scripted.log.push('lifeline closed') };
}

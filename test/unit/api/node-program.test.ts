/** What a node says of a program that cannot be started, or captured. */

import { afterEach, expect, test, vi } from 'vitest';
import type { ArrivedProgram } from '../../../src/api/node-arrivals.js';
import { NodeProgram, type ProgramHost } from '../../../src/api/node-program.js';
import { InputError, ToolError } from '../../../src/base/errors.js';
import type { JobRecord } from '../../../src/lattice/records.js';
import type { Event } from '../../../src/lattice/state.js';

const job = {
  ...{ name: 'job', group: 'job', desired: 'run', fence: 1, begun: 0, holder: null, to: null, arrival: null },
  ...{ snapshot: { reference: 'job:1', fence: 1 }, uncaptured: null, end: null, restarts: 0, history: [] },
  spec: {
    ...{ module: 'sha256:', args: [], env: {}, arch: null, labels: {}, memory: null },
    ...{ dirs: [], listen: [], snapshotEvery: 1, restart: 'never' },
  },
} as JobRecord;

afterEach(() => vi.useRealTimers());

const hostOf = (more: Partial<ProgramHost>) =>
  ({
    guard: { add: async () => {}, gone: () => {} },
    seal: {},
    onEvent: () => {},
    publish: () => {},
    ...more,
  }) as never;

test('one that cannot be started: with all reasons, in one line', async () => {
  const events: Event[] = [];
  const prepare = async () => {
    throw new InputError('host-state', 'job:1: cannot be restored here:', ['  descriptor 3', '  descriptor 4']);
  };
  await new NodeProgram(job, 1, hostOf({ prepare, report: (event) => void events.push(event) })).start();
  const why = 'job:1: cannot be restored here: descriptor 3; descriptor 4';
  expect(events).toEqual([{ kind: 'not-started', job: 'job', fence: 1, why }]);
});

test('one that has ended while it was captured is none whose capture has failed', async () => {
  const failures = [
    new ToolError('process-ended', 'pid 1: the process ended before it was captured'),
    new InputError('no-process', 'there is no process with pid 1'),
    new ToolError('write', 'the disk is full'),
  ];
  const of = async () => {
    throw failures.shift() ?? new Error('it is captured again and again');
  };
  let ends: (end: { code: number; signal: null }) => void = () => {};
  const ended = new Promise((resolve) => (ends = resolve));
  const held = { pid: 1, hasBegun: true, begin: async () => true, kill: () => {}, ended };
  const said = await new Promise<Event>((resolve) => {
    const report = (event: Event) => event.kind === 'not-captured' && resolve(event);
    const program = new NodeProgram(job, 1, hostOf({ stores: { of } as never, report }));
    void program.start({ held, pipes: { readers: [] } } as unknown as ArrivedProgram);
  });
  ends({ code: 0, signal: null });
  expect(said).toEqual({ kind: 'not-captured', job: 'job', fence: 1, why: 'the disk is full' });
});

test('one that ends while it is captured is not captured again', async () => {
  vi.useFakeTimers();
  let ends: (end: { code: number; signal: null }) => void = () => {};
  const ended = new Promise((resolve) => (ends = resolve));
  let captures = 0;
  const of = async () => {
    captures++;
    ends({ code: 0, signal: null });
    await reported;
    throw new InputError('no-process', 'there is no process with pid 1');
  };
  const events: Event[] = [];
  let report: (event: Event) => void = () => {};
  const reported = new Promise<void>((resolve) => {
    report = (event) => {
      events.push(event);
      if (event.kind === 'ended') resolve();
    };
  });
  const held = { pid: 1, hasBegun: true, begin: async () => true, kill: () => {}, ended };
  const program = new NodeProgram(job, 1, hostOf({ stores: { of } as never, report }));
  await program.start({ held, pipes: { readers: [] } } as unknown as ArrivedProgram);
  await vi.advanceTimersByTimeAsync(10_000);
  expect([captures, vi.getTimerCount()]).toEqual([1, 0]);
  expect(events.map(({ kind }) => kind)).toEqual(['running', 'ended']);
});

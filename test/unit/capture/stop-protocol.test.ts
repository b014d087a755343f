/**
 * The tool's half of a stop, look by look: a process that does exactly one thing at one moment, and a clock that stands
 * still until it is told to continue: all times below are its. What test/model walks as a machine is here the code
 * itself.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import * as L from '../../support/layout.js';
import { ScriptedProcess } from './scripted-process.js';

/** States of other processes, by pid. */
const others = new Map<number, string>();
/** What taking a lifeline yields, in turn, and what is done with it. */
let lifelines: (object | undefined)[] = [];
const taken: number[] = [];

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

const OWN = process.pid;
const OTHER = 4_000_001;
const WAKE = 'SIGUSR2';
/** A descriptor of the process. */
const LIFELINE = 9;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setTimeout'] });
  others.clear();
  lifelines = [];
  taken.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

interface Outcome<T> {
  readonly value?: T;
  readonly error?: { code?: string; message?: string };
  /** Milliseconds. */
  readonly took: number;
}

/** Lets time continue until it has settled. */
async function outcome<T>(promise: Promise<T>): Promise<Outcome<T>> {
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

const stop = (scripted: ScriptedProcess, timeout = 10_000, checkCancelled = () => {}) =>
  outcome(stopProcess(scripted.process, { timeout, checkCancelled }));

/** One that parks as soon as it is asked. */
function obedient(): ScriptedProcess {
  const scripted = new ScriptedProcess(L.STATE_RUNNING);
  scripted.onSignal = (_, count) => count === 1 && scripted.park(OWN);
  return scripted;
}

/** One that is parked, and waits for whoever comes: of another pid namespace when it has a lifeline. */
function waiting(lifeline = 0): ScriptedProcess {
  const scripted = new ScriptedProcess(L.STATE_RUNNING);
  scripted.park(0);
  scripted.set(L.RT_LIFELINE, lifeline);
  return scripted;
}

function trapped(sender: number): ScriptedProcess {
  const scripted = new ScriptedProcess(L.STATE_TRAPPED);
  scripted.set(L.RT_FLAGS, L.FLAG_PARK_ON_TRAP);
  scripted.set(L.TH_TRAP_PARKED, 1);
  scripted.set(L.RT_STOP_SENDER, sender);
  scripted.state = 'S';
  return scripted;
}

/** A lifeline of the tool, which notes in the process's log when it is closed. */
function lifelineOf(scripted: ScriptedProcess, isOf = () => true): object {
  return { isOf, close: () => scripted.log.push('lifeline closed') };
}

describe('a process that runs', () => {
  test('is asked, claimed, and told to continue, once', async () => {
    const scripted = obedient();
    const { value } = await stop(scripted);
    expect(scripted.log).toEqual([WAKE, 'hold']);
    expect(scripted.isPrepared).toBe(true);
    await value!.resume();
    await value!.resume();
    expect(scripted.log).toEqual([WAKE, 'hold', 'resume', WAKE]);
  });

  test('is asked again when the signal was lost, after 200 ms and not sooner', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    const at: number[] = [];
    scripted.onSignal = (_, count) => {
      at.push(performance.now());
      if (count === 3) scripted.park(OWN);
    };
    const { value, took } = await stop(scripted);
    expect(value).toBeDefined();
    expect(took).toBeLessThan(500);
    for (const i of [1, 2]) expect(at[i] - at[i - 1]).toBeGreaterThanOrEqual(200);
  });

  test('is not asked again while it is stopping', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.onSignal = () => {
      scripted.set(L.TH_STATE, L.STATE_STOPPING);
      scripted.set(L.RT_STOP_SENDER, OWN);
      setTimeout(() => scripted.park(OWN), 3000);
    };
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });

  test('that comes to no safepoint is given up in time, and told to continue until it does', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    let commands = 0;
    scripted.onSignal = (_, count) => {
      if (count > 1) return;
      scripted.set(L.TH_STATE, L.STATE_STOPPING);
      scripted.set(L.RT_STOP_SENDER, OWN);
    };
    scripted.onCommand = (command) => {
      expect(command).toBe(L.COMMAND_RESUME);
      if (++commands === 1)
        scripted.park(OWN); // which forgets the command
      else scripted.goOn();
    };
    const { error, took } = await stop(scripted, 1000);
    expect(error).toMatchObject({ code: 'timeout', message: expect.stringContaining('no safepoint within 1000 ms') });
    expect(took).toBeLessThan(1200);
    expect(scripted.log).toEqual([WAKE, 'resume', WAKE, 'resume', WAKE]);
  });

  test('that has just continued gets no second command, which would be for the next stop', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.onSignal = (_, count) => {
      scripted.set(L.TH_STATE, count === 1 ? L.STATE_STOPPING : L.STATE_RUNNING);
      scripted.set(L.RT_STOP_SENDER, OWN); // forgotten a little later than the state is left
    };
    expect((await stop(scripted, 1000)).error).toMatchObject({ code: 'timeout' });
    expect(scripted.log).toEqual([WAKE, 'resume', WAKE]);
  });

  test('that ends meanwhile is told of', async () => {
    for (const state of [undefined, 'Z']) {
      const scripted = new ScriptedProcess(L.STATE_RUNNING);
      scripted.onSignal = () => {
        scripted.state = state;
      };
      const { error, took } = await stop(scripted);
      expect(error).toMatchObject({ code: 'process-ended' });
      expect(took).toBeLessThan(1000);
    }
  });

  test('is let go when the user gives up', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.onSignal = (_, count) => {
      if (count > 1) return;
      scripted.set(L.TH_STATE, L.STATE_STOPPING);
      scripted.set(L.RT_STOP_SENDER, OWN);
    };
    scripted.onCommand = () => scripted.goOn();
    let looks = 0;
    const { error } = await stop(scripted, 10_000, () => {
      if (++looks === 5) throw Object.assign(new Error('given up'), { code: 'interrupted' });
    });
    expect(error).toMatchObject({ code: 'interrupted' });
    expect(scripted.get(L.TH_STATE)).toBe(L.STATE_RUNNING);
    expect(scripted.log).toEqual([WAKE, 'resume', WAKE]);
  });

  test.each([
    ['suspended', 'T', 0, 'suspended'],
    ['held by a debugger', 't', 55, 'traced'],
    ['held by one that has no pid here', 't', 0, 'suspended'],
  ])('but is %s is not even asked', async (_, state, tracer, code) => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    Object.assign(scripted, { state, tracer });
    expect((await stop(scripted)).error).toMatchObject({ code });
    expect(scripted.log).toEqual([]);
  });

  test('is taken back when its memory was hidden until it parked, and asked when only its handler is seen', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.isReadable = false;
    setTimeout(() => {
      scripted.caughtSignals = 1n << BigInt(L.STOP_SIGNAL - 1);
    }, 1000);
    scripted.onSignal = () => {
      scripted.isReadable = true;
      scripted.park(OWN);
    };
    const { value, took } = await stop(scripted);
    expect(value).toBeDefined();
    expect(took).toBeGreaterThanOrEqual(1000);
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });
});

describe('a process that has not started', () => {
  test('is waited for, but not for good', async () => {
    const scripted = obedient();
    scripted.set(L.TH_STATE, L.STATE_STARTING);
    setTimeout(() => scripted.set(L.TH_STATE, L.STATE_RUNNING), 2000);
    expect((await stop(scripted)).value).toBeDefined();
    const never = new ScriptedProcess(L.STATE_STARTING);
    expect((await stop(never, 3000)).error).toMatchObject({
      code: 'timeout',
      message: expect.stringContaining('start'),
    });
    expect(never.log).toEqual([]);
  });

  test('as it is suspended so early is waited for, too', async () => {
    const scripted = obedient();
    scripted.set(L.TH_STATE, L.STATE_STARTING);
    scripted.state = 'T';
    setTimeout(() => {
      scripted.state = 'R';
      scripted.set(L.TH_STATE, L.STATE_RUNNING);
    }, 2000);
    expect((await stop(scripted)).value).toBeDefined();
  });

  test('or is in a state that there is not is damaged', async () => {
    for (const state of [L.STATE_TRAPPED + 1, 0xffffffff]) {
      const { error, took } = await stop(new ScriptedProcess(state));
      expect(error).toMatchObject({ code: 'damaged-process' });
      expect(took).toBeLessThan(100);
    }
  });
});

describe('a process that this tool has let go', () => {
  test('but that has not woken up is asked again, and not waited for until it is too late', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.park(OWN);
    scripted.set(L.RT_COMMAND, L.COMMAND_RESUME);
    // the first signal wakes it, as the one before should have; the next asks it to stop
    scripted.onSignal = (_, count) => {
      if (count === 1) {
        scripted.set(L.TH_STATE, L.STATE_RUNNING);
        scripted.set(L.RT_STOP_SENDER, 0);
        scripted.set(L.RT_COMMAND, L.COMMAND_NONE);
      } else if (count === 2) scripted.park(OWN);
    };
    const { value, took } = await stop(scripted);
    expect(value).toBeDefined();
    expect(took).toBeLessThan(1000);
  });
});

describe('another tool', () => {
  test.each([L.STATE_STOPPING, L.STATE_PARKED])('that lives keeps a process in state %i', async (state) => {
    others.set(OTHER, 'S');
    const scripted = new ScriptedProcess(state);
    scripted.set(L.RT_STOP_SENDER, OTHER);
    const { error, took } = await stop(scripted);
    expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining(String(OTHER)) });
    expect(took).toBeLessThan(100);
    expect(scripted.log).toEqual([]);
  });

  test.each(['gone', 'Z'])('that is %s does not', async (state) => {
    if (state === 'Z') others.set(OTHER, state);
    const scripted = new ScriptedProcess(L.STATE_PARKED);
    scripted.set(L.RT_STOP_SENDER, OTHER);
    setTimeout(() => scripted.goOn(), 500); // it has noticed
    scripted.onSignal = (_, count) => count === 1 && scripted.park(OWN);
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });

  test('that is this one, in an earlier capture, has only just let it go', async () => {
    others.set(OWN, 'R');
    const scripted = new ScriptedProcess(L.STATE_PARKED);
    scripted.set(L.RT_STOP_SENDER, OWN);
    setTimeout(() => scripted.goOn(), 5);
    scripted.onSignal = (_, count) => count === 1 && scripted.park(OWN);
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });

  test('that was faster has it, and gets no command of ours', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.onSignal = () => scripted.park(OTHER);
    const { error } = await stop(scripted);
    expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining(String(OTHER)) });
    expect(scripted.log).toEqual([WAKE]);
  });

  test('that was faster to ask is not disturbed when we give up', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.onSignal = () => {
      scripted.set(L.TH_STATE, L.STATE_STOPPING);
      scripted.set(L.RT_STOP_SENDER, OTHER);
    };
    expect((await stop(scripted, 1000)).error).toMatchObject({ code: 'timeout' });
    expect(scripted.log).toEqual([WAKE]);
  });
});

describe('a claim', () => {
  test('of one that is parked for anyone needs no signal', async () => {
    for (const descriptor of [0, L.LIFELINE_FAILED]) {
      const scripted = waiting(descriptor);
      expect((await stop(scripted)).value).toBeDefined();
      expect(scripted.log).toEqual(['hold']);
      expect(taken).toEqual([]);
    }
  });

  test('is none of one that is just being let go: it runs', async () => {
    const scripted = waiting();
    scripted.state = 'R';
    setTimeout(() => scripted.goOn(), 50);
    scripted.onSignal = (_, count) => count === 1 && scripted.park(OWN);
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });

  test('is none of one that has continued between two looks at it', async () => {
    const scripted = waiting();
    const { status } = scripted;
    let looks = 0;
    scripted.status = () => {
      const seen = status.call(scripted);
      if (++looks === 2) scripted.goOn();
      return seen;
    };
    scripted.onSignal = (_, count) => count === 1 && scripted.park(OWN);
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });

  test('is none of one that is suspended there', async () => {
    const scripted = waiting();
    scripted.state = 'T';
    expect((await stop(scripted)).error).toMatchObject({ code: 'suspended' });
    expect(scripted.log).toEqual([]);
  });

  test('is made before the look at the state, and holds only when the process stands after it', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.park(0);
    let claims = 0;
    scripted.onCommand = () => {
      if (++claims === 1) scripted.goOn(); // its patience has ended just now
    };
    scripted.onSignal = () => scripted.park(OWN);
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual(['hold', WAKE, 'hold']);
  });

  test('does not hold one that is continuing, although the command is still to be seen', async () => {
    const scripted = waiting();
    let claims = 0;
    scripted.onCommand = () => {
      if (++claims > 1) return;
      scripted.set(L.TH_STATE, L.STATE_RUNNING); // all else follows
      setTimeout(() => scripted.goOn(), 3);
    };
    scripted.onSignal = () => scripted.park(OWN);
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual(['hold', WAKE, 'hold']);
  });

  test('is none of one that has become another tool’s since it was looked at: that one gets no command of ours', async () => {
    const scripted = waiting();
    others.set(OTHER, 'S');
    scripted.onRead = (field) => {
      if (field === L.RT_LIFELINE) scripted.set(L.RT_STOP_SENDER, OTHER);
    };
    expect((await stop(scripted)).error).toMatchObject({ code: 'busy' });
    expect(scripted.log).toEqual([]);
  });

  test('is none when the process stands for a tool of another pid namespace by then', async () => {
    const scripted = waiting();
    scripted.onCommand = () => scripted.set(L.RT_LIFELINE, LIFELINE);
    expect((await stop(scripted)).error).toMatchObject({ code: 'busy' });
    expect(scripted.log).toEqual(['hold']);
  });

  test('is none of one that names nobody because it has just continued', async () => {
    const scripted = waiting();
    scripted.onRead = (field) => {
      if (field !== L.RT_STOP_SENDER || scripted.log.length !== 1) return;
      scripted.set(L.TH_STATE, L.STATE_RUNNING);
      setTimeout(() => scripted.goOn(), 3);
      scripted.onRead = () => {};
    };
    scripted.onSignal = () => scripted.park(OWN);
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual(['hold', WAKE, 'hold']);
  });

  test('that parking has forgotten is made again', async () => {
    const scripted = waiting();
    let claims = 0;
    scripted.onCommand = () => {
      if (++claims === 1) scripted.park(0);
    };
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual(['hold', 'hold']);
    expect(scripted.get(L.RT_COMMAND)).toBe(L.COMMAND_HOLD);
  });

  test('that the command of another tool has replaced is made again', async () => {
    const scripted = waiting();
    let claims = 0;
    scripted.onCommand = () => {
      if (++claims === 1) scripted.set(L.RT_COMMAND, L.COMMAND_RESUME);
    };
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual(['hold', 'hold']);
  });

  test('is none when the process has continued and stands for another tool by then', async () => {
    const scripted = waiting();
    scripted.onCommand = () => scripted.set(L.RT_STOP_SENDER, OTHER);
    others.set(OTHER, 'S');
    expect((await stop(scripted)).error).toMatchObject({ code: 'busy' });
  });

  test('from another pid namespace takes the lifeline first, says so, and lets it go last', async () => {
    const scripted = waiting(LIFELINE);
    lifelines = [lifelineOf(scripted)];
    const { value } = await stop(scripted);
    expect(taken).toEqual([LIFELINE]);
    expect(scripted.log).toEqual(['hold', WAKE]);
    await value!.resume();
    expect(scripted.log).toEqual(['hold', WAKE, 'resume', WAKE, 'lifeline closed']);
  });

  test('from there is none without the lifeline: who has it does', async () => {
    const scripted = waiting(LIFELINE);
    const { error, took } = await stop(scripted, 60_000);
    expect(error).toMatchObject({ code: 'busy' });
    expect(took).toBeLessThan(5000);
    expect(scripted.log).toEqual([]);
  });

  test('from there is put away when it is none, and another lifeline is another process', async () => {
    const scripted = waiting(LIFELINE);
    lifelines = [lifelineOf(scripted, () => false), lifelineOf(scripted)];
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual(['hold', 'lifeline closed', 'hold', WAKE]);
  });

  test('from there is asked for, and made when the process stands', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.onSignal = (_, count) => {
      if (count > 1) return;
      scripted.park(0);
      scripted.set(L.RT_LIFELINE, LIFELINE);
    };
    lifelines = [lifelineOf(scripted)];
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold', WAKE]);
  });

  test('from there that another tool has is told of in time', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.onSignal = () => {
      scripted.park(0);
      scripted.set(L.RT_LIFELINE, LIFELINE);
    };
    const { error, took } = await stop(scripted, 60_000);
    expect(error).toMatchObject({ code: 'busy' });
    expect(took).toBeLessThan(5000);
    expect(scripted.log.filter((step) => step !== WAKE)).toEqual([]);
  });

  test('is lost when the process has no descriptor for a lifeline, and it says so', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.set(L.RT_LIFELINE, L.LIFELINE_FAILED);
    expect((await stop(scripted, 1000)).error).toMatchObject({ code: 'descriptors' });
  });
});

describe('a trapped process', () => {
  test('is asked, and claimed once it answers to us', async () => {
    const scripted = trapped(0);
    scripted.onSignal = (_, count) => count === 1 && scripted.set(L.RT_STOP_SENDER, OWN);
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });

  test('that another tool has is asked again and again, and then told of', async () => {
    const scripted = trapped(OTHER);
    const { error } = await stop(scripted, 1000);
    expect(error).toMatchObject({ code: 'busy', message: expect.stringContaining(String(OTHER)) });
    expect(scripted.log).toEqual([WAKE, WAKE, WAKE, WAKE, WAKE]);
  });

  test('is waited for until it has parked', async () => {
    const scripted = trapped(0);
    scripted.set(L.TH_TRAP_PARKED, 0);
    setTimeout(() => scripted.set(L.TH_TRAP_PARKED, 1), 1000);
    scripted.onSignal = () => scripted.get(L.TH_TRAP_PARKED) && scripted.set(L.RT_STOP_SENDER, OWN);
    const { value, took } = await stop(scripted);
    expect(value).toBeDefined();
    expect(took).toBeGreaterThanOrEqual(1000);
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });

  test('that parks for us only while we wait is not taken before all of it can be read', async () => {
    const scripted = new ScriptedProcess(L.STATE_RUNNING);
    scripted.set(L.RT_FLAGS, L.FLAG_PARK_ON_TRAP);
    scripted.onSignal = (_, count) => {
      if (count > 1) return;
      scripted.set(L.TH_STATE, L.STATE_TRAPPED);
      scripted.set(L.RT_STOP_SENDER, OWN);
      setTimeout(() => scripted.set(L.TH_TRAP_PARKED, 1), 100);
    };
    const { value, took } = await stop(scripted);
    expect(value).toBeDefined();
    expect(took).toBeGreaterThanOrEqual(100);
    expect(scripted.log).toEqual([WAKE, 'hold']);
  });

  test('that is ending is left alone', async () => {
    const scripted = trapped(0);
    scripted.set(L.RT_FLAGS, 0);
    expect((await stop(scripted)).error).toMatchObject({ code: 'trapped' });
    expect(scripted.log).toEqual([]);
  });

  test('is claimed by its lifeline from another pid namespace', async () => {
    const scripted = trapped(0);
    scripted.onSignal = (_, count) => count === 1 && scripted.set(L.RT_LIFELINE, LIFELINE);
    lifelines = [lifelineOf(scripted)];
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold', WAKE]);
  });
});

describe('an end', () => {
  async function held(): Promise<{ scripted: ScriptedProcess; end: (successor?: string) => Promise<Outcome<void>> }> {
    const scripted = obedient();
    const { value } = await stop(scripted);
    scripted.log.length = 0;
    return { scripted, end: (successor) => outcome(value!.end(successor)) };
  }

  test('says where it continues before the command, and waits until it is gone', async () => {
    const { scripted, end } = await held();
    setTimeout(() => {
      scripted.state = undefined;
    }, 700);
    expect(await end('/x')).toMatchObject({ value: undefined, took: expect.closeTo(700, -1) });
    expect(scripted.log).toEqual([`${L.RT_SUCCESSOR}: /x`, `${L.RT_SUCCESSOR_LENGTH} = 2`, 'exit', WAKE]);
  });

  test('says nothing of a path that does not fit', async () => {
    const { scripted, end } = await held();
    scripted.state = undefined;
    await end('x'.repeat(L.SUCCESSOR_MAX + 1));
    expect(scripted.log).toEqual(['exit', WAKE]);
  });

  test.each([
    ['it is a zombie', 'Z', true],
    ['it is dead', 'X', true],
    ['it has no memory', 'R', false],
  ])('is one when %s', async (_, state, hasMemory) => {
    const { scripted, end } = await held();
    Object.assign(scripted, { state, hasMemory });
    const { error, took } = await end();
    expect([error, took < 100]).toEqual([undefined, true]);
    expect(scripted.log).not.toContain('SIGKILL');
  });

  test('of a suspended one is that of the kernel, at once', async () => {
    const { scripted, end } = await held();
    scripted.state = 'T';
    scripted.onSignal = (name) => {
      if (name === 'SIGKILL') scripted.state = undefined;
    };
    expect((await end()).took).toBeLessThan(100);
    expect(scripted.log.filter((step) => step === 'SIGKILL')).toHaveLength(1);
  });

  test('that does not come is made after 10 s, and given up after 30', async () => {
    const { scripted, end } = await held();
    let killed = 0;
    const start = performance.now();
    scripted.onSignal = (name) => {
      if (name === 'SIGKILL') killed = performance.now() - start;
    };
    const { error, took } = await end();
    expect(error).toMatchObject({ code: 'not-ended', message: expect.stringContaining('its snapshot is complete') });
    expect([Math.round(killed / 1000), Math.round(took / 1000)]).toEqual([10, 30]);
    expect(scripted.log.filter((step) => step === 'SIGKILL')).toHaveLength(1);
  });

  test('that has come already is no failure', async () => {
    const { scripted, end } = await held();
    Object.assign(scripted, { hasEnded: true, state: undefined });
    expect((await end('/x')).error).toBeUndefined();
    expect(scripted.log).toEqual([]);
  });

  test('is the last word: letting go after it says nothing', async () => {
    const scripted = obedient();
    const { value } = await stop(scripted);
    scripted.state = undefined;
    await outcome(value!.end());
    await outcome(value!.resume());
    expect(scripted.log.slice(2)).toEqual([`${L.RT_SUCCESSOR}: `, `${L.RT_SUCCESSOR_LENGTH} = 0`, 'exit', WAKE]);
  });
});

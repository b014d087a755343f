/**
 * The tool's half of a stop, look by look: of a process that runs, has not started, was let go, or is held by another
 * tool. Here the code itself is tested; test/model walks the same protocol as a machine.
 */

import { describe, expect, test } from 'vitest';
import * as L from '../../support/layout.js';
import { ScriptedProcess } from './scripted-process.js';
import { OTHER, OWN, obedient, others, stop, WAKE } from './scripted-stop.js';

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

/** A process that is parked, for anyone or at a trap, and which tool it then belongs to: look by look. */

import { describe, expect, test } from 'vitest';
import * as L from '../../support/layout.js';
import { ScriptedProcess } from './scripted-process.js';
import {
  LIFELINE,
  lifelineOf,
  lifelines,
  OTHER,
  OWN,
  others,
  stop,
  taken,
  trapped,
  WAKE,
  waiting,
} from './scripted-stop.js';

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
    lifelines.push(lifelineOf(scripted));
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
    lifelines.push(
      lifelineOf(scripted, () => false),
      lifelineOf(scripted),
    );
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
    lifelines.push(lifelineOf(scripted));
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
    lifelines.push(lifelineOf(scripted));
    expect((await stop(scripted)).value).toBeDefined();
    expect(scripted.log).toEqual([WAKE, 'hold', WAKE]);
  });
});

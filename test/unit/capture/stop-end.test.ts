/** The end of a process that was stopped, look by look. */

import { describe, expect, test } from 'vitest';
import * as L from '../../support/layout.js';
import type { ScriptedProcess } from './scripted-process.js';
import { type Outcome, obedient, outcome, stop, WAKE } from './scripted-stop.js';

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

/**
 * Which tool a stopping or parked process answers to: after a second signal, at the next stop, with a lifeline; store
 * by store.
 */

import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { IMAGE } from './fake-process.js';
import {
  argsOf,
  atSafepoint,
  closed,
  command,
  EINTR,
  nested,
  onWait,
  PIDFD,
  stopping,
  withPipe,
} from './parked-process.js';
import { PC, runningImage, SIGTRAP, signal, stop, TEXT, TOOL, texts } from './running-image.js';

describe('a second signal', () => {
  it('of the same sender while it is stopping changes nothing', () => {
    const process = stopping();
    stop(process);
    expect(argsOf(process, 'pidfd_open', 1)).toEqual([[TOOL]]);
    expect([texts(process), process.rt32(L.TH_STATE)]).toEqual([[0x30000], L.STATE_STOPPING]);
  });

  it('of the same sender takes the stop back when its command says so, and only then', () => {
    const process = stopping();
    command(process, L.COMMAND_HOLD);
    stop(process);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_STOPPING);
    command(process, L.COMMAND_RESUME);
    stop(process, IMAGE + TEXT, TOOL + 1);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_STOPPING);
    stop(process);
    expect(texts(process)).toEqual([0x30000, 0x20000]);
    const fields = [L.TH_STATE, L.RT_STOP_SENDER, L.RT_STOP_WANTED, L.RT_COMMAND];
    expect(fields.map((field) => process.rt32(field))).toEqual([L.STATE_RUNNING, 0, 0, 0]);
  });

  it('of another sender does not displace one that lives', () => {
    for (const other of [TOOL + 1, 0]) {
      const process = stopping();
      onWait(process, (count) => {
        if (count === 1) nested(process, other);
        expect(process.rt32(L.RT_STOP_SENDER)).toBe(TOOL);
        command(process, count === 1 ? L.COMMAND_HOLD : L.COMMAND_RESUME);
        return EINTR;
      });
      stop(process, IMAGE + TEXT, other);
      expect(process.rt32(L.RT_STOP_SENDER)).toBe(TOOL);
      atSafepoint(process);
      expect(argsOf(process, 'pidfd_open', 1)).toEqual([[TOOL]]);
      expect(argsOf(process, 'pipe2', 0)).toEqual([]);
    }
  });

  it('of one that comes after a death keeps nothing of the dead one', () => {
    const process = stopping();
    process.overrides['pidfd_open'] = () => PIDFD + 1;
    onWait(
      process,
      () => 0,
      () => true,
    );
    stop(process, IMAGE + TEXT, TOOL + 1);
    expect(process.rt32(L.RT_STOP_SENDER)).toBe(TOOL + 1);
    expect(closed(process)).toEqual([PIDFD]);
  });

  it('of one without a pid here leaves what is there to the one after a death', () => {
    const process = stopping();
    onWait(
      process,
      () => 0,
      () => true,
    );
    stop(process, IMAGE + TEXT, 0); // it asks again
    expect(process.rt32(L.RT_STOP_SENDER)).toBe(TOOL);
  });
});

describe('the next stop', () => {
  it('has a descriptor of its own sender, and closes no other', () => {
    const process = stopping();
    onWait(process, () => {
      command(process, L.COMMAND_RESUME);
      return EINTR;
    });
    atSafepoint(process);
    process.overrides['pidfd_open'] = () => PIDFD + 1;
    stop(process, IMAGE + TEXT, TOOL + 1);
    atSafepoint(process);
    expect(closed(process)).toEqual([PIDFD, PIDFD + 1]);
  });
});

describe('a stop that cannot be', () => {
  it('keeps neither a sender nor its descriptor', () => {
    const { process } = runningImage();
    process.overrides['pidfd_open'] = () => PIDFD;
    process.set64(process.runtime + L.RT_EXE_FD, -1n);
    process.calls.length = 0;
    stop(process);
    expect([process.rt32(L.TH_STATE), process.rt32(L.RT_STOP_SENDER)]).toEqual([L.STATE_RUNNING, 0]);
    expect(closed(process)).toEqual([PIDFD]);
  });
});

describe('a breakpoint that is no safepoint of a stop is fatal', () => {
  it.each([
    ['in text while nobody stops it', L.STATE_RUNNING, IMAGE + TEXT + 0x151],
    ['outside of text', L.STATE_STOPPING, IMAGE + TEXT + 0x20000],
    ['before text', L.STATE_STOPPING, IMAGE + TEXT],
  ])('%s', (_, state, pc) => {
    const { process } = runningImage(state);
    onWait(process, () => expect.unreachable());
    expect(signal(process, SIGTRAP, pc, 0)).toBe(70);
    expect(process.text(2)).toContain('fatal signal 5');
    expect(process.get64(PC)).toBe(pc);
  });
});

describe('a lifeline', () => {
  it('whose capturer has died right after the claim lets the process go', () => {
    const { process } = runningImage();
    const pipe = withPipe(process);
    process.calls.length = 0;
    let dead = false;
    onWait(
      process,
      () => {
        pipe.bytes = 0; // taken
        dead = true; // and gone, without a command
        return EINTR;
      },
      () => dead,
    );
    stop(process, IMAGE + TEXT, 0);
    atSafepoint(process);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
    expect(closed(process)).toEqual([6, 5]);
  });

  it('whose capturer has died between its claim and the signal for it lets the process go, too', () => {
    const { process } = runningImage();
    const pipe = withPipe(process);
    process.calls.length = 0;
    let dead = false;
    onWait(
      process,
      () => {
        pipe.bytes = 0;
        command(process, L.COMMAND_HOLD);
        dead = true;
        return 0; // patience is at its end, and the claim is there
      },
      () => dead,
    );
    stop(process, IMAGE + TEXT, 0);
    atSafepoint(process);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
    expect(closed(process)).toEqual([6, 5]);
  });

  it('is forgotten with its stop: the next capturer has its own death', () => {
    const { process } = runningImage();
    const pipe = withPipe(process);
    process.overrides['pidfd_open'] = () => PIDFD;
    process.calls.length = 0;
    const resumed = () => {
      pipe.bytes = 0;
      command(process, L.COMMAND_RESUME);
      return EINTR;
    };
    onWait(process, resumed);
    stop(process, IMAGE + TEXT, 0);
    atSafepoint(process);
    stop(process);
    expect(process.rt32(L.RT_LIFELINE)).toBe(0);
    atSafepoint(process);
    expect(closed(process).toSorted()).toEqual([5, 6, PIDFD]);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  });

  it('that nobody takes is put away with both its ends', () => {
    const { process } = runningImage();
    withPipe(process);
    process.calls.length = 0;
    onWait(process, () => 0);
    stop(process, IMAGE + TEXT, 0);
    atSafepoint(process);
    expect(closed(process).toSorted()).toEqual([5, 6]);
    expect([process.rt32(L.TH_STATE), process.rt32(L.RT_LIFELINE)]).toEqual([L.STATE_RUNNING, 0]);
  });
});

/**
 * The parked process, store by store: what other processes may see at each moment, and which tools are answered. A wait
 * that should have ended is an error at once, not a test that hangs.
 */

import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import {
  argsOf,
  atSafepoint,
  closed,
  command,
  EINTR,
  nested,
  onWait,
  PIDFD,
  PR_SET_PTRACER,
  stopping,
} from './parked-process.js';
import { CONTEXT, TOOL, texts, timeoutOf } from './running-image.js';

describe('what another process can see', () => {
  it('is all there once the state says PARKED, and nothing of an earlier command', () => {
    const process = stopping();
    command(process, L.COMMAND_RESUME); // of a tool that has changed its mind, whose signal is lost
    const seen: unknown[] = [];
    process.onStore = (address, value) => {
      if (address !== process.runtime + L.TH_STATE || value !== L.STATE_PARKED) return;
      seen.push([process.rt64(L.TH_PARK_CONTEXT), process.rt32(L.RT_COMMAND), process.rt32(L.RT_STOP_SENDER)]);
    };
    onWait(process, () => {
      expect(process.rt32(L.RT_COMMAND)).toBe(L.COMMAND_NONE);
      command(process, L.COMMAND_RESUME);
      return EINTR;
    });
    atSafepoint(process);
    expect(seen).toEqual([[CONTEXT, L.COMMAND_NONE, TOOL]]);
  });

  it('is RUNNING before it is without a sender, and plain text before both', () => {
    const process = stopping();
    const seen: string[] = [];
    process.onStore = (address, value) => {
      if (texts(process).length === 2) seen.push('plain');
      if (address === process.runtime + L.TH_STATE && value === L.STATE_RUNNING) seen.push('running');
      if (address === process.runtime + L.RT_STOP_SENDER && value === 0) seen.push('free');
    };
    onWait(process, () => {
      command(process, L.COMMAND_RESUME);
      return EINTR;
    });
    atSafepoint(process);
    expect(seen.filter((what, i) => what !== seen[i - 1] && seen.indexOf(what) === i)).toEqual([
      'plain',
      'running',
      'free',
    ]);
    expect([L.RT_STOP_SENDER, L.RT_COMMAND, L.RT_STOP_WANTED].map((field) => process.rt32(field))).toEqual([0, 0, 0]);
    expect(process.rt64(L.TH_PARK_CONTEXT)).toBe(0);
    expect(closed(process)).toEqual([PIDFD]);
  });

  it('is its memory, for the sender, also where Yama restricts who may look', () => {
    const process = stopping();
    expect(argsOf(process, 'prctl', 2)).toContainEqual([PR_SET_PTRACER, TOOL]);
  });
});

describe('the wait', () => {
  it('unblocks nothing but what a tool sends, and watches for the end of the sender', () => {
    const process = stopping();
    process.overrides['rt_sigprocmask'] = ([, , old]) => {
      if (old !== 0) process.set64(old, 0xffffffffffffffffn);
      return 0;
    };
    const seen: unknown[] = [];
    process.overrides['ppoll'] = ([descriptors, count, timeout, mask]) => {
      if (timeoutOf(process, timeout) === 0) return 0;
      const words = [0, 4].map((at) => process.get32(mask + at));
      seen.push([count, process.get32(descriptors), process.get32(descriptors + 4), words]);
      command(process, L.COMMAND_RESUME);
      return EINTR;
    };
    atSafepoint(process);
    const all = 0xffffffff;
    expect(seen).toEqual([[1, PIDFD, 1, [all - 2 ** (L.STOP_SIGNAL - 1) - 2 ** (L.TRACK_SIGNAL - 1), all]]]);
  });

  it('for one that is dead already, as the kernel says, is none', () => {
    const process = stopping(-3);
    process.overrides['kill'] = () => expect.unreachable(); // its pid may be another's
    onWait(process, () => expect.unreachable());
    atSafepoint(process);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  });

  it('ends when the sender dies', () => {
    const process = stopping();
    let dead = false;
    onWait(
      process,
      () => {
        dead = true;
        return 1;
      },
      () => dead,
    );
    atSafepoint(process);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  });

  it('without pidfds is given up after two seconds of looks, too', () => {
    const process = stopping(-38);
    let waited = 0;
    process.overrides['ppoll'] = ([, , timeout]) => {
      waited += timeoutOf(process, timeout);
      if (waited > 10e9) throw new Error('it waits for good');
      return 0;
    };
    atSafepoint(process);
    expect(waited).toBe(2e9);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  });

  it('by a signal that says nothing continues, by one that says EXIT or RESUME it does not', () => {
    for (const [last, code] of [
      [L.COMMAND_RESUME, undefined],
      [L.COMMAND_EXIT, L.EXIT_CAPTURED],
    ] as const) {
      const process = stopping();
      let waits = 0;
      onWait(process, (count) => {
        waits = count;
        if (count === 1) command(process, L.COMMAND_HOLD);
        if (count === 4) command(process, last);
        if (count > 1) nested(process, TOOL);
        expect(process.rt32(L.TH_STATE)).toBe(L.STATE_PARKED); // the handler alone lets nobody go
        return EINTR;
      });
      expect(atSafepoint(process)).toBe(code);
      expect(waits).toBe(4);
    }
  });

  it.each([L.COMMAND_RESUME, L.COMMAND_EXIT, L.COMMAND_KEEP])(
    'sees command %i, whose signal comes while it looks whether the sender lives',
    (last) => {
      const process = stopping();
      let pending = false;
      let waits = 0;
      process.overrides['ppoll'] = ([, , timeout, mask]) => {
        if (waits > 10) throw new Error('it waits for good');
        if (timeoutOf(process, timeout) !== 0) waits++;
        else if (waits === 0) {
          command(process, last);
          pending = true;
        }
        if (!pending || mask === 0) return 0; // what is blocked stays pending
        pending = false;
        nested(process, TOOL);
        return EINTR;
      };
      process.onStore = (address, value) => {
        if (address !== process.runtime + L.RT_FLAGS || (value & L.FLAG_KEPT) === 0) return;
        command(process, L.COMMAND_RESUME); // the one after it
        pending = true;
      };
      expect(atSafepoint(process)).toBe(last === L.COMMAND_EXIT ? L.EXIT_CAPTURED : undefined);
      expect(waits).toBe(last === L.COMMAND_KEEP ? 2 : 1);
    },
  );

  it('of one that was claimed in time is not given up for a moment', () => {
    const process = stopping();
    const states: number[] = [];
    process.onStore = (address, value) => {
      if (address === process.runtime + L.TH_STATE) states.push(value);
    };
    onWait(process, (count) => {
      command(process, count === 1 ? L.COMMAND_HOLD : L.COMMAND_RESUME);
      return count === 1 ? 0 : EINTR; // the signal of the claim is still to come
    });
    atSafepoint(process);
    expect(states).toEqual([L.STATE_PARKED, L.STATE_RUNNING]);
  });

  it('that ends with the process says where it continues, if that is what is there', () => {
    for (const [length, says] of [
      [3, '; continues from a b'],
      [0, ''],
      [L.SUCCESSOR_MAX + 1, ''],
      [0xffffffff, ''],
    ] as const) {
      const process = stopping();
      process.setBytes(process.runtime + L.RT_SUCCESSOR, Buffer.from('a b'));
      process.set32(process.runtime + L.RT_SUCCESSOR_LENGTH, length);
      onWait(process, () => {
        command(process, L.COMMAND_EXIT);
        return EINTR;
      });
      expect(atSafepoint(process)).toBe(L.EXIT_CAPTURED);
      expect(process.text(2)).toBe(`wag-snap: ended by a capture${says}\n`);
    }
  });

  it('of one whose patience ends is taken up again when it is claimed at that very moment', () => {
    const process = stopping();
    const states: number[] = [];
    process.onStore = (address, value) => {
      if (address !== process.runtime + L.TH_STATE) return;
      states.push(value);
      if (value === L.STATE_RUNNING && states.length === 2) command(process, L.COMMAND_HOLD); // its look was before
    };
    let waits = 0;
    onWait(process, (count) => {
      waits = count;
      if (count === 1) return 0; // nobody came
      expect(process.rt32(L.TH_STATE)).toBe(L.STATE_PARKED);
      command(process, L.COMMAND_RESUME);
      return EINTR;
    });
    atSafepoint(process);
    expect(waits).toBe(2);
    expect(states).toEqual([L.STATE_PARKED, L.STATE_RUNNING, L.STATE_PARKED, L.STATE_RUNNING]);
  });
});

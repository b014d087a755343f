/**
 * The parked process, store by store: what others may see at each moment, who is answered to, and who is not. A wait
 * that should have ended is an error at once, not a test that hangs.
 */

import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { type FakeProcess, IMAGE } from './fake-process.js';
import {
  CONTEXT,
  INFO,
  PC,
  runningImage,
  SIGTRAP,
  signal,
  stop,
  TEXT,
  TOOL,
  texts,
  timeoutOf,
} from './running-image.js';

const PIDFD = 7;
const PR_SET_PTRACER = 0x59616d61;
const EINTR = -4;

const atSafepoint = (process: FakeProcess) => signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
const command = (process: FakeProcess, value: number) => process.set32(process.runtime + L.RT_COMMAND, value);

/** A signal in the middle of the wait. */
function nested(process: FakeProcess, sender: number): void {
  process.set64(INFO + 16, sender);
  process.call('on_signal', L.STOP_SIGNAL, BigInt(INFO), BigInt(CONTEXT + 4096));
}

const argsOf = (process: FakeProcess, name: string, count: number) =>
  process.calls.filter((call) => call.name === name).map(({ args }) => args.slice(0, count));
const closed = (process: FakeProcess) => argsOf(process, 'close', 1).flat();

/**
 * Runs `step` at each wait, which says what ppoll yields. Looks whether the sender is dead find `dead`, and are no
 * waits.
 */
function onWait(process: FakeProcess, step: (count: number) => number, dead: () => boolean = () => false): void {
  let waits = 0;
  let looks = 0;
  process.overrides['ppoll'] = ([, , timeout]) => {
    if (timeoutOf(process, timeout) === 0) {
      if (++looks > 500) throw new Error('it looks for good');
      return dead() ? 1 : 0;
    }
    if (++waits > 100) throw new Error('it waits for good');
    return step(waits);
  };
}

/** A process that answers to TOOL by a pidfd and is stopping. */
function stopping(pidfd = PIDFD): FakeProcess {
  const { process } = runningImage();
  process.overrides['pidfd_open'] = () => pidfd;
  process.calls.length = 0;
  stop(process);
  return process;
}

interface Pipe {
  bytes: number;
}

/** A lifeline: 5 to read from, 6 to write to. */
function withPipe(process: FakeProcess): Pipe {
  const pipe = { bytes: 0 };
  process.overrides['pipe2'] = ([ends]) => {
    process.set32(ends, 5);
    process.set32(ends + 4, 6);
    return 0;
  };
  process.overrides['write'] = ([fd, , count]) => {
    if (fd !== 6) return undefined;
    pipe.bytes += count;
    return count;
  };
  process.overrides['ioctl'] = ([, , at]) => {
    process.set32(at, pipe.bytes);
    return 0;
  };
  return pipe;
}

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

/** The process that is parked at a trap: which tool holds it, for how long, and what ends it. */

import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { type FakeProcess, IMAGE } from './fake-process.js';
import { CONTEXT, INFO, runningImage, SIGFPE, SP, signal, TEXT, TOOL, timeoutOf } from './running-image.js';

const EINTR = -4;
const OTHER = TOOL + 1;
const [POLLERR, POLLHUP] = [8, 16];

const command = (process: FakeProcess, value: number) => process.set32(process.runtime + L.RT_COMMAND, value);
const sender = (process: FakeProcess) => process.rt32(L.RT_STOP_SENDER);

function ask(process: FakeProcess, pid: number): void {
  process.set64(INFO + 16, pid);
  process.call('on_signal', L.STOP_SIGNAL, BigInt(INFO), BigInt(CONTEXT + 4096)); // nested
}

/** One that is about to trap, and is to stay. Senders' pidfds are their pids; those in `dead` are readable. */
function staying(dead: ReadonlySet<number> = new Set(), environment = ['WAGSNAP_ON_TRAP=park']) {
  const { process } = runningImage(L.STATE_RUNNING, {}, environment);
  process.set64(SP, process.rt64(L.TH_STACK_TOP) - 256);
  process.set64(process.rt64(L.TH_STACK_TOP) - 240, IMAGE + TEXT + 0x250);
  process.overrides['pidfd_open'] = ([pid]) => pid;
  process.calls.length = 0;
  /** Steps, one a wait, each of which may say what ppoll yields; then a command ends it. */
  const trap = (...steps: (() => unknown)[]): number | undefined => {
    let waits = 0;
    process.overrides['ppoll'] = ([descriptors, count, timeout]) => {
      const isDead = count > 0 && dead.has(process.get32(descriptors));
      if (timeoutOf(process, timeout) === 0) return Number(isDead);
      if (waits >= steps.length) {
        if (waits++ > steps.length + 10) throw new Error('it waits for good');
        command(process, L.COMMAND_EXIT);
        return EINTR;
      }
      const result = steps[waits++]();
      if (typeof result === 'number') return result;
      return count > 0 && dead.has(process.get32(descriptors)) ? 1 : EINTR;
    };
    const code = signal(process, SIGFPE, IMAGE + TEXT + 0x184, 0);
    expect(waits).toBeGreaterThanOrEqual(steps.length);
    return code;
  };
  return { process, trap };
}

describe('a process at its trap', () => {
  it('answers to nobody before all of it can be read', () => {
    const { process, trap } = staying();
    const model = process.overrides['write'];
    let asked = 0;
    process.overrides['write'] = (args) => {
      if (process.rt32(L.TH_STATE) === L.STATE_TRAPPED && process.rt32(L.TH_TRAP_PARKED) === 0 && asked++ === 0) {
        ask(process, TOOL);
        expect([sender(process), process.calls.some(({ name }) => name === 'pidfd_open')]).toEqual([0, false]);
      }
      return model?.(args);
    };
    expect(trap(() => {})).toBe(134);
    expect(asked).toBeGreaterThan(0);
  });

  it('forgets, as it parks, whoever had asked it to stop before, and what it had commanded', () => {
    const { process, trap } = staying();
    ask(process, TOOL);
    command(process, L.COMMAND_RESUME);
    expect(sender(process)).toBe(TOOL);
    trap(() => {
      expect([sender(process), process.rt32(L.RT_COMMAND)]).toEqual([0, L.COMMAND_NONE]);
    });
  });

  it('keeps whoever has claimed it, and takes the next one once that one has let go', () => {
    const { process, trap } = staying();
    trap(
      () => {
        ask(process, TOOL);
        command(process, L.COMMAND_HOLD);
      },
      () => {
        ask(process, OTHER);
        expect(sender(process)).toBe(TOOL);
      },
      () => {
        command(process, L.COMMAND_RESUME);
        ask(process, TOOL);
      },
      () => {
        expect([sender(process), process.rt32(L.RT_COMMAND)]).toEqual([0, L.COMMAND_NONE]);
        ask(process, OTHER);
        expect(sender(process)).toBe(OTHER);
      },
    );
  });

  it('takes the next one when its holder is dead, without what that one had written', () => {
    const dead = new Set<number>();
    const { process, trap } = staying(dead);
    trap(() => {
      ask(process, TOOL);
      command(process, L.COMMAND_HOLD);
      dead.add(TOOL);
      ask(process, OTHER);
      expect([sender(process), process.rt32(L.RT_COMMAND)]).toEqual([OTHER, L.COMMAND_NONE]);
    });
  });

  it('is free again when its holder dies', () => {
    const dead = new Set<number>();
    const { process, trap } = staying(dead);
    trap(
      () => {
        ask(process, TOOL);
        command(process, L.COMMAND_HOLD);
      },
      () => {
        dead.add(TOOL);
      },
      () => expect([sender(process), process.rt32(L.RT_COMMAND)]).toEqual([0, L.COMMAND_NONE]),
    );
  });

  it('has a lifeline for one of another pid namespace, and keeps it', () => {
    const { process, trap } = staying();
    let pipes = 0;
    process.overrides['pipe2'] = ([ends]) => {
      pipes++;
      process.set32(ends, 5);
      process.set32(ends + 4, 6);
      return 0;
    };
    process.overrides['write'] = ([fd, , count]) => (fd === 6 ? count : undefined);
    process.overrides['ioctl'] = ([, , at]) => {
      process.set32(at, 1);
      return 0;
    };
    trap(
      () => {
        ask(process, 0);
        expect([pipes, process.rt32(L.RT_LIFELINE)]).toEqual([1, 5]);
      },
      () => {
        ask(process, 0); // it asks again, as its byte is still there
        expect([pipes, process.rt32(L.RT_LIFELINE)]).toEqual([1, 5]);
      },
    );
  });

  it('waits with nothing unblocked but the stop signal', () => {
    const { process, trap } = staying();
    let blocked = 0;
    process.overrides['rt_sigprocmask'] = ([how, set]) => {
      if (how === 0 && set !== 0) blocked = process.get64(set);
      return 0;
    };
    trap(() => expect(blocked).toBe(2 ** (L.STOP_SIGNAL - 1)));
    expect(blocked).toBeGreaterThan(0);
  });
});

describe('a listener', () => {
  const LISTENER = 11;
  const withListener = (write: () => number) => {
    const made = staying(undefined, ['WAGSNAP_ON_TRAP=park', `WAGSNAP_TRAP_FD=${LISTENER}`]);
    const written: number[] = [];
    made.process.overrides['write'] = ([fd, , count]) => {
      if (fd !== LISTENER) return undefined;
      written.push(count);
      return write();
    };
    return { ...made, written };
  };

  it('is told instead of people', () => {
    const { process, trap, written } = withListener(() => 1);
    expect(trap(() => {})).toBe(134);
    expect(written).toEqual([1]);
    expect(process.text(2)).not.toContain('is parked at the trap');
  });

  it('that has gone before it could be told is not waited for', () => {
    const { process, trap } = withListener(() => -32);
    expect(trap()).toBe(134);
    expect(process.calls.some(({ name }) => name === 'ppoll')).toBe(false);
  });

  it.each([POLLERR, POLLHUP])('is not outlived: event %i', (event) => {
    const { process, trap } = withListener(() => 1);
    const report = (value: number) => {
      const [descriptors, count] = process.calls.findLast(({ name }) => name === 'ppoll')!.args;
      expect([count, process.get32(descriptors + 8)]).toEqual([2, LISTENER]);
      process.set32(descriptors + 12, value << 16);
    };
    const code = trap(
      () => report(event), // left there by an earlier wait: this one was interrupted
      () => {
        report(event);
        process.overrides['ppoll'] = () => expect.unreachable();
        return 1;
      },
    );
    expect(code).toBe(134);
  });
});

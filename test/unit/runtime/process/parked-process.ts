/** A process that is stopping or parked. At each of its waits, the test plays the other processes. */

import * as L from '../../../support/layout.js';
import { type FakeProcess, IMAGE } from './fake-process.js';
import { CONTEXT, INFO, runningImage, SIGTRAP, signal, stop, TEXT, timeoutOf } from './running-image.js';

export const PIDFD = 7;
export const PR_SET_PTRACER = 0x59616d61;
export const EINTR = -4;

export const atSafepoint = (process: FakeProcess) => signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
export const command = (process: FakeProcess, value: number) => process.set32(process.runtime + L.RT_COMMAND, value);

/** A signal in the middle of the wait. */
export function nested(process: FakeProcess, sender: number): void {
  process.set64(INFO + 16, sender);
  process.call('on_signal', L.STOP_SIGNAL, BigInt(INFO), BigInt(CONTEXT + 4096));
}

export const argsOf = (process: FakeProcess, name: string, count: number) =>
  process.calls.filter((call) => call.name === name).map(({ args }) => args.slice(0, count));
export const closed = (process: FakeProcess) => argsOf(process, 'close', 1).flat();

/**
 * Runs `step` at each wait, which says what ppoll yields. Looks whether the sender is dead find `dead`, and are no
 * waits.
 */
export function onWait(process: FakeProcess, step: (count: number) => number, dead: () => boolean = () => false): void {
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
export function stopping(pidfd = PIDFD): FakeProcess {
  const { process } = runningImage();
  process.overrides['pidfd_open'] = () => pidfd;
  process.calls.length = 0;
  stop(process);
  return process;
}

export interface Pipe {
  bytes: number;
}

/** A lifeline: 5 to read from, 6 to write to. */
export function withPipe(process: FakeProcess): Pipe {
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

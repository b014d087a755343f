import { describe, expect, it } from 'vitest';
import * as L from '../../../support/layout.js';
import { IMAGE } from './fake-process.js';
import {
  CONTEXT,
  INFO,
  PC,
  runningImage,
  SIGFPE,
  SIGSEGV,
  SIGTRAP,
  SP,
  signal,
  stop,
  TEXT,
  TOOL,
  texts,
  timeoutOf,
} from './running-image.js';

describe('a stop', () => {
  it('maps trap text, parks at the safepoint and continues when told', () => {
    const { process } = runningImage();
    process.overrides['pidfd_open'] = () => 7;
    stop(process);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_STOPPING);
    expect(process.rt32(L.RT_STOP_WANTED)).toBe(1);
    expect(texts(process)).toEqual([0x30000]);
    let waits = 0;
    process.overrides['ppoll'] = ([, count, timeout, mask]) => {
      const nanoseconds = timeoutOf(process, timeout);
      if (nanoseconds === 0) return 0; // is the sender alive?
      expect(nanoseconds).toBe(waits === 0 ? 2e9 : -1);
      expect([count, process.get64(mask)]).toEqual([1, 0]);
      expect(process.rt32(L.TH_STATE)).toBe(L.STATE_PARKED);
      expect(process.rt64(L.TH_PARK_CONTEXT)).toBe(CONTEXT);
      expect(process.get64(PC)).toBe(IMAGE + TEXT + 0x150);
      if (waits === 0) process.set32(process.runtime + L.RT_COMMAND, L.COMMAND_HOLD);
      if (++waits === 3) process.set32(process.runtime + L.RT_COMMAND, L.COMMAND_RESUME);
      process.call('on_signal', L.STOP_SIGNAL, BigInt(INFO), BigInt(CONTEXT + 4096)); // nested: does nothing
      return -4;
    };
    signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
    expect(waits).toBe(3);
    expect(texts(process)).toEqual([0x30000, 0x20000]);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
    expect(process.rt32(L.RT_STOP_WANTED)).toBe(0);
    expect(process.rt32(L.RT_COMMAND)).toBe(L.COMMAND_NONE);
  });

  it('continues when the sender dies, before or after parking', () => {
    for (const pidfd of [7, -3]) {
      const { process } = runningImage();
      process.overrides['pidfd_open'] = () => pidfd;
      process.overrides['ppoll'] = () => 1;
      stop(process);
      signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
      expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
    }
  });

  it('asks now and then whether the sender lives where there are no pidfds', () => {
    const { process } = runningImage();
    let asked = 0;
    process.overrides['pidfd_open'] = () => -38;
    process.overrides['kill'] = () => (++asked < 4 ? 0 : -3);
    process.overrides['ppoll'] = ([, count]) => (count === 0 ? 0 : -22);
    stop(process);
    signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
    expect(asked).toBe(4);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  });

  it('holds a lifeline for a sender of another pid namespace, and continues when that hangs up', () => {
    const { process } = runningImage();
    let inPipe = 0;
    const closed: number[] = [];
    process.overrides['pipe2'] = ([ends]) => {
      process.set32(ends, 5);
      process.set32(ends + 4, 6);
      return 0;
    };
    process.overrides['write'] = ([fd, , count]) => (fd === 6 ? (inPipe += count) : undefined);
    process.overrides['ioctl'] = ([fd, , at]) => {
      expect(fd).toBe(5);
      process.set32(at, inPipe);
      return 0;
    };
    process.overrides['close'] = ([fd]) => {
      closed.push(fd);
      return 0;
    };
    const waits: number[] = [];
    process.overrides['ppoll'] = ([descriptors, count, timeout]) => {
      const nanoseconds = timeoutOf(process, timeout);
      if (count === 1) expect([process.get32(descriptors), process.get32(descriptors + 4)]).toEqual([5, 0]);
      if (nanoseconds === 0) return waits.length < 3 ? 0 : 1;
      waits.push(nanoseconds);
      expect(count).toBe(waits.length === 1 ? 0 : 1);
      expect(closed).toEqual(waits.length === 1 ? [] : [6]);
      if (waits.length === 1) {
        inPipe = 0; // taken
        process.set32(process.runtime + L.RT_COMMAND, L.COMMAND_HOLD);
        return 0;
      }
      return waits.length === 2 ? -4 : 1; // a signal, the end
    };
    stop(process, IMAGE + TEXT, 0);
    expect(inPipe).toBe(1);
    expect(process.rt32(L.RT_LIFELINE)).toBe(5);
    signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
    expect(waits).toEqual([2e9, -1, -1]);
    expect(closed).toEqual([6, 5]);
    expect(process.rt32(L.RT_LIFELINE)).toBe(0);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  });

  it('is none when there is no descriptor for a lifeline', () => {
    const { process } = runningImage();
    process.overrides['pipe2'] = () => -24;
    stop(process, IMAGE + TEXT, 0);
    expect(texts(process)).toEqual([]);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
    expect(process.rt32(L.RT_LIFELINE)).toBe(L.LIFELINE_FAILED);
  });

  it('continues when nobody claims it, and stays when somebody does in the last moment', () => {
    for (const claimed of [false, true]) {
      const { process } = runningImage();
      process.overrides['pidfd_open'] = () => 7;
      let waits = 0;
      process.overrides['ppoll'] = ([, , timeout]) => {
        if (timeoutOf(process, timeout) === 0) return 0;
        process.set32(process.runtime + L.RT_COMMAND, [L.COMMAND_HOLD, L.COMMAND_RESUME][waits++] * Number(claimed));
        return timeout === 0 ? -4 : 0;
      };
      stop(process);
      signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
      expect(waits).toBe(claimed ? 2 : 1);
      expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
    }
  });

  it('ends the process when told to', () => {
    const { process } = runningImage();
    process.overrides['pidfd_open'] = () => 7;
    process.overrides['ppoll'] = ([, , timeout]) => {
      if (timeoutOf(process, timeout) === 0) return 0;
      process.set32(process.runtime + L.RT_COMMAND, L.COMMAND_EXIT);
      return -4;
    };
    stop(process);
    expect(signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0)).toBe(L.EXIT_CAPTURED);
  });

  it('moves a system call that has not begun to its exit', () => {
    const { process } = runningImage();
    const windows = process.runtime + 2048;
    [0x400, 0x410, 0x420, 0x500, 0x510, 0x520].forEach((word, i) => {
      process.set32(windows + 4 * i, word);
    });
    process.set64(process.runtime + L.RT_BLOCKING_WINDOWS, windows);
    process.set64(process.runtime + L.RT_BLOCKING_COUNT, 2);
    const stopped = (pc: number) => {
      process.set32(process.runtime + L.TH_STATE, L.STATE_RUNNING);
      stop(process, IMAGE + TEXT + pc);
      return process.get64(PC) - IMAGE - TEXT;
    };
    for (const [pc, then] of [
      [0x400, 0x420],
      [0x3ff, 0x3ff],
      [0x50f, 0x520],
      [0x510, 0x510],
      [0x520, 0x520],
    ]) {
      expect(stopped(pc)).toBe(then);
    }
  });

  it('takes the sender of a second signal when the first is gone', () => {
    const { process } = runningImage();
    process.overrides['pidfd_open'] = ([pid]) => (pid === TOOL ? -3 : 8);
    stop(process);
    stop(process, IMAGE + TEXT, TOOL + 1);
    expect(process.rt32(L.RT_STOP_SENDER)).toBe(TOOL + 1);
  });

  it('is not possible without a descriptor of the image', () => {
    const { process } = runningImage();
    process.set64(process.runtime + L.RT_EXE_FD, -1n);
    stop(process);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
    expect(process.rt32(L.RT_STOP_WANTED)).toBe(0);
  });
});

describe('a fault', () => {
  it('at a trap site beyond the memory is a wasm trap with a backtrace', () => {
    const { process, memory } = runningImage();
    const sp = process.rt64(L.TH_STACK_TOP) - 256;
    process.set64(SP, sp);
    process.set64(sp + 16, IMAGE + TEXT + 0x250); // frame of 16 bytes
    process.set64(sp + 24 + 24, IMAGE + TEXT + 0x140);
    process.set64(sp + 56 + 16, IMAGE + TEXT + 0x310); // a trampoline ends it
    const code = signal(process, SIGSEGV, IMAGE + TEXT + 0x180, process.get64(memory + L.MEM_BASE) + 65536);
    expect(code).toBe(134);
    expect(process.text(2).split('\n')).toEqual([
      'wasm trap: out of bounds memory access',
      '  #0 fib! (func[5]+0x77)',
      '  #1 func-6 (func[6]+0x34)',
      '  #2 fib! (func[5]+0x21)',
      '',
    ]);
  });

  it('says where in its module an instruction is, and folds recursion', () => {
    const { process } = runningImage(L.STATE_RUNNING, {
      // functions of 0x1000 and 0x2000 bytes into their module; instances 0 and 1, the second one named "ma:n"
      [L.RT_PLACES_FILE]: [0x1000, 0x2000, 0, 2, 0, 0, 4, 0x6e3a616d],
    });
    let sp = process.rt64(L.TH_STACK_TOP) - 16384;
    process.set64(SP, sp);
    const call = (frame: number, returns: number) => {
      process.set64(sp + frame, IMAGE + TEXT + returns);
      sp += frame + 8;
    };
    call(16, 0x250);
    for (let i = 0; i < 5; i++) call(24, 0x250); // a recursion
    for (let i = 0; i < 3; i++) call(24, i === 2 ? 0x140 : 0x250); // and its first caller
    for (let i = 0; i < 60; i++) call(i % 2 ? 24 : 16, i % 2 ? 0x140 : 0x250); // two that call each other
    call(16, 0x310); // a trampoline ends it
    expect(signal(process, SIGFPE, IMAGE + TEXT + 0x184, 0)).toBe(134);
    const lines = process.text(2).split('\n');
    expect(lines.slice(0, 5)).toEqual([
      'wasm trap: integer overflow',
      '  #0 fib! (ma:n:0x1078, func[5]+0x78)',
      '  #1 func-6 (ma:n:0x2034, func[6]+0x34)',
      '  ... 7 more frames like #1',
      '  #9 fib! (ma:n:0x1021, func[5]+0x21)',
    ]);
    expect(lines.slice(34, 36)).toEqual(['  ... 23 frames left out', '  #62 func-6 (ma:n:0x2034, func[6]+0x34)']);
    expect(lines.slice(42)).toEqual(['  #69 fib! (ma:n:0x1021, func[5]+0x21)', '']);
  });

  it('is kept to be looked at when the environment says so', () => {
    const { process } = runningImage();
    process.set32(process.runtime + L.RT_FLAGS, L.FLAG_PARK_ON_TRAP);
    process.overrides['pidfd_open'] = () => 7;
    const sp = process.rt64(L.TH_STACK_TOP) - 256;
    process.set64(SP, sp);
    process.set64(sp + 16, IMAGE + TEXT + 0x250);
    const block = (offset: number) => process.rt64(offset);
    const senders: number[] = [];
    let waits = 0;
    const tool = (pid: number, command: number) => {
      process.set64(INFO + 16, pid);
      process.call('on_signal', L.STOP_SIGNAL, BigInt(INFO), BigInt(CONTEXT + 4096)); // nested
      if (process.rt32(L.RT_STOP_SENDER) === pid) process.set32(process.runtime + L.RT_COMMAND, command);
      senders.push(process.rt32(L.RT_STOP_SENDER));
    };
    process.overrides['ppoll'] = ([, , timeout]) => {
      if (timeoutOf(process, timeout) === 0) return 0; // the sender is alive
      expect(timeoutOf(process, timeout)).toBe(-1);
      expect([process.rt32(L.TH_STATE), process.rt32(L.TH_TRAP_PARKED)]).toEqual([L.STATE_TRAPPED, 1]);
      waits++;
      if (waits === 1) tool(TOOL, L.COMMAND_NONE); // does not claim it
      if (waits === 2) tool(TOOL + 1, L.COMMAND_HOLD);
      if (waits === 3) tool(TOOL + 2, L.COMMAND_HOLD); // too late
      if (waits === 4) tool(TOOL + 1, L.COMMAND_RESUME);
      if (waits === 5) tool(TOOL + 2, L.COMMAND_EXIT);
      return -4;
    };
    expect(signal(process, SIGFPE, IMAGE + TEXT + 0x184, 0)).toBe(134);
    expect(waits).toBe(5);
    expect(senders).toEqual([TOOL, TOOL + 1, TOOL + 1, TOOL + 1, TOOL + 2]);
    expect(process.rt32(L.TH_TRAP_KIND)).toBe(L.TRAP_OVERFLOW);
    expect(process.rt32(L.TH_TRAP_PLACE)).toBe(L.AT_INSTRUCTION);
    expect([block(L.TH_TRAP_AT), block(L.TH_TRAP_SP)]).toEqual([IMAGE + TEXT + 0x184, sp]);
    expect([block(L.TH_TRAP_RETURN), block(L.TH_TRAP_CALLER_SP)]).toEqual([IMAGE + TEXT + 0x250, sp + 24]);
    expect(process.text(2)).toMatch(/^wag-snap: pid \d+ is parked at the trap: /m);
  });

  it('below the stack is its exhaustion', () => {
    const { process } = runningImage();
    process.set64(SP, process.rt64(L.TH_STACK_LOW) - 8);
    expect(signal(process, SIGSEGV, IMAGE + TEXT + 0x190, process.rt64(L.TH_STACK_LOW) - 8)).toBe(134);
    expect(process.text(2)).toBe('wasm trap: call stack exhausted\n  #0 fib! (func[5])\n');
  });

  it('of a division is an overflow', () => {
    const { process } = runningImage();
    expect(signal(process, SIGFPE, IMAGE + TEXT + 0x184, 0)).toBe(134);
    expect(process.text(2)).toMatch(/^wasm trap: integer overflow\n/);
  });

  it('is fatal within the memory and elsewhere', () => {
    for (const pc of [0x180, 0x190]) {
      const { process, memory } = runningImage();
      expect(signal(process, SIGSEGV, IMAGE + TEXT + pc, process.get64(memory + L.MEM_BASE) + 5)).toBe(70);
      expect(process.text(2)).toMatch(/^wag-snap: fatal signal 11 at text\+0x1[89]0, address 0x/);
    }
  });

  it('gives up the invocation in the driver', () => {
    const { process } = runningImage();
    process.set32(process.runtime + L.RT_FLAGS, L.FLAG_DRIVER);
    process.set64(process.runtime + L.RT_UNWIND, TEXT + 0x600);
    signal(process, SIGFPE, IMAGE + TEXT + 0x184, 0);
    expect(process.rt32(L.TH_TRAP_KIND)).toBe(L.TRAP_OVERFLOW);
    expect(process.get64(PC)).toBe(IMAGE + TEXT + 0x600);
  });
});

describe('a late command', () => {
  it('of a sender that has died is not obeyed for the next one', () => {
    const { process } = runningImage();
    process.overrides['pidfd_open'] = ([pid]) => (pid === TOOL ? 7 : 8);
    const command = (value: number) => process.set32(process.runtime + L.RT_COMMAND, value);
    const waits: number[] = [];
    process.overrides['ppoll'] = ([descriptors, , timeout]) => {
      const descriptor = process.get32(descriptors);
      const isLook = timeoutOf(process, timeout) === 0;
      if (isLook) return descriptor === 7 && waits.length > 0 ? 1 : 0; // the first tool dies in the first wait
      waits.push(descriptor);
      if (waits.length === 1) {
        command(L.COMMAND_RESUME); // its last act: the signal for it never comes, but another tool's does
        process.set64(INFO + 16, TOOL + 1);
        process.call('on_signal', L.STOP_SIGNAL, BigInt(INFO), BigInt(CONTEXT + 4096));
        return -4;
      }
      expect(process.rt32(L.TH_STATE)).toBe(L.STATE_PARKED);
      expect(process.rt32(L.RT_STOP_SENDER)).toBe(TOOL + 1);
      command(L.COMMAND_RESUME);
      return -4;
    };
    stop(process);
    signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
    expect(waits).toEqual([7, 8]);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  });

  it('of another tool does not hold a process whose own capturer never came', () => {
    const { process } = runningImage();
    process.overrides['pipe2'] = ([ends]) => {
      process.set32(ends, 5);
      process.set32(ends + 4, 6);
      return 0;
    };
    process.overrides['write'] = ([, , count]) => count;
    process.overrides['ioctl'] = ([, , at]) => {
      process.set32(at, 1); // the byte is there: nobody has taken the lifeline
      return 0;
    };
    const waits: number[] = [];
    process.overrides['ppoll'] = ([, , timeout]) => {
      const nanoseconds = timeoutOf(process, timeout);
      if (nanoseconds === 0) return 0;
      waits.push(nanoseconds);
      process.set32(process.runtime + L.RT_COMMAND, L.COMMAND_HOLD);
      if (waits.length > 3) throw new Error('it waits for good');
      return 0;
    };
    stop(process, IMAGE + TEXT, 0);
    signal(process, SIGTRAP, IMAGE + TEXT + 0x151, 0);
    expect(waits).toEqual([2e9]);
    expect(process.rt32(L.TH_STATE)).toBe(L.STATE_RUNNING);
  });
});

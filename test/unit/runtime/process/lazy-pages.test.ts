/**
 * Memory that arrives while the guest runs, at the edges that a real process rarely comes to: no more mappings, calls
 * that are interrupted, a socket that closes after the page came, extents next to each other.
 */

import { describe, expect, it } from 'vitest';
import { hostConstants } from '../../../../src/arch/x64/host-constants.js';
import {
  LAZY_MAGIC,
  LZ_BITS,
  LZ_MAGIC,
  LZ_SOURCE,
  LZ_SOURCE_LENGTH,
  LZ_UNITS,
  RT_LAZY,
} from '../../../../src/image/contract/lazy-pages.js';
import { decodeProgram, RET_ALLOW, RET_KILL_PROCESS, runProgram } from '../../../support/bpf.js';
import * as L from '../../../support/layout.js';
import { bootedImage, startProcess } from './fake-image.js';
import { Exit, type FakeProcess } from './fake-process.js';
import { CONTEXT, INFO } from './running-image.js';

const UNIT = 65536;
const [SOURCE_FD, SOCKET] = [9, 20];
const LIST = 0x7abc00000000;
const [SIGURG, SIGSEGV] = [L.TRACK_SIGNAL, 11];
const [ENOMEM, EINTR] = [-12, -4];
/** Unit 5 on from page 1 on, and units 20 and 21 at pages 14 and 15. */
const EXTENTS = [
  [UNIT, 5 * UNIT, 12 * UNIT],
  [14 * UNIT, 20 * UNIT, 2 * UNIT],
];

/**
 * A process whose memory has two extents. `guest` is what happens while it runs.
 *
 * @returns its exit code
 */
function lazily(guest: (lazy: Lazy) => void, prepare: (process: FakeProcess) => void = () => {}) {
  let lazy: Lazy | undefined;
  const image = bootedImage({ start: true, entry: true, pages: 1 }, (process) => {
    const p = (pointer: number) => ({ pointer });
    const entry = process.get64(0x10000000 + 0x10000 + L.RT_INIT_PLAN) + 8 + 11 * 8;
    const word = (imageOffset: number) => process.get64(0x10000000 + imageOffset);
    const [instance, memory] = [word(entry), word(entry + 16)];
    const state = process.placeBytes(new Uint8Array(L.HS_PATHS).fill(L.HOST_STATE_VERSION, 0, 1));
    const context = new Array<number | { pointer: number }>(L.CTX_SIZE / 8).fill(0);
    context[(L.CTX_GENERAL + hostConstants.INSTANCE_REGISTER * 8) / 8] = p(instance);
    const none = process.place(0);
    const plan: Record<number, number | bigint | { pointer: number }> = {
      [L.RP_MEMORIES]: p(process.place(1, p(memory), 20 * UNIT, EXTENTS.length, ...EXTENTS.flat())),
      [L.RP_TABLES]: p(none),
      [L.RP_STACK]: p(none),
      [L.RP_STACK_RELOCS]: p(none),
      [L.RP_CONTEXT]: p(process.place(...context)),
      [L.RP_HOST_STATE]: p(state),
      [L.RP_HOST_STATE_SIZE]: L.HS_PATHS,
      [L.RP_SOURCE_FD]: SOURCE_FD,
      [L.RP_ARGV]: p(none),
      [L.RP_ENVP]: p(none),
      [L.RP_PENDING_TIMEOUT]: 0xffffffffffffffffn,
      [L.RP_PHASE]: 2,
    };
    process.setPointer(
      L.RT_RESUME_PLAN,
      process.place(...Array.from({ length: L.RP_SIZE / 8 }, (_, i) => plan[i * 8] ?? 0)),
    );
  });
  const { process } = image;
  const head = (at: number) => {
    process.set64(at + LZ_MAGIC, LAZY_MAGIC);
    process.set64(at + LZ_UNITS, 64);
  };
  head(LIST);
  process.set64(LIST + LZ_SOURCE_LENGTH, 5);
  process.setBytes(LIST + LZ_SOURCE, [...Buffer.from('there')]);
  process.set64(LIST + LZ_BITS, 0);
  process.overrides['pread64'] = ([fd, address]) => {
    if (fd !== SOCKET + 1) return undefined;
    head(address);
    return 16;
  };
  process.overrides['mmap'] = ([, , , , fd]) => (fd === SOCKET + 1 ? LIST : undefined);
  prepare(process);
  process.invoke = () => {
    process.protections.length = 0;
    lazy = new Lazy(process, process.get64(image.memory + L.MEM_BASE));
    guest(lazy);
  };
  const code = startProcess(process, [`WAGSNAP_LAZY=${SOCKET}`]);
  return { code, process, lazy };
}

class Lazy {
  readonly asked: number[] = [];
  private readonly bits = new Set<number>();

  constructor(
    readonly process: FakeProcess,
    readonly base: number,
  ) {
    process.overrides['sendmsg'] = ([, message]) => {
      const vector = process.get64(message + 16);
      const at = process.get64(vector);
      this.asked.push(process.get8(at) + 256 * process.get8(at + 1));
      return process.get64(vector + 8);
    };
  }

  /** Units are there from now on. */
  bring(...units: number[]): void {
    for (const unit of units) this.bits.add(unit);
    for (let byte = 0; byte < 8; byte++) {
      let value = 0;
      for (let bit = 0; bit < 8; bit++) if (this.bits.has(byte * 8 + bit)) value |= 1 << bit;
      this.process.set8(LIST + LZ_BITS + byte, value);
    }
  }

  /** The next answer brings a unit. */
  answer(unit: number): void {
    this.process.overrides['read'] = () => {
      this.bring(unit);
      return 1;
    };
  }

  /** An access to a byte of the memory. @returns the exit code when it ends the process */
  access(offset: number): number | undefined {
    this.process.set64(INFO + 16, this.base + offset);
    this.process.set64(CONTEXT + hostConstants.UCONTEXT_PC, 0x10);
    try {
      this.process.call('on_signal', SIGSEGV, BigInt(INFO), BigInt(CONTEXT));
    } catch (error) {
      if (error instanceof Exit) return error.code;
      throw error;
    }
    return undefined;
  }

  /** What was made accessible since the last look: first page, pages. */
  opened(): number[][] {
    const { base, process } = this;
    return process.protections.splice(0).map(({ address, size, protection }) => {
      expect(protection).toBe(3);
      return [(address - base) / UNIT, size / UNIT];
    });
  }
}

describe('memory that has not arrived', () => {
  it('is mapped, and without access', () => {
    const { process, code } = lazily(({ process, base }) => {
      const { mappings } = process;
      for (const [at, offset, size] of EXTENTS) {
        expect(mappings).toContainEqual({
          address: base + at!,
          size,
          protection: 3,
          flags: 0x12,
          fd: SOURCE_FD,
          offset,
        });
      }
      expect(process.rt64(RT_LAZY)).toBe(LIST);
    });
    expect(code).toBe(0);
    expect(process.mappings).toContainEqual(expect.objectContaining({ fd: -1, size: 16, flags: 0x22 }));
  });

  it('is made accessible where it was needed, with what has come next to it', () => {
    lazily((lazy) => {
      lazy.bring(6, 8, 9, 10, 11, 16);
      lazy.answer(7);
      expect(lazy.access(3 * UNIT + 5)).toBeUndefined();
      expect([lazy.asked, lazy.opened()]).toEqual([[7], [[2, 6]]]);
      expect(lazy.access(3 * UNIT + 5)).toBe(70); // accessible: another fault is ours
      expect(lazy.opened()).toEqual([]);
      lazy.answer(12); // next to what is open: that is left out
      lazy.access(8 * UNIT);
      expect([lazy.asked, lazy.opened()]).toEqual([[7, 12], [[8, 1]]]);
      lazy.access(12 * UNIT + UNIT - 1); // has come: nobody is asked
      expect([lazy.asked, lazy.opened()]).toEqual([[7, 12], [[12, 1]]]);
    });
  });

  it('ends with its extent', () => {
    lazily((lazy) => {
      lazy.bring(...Array.from({ length: 40 }, (_, i) => i));
      lazy.access(12 * UNIT);
      expect(lazy.opened()).toEqual([[1, 12]]);
      expect(lazy.process.rt64(RT_LAZY)).toBe(LIST);
      lazy.access(14 * UNIT);
      expect(lazy.opened()).toEqual([[14, 2]]);
      expect(lazy.process.rt64(RT_LAZY)).toBe(0);
      expect(lazy.access(14 * UNIT)).toBe(70); // accessible: another fault is ours
    });
  });

  it.each([0, 13 * UNIT, 16 * UNIT, -1])('others stay what they are: %d', (offset) => {
    lazily((lazy) => {
      lazy.bring(...Array.from({ length: 40 }, (_, i) => i));
      expect([lazy.access(offset), lazy.asked]).toEqual([70, []]);
    });
  });

  it('is asked for once, however often the wait is interrupted, or in vain', () => {
    lazily((lazy) => {
      const answers = [EINTR, EINTR, 1, EINTR, 1];
      lazy.process.overrides['read'] = () => {
        if (answers.length === 1) lazy.bring(5);
        return answers.shift();
      };
      let interrupted = 0;
      const { sendmsg } = lazy.process.overrides;
      lazy.process.overrides['sendmsg'] = (args) => (interrupted++ === 0 ? EINTR : sendmsg!(args));
      expect(lazy.access(UNIT)).toBeUndefined();
      expect([lazy.asked, answers, lazy.opened()]).toEqual([[5], [], [[1, 1]]]);
    });
  });

  it('may have come just before its sender has gone', () => {
    lazily((lazy) => {
      lazy.process.overrides['read'] = () => {
        lazy.bring(5);
        return 0;
      };
      expect(lazy.access(UNIT)).toBeUndefined();
      lazy.process.overrides['sendmsg'] = () => {
        lazy.bring(6);
        return -32; // EPIPE
      };
      expect([lazy.access(2 * UNIT), lazy.opened()]).toEqual([
        undefined,
        [
          [1, 1],
          [2, 1],
        ],
      ]);
    });
  });

  it.each(['read', 'sendmsg'])('is lost without one: %s says so', (call) => {
    lazily((lazy) => {
      lazy.process.overrides[call] = () => (call === 'read' ? 0 : -32);
      expect([lazy.access(UNIT), lazy.opened()]).toEqual([134, []]);
      expect(lazy.process.text(2)).toMatch(
        /^wasm trap: pages lost: the rest of its memory was on there, and no more of it/,
      );
    });
  });

  it('comes in larger pieces when no more mappings are allowed', () => {
    lazily((lazy) => {
      lazy.process.overrides['mprotect'] = ([, size]) => (size < 4 * UNIT ? ENOMEM : undefined);
      lazy.process.overrides['read'] = () => {
        lazy.bring(lazy.asked.at(-1)!);
        return 1;
      };
      expect(lazy.access(7 * UNIT)).toBeUndefined(); // the 7th of the first extent, which has 12
      expect([lazy.asked, lazy.opened()]).toEqual([[11, 12, 9, 10], [[5, 4]]]);
      delete lazy.process.overrides['mprotect'];
      lazy.access(14 * UNIT); // from now on, where there are so many
      expect([lazy.asked.slice(4), lazy.opened()]).toEqual([[20, 21], [[14, 2]]]);
    });
  });

  it('is counted once, though a larger piece has some that was accessible', () => {
    lazily((lazy) => {
      lazy.bring(5);
      lazy.access(UNIT);
      lazy.process.overrides['mprotect'] = ([, size]) => (size < 12 * UNIT ? ENOMEM : undefined);
      lazy.bring(...Array.from({ length: 15 }, (_, i) => i + 5));
      lazy.access(12 * UNIT);
      expect(lazy.opened()).toEqual([
        [1, 1],
        [1, 12],
      ]);
      expect(lazy.process.rt64(RT_LAZY)).toBe(LIST); // two are still to come
    });
  });

  it('is lost when not even all of it can be made accessible', () => {
    lazily((lazy) => {
      lazy.bring(...Array.from({ length: 40 }, (_, i) => i));
      lazy.process.overrides['mprotect'] = () => ENOMEM;
      expect(lazy.access(UNIT)).toBe(134);
    });
  });

  it('is made accessible by the signal, as far as it has come', () => {
    lazily((lazy) => {
      lazy.bring(5, 6, 9, 21);
      lazy.process.call('on_signal', SIGURG, BigInt(INFO), BigInt(CONTEXT));
      expect(lazy.opened()).toEqual([
        [1, 2],
        [5, 1],
        [15, 1],
      ]);
      expect(lazy.process.rt64(RT_LAZY)).toBe(LIST);
      lazy.bring(...Array.from({ length: 40 }, (_, i) => i));
      lazy.process.call('on_signal', SIGURG, BigInt(INFO), BigInt(CONTEXT));
      expect(lazy.opened()).toEqual([
        [3, 2],
        [6, 7],
        [14, 1],
      ]);
      expect([lazy.process.rt64(RT_LAZY), lazy.asked]).toEqual([0, []]);
    });
  });
});

it.each([
  ['no list', (process: FakeProcess) => void (process.overrides['pread64'] = () => 0), /there is no list of pages/],
  [
    'no memory',
    (process: FakeProcess) =>
      void (process.overrides['mmap'] = ([, , , , fd]) => (fd === SOCKET + 1 ? ENOMEM : undefined)),
    /no memory for the list/,
  ],
  [
    'no memory for its own',
    (process: FakeProcess) =>
      void (process.overrides['mprotect'] = ([, , protection]) => (protection === 0 ? ENOMEM : undefined)),
    /not enough memory for the snapshot/,
  ],
])('a process that cannot begin says why: %s', (_, prepare, why) => {
  const { code, process } = lazily(() => expect.unreachable(), prepare);
  expect([code, process.text(2)]).toEqual([1, expect.stringMatching(why)]);
});

it('the socket stays open as long as the process: another file must not get its number', () => {
  let close: readonly number[] = [];
  lazily(
    () => {},
    (process) => {
      process.overrides['fcntl'] = ([fd]) => (fd === SOCKET ? 1777 : undefined);
      process.overrides['seccomp'] = ([, , at]) => {
        const size = 8 * (process.get32(at!) & 0xffff);
        const program = decodeProgram(Uint8Array.from(process.bytes(process.get64(at! + 8), size)));
        const nr = hostConstants.SYS_close;
        close = [1776, 1777, 1778].map((fd) => runProgram(program, { nr, arch: 0xc000003e, args: [BigInt(fd)] }));
        return 0;
      };
    },
  );
  expect(close).toEqual([RET_ALLOW, RET_KILL_PROCESS, RET_ALLOW]);
});

/**
 * A move with the real code of both sides, over a link and between hosts that fail at every step in every way. At each
 * moment at most one host runs the program, and in the end one does, or the source process is kept and its tool says
 * so.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ToolError } from '../../../src/base/errors.js';
import type { Channel } from '../../../src/transport/channel.js';
import { LinkError, OwingError, UndecidedError } from '../../../src/transport/errors.js';
import type { Message } from '../../../src/transport/messages.js';
import type { MovingProgram } from '../../../src/transport/moving-program.js';
import type { MissingPages } from '../../../src/transport/owing.js';
import { moveProgram } from '../../../src/transport/source.js';
import { receiveProgram, type TargetHost } from '../../../src/transport/target.js';
import { HELLO } from '../../support/hello.js';

const PATIENCE = 30_000;
const never = new Promise<never>(() => {});

type Fault =
  | 'source dies'
  | 'target dies'
  | 'target sleeps' // suspended until the source has given up
  | 'link is cut' // and what is on its way is lost
  | 'link closes' // and what is on its way arrives
  | 'end is seen first' // by a source that has said something: it arrives, is answered, and the target ends
  | 'messages are lost' // without anybody being told
  | 'target fails'
  | 'held process ends' // before it has begun
  | 'target talks nonsense' // from then on, with a message where another one belongs
  | 'program ends' // soon after it has begun
  | 'source fails';

/** Both hosts, and the one program. */
class World {
  step = 0;
  readonly trace: string[] = [];
  sourceRuns = true;
  kept = false;
  targetRuns = false;
  held = false;
  /** Units of its memory that are not at the target, of a lazy move. */
  missing = 0;
  private cut = false;
  private closed = false;
  private lossy = false;
  private mad = false;
  private late = false;
  private tellEnd = () => {};
  private readonly ending = new Promise<void>((resolve) => {
    this.tellEnd = resolve;
  });
  private awake: (() => void) | undefined;
  private asleep: Promise<void> | undefined;
  private readonly queues: Record<'source' | 'target', { messages: Message[]; wake: () => void }> = {
    source: { messages: [], wake: () => {} },
    target: { messages: [], wake: () => {} },
  };
  readonly dead = { source: false, target: false };

  constructor(
    private readonly fault: Fault | undefined,
    private readonly at: number,
  ) {}

  /** Something happens on one side: the fault may come just before. */
  async happens(side: 'source' | 'target', what: string): Promise<void> {
    if (this.dead[side]) await never;
    if (this.step++ === this.at) this.strike();
    this.trace.push(`${side}: ${what}`);
    if (this.dead[side]) await never;
    if (side === 'target' && this.asleep) await this.asleep;
    this.check();
  }

  check(): void {
    if (this.sourceRuns && this.targetRuns) throw new Error(`both run: ${this.trace.join(', ')}`);
  }

  /** The source has ended: whoever was suspended goes on. */
  wakeTarget(): void {
    this.asleep = undefined;
    this.awake?.();
  }

  private strike(): void {
    switch (this.fault) {
      case 'source dies':
        this.dead.source = true;
        this.closed = true;
        if (!this.kept) this.sourceRuns = !this.ended; // it notices, and continues
        break;
      case 'target dies':
        this.dead.target = true;
        this.closed = true;
        this.held = false; // its end of the socket is closed: the process ends
        break;
      case 'target sleeps':
        this.asleep = new Promise((resolve) => {
          this.awake = resolve;
        });
        break;
      case 'link is cut':
        this.cut = true;
        for (const queue of Object.values(this.queues)) queue.messages.length = 0;
        break;
      case 'link closes':
        this.closed = true;
        break;
      case 'end is seen first':
        this.late = true;
        break;
      case 'messages are lost':
        this.lossy = true;
        break;
      case 'held process ends':
        this.held = false;
        break;
      case 'program ends':
        if (this.targetRuns) this.endProgram();
        break;
      case 'target talks nonsense':
        this.mad = true;
        break;
    }
    for (const queue of Object.values(this.queues)) queue.wake();
  }

  ended = false;
  /** Its program has ended by itself. */
  hasEnded = false;
  private endProgram: () => void = () => {};
  readonly programEnds = new Promise<void>((resolve) => {
    this.endProgram = () => {
      this.hasEnded = true;
      resolve();
    };
  });

  fails(side: 'source' | 'target'): void {
    if (this.step - 1 === this.at && this.fault === `${side} fails`) throw new ToolError('disk', 'the disk is full');
  }

  channel(side: 'source' | 'target'): Channel {
    const other = side === 'source' ? 'target' : 'source';
    return {
      send: async (message) => {
        await this.happens(side, `says ${message.name}`);
        if (this.cut || this.closed) throw new LinkError('gone');
        if (this.lossy) return;
        this.queues[other].messages.push(this.mad && side === 'target' ? { name: 'prepared', pid: 9 } : message);
        this.queues[other].wake();
        if (!this.late || side === 'target') return;
        this.late = false;
        await this.ending;
        throw new LinkError('gone');
      },
      receive: async () => {
        const queue = this.queues[side];
        for (;;) {
          if (this.dead[side]) await never;
          if (side === 'target' && this.asleep) await this.asleep;
          const message = queue.messages.shift();
          if (message !== undefined) return message;
          if (this.cut || this.closed || (this.lossy && this.dead[other])) throw new LinkError('gone');
          await new Promise<void>((resolve) => {
            queue.wake = resolve;
          });
        }
      },
    };
  }

  /** The tool of one side has ended: its end of the link closes. */
  leaves(): void {
    this.closed = true;
    this.tellEnd();
    for (const queue of Object.values(this.queues)) queue.wake();
  }
}

/** Three units that are left: the last one is sent first. */
const LEFT: MissingPages = {
  units: Uint8Array.of(0b1011),
  order: Uint32Array.of(3, 0, 1),
  read: (unit) => [{ offset: unit * 65536, data: Buffer.of(unit) }],
};

function programOf(world: World, left: MissingPages | undefined): MovingProgram {
  const file = (byte: number) => ({
    size: 3,
    changed: [{ offset: 0, length: 3 }],
    read: async (target: Buffer) => {
      await world.happens('source', 'reads its file');
      world.fails('source');
      return target.fill(byte, 0, 3) && 3;
    },
  });
  const parked = {
    stopRequested: 0,
    keep: async () => {
      await world.happens('source', 'keeps');
      world.fails('source');
      world.kept = true;
      await world.happens('source', 'has kept');
    },
    resumeKept: async () => {
      await world.happens('source', 'resumes');
      world.kept = false;
      world.sourceRuns = true;
      world.check();
    },
    end: async () => {
      await world.happens('source', 'ends');
      world.ended = true;
      world.kept = false;
    },
  };
  return {
    pid: 1,
    outline: async (send) => send(file(1), 3),
    modules: () => file(3),
    handOver: async ({ round, mayStop, take }) => {
      await round(file(2));
      await mayStop();
      await world.happens('source', 'stops');
      world.fails('source');
      world.sourceRuns = false;
      try {
        await take(parked, file(2), left);
      } finally {
        if (!world.kept && !world.ended) world.sourceRuns = true;
        world.check();
      }
    },
  };
}

function hostOf(world: World): TargetHost {
  const does = async (what: string) => {
    await world.happens('target', what);
    world.fails('target');
  };
  return {
    write: () => does('writes'),
    look: async () => {
      await does('looks');
      return { version: '1', arch: 'x64' as const, host: 'there', warnings: [], needsModules: true };
    },
    takeModules: () => does('takes the modules'),
    compile: async () => {
      await does('compiles');
      return { cached: false };
    },
    prepare: async (_size, missing) => {
      await does('prepares');
      world.held = true;
      world.missing = missing === undefined ? 0 : LEFT.order.length;
      const there = new Set<number>();
      return {
        pid: 2,
        output: '/out',
        pages: missing && {
          get left() {
            return world.missing;
          },
          ended: world.programEnds,
          serve: (onWant) => onWant(1),
          arrived(unit) {
            if (!there.has(unit)) world.missing--;
            there.add(unit);
            world.trace.push(`target: has unit ${unit}`);
          },
          close: () => world.trace.push('target: expects no more'),
        },
        begin: async () => {
          await world.happens('target', 'begins');
          if (!world.held) return false;
          world.held = false;
          world.targetRuns = true;
          world.check();
          return true;
        },
      };
    },
    discard: async () => {
      await world.happens('target', 'discards');
      world.held = false;
    },
  };
}

interface Outcome {
  readonly world: World;
  /** Undefined: its tool has died. */
  readonly source: 'moved' | 'waits' | Error | undefined;
}

async function move(fault: Fault | undefined, at: number, { copy = false, lazy = false } = {}): Promise<Outcome> {
  const world = new World(fault, at);
  const left = lazy ? LEFT : undefined;
  let source: Outcome['source'];
  let over = false;
  const target = receiveProgram(world.channel('target'), hostOf(world)).finally(() => world.leaves());
  const moving = moveProgram(world.channel('source'), programOf(world, left), HELLO, { patience: PATIENCE, copy })
    .then(
      () => (source = 'moved' as const),
      (error) => (source = error as Error),
    )
    .finally(() => {
      if (world.dead.source) source = undefined; // nobody is there to say it
    })
    .finally(() => {
      world.leaves();
      world.wakeTarget();
    });
  void Promise.all([target, moving]).then(() => (over = true));
  // long enough for every wait of both sides, one after the other
  for (let n = 0; n < 20 && !over; n++) await vi.advanceTimersByTimeAsync(10_000);
  if (!over && source === undefined && !world.dead.source) source = 'waits';
  return { world, source };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

test('without a fault it ends here and runs there', async () => {
  const { world, source } = await move(undefined, -1);
  expect(source).toBe('moved');
  expect([world.sourceRuns, world.ended, world.targetRuns, world.kept, world.held]).toEqual([
    false,
    true,
    true,
    false,
    false,
  ]);
  expect(world.trace.indexOf('source: has kept')).toBeLessThan(world.trace.indexOf('source: says commit'));
  expect(world.trace.indexOf('source: says commit')).toBeLessThan(world.trace.indexOf('target: begins'));
  expect(world.trace.indexOf('target: says running')).toBeLessThan(world.trace.indexOf('source: ends'));
});

const DECIDED = ['moved', 'runs here'];
const UNDECIDED = [...DECIDED, 'undecided, runs nowhere', 'undecided, runs there'];

/** With all ends that there are, at one step or another: none is left out by chance. */
describe.each([
  ['source dies', ['dead', 'dead, kept', 'moved']],
  ['target dies', UNDECIDED],
  ['target sleeps', [...DECIDED, 'undecided, runs there']],
  ['link is cut', UNDECIDED],
  ['link closes', UNDECIDED],
  ['end is seen first', DECIDED],
  ['messages are lost', UNDECIDED],
  ['target fails', DECIDED],
  ['held process ends', DECIDED],
  ['target talks nonsense', UNDECIDED],
  ['source fails', DECIDED],
] as const)('%s, at every step', (fault, expected) => {
  test('it runs once, or is kept and that is said', async () => {
    const { world: whole } = await move(undefined, -1);
    const ends = new Set<string>();
    for (let at = 0; at <= whole.step; at++) {
      const { world, source } = await move(fault, at);
      const where = `${fault} at ${at}, after ${world.trace.at(at - 1)}`;
      const runs = Number(world.sourceRuns) + Number(world.targetRuns);
      expect(runs, where).toBeLessThanOrEqual(1);
      if (source instanceof UndecidedError) {
        expect([world.kept, world.sourceRuns], where).toEqual([true, false]);
        ends.add(world.targetRuns ? 'undecided, runs there' : 'undecided, runs nowhere');
      } else if (source instanceof Error) {
        expect([world.sourceRuns, world.targetRuns, world.kept], `${where}: ${source.message}`).toEqual([
          true,
          false,
          false,
        ]);
        ends.add('runs here');
      } else if (source === 'moved') {
        expect([world.ended, world.targetRuns], where).toEqual([true, true]);
        ends.add('moved');
      } else {
        expect(world.kept || runs === 1, where).toBe(true); // its tool has died
        ends.add(world.kept ? 'dead, kept' : 'dead');
      }
      if (!world.targetRuns && fault !== 'target sleeps') expect(world.held, `${where}: left there`).toBe(false);
    }
    expect([...ends].sort()).toEqual(expected);
  });
});

test('who gives up before the commit says so', async () => {
  const { world: whole } = await move(undefined, -1);
  const { world, source } = await move('source fails', whole.trace.indexOf('source: reads its file'));
  expect((source as Error).message).toBe('the disk is full');
  expect(world.trace).toContain('source: says cancel');
  expect(world.trace.at(-1)).toBe('target: discards');
});

test('a copy runs here as well, whatever fails', async () => {
  const both = World.prototype.check;
  World.prototype.check = () => {};
  try {
    for (const fault of ['target dies', 'link is cut', 'messages are lost'] as const) {
      const { world: whole } = await move(undefined, -1, { copy: true });
      expect([whole.sourceRuns, whole.targetRuns]).toEqual([true, true]);
      for (let at = 0; at <= whole.step; at++) {
        const { world, source } = await move(fault, at, { copy: true });
        expect([world.sourceRuns, world.kept, source instanceof UndecidedError], `${fault} at ${at}`).toEqual([
          true,
          false,
          false,
        ]);
      }
    }
  } finally {
    World.prototype.check = both;
  }
});

describe('a lazy move', () => {
  test('what is waited for comes first, and it ends here when all is there', async () => {
    const { world, source } = await move(undefined, -1, { lazy: true });
    expect(source).toBe('moved');
    expect([world.sourceRuns, world.ended, world.targetRuns, world.missing]).toEqual([false, true, true, 0]);
    const units = world.trace.filter((what) => what.includes('has unit'));
    expect(units).toHaveLength(3);
    expect(units.indexOf('target: has unit 1')).toBeLessThan(units.indexOf('target: has unit 0'));
    expect(world.trace.indexOf('target: says running')).toBeLessThan(world.trace.indexOf(units[0]!));
    expect(world.trace.indexOf('target: says whole')).toBeLessThan(world.trace.indexOf('source: ends'));
  });

  test.each([
    ['source dies', ['dead', 'dead, kept', 'moved']],
    ['target dies', [...UNDECIDED, 'owing']],
    ['target sleeps', [...DECIDED, 'undecided, runs there', 'waits']],
    ['link is cut', [...UNDECIDED, 'owing']],
    ['link closes', [...UNDECIDED, 'owing']],
    ['end is seen first', [...DECIDED, 'waits']],
    ['target fails', [...DECIDED, 'owing']],
    ['held process ends', DECIDED],
    ['program ends', ['moved']],
    ['target talks nonsense', [...UNDECIDED, 'owing']],
    ['source fails', DECIDED],
  ] as const)('%s, at every step: it runs once, or is kept with all of its memory', async (fault, expected) => {
    const { world: whole } = await move(undefined, -1, { lazy: true });
    const ends = new Set<string>();
    for (let at = 0; at <= whole.step; at++) {
      const { world, source } = await move(fault, at, { lazy: true });
      const where = `${fault} at ${at}, after ${world.trace.at(at - 1)}`;
      expect(Number(world.sourceRuns) + Number(world.targetRuns), where).toBeLessThanOrEqual(1);
      const isWhole = world.missing === 0 || world.hasEnded;
      if (source instanceof OwingError) {
        expect([world.kept, world.sourceRuns, world.targetRuns], where).toEqual([true, false, true]);
        expect(source.exitCode).toBe(76);
        ends.add('owing');
      } else if (source instanceof UndecidedError) {
        expect([world.kept, world.sourceRuns], where).toEqual([true, false]);
        ends.add(world.targetRuns ? 'undecided, runs there' : 'undecided, runs nowhere');
      } else if (source instanceof Error) {
        expect([world.sourceRuns, world.targetRuns, world.kept], `${where}: ${source.message}`).toEqual([
          true,
          false,
          false,
        ]);
        ends.add('runs here');
      } else if (source === 'moved') {
        expect([world.ended, world.targetRuns, isWhole], where).toEqual([true, true, true]);
        ends.add('moved');
      } else if (source === 'waits') {
        expect([world.kept, world.targetRuns], where).toEqual([true, true]);
        ends.add('waits');
      } else {
        expect(world.kept || world.sourceRuns || (world.targetRuns && isWhole), where).toBe(true);
        ends.add(world.kept ? 'dead, kept' : 'dead');
      }
      if (world.ended) expect([world.targetRuns, isWhole], `${where}: ended here`).toEqual([true, true]);
    }
    expect([...ends].sort()).toEqual([...expected].sort());
  });

  test('messages that are lost leave it kept: nobody ends it', async () => {
    const { world: whole } = await move(undefined, -1, { lazy: true });
    const first = whole.trace.indexOf('target: has unit 1');
    for (let at = first; at < whole.step; at++) {
      const { world } = await move('messages are lost', at, { lazy: true });
      expect([world.sourceRuns, world.targetRuns], `at ${at}`).toEqual([false, true]);
      if (world.ended) expect(world.missing, `at ${at}`).toBe(0);
      else expect(world.kept, `at ${at}`).toBe(true);
    }
  });
});

describe('while the image is compiled there', () => {
  /** A target that compiles until it is told to go on. */
  const slow = (outcome: Promise<void>) => {
    const world = new World(undefined, -1);
    const host = hostOf(world);
    const target = receiveProgram(world.channel('target'), {
      ...host,
      compile: async () => {
        await outcome;
        return host.compile();
      },
    });
    return { world, target };
  };
  const sourceOf = (world: World) =>
    moveProgram(world.channel('source'), programOf(world, undefined), HELLO, { patience: PATIENCE });

  test('pages go there, and the program stands still only afterwards', async () => {
    let go = () => {};
    const { world, target } = slow(new Promise((resolve) => (go = resolve)));
    const moving = sourceOf(world);
    // longer than the source waits for a silent side: this one says that it is busy
    for (let n = 0; n < 12; n++) await vi.advanceTimersByTimeAsync(10_000);
    expect(world.trace.filter((line) => line === 'target: writes')).toHaveLength(3);
    expect([world.sourceRuns, world.trace.includes('source: stops')]).toEqual([true, false]);
    go();
    await vi.advanceTimersByTimeAsync(10_000);
    await Promise.all([moving, target]);
    expect(world.trace.indexOf('target: says compiled')).toBeLessThan(world.trace.indexOf('source: stops'));
    expect([world.targetRuns, world.ended]).toEqual([true, true]);
  });

  test('its error ends the move, and the program runs on', async () => {
    let fail = (_: Error) => {};
    const { world, target } = slow(new Promise((_, reject) => (fail = reject)));
    const moving = expect(sourceOf(world)).rejects.toThrow('the module is too large');
    for (let n = 0; n < 3; n++) await vi.advanceTimersByTimeAsync(10_000);
    fail(new ToolError('large', 'the module is too large'));
    await vi.advanceTimersByTimeAsync(10_000);
    await moving;
    expect(await target).toEqual({ pid: undefined });
    expect([world.sourceRuns, world.targetRuns, world.held]).toEqual([true, false, false]);
    expect(world.trace.at(-1)).toBe('target: discards');
  });

  test('a source that is gone is noticed', async () => {
    const { world, target } = slow(never);
    const moving = sourceOf(world).catch(() => {});
    await vi.advanceTimersByTimeAsync(10_000);
    world.leaves();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await target).toMatchObject({ pid: undefined, lost: 'gone' });
    await moving;
    expect(world.sourceRuns).toBe(true);
  });
});

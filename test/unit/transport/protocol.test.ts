/**
 * A move with the real code of both sides, over a link and between hosts that fail at every step in every way. At each
 * moment at most one host runs the program, and in the end one does, or the source process is kept and its tool says
 * so.
 */

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ToolError } from '../../../src/base/errors.js';
import type { Channel } from '../../../src/transport/channel.js';
import { LinkError, UndecidedError } from '../../../src/transport/errors.js';
import { type Hello, type Message, PROTOCOL } from '../../../src/transport/messages.js';
import { type MovingProgram, moveProgram } from '../../../src/transport/source.js';
import { receiveProgram, type TargetHost } from '../../../src/transport/target.js';

const HELLO: Hello = {
  name: 'hello',
  protocol: PROTOCOL,
  version: '1',
  arch: null,
  workload: null,
  dirs: [],
  listen: [],
  fds: [],
  sameDirs: false,
  strictFiles: false,
  maxMemory: null,
  outputDir: null,
  attach: false,
  codecs: [],
};
const PATIENCE = 30_000;
const never = new Promise<never>(() => {});

type Fault =
  | 'source dies'
  | 'target dies'
  | 'target sleeps' // suspended until the source has given up
  | 'link is cut' // and what is on its way is lost
  | 'link closes' // and what is on its way arrives
  | 'messages are lost' // without anybody being told
  | 'target fails'
  | 'held process ends' // before it has begun
  | 'target talks nonsense' // from then on, with a message where another one belongs
  | 'source fails';

/** Both hosts, and the one program. */
class World {
  step = 0;
  readonly trace: string[] = [];
  sourceRuns = true;
  kept = false;
  targetRuns = false;
  held = false;
  private cut = false;
  private closed = false;
  private lossy = false;
  private mad = false;
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
      case 'messages are lost':
        this.lossy = true;
        break;
      case 'held process ends':
        this.held = false;
        break;
      case 'target talks nonsense':
        this.mad = true;
        break;
    }
    for (const queue of Object.values(this.queues)) queue.wake();
  }

  ended = false;

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
    for (const queue of Object.values(this.queues)) queue.wake();
  }
}

function programOf(world: World): MovingProgram {
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
    outline: async (send) => send(file(1)),
    handOver: async ({ round, take }) => {
      await round(file(2));
      await world.happens('source', 'stops');
      world.fails('source');
      world.sourceRuns = false;
      try {
        await take(parked, file(2));
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
      return { version: '1', arch: 'x64' as const, host: 'there', warnings: [] };
    },
    compile: async () => {
      await does('compiles');
      return { cached: false };
    },
    prepare: async () => {
      await does('prepares');
      world.held = true;
      return {
        pid: 2,
        output: '/out',
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
  readonly source: 'moved' | Error | undefined;
}

async function move(fault: Fault | undefined, at: number, copy = false): Promise<Outcome> {
  const world = new World(fault, at);
  let source: Outcome['source'];
  let over = false;
  const target = receiveProgram(world.channel('target'), hostOf(world)).finally(() => world.leaves());
  const moving = moveProgram(world.channel('source'), programOf(world), HELLO, { patience: PATIENCE, copy })
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
  return { world, source };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
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
  const { world, source } = await move('source fails', 2); // reads its file
  expect([(source as Error).message, world.trace.at(-2)]).toEqual(['the disk is full', 'source: says cancel']);
});

test('a copy runs here as well, whatever fails', async () => {
  const both = World.prototype.check;
  World.prototype.check = () => {};
  try {
    for (const fault of ['target dies', 'link is cut', 'messages are lost'] as const) {
      const { world: whole } = await move(undefined, -1, true);
      expect([whole.sourceRuns, whole.targetRuns]).toEqual([true, true]);
      for (let at = 0; at <= whole.step; at++) {
        const { world, source } = await move(fault, at, true);
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

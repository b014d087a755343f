/**
 * Two hosts, a link between them and one program, for the real code of both sides of a move. One fault strikes at one
 * step. At each moment at most one host runs the program.
 */

import { afterEach, beforeEach, expect, vi } from 'vitest';
import { ToolError } from '../../src/base/errors.js';
import type { Channel } from '../../src/transport/channel.js';
import { LinkError, UnsentError } from '../../src/transport/errors.js';
import type { Message } from '../../src/transport/messages.js';
import type { MovingProgram } from '../../src/transport/moving-program.js';
import type { MissingPages } from '../../src/transport/owing.js';
import { moveProgram } from '../../src/transport/source.js';
import { receiveProgram, type TargetHost } from '../../src/transport/target.js';
import { HELLO } from './hello.js';

export const PATIENCE = 30_000;
/** Milliseconds that the target says it needs for the process. */
export const PREPARING = 40;
export const never = new Promise<never>(() => {});

export type Fault =
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
export class World {
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
      received: 0,
      send: async (message) => {
        await this.happens(side, `says ${message.name}`);
        if (this.cut || this.closed) throw new UnsentError('gone');
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
export const LEFT: MissingPages = {
  units: Uint8Array.of(0b1011),
  order: Uint32Array.of(3, 0, 1),
  read: (unit) => [{ offset: unit * 65536, data: Buffer.of(unit) }],
};

export function programOf(world: World, left: MissingPages | undefined): MovingProgram {
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
    handOver: async ({ send, round, mayStop, take }) => {
      await world.happens('source', 'reads its pages');
      world.fails('source');
      await send(Buffer.alloc(3, 2), 0);
      await round();
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

export function hostOf(world: World): TargetHost {
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
      return { cached: false, preparing: PREPARING };
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
          hasEnded: () => world.hasEnded,
          serve: (onWant) => onWant(1),
          isMissing: (offset, length) => !there.has(Math.floor(offset / 65536)) && length > 0,
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

export interface Outcome {
  readonly world: World;
  /** Undefined: its tool has died. */
  readonly source: 'moved' | 'waits' | Error | undefined;
}

export async function move(
  fault: Fault | undefined,
  at: number,
  { copy = false, lazy = false, dryRun = false } = {},
): Promise<Outcome> {
  const world = new World(fault, at);
  const left = lazy ? LEFT : undefined;
  let source: Outcome['source'];
  let over = false;
  const target = receiveProgram(world.channel('target'), hostOf(world)).finally(() => world.leaves());
  const moving = moveProgram(world.channel('source'), programOf(world, left), HELLO, {
    patience: PATIENCE,
    copy,
    dryRun,
  })
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

/** Time passes when a test says so. */
export function useWorldTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });
}

/** How the tool of the source ends when no more is wrong than that. */
export const DECIDED = ['moved', 'runs here'];
export const UNDECIDED = [...DECIDED, 'undecided, runs nowhere', 'undecided, runs there'];

/** The program runs at the source, and nowhere else; the error says so. */
export function expectRunsHere(world: World, error: Error, where: string): void {
  const { sourceRuns, targetRuns, kept } = world;
  expect([sourceRuns, targetRuns, kept], `${where}: ${error.message}`).toEqual([true, false, false]);
  expect(error.message.split('\n').at(-1), where).toBe('pid 1 continues here');
}

/**
 * Hostile peers of a move: what a source and a target have said to each other, mutated, for the other side to bear. None
 * of it crashes or hangs that side, or leaves anything: a file, a process, an open descriptor.
 */

import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate, type ReceiveEvent, receive, run, type Transport, WagSnapError } from '../../src/api/index.js';
import { streamChannel } from '../../src/transport/channel.js';
import { FrameReader } from '../../src/transport/frame-reader.js';
import { FRAME_MAX } from '../../src/transport/frames.js';
import { decodeMessage } from '../../src/transport/messages.js';
import type { MovingProgram } from '../../src/transport/moving-program.js';
import type { MissingPages } from '../../src/transport/owing.js';
import { moveProgram } from '../../src/transport/source.js';
import { HELLO } from '../support/hello.js';
import { random } from '../support/random.js';
import { walkerProgram } from '../support/walker-program.js';

const HEAD = 5;
const BYTES = 16;
const COMMIT = 4;
const ROUND = 8;
const RECEIVED = 42;
const READY = 33;
const COMPILED = 34;
const KINDS = [1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 18, 19, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42];
/** Bytes a second of a lazy move: so few are sent before the program runs that some are left. */
const LAZY_RATE = 16 << 20;
/** Milliseconds after which a side hangs. */
const HANGS = 60_000;

/** What both sides have said in a move that went well. */
export interface Conversation {
  readonly source: readonly Buffer[];
  readonly target: readonly Buffer[];
}

/** Bytes as frames, with their heads. */
function framesOf(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at + HEAD <= bytes.length; ) {
    const end = at + HEAD + bytes.readUInt32LE(at);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return frames;
}

/** Moves a program of this machine to itself, and listens. @param program a module or image that prints, and has `/d` */
export async function recordMove(
  program: string,
  folder: string,
  how: { readonly compress?: boolean; readonly lazy?: boolean } = {},
): Promise<Conversation> {
  const heard: Record<'source' | 'target', Buffer[]> = { source: [], target: [] };
  const transport: Transport = {
    name: 'here',
    async connect() {
      const [there, back, input, output] = Array.from({ length: 4 }, () => new PassThrough());
      const tap = (from: PassThrough, to: PassThrough, side: 'source' | 'target') => {
        from.on('data', (data: Buffer) => {
          heard[side].push(Buffer.from(data));
          to.write(data);
        });
        from.on('end', () => to.end());
      };
      tap(output, there, 'source');
      tap(back, input, 'target');
      receive(there, back, { outputDir: join(folder, 'output') }).catch(() => {});
      return { input, output, close: () => output.end() };
    },
  };
  const data = join(folder, 'data');
  mkdirSync(data, { recursive: true });
  const dirs = [{ host: data, guest: '/d', readOnly: false }];
  const workload = await run(program, { dirs, stdio: 'pipe' });
  try {
    await once(workload.stdout!, 'data');
    workload.stdout!.resume();
    const { pid } = await migrate(workload, transport, { dirs, ...how, ...(how.lazy ? { limitRate: LAZY_RATE } : {}) });
    process.kill(pid!, 'SIGKILL');
  } finally {
    workload.kill('SIGKILL');
    await workload.exited;
  }
  rmSync(join(folder, 'output'), { recursive: true, force: true });
  return { source: framesOf(Buffer.concat(heard.source)), target: framesOf(Buffer.concat(heard.target)) };
}

/** Writes a program whose memory is large enough to follow it. @returns its path */
export function largeProgram(folder: string): string {
  const path = join(folder, 'walker.wat');
  writeFileSync(path, walkerProgram({ pages: 32, last: 9, idle: 1_000_000 }));
  return path;
}

/** Changes what a side has said. */
export class ConversationMutator {
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = random(seed);
  }

  /** @returns frames that need not be any; the last one may be cut */
  mutate(frames: readonly Buffer[]): Buffer[] {
    let list: Buffer[] = frames.map((frame) => Buffer.from(frame));
    for (let n = 1 + this.below(3); n > 0; n--) list = this.change(list);
    if (list.length === 0 || this.below(8) > 0) return list;
    const at = this.below(list.length);
    return [...list.slice(0, at), list[at].subarray(0, this.below(list[at].length))];
  }

  private change(frames: Buffer[]): Buffer[] {
    const at = this.below(frames.length);
    const frame = frames[at];
    switch (this.below(10)) {
      case 0: // one is missing
        return frames.filter((_, n) => n !== at);
      case 1: // one comes twice
        return [...frames.slice(0, at), frame, ...frames.slice(at)];
      case 2: // one comes elsewhere
        frames.splice(this.below(frames.length), 0, ...frames.splice(at, 1));
        return frames;
      case 3: // one that was never said
        frames.splice(at, 0, this.invented());
        return frames;
      case 4: // another length than it has
        frame.writeUInt32LE(this.oneOf([0, 1, frame.length, FRAME_MAX, FRAME_MAX + 1, 0xffffffff]), 0);
        return frames;
      case 5: // another kind
        frame[4] = this.oneOf(KINDS);
        return frames;
      case 6: // a piece elsewhere
        if (frame[4] === BYTES && frame.length >= HEAD + 9)
          frame.writeBigUInt64LE(BigInt(this.oneOf([0, 4096, 2 ** 20, 2 ** 44, 2 ** 52])), HEAD + 1);
        return frames;
      default: // other bytes, where they are few and mean something rather than anywhere
        for (let n = this.below(6); n >= 0; n--) {
          const size = this.below(2) === 0 ? Math.min(frame.length, 256) : frame.length;
          frame[this.below(size)] = this.oneOf([0, 1, 0x7f, 0x80, 0xff, this.below(256)]);
        }
        return frames;
    }
  }

  private invented(): Buffer {
    const frame = Buffer.from(Array.from({ length: HEAD + this.below(64) }, () => this.below(256)));
    frame.writeUInt32LE(frame.length - HEAD, 0);
    frame[4] = this.oneOf(KINDS);
    return frame;
  }

  private below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  private oneOf<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}

/** @throws Error when it takes too long */
async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} hangs`)), HANGS);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/**
 * A receiver that is told `frames`, and nothing more. They commit to the pid of another process, so nothing begins, but
 * when a mutation has made it the right one.
 *
 * @throws Error when it does something that it must not
 */
export async function bearSource(
  frames: readonly Buffer[],
  outputDir: string,
  onEvent: (event: ReceiveEvent) => void = () => {},
): Promise<'nothing' | 'lost' | 'begun'> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  output.resume();
  input.end(Buffer.concat(frames));
  const received = await inTime('a receiver', receive(input, output, { outputDir, maxMemory: 1 << 24, onEvent }));
  output.destroy();
  const { pid } = received;
  if (pid !== undefined) {
    process.kill(pid, 'SIGKILL');
    if (!commits(frames, pid)) throw new Error(`a program was begun: ${pid}`);
    for (const name of readdirSync(outputDir)) rmSync(join(outputDir, name));
    return 'begun';
  }
  return received.lost === undefined ? 'nothing' : 'lost';
}

function commits(frames: readonly Buffer[], pid: number): boolean {
  return framesOf(Buffer.concat(frames)).some((frame) => {
    if (frame[4] !== COMMIT) return false;
    const message = decodeMessage(COMMIT, frame.subarray(HEAD));
    return message.name === 'commit' && message.pid === pid;
  });
}

/** The kind of a target's answer to a message of the source; to others it has none, or says all that is left. */
const ANSWERS: ReadonlyMap<number, number> = new Map([
  [1, 32],
  [2, COMPILED],
  [3, 35],
  [ROUND, RECEIVED],
]);
const LAST: readonly (number | undefined)[] = [COMMIT, 5, undefined];

/** The answers to rounds, each once: how often a source has asked for the same is a matter of time. */
function answersToRounds(frames: readonly Buffer[]): Buffer[] {
  const all = frames.filter((frame) => frame[4] === RECEIVED);
  return all.filter((frame, i) => all.findIndex((other) => other.equals(frame)) === i);
}

/**
 * A source is given what was compiled at once: it was in the midst of rounds, of which there may be none. So it asks
 * for the first round twice.
 */
function compiledEarly(frames: readonly Buffer[]): Buffer[] {
  const compiled = frames.filter((frame) => frame[4] === COMPILED);
  const [first, ...others] = answersToRounds(frames);
  const received = first === undefined ? [] : [first, first, ...others];
  const rest = frames.filter((frame) => frame[4] !== COMPILED && frame[4] !== RECEIVED);
  const at = rest.findIndex((frame) => frame[4] === READY) + 1;
  return [...rest.slice(0, at), ...compiled, ...received, ...rest.slice(at)];
}

/** Answers each message of a source with what comes next of `frames`; the link ends after the last one. */
function answering(output: PassThrough, input: PassThrough, frames: readonly Buffer[]): void {
  const left = compiledEarly(frames);
  const reader = new FrameReader(output);
  const answer = async () => {
    for (;;) {
      const kind = (await reader.next())?.kind;
      const last = ANSWERS.get(kind ?? -1);
      const count = last === undefined ? 0 : left.findIndex((frame) => frame[4] === last) + 1 || 1;
      for (const frame of left.splice(0, LAST.includes(kind) ? Infinity : count)) input.write(frame);
      if (left.length === 0) break;
    }
    input.end();
    output.resume();
  };
  answer().catch(() => input.end());
}

/** How long a source waits for an answer that does not come, in milliseconds: most of the time of a run is this. */
const PATIENCE = 50;

/** Of a source that leaves units of its memory: as many as a recorded program has, or more. */
const LEFT: MissingPages = {
  units: new Uint8Array(16).fill(0xff),
  order: Uint32Array.from({ length: 128 }, (_, unit) => unit),
  read: (unit) => [{ offset: unit * 65536, data: Buffer.of(1) }],
};

/**
 * A source that is answered `frames`, and nothing more.
 *
 * @param lazy whether it leaves pages
 * @throws Error when it does something that it must not
 */
export async function bearTarget(
  frames: readonly Buffer[],
  lazy = false,
): Promise<'moved' | 'undecided' | 'owing' | 'runs here'> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  answering(output, input, frames);
  let state = 'runs';
  const file = { size: 3, changed: [{ offset: 0, length: 3 }], read: async (to: Buffer) => to.fill(1).length };
  const program: MovingProgram = {
    pid: 1,
    outline: (send) => send(file, file.size),
    modules: () => file,
    async handOver({ send, round, take }) {
      for (const _ of answersToRounds(frames)) {
        await send(Buffer.alloc(3, 1), 0);
        await round();
      }
      const to = (next: string) => async () => {
        state = next;
      };
      await take(
        { stopRequested: performance.now(), keep: to('kept'), resumeKept: to('runs'), end: to('ended') },
        file,
        lazy ? LEFT : undefined,
      );
    },
  };
  try {
    const moving = moveProgram(streamChannel(input, output), program, HELLO, { patience: PATIENCE });
    await inTime('a source', moving);
    if (state !== 'ended') throw new Error(`it was moved, and ${state} here`);
    return 'moved';
  } catch (error) {
    if (!(error instanceof WagSnapError)) throw error;
    if (error.exitCode === 70) throw error;
    if (state === 'ended') throw new Error(`it has ended, but was not moved: ${error.message}`);
    const isKept = error.code === 'undecided' || error.code === 'owing';
    if (isKept !== (state === 'kept')) throw new Error(`it is said to be ${error.code}, and is ${state}`);
    if (error.code === 'owing') return 'owing';
    return isKept ? 'undecided' : 'runs here';
  } finally {
    output.destroy();
  }
}

/** What this process has that a move must not leave. */
interface Belongings {
  readonly descriptors: number;
  readonly folders: readonly string[];
  readonly children: readonly string[];
}

export function belongings(): Belongings {
  const own = new RegExp(`-${process.pid}-\\d+-`);
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith('wag-snap-') && own.test(name));
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  return { descriptors: readdirSync('/proc/self/fd').length, folders, children };
}

/** Milliseconds that processes have to end by themselves. */
const ENDING = 20_000;

/** @returns what there is in addition to what was before, once processes have had time to end; undefined: nothing */
export async function leftBehind(before: Belongings, outputDir: string): Promise<string | undefined> {
  for (const deadline = performance.now() + ENDING; ; await sleep(5)) {
    const now = belongings();
    const added = (is: readonly string[], was: readonly string[]) => is.filter((name) => !was.includes(name));
    const left = {
      descriptors: Math.max(0, now.descriptors - before.descriptors),
      folders: added(now.folders, before.folders),
      children: added(now.children, before.children),
      output: readdirSync(outputDir),
    };
    if (Object.values(left).every((what) => what === 0 || (Array.isArray(what) && what.length === 0))) return undefined;
    if (performance.now() > deadline) return JSON.stringify(left);
  }
}

/** How many frames of a conversation there are before the commit. */
export function beforeCommit(frames: readonly Buffer[]): number {
  return frames.findIndex((frame) => frame[4] === COMMIT);
}

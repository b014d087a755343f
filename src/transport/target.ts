/**
 * The target's half of a move (docs/migration.md): takes a program, and runs it once it is told to commit.
 *
 *     hello --> welcome | bytes, look --> ready | bytes, modules (if it needs them) | bytes, round --> compiled, received
 *         | bytes, prepare --> prepared | commit --> running
 *
 * If the link ends before `commit`, everything is undone and nothing is left. After `commit` the program runs, whatever
 * happens to the link; but one that has begun without all of its memory traps when it needs what has not come
 * (arriving.ts). The source is hostile input: each message is accepted only in its place.
 */

import { InputError, inOneLine, WagSnapError } from '../base/errors.js';
import { ownPackage } from '../base/package.js';
import { trace } from '../base/trace.js';
import { LAZY_UNIT } from '../image/contract/lazy-pages.js';
import { type ArrivingPages, receivePages } from './arriving.js';
import type { ProcessEnd } from './attached-streams.js';
import { type Channel, within } from './channel.js';
import { commonCodec, unpack } from './codec.js';
import { LinkError } from './errors.js';
import { untilGivenUp } from './given-up.js';
import type { Bytes, Hello, Message, MessageOf, Packed } from './messages.js';

/** The streams of a program that has begun. */
export interface HeldStreams {
  /** Sends what it prints, from its first byte on. @returns how it has ended, after the last byte */
  forward(send: (stream: number, data: Uint8Array) => Promise<void>): Promise<ProcessEnd>;
  /** Resolves when there is room for more; nothing is the end. */
  input(data: Uint8Array): Promise<void>;
  /** Its input ends, and nothing more is forwarded. */
  detach(): void;
}

/** A process that is complete but has not begun. */
export interface HeldProgram {
  readonly pid: number;
  /** Where its output goes, for people. */
  readonly output: string;
  /** Lets it begin. @returns false when it ended before, so that it never began */
  begin(): Promise<boolean>;
  /** Those of one that was asked for with its streams. */
  readonly streams?: HeldStreams | undefined;
  /** Of one that begins before all of its memory is there. */
  readonly pages?: ArrivingPages | undefined;
}

/** What a move needs from the host that takes the program. */
export interface TargetHost {
  write(piece: Bytes): Promise<void>;
  /**
   * Checks that everything the program needs is here.
   *
   * @param size of the outline @param memory bytes of its memory that it uses. @throws all that is missing, at once
   */
  look(hello: Hello, size: number, memory: number): Promise<Omit<MessageOf<'ready'>, 'name'>>;
  /** All of its modules have been sent: of one that look() has asked for. */
  takeModules(size: number): Promise<void>;
  /** Compiles the image, or finds it. */
  compile(): Promise<Omit<MessageOf<'compiled'>, 'name'>>;
  /**
   * Makes the process, up to but without its first instruction.
   *
   * @param missing bit n is set when unit n of the snapshot's file comes later; undefined: all of it is there
   */
  prepare(size: number, missing?: Uint8Array): Promise<HeldProgram>;
  /**
   * Waits until others decide whether it begins here, instead of `commit`. @param gone rejects when the source gives the
   * move up, or is gone. @returns whether it has begun
   */
  decided?(held: HeldProgram, gone: Promise<never>): Promise<boolean>;
  /** Ends a process that has not begun. Removes everything that no running program needs. */
  discard(): Promise<void>;
}

/** What happens on the way, in this order; `failed` ends it at any step. */
export type ReceiveEvent =
  /** The program may come. */
  | { readonly event: 'ready'; readonly workload: string | undefined; readonly arch: string }
  | { readonly event: 'compiled'; readonly cached: boolean }
  | { readonly event: 'prepared'; readonly pid: number }
  | { readonly event: 'running'; readonly pid: number; readonly output: string }
  /** Of a lazy move: so many bytes of its memory are still to come. */
  | { readonly event: 'arriving'; readonly pid: number; readonly bytes: number }
  /** Then all of it has come, or it has ended without; or the rest of it will not come. */
  | { readonly event: 'whole'; readonly pid: number }
  | { readonly event: 'pages-lost'; readonly pid: number; readonly bytes: number; readonly why: string }
  /** Nothing runs, and nothing is left. */
  | { readonly event: 'failed'; readonly why: string };

export interface Received {
  /** The program's pid; undefined when it does not run. */
  readonly pid: number | undefined;
  /** Why it does not run, when the link was gone before the source could be told. */
  readonly lost?: string;
}

/** How long to wait until the source has received the failure, in milliseconds. */
const LAST_WORDS = 2000;
/** The same after a success: with the program's streams, the source may still print. */
const LINGER = 60_000;

/**
 * Takes one program. Reports every failure to the source. Resolves when the source needs nothing more.
 *
 * @param signal gives up a program that has not begun, and the streams of one that has; not memory that it needs
 */
export async function receiveProgram(
  link: Channel,
  host: TargetHost,
  onEvent: (event: ReceiveEvent) => void = () => {},
  signal?: AbortSignal,
): Promise<Received> {
  const channel = waitingOnce(link);
  const received = await takeProgram(channel, host, onEvent, signal);
  if (received.pid !== undefined) await within(LINGER, signal, untilEnd(channel)).catch(() => {});
  return received;
}

/**
 * The source ends the link when it has heard the last word. If this side did while something comes from the source, the
 * system would drop that word.
 */
async function untilEnd(channel: Channel): Promise<never> {
  for (;;) await channel.receive();
}

async function takeProgram(
  channel: Channel,
  host: TargetHost,
  onEvent: (event: ReceiveEvent) => void,
  signal: AbortSignal | undefined,
): Promise<Received> {
  const asked = untilGivenUp(channel, signal);
  let isOver = false;
  try {
    const hello = await expect(asked, host, undefined, 'hello');
    if (hello.move !== undefined && host.decided === undefined) {
      throw new InputError('stream', 'this receiver is no node of a lattice');
    }
    const codec = commonCodec(hello.codecs);
    await channel.send({ name: 'welcome', version: ownPackage().version, codec: codec ?? null });
    const { size, memory } = await expect(asked, host, 'outline', 'look');
    const ready = await host.look(hello, size, memory);
    await channel.send({ name: 'ready', ...ready });
    onEvent({ event: 'ready', workload: hello.workload ?? undefined, arch: ready.arch });
    if (ready.needsModules) await host.takeModules((await expect(asked, host, 'modules', 'modules')).size);
    const compiling = alive(channel, 'compiling', host.compile()).then(async (compiled) => {
      if (isOver) return;
      onEvent({ event: 'compiled', cached: compiled.cached });
      await channel.send({ name: 'compiled', ...compiled }).catch(() => {}); // who receives hears why
    });
    const prepare = await expect(asked, host, 'snapshot', 'prepare', compiling);
    await compiling;
    const held = await alive(channel, 'preparing', host.prepare(prepare.size, prepare.missing ?? undefined));
    // before the source hears of it: what decides may be here at once
    const decided = hello.move && host.decided?.(held, givenUp(asked, host));
    decided?.catch(() => {});
    await channel.send({ name: 'prepared', pid: held.pid });
    onEvent({ event: 'prepared', pid: held.pid });
    if (decided !== undefined) {
      if (!(await decided)) throw new Cancelled('it was decided that the program does not begin here');
    } else {
      const { pid } = await expect(asked, host, undefined, 'commit');
      if (pid !== held.pid) {
        throw new InputError('stream', `the other side commits to pid ${pid}, which is not prepared`);
      }
      if (!(await held.begin())) {
        throw new InputError('not-started', `pid ${held.pid} ended before it could begin`);
      }
    }
    trace('move', () => `pid ${held.pid} runs`);
    onEvent({ event: 'running', pid: held.pid, output: held.output });
    await channel.send({ name: 'running', pid: held.pid, output: held.output }).catch(() => {});
    if (held.pages) await completePages(channel, host, held.pid, held.pages, onEvent);
    else if (hello.attach && held.streams) await serveStreams(asked, held.streams);
    return { pid: held.pid };
  } catch (error) {
    isOver = true;
    onEvent({ event: 'failed', why: inOneLine(error) });
    if (error instanceof LinkError) return { pid: undefined, lost: error.message };
    if (!(error instanceof Cancelled)) await tell(channel, error);
    return { pid: undefined };
  } finally {
    await host.discard();
  }
}

/** Rejects when the source gives the move up, or is gone. */
function givenUp(channel: Channel, host: TargetHost): Promise<never> {
  const gone = expect(channel, host, undefined, 'cancel').then(({ reason }) => {
    throw new Cancelled(reason);
  });
  gone.catch(() => {});
  return gone;
}

/** Takes the rest of its memory. Never fails: it runs already. */
async function completePages(
  channel: Channel,
  host: TargetHost,
  pid: number,
  pages: ArrivingPages,
  onEvent: (event: ReceiveEvent) => void,
): Promise<void> {
  onEvent({ event: 'arriving', pid, bytes: pages.left * LAZY_UNIT });
  try {
    await receivePages(channel, pid, pages, (message) => write(host, message, 'snapshot'));
    onEvent({ event: 'whole', pid });
  } catch (error) {
    onEvent({ event: 'pages-lost', pid, bytes: pages.left * LAZY_UNIT, why: inOneLine(error) });
    if (!(error instanceof LinkError)) await tell(channel, error);
  }
}

/** A channel of which the same message may be waited for again, by somebody else. */
function waitingOnce(link: Channel): Channel {
  let pending: Promise<Message> | undefined;
  return {
    get received() {
      return link.received;
    },
    send: (message) => link.send(message),
    receive() {
      pending ??= link.receive().finally(() => {
        pending = undefined;
      });
      return pending;
    },
  };
}

/** How often the source hears of work that takes long, in milliseconds: it gives up a silent side. */
const SIGN_OF_LIFE = 3000;

/** Says now and then that the work goes on. @param goesOn whether it does */
async function alive<T>(
  channel: Channel,
  what: MessageOf<'busy'>['with'],
  work: Promise<T>,
  goesOn = () => true,
): Promise<T> {
  const say = () => void channel.send({ name: 'busy', with: what }).catch(() => {});
  const timer = setInterval(() => goesOn() && say(), SIGN_OF_LIFE);
  return work.finally(() => clearInterval(timer));
}

/** Until the program ends, or the other side does: that is how it detaches. Never fails. */
async function serveStreams(channel: Channel, streams: HeldStreams): Promise<void> {
  const ends = (async () => {
    const end = await streams.forward((stream, data) => channel.send({ name: 'output', stream, data }));
    await channel.send({ name: 'ended', ...end });
  })();
  const types = (async () => {
    for (;;) {
      const message = await channel.receive();
      if (message.name !== 'input') throw new InputError('stream', `"${message.name}" is no input of a program`);
      await streams.input(message.data);
    }
  })();
  await Promise.race([ends, types]).catch(() => {});
  streams.detach();
  types.catch(() => {});
  await ends.catch(() => {});
}

/** The source has cancelled the move. */
class Cancelled extends Error {
  constructor(reason: string) {
    super(`the other side has given it up: ${reason}`);
  }
}

/**
 * Takes pieces of a file, until the message that ends them. As long as bytes come, the source hears of it: over a slow
 * link a single piece takes longer than it waits.
 *
 * @param meanwhile what else is being done: when it fails, nothing more is waited for
 */
async function expect<N extends Message['name']>(
  channel: Channel,
  host: TargetHost,
  file: Bytes['file'] | undefined,
  name: N,
  meanwhile?: Promise<void>,
): Promise<MessageOf<N>> {
  const taking = takeUntil(channel, host, file, name, meanwhile);
  if (file === undefined) return taking;
  let before = channel.received;
  return alive(channel, 'receiving', taking, () => {
    const last = before;
    before = channel.received;
    return before > last;
  });
}

async function takeUntil<N extends Message['name']>(
  channel: Channel,
  host: TargetHost,
  file: Bytes['file'] | undefined,
  name: N,
  meanwhile?: Promise<void>,
): Promise<MessageOf<N>> {
  let giveUp = (_: unknown) => {};
  let failure: { readonly error: unknown } | undefined;
  meanwhile?.catch((error) => {
    failure = { error };
    giveUp(error);
  });
  /** The next piece comes while the last one is written. */
  let writing: Promise<void> = Promise.resolve();
  try {
    for (;;) {
      if (failure !== undefined) throw failure.error;
      const message = await new Promise<Message>((resolve, reject) => {
        giveUp = reject;
        channel.receive().then(resolve, reject);
      }).catch(async (error) => {
        await writing; // what was wrong before is the reason
        throw error;
      });
      await writing;
      if (message.name === name) return message as MessageOf<N>;
      if (message.name === 'cancel') throw new Cancelled(message.reason);
      if (message.name === 'round' && file === 'snapshot') {
        await channel.send({ name: 'received', round: message.round });
        continue;
      }
      writing = write(host, message, file, name);
      writing.catch((error) => giveUp(error));
    }
  } finally {
    await writing.catch(() => {});
  }
}

/** Takes a piece of a file. @param wanted what might have come instead, for the message */
async function write(host: TargetHost, message: Message, file: Bytes['file'] | undefined, wanted = 'bytes') {
  if ((message.name !== 'bytes' && message.name !== 'packed') || message.file !== file) {
    throw new InputError('stream', `the other side has said "${message.name}" where "${wanted}" was expected`);
  }
  await host.write(message.name === 'bytes' ? message : await unpacked(message));
}

async function unpacked({ file, offset, codec, length, data }: Packed): Promise<Bytes> {
  return { name: 'bytes', file, offset, data: await unpack(codec, data, length) };
}

/** Sends the failure and waits until it is received, so that closing the link does not lose it. */
async function tell(channel: Channel, error: unknown): Promise<void> {
  const known = error instanceof WagSnapError;
  const failed: Message = {
    name: 'failed',
    code: known ? error.code : 'bug',
    exitCode: known ? error.exitCode : 70,
    headline: known ? error.headline : String((error as Error)?.stack ?? error).slice(0, 4000),
    details: known ? error.details.slice(0, 1000) : [],
  };
  const heard = async () => {
    await channel.send(failed);
    for (;;) if ((await channel.receive()).name === 'cancel') return;
  };
  await within(LAST_WORDS, undefined, heard()).catch(() => {});
}
